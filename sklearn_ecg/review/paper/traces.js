// The traces, and their names.

import { setFont } from "./grid.js";
import { mmOf } from "./layout.js";

const NAME_HEIGHT = 7.5; // mm above the lead's zero
const NAME_STEP = 1.5; // mm
const N_NAME_PLACES = 16;
const N_POINTS_PER_PATH = 64;

/** A lead's name, and why nothing is to be seen; where it covers nothing of the signal. While the
 * paper is moved along a row, the name stays in sight. */
export function drawName(pen, sheet, trace) {
  const name = trace.name.replace(/^-/, "−");
  const note = trace.note ? ` (${pen.say(trace.note)})` : "";
  const size = setFont(pen, true);
  const width = pen.context.measureText(name + note).width / pen.scale;
  const [start, end] = [trace.startS, trace.stopS].map((time) => mmOf(sheet, trace, time));
  const hidden = Math.max(pen.left / pen.scale - start, 0);
  const first = start + NAME_STEP * Math.ceil(hidden / NAME_STEP);
  if (hidden && first + width > end) return;
  const places = Array.from({ length: N_NAME_PLACES }, (_, i) => first + NAME_STEP * (i + 1));
  const at = places.find((mm) => !isCovered(sheet, trace, mm, width, size)) ?? places[0];
  const height = pen.y(trace.baseline - NAME_HEIGHT);
  pen.context.fillText(name, pen.x(at), height);
  const behind = pen.x(at) + pen.context.measureText(name).width;
  setFont(pen);
  pen.context.fillText(note, behind, height);
}

/** Whether a trace of this row or the next ones crosses the box of a name. */
function isCovered(sheet, trace, at, width, size) {
  const { recording, speed, gain } = sheet;
  const toSample = (mm) => Math.round(((mm - sheet.left) / speed) * recording.samplingRate);
  const lower = trace.baseline - NAME_HEIGHT + 1.5;
  const upper = trace.baseline - NAME_HEIGHT - size;
  for (const row of sheet.rows.slice(Math.max(trace.row - 1, 0), trace.row + 2)) {
    for (const { lead, sign, start, stop, origin } of row.traces) {
      if (!lead) continue;
      const [from, to] = [at - 1, at + width + 0.5].map((mm) => origin + toSample(mm));
      let before = NaN;
      for (let i = Math.max(from, start); i < Math.min(to, stop); i++) {
        const y = row.baseline - sign * lead.values[i] * gain;
        // The line from a sample to the next may cross the name though neither lies in it.
        if (Math.max(y, before === before ? before : y) > upper) {
          if (Math.min(y, before === before ? before : y) < lower) return true;
        }
        before = y;
      }
    }
  }
  return false;
}

export function drawTrace(pen, sheet, trace) {
  if (!trace.lead) return;
  const { context, x, y, scale } = pen;
  const { recording, speed, gain } = sheet;
  const perSample = (speed / recording.samplingRate) * scale;
  const zero = x(mmOf(sheet, trace, 0));
  const from = Math.max(trace.start, Math.floor(-zero / perSample) - 1);
  const to = Math.min(trace.stop, Math.ceil((pen.width - zero) / perSample) + 2);
  if (trace.start > trace.origin) {
    const at = zero + trace.start * perSample;
    context.beginPath();
    context.moveTo(at, y(trace.baseline - 2.5));
    context.lineTo(at, y(trace.baseline + 2.5));
    context.stroke();
  }
  context.save();
  context.beginPath();
  const top = y(trace.baseline - trace.above);
  context.rect(0, top, pen.width, y(trace.baseline + trace.below) - top);
  context.clip();
  const perMv = -trace.sign * gain * scale;
  strokeLine(context, trace.lead.values, from, to, zero, perSample, y(trace.baseline), perMv);
  context.restore();
}

/** Draw a line through samples: of many that share a column of pixels through the first, the
 * lowest, the highest and the last, which looks the same. Gaps stay open. */
function strokeLine(context, values, from, to, x0, perSample, y0, perMv) {
  let column = null; // of the samples at first, low, high and last
  let [first, low, high, last] = [0, 0, 0, 0];
  let isDown = false;
  let nPoints = 0;
  const add = (i) => {
    const [x, y] = [x0 + i * perSample, y0 + values[i] * perMv];
    // A sample between two gaps is seen as a dot.
    if (!isDown) context.moveTo(x, y);
    context.lineTo(isDown ? x : x + 0.5, y);
    isDown = true;
    // Without a graphics card, long noisy paths take many times longer than their pieces.
    if (++nPoints % N_POINTS_PER_PATH === 0) {
      context.stroke();
      context.beginPath();
      context.moveTo(x, y);
    }
  };
  context.beginPath();
  const flush = () => {
    if (column === null) return;
    add(first);
    const [sooner, later] = low < high ? [low, high] : [high, low];
    if (sooner !== first) add(sooner);
    if (later !== sooner && later !== first) add(later);
    if (last !== later && last !== first) add(last);
    column = null;
  };
  for (let i = from; i < to; i++) {
    const value = values[i];
    if (value !== value) {
      flush();
      isDown = false;
      continue;
    }
    const at = Math.floor(x0 + i * perSample);
    if (at !== column) {
      flush();
      column = at;
      first = low = high = i;
    }
    if (value < values[low]) low = i;
    if (value > values[high]) high = i;
    last = i;
  }
  flush();
  context.stroke();
}
