// P, QRS and T, shaded and marked.

import { mmOf } from "./layout.js";

/** Told apart by readers who do not see red from green, and from the paper. */
export const WAVE_COLORS = { P: "#1f6fb4", QRS: "#c8540a", T: "#00806a" };
const WAVE_MARGIN_MV = 0.08;
const AROUND_PEAK_S = 0.06;

/** A map from leads to their waves, of a list as `ECGPaper.setWaves` takes it. */
export function byLead(waves, recording) {
  const found = new Map();
  for (const wave of waves) {
    const { lead } = recording.find(wave.lead);
    if (!lead || !(wave.wave in WAVE_COLORS)) {
      throw new RangeError(
        `There is no wave ${wave.wave} of lead ${wave.lead}; waves are ` +
          `${Object.keys(WAVE_COLORS)}, leads ${recording.leads.map(({ name }) => name)}.`,
      );
    }
    if (!found.has(lead)) found.set(lead, []);
    found.get(lead).push(wave);
  }
  return found;
}

export function shadeWaves({ context, x, y, scale }, sheet, trace, waves) {
  const { recording, gain } = sheet;
  context.globalAlpha = 0.28;
  for (const { wave, onset, offset, from, to } of wavesOf(sheet, trace, waves)) {
    const drawn = from < to ? heights(trace, from, to) : null;
    if (!drawn) continue;
    const toX = (sample) => x(mmOf(sheet, trace, sample / recording.samplingRate));
    const top = y(trace.baseline - (drawn.high + WAVE_MARGIN_MV) * gain);
    const height = (drawn.high - drawn.low + 2 * WAVE_MARGIN_MV) * gain * scale;
    context.fillStyle = WAVE_COLORS[wave];
    const start = toX(Math.max(onset, trace.start));
    context.fillRect(start, top, toX(Math.min(offset, trace.stop - 1)) - start, height);
  }
  context.globalAlpha = 1;
}

export function markPeaks({ context, x, y, scale }, sheet, trace, waves) {
  const { recording, gain } = sheet;
  for (const { wave, peak, around } of wavesOf(sheet, trace, waves)) {
    const at = Math.round(peak ?? NaN);
    if (!(at >= trace.start && at < trace.stop)) continue;
    const mm = mmOf(sheet, trace, at / recording.samplingRate);
    context.fillStyle = WAVE_COLORS[wave];
    context.beginPath();
    if (wave === "QRS") {
      // The R peak is the same in all leads, so it stands above this lead's own complex.
      const [from, to] = [Math.max(at - around, trace.start), Math.min(at + around, trace.stop)];
      const drawn = heights(trace, from, to);
      if (!drawn) continue;
      const tip = y(trace.baseline - (drawn.high + 2 * WAVE_MARGIN_MV) * gain);
      context.moveTo(x(mm), tip);
      context.lineTo(x(mm - 0.6), tip - scale);
      context.lineTo(x(mm + 0.6), tip - scale);
    } else {
      const value = trace.sign * trace.lead.values[at];
      if (value !== value) continue;
      context.arc(x(mm), y(trace.baseline - value * gain), 0.5 * scale, 0, 2 * Math.PI);
    }
    context.fill();
  }
}

/** The waves of one trace, as far as they lie in it. */
function* wavesOf({ recording }, trace, waves) {
  for (const wave of (trace.lead && waves.get(trace.lead)) ?? []) {
    const from = Math.max(Math.ceil(wave.onset ?? NaN), trace.start);
    const to = Math.min(Math.floor(wave.offset ?? NaN) + 1, trace.stop);
    yield { ...wave, from, to, around: Math.round(AROUND_PEAK_S * recording.samplingRate) };
  }
}

function heights({ lead, sign }, from, to) {
  let [low, high] = [Infinity, -Infinity];
  for (let i = from; i < to; i++) {
    const value = sign * lead.values[i];
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? { low, high } : null;
}
