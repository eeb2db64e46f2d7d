// An ECG on calibrated paper, for web pages and notebooks: one module without dependencies.
//
//   const paper = new ECGPaper(element, { leads, samplingRate, signals });
//   paper.update({ layout: "6x2", speed: 50 });      // any of OPTIONS, at any time
//   paper.setWaves([{ lead: "II", wave: "P", onset: 120, peak: 130, offset: 140 }]);
//
// `signals` holds one Float32Array of mV for each lead, NaN where nothing was recorded. A
// millimetre is as long as the CSS variable --mm of the element says, in px (by default 96 / 25.4,
// true to scale), times the zoom. The paper is as high as it needs to be, up to --ecg-max-height
// (85vh). Without controls it is an overview: ten seconds are in sight, however small.
//
// Keys, while the paper has the focus: arrows, Home, End, Page Up and Page Down move it; + - f
// zoom; l layout, v speed, g gain, w waves, c calipers, m marching calipers. While a caliper has
// the focus, arrows move it by a sample or 0.01 mV, with Shift by 40 ms or 0.1 mV.

/** All visible and spoken words; `strings` replaces any of them. */
export const ENGLISH = {
  label: "{n}-lead ECG, {duration} s, {speed} mm/s, {gain} mm/mV",
  scale: "{speed} mm/s   {gain} mm/mV",
  columns: "{seconds} s of each lead, columns in sequence",
  notShown: "not shown: {leads}",
  seconds: "{n} s",
  // Text after a lead's name, and in the table for readers who do not see the paper.
  recorded: "recorded",
  flat: "flat",
  notRecorded: "not recorded",
  notRecordedHere: "not recorded at this time",
  notInRecord: "not in the record",
  offScale: "cut off",
  gaps: "not recorded for {seconds} s of it",
  headLead: "Lead",
  headState: "State",
  headRange: "From, to (mV)",
  // Controls.
  toolbar: "Paper",
  layout: "Layout",
  cabrera: "Cabrera",
  stacked: "rows",
  lead: "Lead",
  allLeads: "all leads",
  speed: "Speed",
  speedValue: "{n} mm/s",
  gain: "Gain",
  gainValue: "{n} mm/mV",
  zoomIn: "Zoom in",
  zoomOut: "Zoom out",
  fit: "Fit",
  calipers: "Calipers",
  march: "March out",
  waves: "Waves",
  on: "on",
  off: "off",
  noWaves: "no waves found",
  wavesFailed: "the waves could not be had; try again",
  P: "P",
  QRS: "QRS",
  T: "T",
  // Calipers.
  time0: "First time caliper",
  time1: "Second time caliper",
  level0: "First voltage caliper",
  level1: "Second voltage caliper",
  reading: "{ms} ms   {perMinute} /min   {mv} mV",
  keys:
    "Arrow keys move the paper, plus and minus zoom, f fits. l: layout, v: speed, g: gain, " +
    "w: waves, c: calipers, m: marching calipers. Arrow keys move a caliper that has the focus, " +
    "with Shift in larger steps.",
};

const LIMB = ["I", "II", "III", "aVR", "aVL", "aVF"];
const CABRERA = ["aVL", "I", "-aVR", "II", "aVF", "III"];
const CHEST = ["V1", "V2", "V3", "V4", "V5", "V6"];
const GRIDS = {
  "3x4+1": { leads: [...LIMB, ...CHEST], nColumns: 4, strip: "II" },
  "6x2": { leads: [...LIMB, ...CHEST], nColumns: 2 },
  "12x1": { leads: [...LIMB, ...CHEST], nColumns: 1 },
  cabrera: { leads: [...CABRERA, ...CHEST], nColumns: 4, strip: "II" },
};
/** Beside these, a layout may be the name of a lead: that lead alone. */
export const SPEEDS = [25, 50]; // mm/s
export const GAINS = [5, 10, 20]; // mm/mV
const OPTIONS = {
  leads: [],
  samplingRate: null,
  signals: [],
  layout: "auto",
  speed: 25,
  gain: 10,
  zoom: "auto", // or "fit", all in sight; or a number, 1 is true to scale
  waves: null, // a list, or a function that returns one, or a promise of one, when it is asked for
  calipers: false,
  march: false,
  controls: true,
  language: "en", // how numbers are written
  strings: {},
  onChange: null, // called with `state` after each change but scrolling
};

// A grid with fewer of its leads than this would be all but empty.
const FEWEST_IN_GRID = 6;
// Columns of 2.5 s are what "auto" is for; of shorter records they would show less than two beats.
const SHORTEST_FOR_COLUMNS_S = 7;
const LONGEST_FOR_COLUMNS_S = 15;

// Lengths on paper, in mm.
const BIG_SQUARE = 5;
const PULSE = { foot: 2, gap: 3, width: 0.2 /* s */ };
const RIGHT = 5;
const ABOVE = 9;
const BELOW = 9;
const CLOSEST_ROWS = 20;
const CLOSEST_OF_MANY_ROWS = 15;
const NAME_HEIGHT = 7.5; // above the lead's zero
const NAME_SIZE = 3.2;
const NAME_STEP = 1.5;
const N_NAME_PLACES = 16;
const LINE = 0.32;
const STRIP = 270; // ten seconds at 25 mm/s with margins: a page should show them at once
const MOST_STRIPS = 12; // on the printer
// Spikes and loose electrodes beyond these heights, in mV, are not worth the paper.
const FARTHEST_ROWS_MV = 8;
const HIGHEST_MV = 5;

const N_STRETCHES = 20;
const N_POINTS_PER_PATH = 64;
const ZOOMS = { lowest: 0.1, highest: 8, step: 1.25, smallestToRead: 0.6 };
const PX_PER_MM = 96 / 25.4;
// Largest sizes at any zoom: larger text and lines would hide the signal. The smallest
// text is for overviews, in which a mm is shorter than `smallScale`.
const TEXT_PX = { small: 11, largest: 20, smallest: 7, smallScale: 2 };
const THICKEST_LINE_PX = 2.5;
const PAPER = "#fffaf8";
const FINE = "#f7d9d4";
const BOLD = "#eeb0a8";
const INK = "#1a1a1a";
const CALIPER = "#4527a0";
/** Told apart by readers who do not see red from green, and from the paper. */
export const WAVE_COLORS = { P: "#1f6fb4", QRS: "#c8540a", T: "#00806a" };
const WAVE_MARGIN_MV = 0.08;
const AROUND_PEAK_S = 0.06;
const LEVEL_STEPS_MV = { small: 0.01, large: 0.1 };
const LARGE_TIME_STEP_S = 0.04;

/**
 * Read what the desk sends: int16 in steps of `step_mv`, little-endian, lead after lead.
 * @param {ArrayBuffer|ArrayBufferView} buffer -32768 where nothing was recorded
 * @param {{leads: string[], sampling_rate: number, n_times: number, step_mv: number}} header
 */
export function decodeSignals(buffer, header) {
  const { leads, sampling_rate: samplingRate, n_times: nTimes, step_mv: stepMv } = header;
  const bytes = bytesOf(buffer);
  if (bytes.byteLength !== 2 * leads.length * nTimes) {
    throw new RangeError(
      `The signals have ${bytes.byteLength} bytes; ${leads.length} leads of ${nTimes} samples ` +
        `have ${2 * leads.length * nTimes}.`,
    );
  }
  const signals = leads.map((_, lead) => {
    const values = new Float32Array(nTimes);
    for (let i = 0; i < nTimes; i++) {
      const steps = bytes.getInt16(2 * (lead * nTimes + i), true);
      values[i] = steps === -32768 ? NaN : steps * stepMv;
    }
    return values;
  });
  return { leads, samplingRate, signals };
}

function bytesOf(buffer) {
  return ArrayBuffer.isView(buffer)
    ? new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength)
    : new DataView(buffer);
}

// ---- The record ---------------------------------------------------------------------------------

/** A record with each lead about its median: an electrode's offset is no finding, and would push
 * the lead off its row. */
class Recording {
  constructor(leads, samplingRate, signals) {
    if (!(samplingRate > 0)) {
      throw new RangeError(`samplingRate must be positive, in Hz; got ${samplingRate}.`);
    }
    if (!leads.length || leads.length !== signals.length) {
      throw new RangeError(
        `There are ${leads.length} names of leads for ${signals.length} signals.`,
      );
    }
    const lengths = new Set(signals.map((values) => values.length));
    if (lengths.size > 1 || lengths.has(0)) {
      throw new RangeError(`signals must be of one length, above 0; got ${[...lengths]} samples.`);
    }
    this.samplingRate = samplingRate;
    [this.nTimes] = lengths;
    this.durationS = this.nTimes / samplingRate;
    this.leads = leads.map((name, i) => describeLead(name, signals[i]));
    this.byKey = new Map(this.leads.map((lead) => [keyOf(lead.name), lead]));
  }

  /** A lead by its name in any case of letters; -aVR is made of aVR, and the reverse. */
  find(name) {
    const key = keyOf(name);
    const inverted = key.startsWith("-") ? key.slice(1) : `-${key}`;
    if (this.byKey.has(key)) return { lead: this.byKey.get(key), sign: 1 };
    if (this.byKey.has(inverted)) return { lead: this.byKey.get(inverted), sign: -1 };
    return { lead: null, sign: 1 };
  }

  trace(name, start = 0, stop = this.nTimes, found = this.find(name)) {
    return { name, start, stop, ...found };
  }
}

function keyOf(name) {
  return name.toLowerCase().replace(/[\s_]/g, "");
}

function describeLead(name, signal) {
  const median = medianOf(signal);
  const values = new Float32Array(signal.length);
  let [low, high, nFinite] = [Infinity, -Infinity, 0];
  for (let i = 0; i < signal.length; i++) {
    const value = Number.isFinite(signal[i]) ? signal[i] - median : NaN;
    values[i] = value;
    if (value < low) low = value;
    if (value > high) high = value;
    if (value === value) nFinite++;
  }
  return { name, values, low, high, median, nFinite, isFlat: nFinite > 0 && low === high };
}

/** The median of finite samples; for long signals of about 20,000 samples. */
function medianOf(signal) {
  const step = Math.ceil(signal.length / 20000);
  const finite = new Float32Array(Math.ceil(signal.length / step));
  let n = 0;
  for (let i = 0; i < signal.length; i += step) {
    if (Number.isFinite(signal[i])) finite[n++] = signal[i];
  }
  if (!n) return 0;
  const sorted = finite.subarray(0, n).sort();
  return (sorted[(n - 1) >> 1] + sorted[n >> 1]) / 2;
}

// ---- Which lead is drawn where ------------------------------------------------------------------

/** The layouts that suit a record, first the one that "auto" is. */
function layoutsFor(recording) {
  const { durationS, leads } = recording;
  const standard = GRIDS["12x1"].leads.filter((name) => recording.find(name).lead);
  if (standard.length < FEWEST_IN_GRID) return ["stacked"];
  const isUsual =
    standard.length === 12 &&
    leads.length === 12 &&
    durationS >= SHORTEST_FOR_COLUMNS_S &&
    durationS <= LONGEST_FOR_COLUMNS_S;
  const grids = Object.keys(GRIDS);
  return isUsual ? [...grids, "stacked"] : ["stacked", ...grids];
}

/** Rows of traces from the top, and the layout that they are in: where the one that was asked for
 * does not suit the record, the one that "auto" is. */
function arrange(recording, asked) {
  const single = recording.find(asked);
  if (single.lead) return { layout: asked, rows: [[recording.trace(asked)]] };
  const suitable = layoutsFor(recording);
  const layout = suitable.includes(asked) ? asked : suitable[0];
  if (layout === "stacked") {
    const whole = (lead) => recording.trace(lead.name, 0, recording.nTimes, { lead, sign: 1 });
    return { layout, rows: recording.leads.map((lead) => [whole(lead)]) };
  }
  const { leads, nColumns, strip } = GRIDS[layout];
  const nRows = leads.length / nColumns;
  const edge = (column) => Math.round((column * recording.nTimes) / nColumns);
  const rows = Array.from({ length: nRows }, (_, row) =>
    Array.from({ length: nColumns }, (_, column) =>
      recording.trace(leads[column * nRows + row], edge(column), edge(column + 1)),
    ),
  );
  if (strip && recording.find(strip).lead) rows.push([recording.trace(strip)]);
  return { layout, rows };
}

/** Each row's zero and the height of the paper, in mm from its top: rows are so far apart that
 * waves of neighbours do not meet. */
function placeRows(rows, recording, gain) {
  const stretches = rows.map((row) => extremesOf(row, recording.nTimes));
  const toStep = (mm) => BIG_SQUARE * Math.ceil(mm / BIG_SQUARE - 1e-9);
  const highest = Math.max(...stretches[0].map(({ high }) => high));
  // The pulse of 1 mV has room too.
  const baselines = [toStep(clamp(highest, 1, HIGHEST_MV) * gain + ABOVE)];
  const closest = rows.length > 7 ? CLOSEST_OF_MANY_ROWS : CLOSEST_ROWS;
  const farthest = Math.max(closest, toStep(FARTHEST_ROWS_MV * gain));
  for (let row = 1; row < rows.length; row++) {
    const needed = stretches[row].map(({ high }, i) => high - stretches[row - 1][i].low);
    const gap = toStep(Math.max(...needed) * gain + 1);
    baselines.push(baselines[row - 1] + clamp(gap, closest, farthest));
  }
  const lowest = Math.min(...stretches.at(-1).map(({ low }) => low));
  const below = clamp(-lowest, 0, HIGHEST_MV) * gain + BELOW;
  return { baselines, height: toStep(baselines.at(-1) + below) };
}

/** The extremes of a row in stretches of time within which waves of two rows could meet. */
function extremesOf(row, nTimes) {
  return Array.from({ length: N_STRETCHES }, (_, k) => {
    const from = Math.floor((k * nTimes) / N_STRETCHES);
    const to = Math.floor(((k + 1) * nTimes) / N_STRETCHES);
    // No lead crosses the zero of a neighbour, wherever that one is.
    let [low, high] = [0, 0];
    for (const { lead, sign, start, stop } of row) {
      if (!lead) continue;
      for (let i = Math.max(from, start); i < Math.min(to, stop); i++) {
        const value = sign * lead.values[i];
        if (value < low) low = value;
        if (value > high) high = value;
      }
    }
    return { low, high };
  });
}

/** Why a trace is not, or not fully, visible: a key of the strings, or null. */
function noteOf({ lead, sign, start, stop }, above, below, gain) {
  if (!lead) return "notInRecord";
  if (!lead.nFinite) return "notRecorded";
  let [low, high] = [Infinity, -Infinity];
  for (let i = start; i < stop; i++) {
    const value = sign * lead.values[i];
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) return "notRecordedHere";
  if (low === high) return "flat";
  return high * gain > above || -low * gain > below ? "offScale" : null;
}

// ---- Drawing ------------------------------------------------------------------------------------

/** One window of the paper on a canvas: `left` and `top` are its corner in device pixels, of which
 * `scale` are a mm and `ratio` a CSS pixel. */
function drawPaper(context, sheet, { left, top, width, height, scale, ratio }, shown) {
  const pen = { context, left, top, width, height, scale, ratio };
  pen.x = (mm) => mm * scale - left;
  pen.y = (mm) => mm * scale - top;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.fillStyle = PAPER;
  context.fillRect(0, 0, width, height);
  drawGrid(pen);
  drawTimes(pen, sheet);
  if (shown.waves) eachTrace(pen, sheet, (trace) => shadeWaves(pen, sheet, trace, shown.waves));
  eachTrace(pen, sheet, (trace) => drawName(pen, sheet, trace));
  context.lineWidth = clamp(LINE * scale, 1, THICKEST_LINE_PX * ratio);
  context.lineJoin = context.lineCap = "round";
  context.strokeStyle = context.fillStyle = INK;
  sheet.rows.forEach(({ baseline }) => drawPulse(pen, sheet, baseline));
  eachTrace(pen, sheet, (trace) => drawTrace(pen, sheet, trace));
  if (shown.waves) eachTrace(pen, sheet, (trace) => markPeaks(pen, sheet, trace, shown.waves));
  drawFooter(pen, sheet);
  if (shown.march) drawMarch(pen, sheet, shown.march);
}

function eachTrace(pen, sheet, draw) {
  for (const row of sheet.rows) {
    for (const trace of row.traces) {
      const from = pen.x(sheet.left + trace.startS * sheet.speed);
      const to = pen.x(sheet.left + trace.stopS * sheet.speed);
      if (to >= 0 && from <= pen.width) draw(trace);
    }
  }
}

/** Thin lines every millimetre, bold ones every five; each on whole pixels, so that it is crisp. */
function drawGrid({ context, scale, left, top, width, height }) {
  const line = Math.max(1, Math.round(scale / 12));
  for (const [step, color] of [[1, FINE], [BIG_SQUARE, BOLD]]) {
    // Lines closer than four pixels would be a pink haze.
    context.globalAlpha = clamp((step * scale - 1) / 3, 0, 1);
    context.fillStyle = color;
    for (let i = Math.ceil(left / (step * scale)); i * step * scale <= left + width; i++) {
      context.fillRect(Math.round(i * step * scale - left), 0, line, height);
    }
    for (let i = Math.ceil(top / (step * scale)); i * step * scale <= top + height; i++) {
      context.fillRect(0, Math.round(i * step * scale - top), width, line);
    }
  }
  context.globalAlpha = 1;
}

/** Set the font, and return its height in mm. */
function setFont({ context, scale, ratio }, isBold = false) {
  const { small, smallest, largest } = TEXT_PX;
  const least = scale < TEXT_PX.smallScale * ratio ? smallest : small;
  const size = clamp(NAME_SIZE * scale, least * ratio, largest * ratio);
  context.font = `${isBold ? "bold " : ""}${size}px system-ui, sans-serif`;
  context.fillStyle = INK;
  context.textBaseline = "alphabetic";
  return size / scale;
}

/** Seconds along the upper edge of recordings longer than a strip. */
function drawTimes(pen, sheet) {
  if (sheet.recording.durationS <= LONGEST_FOR_COLUMNS_S) return;
  const size = setFont(pen);
  for (let second = 0; second <= sheet.recording.durationS; second++) {
    const x = Math.round(pen.x(sheet.left + second * sheet.speed));
    if (x < -100 || x > pen.width) continue;
    pen.context.fillRect(x, pen.y(0), 1, (second % 5 ? 1.5 : 3) * pen.scale);
    if (second % 5 === 0) {
      pen.context.fillText(sheet.say("seconds", { n: second }), x + pen.scale, pen.y(size + 0.5));
    }
  }
}

/** The pulse of 1 mV and 200 ms with which a recorder shows its scale. */
function drawPulse({ context, x, y }, { speed, gain }, baseline) {
  const rise = PULSE.foot;
  const fall = rise + PULSE.width * speed;
  const points = [[0, 0], [rise, 0], [rise, gain], [fall, gain], [fall, 0], [fall + PULSE.foot, 0]];
  context.beginPath();
  points.forEach(([mm, up]) => context.lineTo(x(PULSE.gap + mm), y(baseline - up)));
  context.stroke();
}

/** A lead's name, and why nothing is to be seen; where it covers nothing of the signal. While the
 * paper is moved along a row, the name stays in sight. */
function drawName(pen, sheet, trace) {
  const note = trace.note ? ` (${sheet.say(trace.note)})` : "";
  const size = setFont(pen, true);
  const width = pen.context.measureText(trace.name + note).width / pen.scale;
  const start = sheet.left + trace.startS * sheet.speed;
  const end = sheet.left + trace.stopS * sheet.speed;
  const hidden = Math.max(pen.left / pen.scale - start, 0);
  const first = start + NAME_STEP * Math.ceil(hidden / NAME_STEP);
  if (hidden && first + width > end) return;
  const places = Array.from({ length: N_NAME_PLACES }, (_, i) => first + NAME_STEP * (i + 1));
  const at = places.find((mm) => !isCovered(sheet, trace, mm, width, size)) ?? places[0];
  const height = pen.y(trace.baseline - NAME_HEIGHT);
  pen.context.fillText(trace.name, pen.x(at), height);
  const behind = pen.x(at) + pen.context.measureText(trace.name).width;
  setFont(pen);
  pen.context.fillText(note, behind, height);
}

/** Whether a trace of this row or the next ones crosses the box of a name. */
function isCovered(sheet, trace, at, width, size) {
  const { recording, speed, gain } = sheet;
  const toSample = (mm) => Math.round(((mm - sheet.left) / speed) * recording.samplingRate);
  const [from, to] = [toSample(at - 1), toSample(at + width + 0.5)];
  const lower = trace.baseline - NAME_HEIGHT + 1.5;
  const upper = trace.baseline - NAME_HEIGHT - size;
  for (const row of sheet.rows.slice(Math.max(trace.row - 1, 0), trace.row + 2)) {
    for (const { lead, sign, start, stop } of row.traces) {
      if (!lead) continue;
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

function drawTrace(pen, sheet, trace) {
  if (!trace.lead) return;
  const { context, x, y, scale } = pen;
  const { recording, speed, gain } = sheet;
  const perSample = (speed / recording.samplingRate) * scale;
  const zero = x(sheet.left);
  const from = Math.max(trace.start, Math.floor(-zero / perSample) - 1);
  const to = Math.min(trace.stop, Math.ceil((pen.width - zero) / perSample) + 2);
  if (trace.startS > 0) {
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

function shadeWaves({ context, x, y, scale }, sheet, trace, waves) {
  const { recording, speed, gain } = sheet;
  context.globalAlpha = 0.28;
  for (const { wave, onset, offset, from, to } of wavesOf(sheet, trace, waves)) {
    const drawn = from < to ? heights(trace, from, to) : null;
    if (!drawn) continue;
    const toX = (sample) => x(sheet.left + (sample / recording.samplingRate) * speed);
    const top = y(trace.baseline - (drawn.high + WAVE_MARGIN_MV) * gain);
    const height = (drawn.high - drawn.low + 2 * WAVE_MARGIN_MV) * gain * scale;
    context.fillStyle = WAVE_COLORS[wave];
    const start = toX(Math.max(onset, trace.start));
    context.fillRect(start, top, toX(Math.min(offset, trace.stop - 1)) - start, height);
  }
  context.globalAlpha = 1;
}

function markPeaks({ context, x, y, scale }, sheet, trace, waves) {
  const { recording, speed, gain } = sheet;
  for (const { wave, peak, around } of wavesOf(sheet, trace, waves)) {
    const at = Math.round(peak ?? NaN);
    if (!(at >= trace.start && at < trace.stop)) continue;
    const mm = sheet.left + (at / recording.samplingRate) * speed;
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

function drawFooter(pen, sheet) {
  const size = setFont(pen);
  const [row] = sheet.rows;
  const parts = [sheet.say("scale", { speed: sheet.speed, gain: sheet.gain })];
  if (row.traces.length > 1) {
    const seconds = sheet.say.number(row.traces[0].stopS, 3);
    parts.push(sheet.say("columns", { seconds }));
  }
  if (sheet.hidden.length) parts.push(sheet.say("notShown", { leads: sheet.hidden.join(", ") }));
  const bottom = pen.y(sheet.height - Math.max(2, size / 2));
  const text = parts.join("     ");
  // In an overview there may be no room for it.
  const isOverview = pen.scale < TEXT_PX.smallScale * pen.ratio;
  if (isOverview && pen.context.measureText(text).width > pen.width) return;
  pen.context.fillText(text, 2.5 * pen.scale, bottom);
}

/** The interval between the calipers, marked again and again on both sides. */
function drawMarch(pen, sheet, { from, interval }) {
  const { context, x, height } = pen;
  const step = interval * sheet.speed * pen.scale;
  if (step < 4) return;
  context.fillStyle = CALIPER;
  context.globalAlpha = 0.5;
  const first = x(sheet.left + from * sheet.speed);
  for (let at = first - Math.ceil(first / step) * step; at <= pen.width; at += step) {
    if (x(sheet.left) <= at + 1) context.fillRect(Math.round(at), 0, 1, height);
  }
  context.globalAlpha = 1;
}

// ---- The element --------------------------------------------------------------------------------

const STYLE = `
.ecg-paper { display: flex; flex-direction: column; min-width: 0; min-height: 0; gap: 4px; }
.ecg-paper [hidden] { display: none; }
.ecg-toolbar { display: flex; flex-wrap: wrap; gap: 4px; }
.ecg-toolbar button, .ecg-toolbar select {
  font: inherit; min-height: 32px; min-width: 32px; padding: 2px 6px; color: inherit;
  background: transparent; border: 1px solid currentColor; border-radius: 4px; cursor: pointer;
}
.ecg-toolbar :disabled { opacity: 0.5; cursor: default; }
.ecg-toolbar option { color: #1a1a1a; background: #fff; }
.ecg-toolbar button[aria-pressed="true"] { outline: 2px solid currentColor; outline-offset: -4px; }
.ecg-view {
  position: relative; overflow: auto; flex: 0 1 auto; box-sizing: content-box;
  min-height: 8rem; max-height: var(--ecg-max-height, 85vh); border: 1px solid ${BOLD};
  background: ${PAPER}; color: ${INK}; cursor: grab; user-select: none; -webkit-user-select: none;
  touch-action: pan-x pan-y; overscroll-behavior-x: contain; forced-color-adjust: none;
}
.ecg-view:active { cursor: grabbing; }
.ecg-view:focus-visible, .ecg-toolbar :focus-visible {
  outline: 3px solid #1a5fb4; outline-offset: 1px;
}
.ecg-content { position: relative; overflow: clip; min-width: 100%; min-height: 100%; }
.ecg-window { position: sticky; left: 0; top: 0; width: 0; height: 0; }
.ecg-window canvas { display: block; }
.ecg-caliper { position: absolute; display: flex; touch-action: none; }
.ecg-caliper::after { content: ""; position: absolute; background: ${CALIPER}; opacity: 0.75; }
.ecg-caliper:focus-within { background: color-mix(in srgb, ${CALIPER} 25%, transparent); }
.ecg-caliper [role="slider"] {
  position: sticky; flex: none; width: 24px; height: 24px; z-index: 1; opacity: 0.6;
  background: ${CALIPER} content-box; border-radius: 50%; outline-offset: -2px; padding: 2px;
  box-sizing: border-box;
}
.ecg-caliper[data-axis="time"] {
  flex-direction: column; align-items: center; top: 0; bottom: 0; width: 24px; margin-left: -12px;
  cursor: ew-resize;
}
.ecg-caliper[data-axis="time"]::after { top: 0; bottom: 0; left: calc(50% - 1px); width: 2px; }
.ecg-caliper[data-axis="time"] :first-child { top: 0; }
.ecg-caliper[data-axis="time"] .is-second { bottom: 0; margin-top: auto; }
.ecg-caliper[data-axis="level"] {
  align-items: center; left: 0; right: 0; height: 24px; margin-top: -12px; cursor: ns-resize;
}
.ecg-caliper[data-axis="level"]::after { left: 0; right: 0; top: calc(50% - 1px); height: 2px; }
.ecg-caliper[data-axis="level"] :first-child { left: 0; }
.ecg-caliper[data-axis="level"] .is-second { right: 0; margin-left: auto; }
@media (pointer: coarse) {
  .ecg-toolbar button, .ecg-toolbar select { min-height: 44px; min-width: 44px; }
  .ecg-caliper [role="slider"] { width: 44px; height: 44px; padding: 10px; }
}
.ecg-foot { display: flex; flex-wrap: wrap; gap: 4px 24px; min-height: 1.5em; }
.ecg-reading { font-weight: 600; font-variant-numeric: tabular-nums; white-space: pre; }
.ecg-legend { display: flex; gap: 16px; margin: 0 0 0 auto; padding: 0; list-style: none; }
.ecg-legend span {
  display: inline-block; width: 1em; height: 1em; margin-right: 6px; vertical-align: -0.1em;
  forced-color-adjust: none; print-color-adjust: exact; -webkit-print-color-adjust: exact;
}
.ecg-unseen {
  position: absolute; width: 1px; height: 1px; margin: -1px; overflow: hidden;
  clip-path: inset(50%); white-space: nowrap;
}
.ecg-print { display: none; }
@media print {
  .ecg-toolbar, .ecg-view, .ecg-reading { display: none; }
  .ecg-print { display: block; }
  .ecg-print canvas { display: block; max-width: 100%; break-inside: avoid; }
}
`;
let styleSheet = null;

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

let nPapers = 0;

/** An ECG on paper in an element of the page. */
export class ECGPaper {
  #element;
  #options = { ...OPTIONS };
  #say;
  #recording;
  #sheet;
  #zoom = 1;
  #heightPx = 0; // of the view
  #waves = null; // Map of lead to list
  #wavesShown = false;
  #asked = null; // the recording whose waves are awaited
  #times = null; // s
  #levels = null; // {row, mv}
  #part = {}; // elements by name
  #calipers = [];
  #pending = 0;
  #away = new AbortController();
  #resized;

  constructor(element, options) {
    this.#element = element;
    element.classList.add("ecg-paper");
    this.#build();
    this.update(options);
    this.#resized = new ResizeObserver(() => this.#resize());
    this.#resized.observe(element);
  }

  /** The present display, as constant values. */
  get state() {
    const { layout, speed, gain, calipers, march } = this.#options;
    const sheet = this.#sheet;
    return Object.freeze({
      layout: sheet.layout,
      layoutAsked: layout,
      layouts: layoutsFor(this.#recording),
      speed,
      gain,
      zoom: this.#zoom,
      pxPerMm: this.#pxPerMm,
      label: this.#label(),
      durationS: this.#recording.durationS,
      paperMm: { left: sheet.left, width: sheet.width, height: sheet.height },
      rows: sheet.rows.map((row) => ({
        baselineMm: row.baseline,
        traces: row.traces.map(({ name, lead, sign, startS, stopS, note }) => ({
          name, lead: lead?.name ?? null, sign, startS, stopS, note,
        })),
      })),
      notShown: sheet.hidden,
      scroll: { left: this.#part.view.scrollLeft, top: this.#part.view.scrollTop },
      calipers,
      march,
      reading: calipers ? this.#measure() : null,
      wavesShown: this.#wavesShown,
    });
  }

  /** Change options; a new record is shown from its start. */
  update(options = {}) {
    const next = { ...this.#options, ...options };
    checkOption("speed", next.speed, SPEEDS);
    checkOption("gain", next.gain, GAINS);
    const isNew = ["leads", "samplingRate", "signals"].some((name) => name in options);
    const recording = isNew
      ? new Recording(next.leads, next.samplingRate, next.signals)
      : this.#recording;
    if (isNew && !("waves" in options) && Array.isArray(next.waves)) next.waves = null;
    this.#options = next;
    this.#recording = recording;
    this.#say = speaker(next);
    if (isNew) {
      this.#asked = null;
      this.#part.view.scrollTo(0, 0);
      this.#times = this.#levels = null;
    }
    if (isNew || "waves" in options) this.#readWaves(next.waves);
    this.#relayOut();
    this.#refresh();
    next.onChange?.(this.state);
  }

  /** Mark waves: a list of {lead, wave: "P" | "QRS" | "T", onset, peak, offset} in samples, null
   * where absent; or null, to mark none. */
  setWaves(list) {
    this.update({ waves: list });
  }

  /** Show or hide waves; where `waves` is a function, it is asked when they are first shown. */
  async toggleWaves() {
    const [recording, ask] = [this.#recording, this.#options.waves];
    if (this.#waves || typeof ask !== "function") {
      this.#wavesShown = !this.#wavesShown && this.#waves !== null;
      this.#changed();
      this.#tell("waves");
      return;
    }
    if (this.#asked === recording) return;
    this.#asked = recording;
    const list = await Promise.resolve(recording).then(ask).catch(() => null);
    // Another record may be on the paper by now.
    if (this.#asked !== recording) return;
    this.#asked = null;
    if (list) this.#readWaves(list);
    this.#changed();
    if (!list) this.#part.note.textContent = this.#say("wavesFailed");
    this.#tell("waves");
  }

  nextLayout() {
    const layouts = layoutsFor(this.#recording);
    this.update({ layout: following(layouts, this.#sheet.layout) });
    this.#tell("layout");
  }

  nextSpeed() {
    this.update({ speed: following(SPEEDS, this.#options.speed) });
    this.#tell("speed");
  }

  nextGain() {
    this.update({ gain: following(GAINS, this.#options.gain) });
    this.#tell("gain");
  }

  zoomIn() {
    this.#zoomAbout(this.#zoom * ZOOMS.step);
    this.#changed();
  }

  zoomOut() {
    this.#zoomAbout(this.#zoom / ZOOMS.step);
    this.#changed();
  }

  /** Show all at once, or return to a readable size. */
  fit() {
    this.update({ zoom: this.#options.zoom === "fit" ? "auto" : "fit" });
  }

  /** Move the paper by mm. */
  pan(right, down = 0) {
    const { view } = this.#part;
    view.scrollBy({ left: right * this.#pxPerMm, top: down * this.#pxPerMm, behavior: "instant" });
  }

  toggleCalipers() {
    this.update({ calipers: !this.#options.calipers });
    this.#tell("calipers");
  }

  toggleMarch() {
    this.update({ march: !this.#options.march, calipers: true });
    this.#tell("march");
  }

  /** Place the calipers: two times in s, and two levels {row, mv}, rows counted from 0. */
  setCalipers({ times = this.#times, levels = this.#levels } = {}) {
    if (!this.#times) this.#placeCalipers();
    times?.forEach((time, i) => this.#moveTime(i, time));
    levels?.forEach(({ row, mv }, i) => this.#moveLevel(i, row, mv));
    this.update({ calipers: true });
  }

  /** Where a time in s and a value in mV of a lead are, in px from the corner of the view; null
   * where the layout does not show them. The value counts from the lead's median. */
  position(name, time, mv = 0) {
    const { lead } = this.#recording.find(name);
    const { speed, gain } = this.#options;
    for (const { baseline, traces } of this.#sheet.rows) {
      for (const trace of traces) {
        if (!lead || trace.lead !== lead || time < trace.startS || time > trace.stopS) continue;
        return {
          x: (this.#sheet.left + time * speed) * this.#pxPerMm - this.#part.view.scrollLeft,
          y: (baseline - trace.sign * mv * gain) * this.#pxPerMm - this.#part.view.scrollTop,
        };
      }
    }
    return null;
  }

  destroy() {
    this.#away.abort();
    this.#resized.disconnect();
    cancelAnimationFrame(this.#pending);
    this.#element.replaceChildren();
    this.#element.classList.remove("ecg-paper");
  }

  // -- Elements

  #build() {
    const part = this.#part;
    const id = `ecg-keys-${++nPapers}`;
    part.canvas = make("canvas");
    part.canvas.setAttribute("role", "img");
    part.content = make("div", { className: "ecg-content" },
      make("div", { className: "ecg-window" }, part.canvas));
    part.view = make("div", { className: "ecg-view", tabIndex: 0 }, part.content);
    part.view.setAttribute("role", "application");
    part.view.setAttribute("aria-describedby", id);
    part.legend = make("ul", { className: "ecg-legend" });
    part.note = make("span");
    part.note.setAttribute("role", "status");
    part.foot = make("div", { className: "ecg-foot" }, part.note, part.legend);
    part.keys = make("p", { id, hidden: true });
    part.told = make("p", { className: "ecg-unseen" });
    part.told.setAttribute("role", "status");
    part.table = make("table");
    part.print = make("div", { className: "ecg-print" });
    this.#element.replaceChildren(
      part.view, part.foot, part.keys, part.told,
      make("div", { className: "ecg-unseen" }, part.table), part.print);
    const listen = (target, type, listener, options = {}) =>
      target.addEventListener(type, listener, { signal: this.#away.signal, ...options });
    listen(part.view, "scroll", () => this.#schedule());
    listen(part.view, "wheel", (event) => this.#onWheel(event), { passive: false });
    listen(this.#element, "keydown", (event) => this.#onKey(event));
    listen(window, "resize", () => this.#resize());
    listen(window, "beforeprint", () => this.#print());
    listen(window, "afterprint", () => part.print.replaceChildren());
    this.#listenToPointers(listen);
  }

  /** Write all words, and draw. */
  #refresh() {
    const { part, say } = { part: this.#part, say: this.#say };
    part.canvas.setAttribute("aria-label", this.#label());
    part.view.setAttribute("aria-label", this.#label());
    part.keys.textContent = say("keys");
    this.#writeToolbar();
    this.#writeLegend();
    this.#writeTable();
    this.#takeSize();
    if (this.#options.calipers && !this.#times) this.#placeCalipers();
    this.#writeCalipers();
    this.#draw();
  }

  #buildToolbar() {
    const part = this.#part;
    const button = (testId, key, method) => {
      const made = make("button", { type: "button", onclick: () => this[method]() });
      made.dataset.testid = testId;
      made.setAttribute("aria-keyshortcuts", key);
      return made;
    };
    part.buttons = {
      layout: button("layout", "l", "nextLayout"),
      speed: button("speed", "v", "nextSpeed"),
      gain: button("gain", "g", "nextGain"),
      zoomOut: button("zoom-out", "-", "zoomOut"),
      zoomIn: button("zoom-in", "+", "zoomIn"),
      fit: button("fit", "f", "fit"),
      calipers: button("calipers", "c", "toggleCalipers"),
      march: button("march", "m", "toggleMarch"),
      waves: button("waves", "w", "toggleWaves"),
    };
    part.lead = make("select", { onchange: () => this.update({ layout: part.lead.value }) });
    part.lead.dataset.testid = "lead";
    part.toolbar = make("div", { className: "ecg-toolbar" }, ...Object.values(part.buttons));
    part.toolbar.setAttribute("role", "group");
    part.buttons.layout.after(part.lead);
    this.#element.prepend(part.toolbar);
  }

  #writeToolbar() {
    const [part, say] = [this.#part, this.#say];
    const { controls, layout, speed, gain, zoom, calipers, march, waves } = this.#options;
    if (controls && !part.toolbar) this.#buildToolbar();
    if (!part.toolbar) return;
    part.toolbar.hidden = !controls;
    part.toolbar.setAttribute("aria-label", say("toolbar"));
    const shown = this.#sheet.layout;
    const texts = {
      layout: shown in ENGLISH ? say(shown) : shown,
      speed: say("speedValue", { n: speed }),
      gain: say("gainValue", { n: gain }),
      zoomOut: "−",
      zoomIn: "+",
    };
    const pressed = { fit: zoom === "fit", calipers, march, waves: this.#wavesShown };
    for (const [name, button] of Object.entries(part.buttons)) {
      const text = texts[name] ?? say(name);
      button.textContent = text;
      button.title = `${say(name)} (${button.getAttribute("aria-keyshortcuts")})`;
      button.setAttribute("aria-label", name in texts ? `${say(name)}: ${text}` : text);
      if (name in pressed) button.setAttribute("aria-pressed", String(pressed[name]));
    }
    part.buttons.waves.disabled = waves === null;
    part.lead.setAttribute("aria-label", say("lead"));
    part.lead.replaceChildren(
      new Option(say("allLeads"), "auto"),
      ...this.#recording.leads.map(({ name }) => new Option(name, name)));
    part.lead.value = this.#recording.find(layout).lead?.name ?? "auto";
  }

  #label() {
    const { speed, gain } = this.#options;
    const { leads, durationS } = this.#recording;
    const duration = this.#say.number(durationS, 3);
    return this.#say("label", { n: leads.length, duration, speed, gain });
  }

  #writeLegend() {
    const { legend, foot, note } = this.#part;
    const { controls, calipers } = this.#options;
    foot.hidden = !(controls || calipers || this.#wavesShown);
    legend.hidden = !this.#wavesShown || !this.#waves.size;
    note.textContent = this.#wavesShown && !this.#waves.size ? this.#say("noWaves") : "";
    legend.replaceChildren(...Object.entries(WAVE_COLORS).map(([wave, color]) => {
      const swatch = make("span");
      swatch.style.background = color;
      return make("li", {}, swatch, this.#say(wave));
    }));
  }

  /** The record in words, for readers who do not see it. */
  #writeTable() {
    const say = this.#say;
    const row = (tag, ...texts) =>
      make("tr", {}, ...texts.map((text) => make(tag, { textContent: text })));
    this.#part.table.replaceChildren(
      make("caption", { textContent: this.#label() }),
      row("th", say("headLead"), say("headState"), say("headRange")),
      ...this.#recording.leads.map((lead) => {
        const { name, low, high, median, nFinite, isFlat } = lead;
        const missing = (lead.values.length - nFinite) / this.#recording.samplingRate;
        const seen = this.#sheet.rows.flatMap(({ traces }) => traces);
        const isCut = seen.some((trace) => trace.lead === lead && trace.note === "offScale");
        const states = [
          !nFinite ? say("notRecorded") : isFlat ? say("flat") : say("recorded"),
          nFinite && missing ? say("gaps", { seconds: say.number(missing, 3) }) : "",
          isCut ? say("offScale") : "",
        ];
        const range = nFinite ? [low, high].map((mv) => say.number(mv + median, 3)) : [];
        return row("td", name, states.filter(Boolean).join(", "), range.join(", "));
      }));
  }

  /** Say the value of a control aloud: its key may have been pressed anywhere. */
  #tell(name) {
    const say = this.#say;
    const { layout, speed, gain, calipers, march } = this.state;
    const isOn = { calipers, march, waves: this.#wavesShown }[name];
    const values = {
      layout: layout in ENGLISH ? say(layout) : layout,
      speed: say("speedValue", { n: speed }),
      gain: say("gainValue", { n: gain }),
    };
    this.#part.told.textContent = `${say(name)}: ${values[name] ?? say(isOn ? "on" : "off")}`;
  }

  // -- Layout, zoom and drawing

  #relayOut() {
    const { layout: asked, speed, gain } = this.#options;
    const recording = this.#recording;
    const { layout, rows } = arrange(recording, asked);
    const { baselines, height } = placeRows(rows, recording, gain);
    const left = PULSE.width * speed + 2 * BIG_SQUARE;
    const seen = new Set(rows.flat().map(({ lead }) => lead));
    this.#sheet = {
      recording, layout, speed, gain, left, height,
      say: this.#say,
      width: left + recording.durationS * speed + RIGHT,
      hidden: layout in GRIDS
        ? recording.leads.filter((lead) => !seen.has(lead)).map(({ name }) => name)
        : [],
      rows: rows.map((row, i) => {
        // A trace is cut off where it would cross the zero of a neighbour.
        const above = baselines[i] - (baselines[i - 1] ?? 0);
        const below = (baselines[i + 1] ?? height) - baselines[i];
        return {
          baseline: baselines[i],
          traces: row.map((trace) => ({
            ...trace, above, below, row: i, baseline: baselines[i],
            startS: trace.start / recording.samplingRate,
            stopS: trace.stop / recording.samplingRate,
            note: noteOf(trace, above, below, gain),
          })),
        };
      }),
    };
    if (this.#levels) this.#levels.forEach(({ row, mv }, i) => this.#moveLevel(i, row, mv));
  }

  get #mm() {
    return parseFloat(getComputedStyle(this.#element).getPropertyValue("--mm")) || PX_PER_MM;
  }

  get #pxPerMm() {
    return this.#mm * this.#zoom;
  }

  #resize() {
    this.#takeSize();
    this.#draw();
  }

  /** Take the size that the page gives. */
  #takeSize() {
    const { view } = this.#part;
    const root = this.#element.getRootNode();
    styleSheet ??= makeStyleSheet();
    if (root.adoptedStyleSheets && !root.adoptedStyleSheets.includes(styleSheet)) {
      root.adoptedStyleSheets = [...root.adoptedStyleSheets, styleSheet];
    }
    if (!view.clientWidth) return;
    const { zoom, controls, gain } = this.#options;
    const { width, height } = this.#sheet;
    const mm = this.#mm;
    const tallest = parseFloat(getComputedStyle(view).maxHeight) || Infinity;
    const across = view.offsetWidth / mm;
    const whole = Math.min(across / width, tallest / mm / height);
    // A higher gain or speed should enlarge the drawing.
    const strip = Math.min(across / Math.min(width, STRIP),
      tallest / mm / (height * Math.min(1, 10 / gain)));
    const auto = clamp(strip, controls ? ZOOMS.smallestToRead : ZOOMS.lowest, 1);
    const { lowest, highest } = ZOOMS;
    this.#zoom = clamp({ auto, fit: Math.min(whole, 1) }[zoom] ?? zoom, lowest, highest);
    this.#heightPx = height * mm * (zoom === "fit" ? this.#zoom : auto);
    this.#applySize();
  }

  #applySize() {
    const { view, content } = this.#part;
    const px = this.#pxPerMm;
    content.style.width = `${this.#sheet.width * px}px`;
    content.style.height = `${this.#sheet.height * px}px`;
    // Zooming leaves the height, so that nothing below jumps.
    const bar = this.#sheet.width * px > view.clientWidth + 1 ? scrollbarOf(view) : 0;
    view.style.height = `${Math.ceil(this.#heightPx) + bar}px`;
    this.#drawCalipers();
  }

  #zoomAbout(zoom, x = this.#part.view.clientWidth / 2, y = this.#part.view.clientHeight / 2,
    anchor = this.#mmAt(x, y)) {
    const { view } = this.#part;
    this.#zoom = this.#options.zoom = clamp(zoom, ZOOMS.lowest, ZOOMS.highest);
    this.#applySize();
    view.scrollTo({
      left: anchor.x * this.#pxPerMm - x, top: anchor.y * this.#pxPerMm - y, behavior: "instant",
    });
    this.#schedule();
  }

  #mmAt(x, y) {
    const { view } = this.#part;
    return { x: (x + view.scrollLeft) / this.#pxPerMm, y: (y + view.scrollTop) / this.#pxPerMm };
  }

  #changed() {
    this.#refresh();
    this.#options.onChange?.(this.state);
  }

  #schedule() {
    this.#pending ||= requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#pending = 0;
    const { view, canvas } = this.#part;
    const ratio = devicePixelRatio || 1;
    const [width, height] = [view.clientWidth, view.clientHeight];
    if (!width || !height) return;
    const size = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== size[0] || canvas.height !== size[1]) {
      [canvas.width, canvas.height] = size;
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
    }
    drawPaper(canvas.getContext("2d", { alpha: false }), this.#sheet, {
      left: Math.round(view.scrollLeft * ratio),
      top: Math.round(view.scrollTop * ratio),
      width: canvas.width,
      height: canvas.height,
      scale: this.#pxPerMm * ratio,
      ratio,
    }, this.#shown);
  }

  get #shown() {
    const { calipers, march } = this.#options;
    const interval = calipers && march && this.#times[1] - this.#times[0];
    return {
      waves: this.#wavesShown ? this.#waves : null,
      march: interval ? { from: this.#times[0], interval: Math.abs(interval) } : null,
    };
  }

  /** For the printer: the whole paper, true to scale, in strips that fit on a page; of a very long
   * one what follows what is in sight. Without controls it is an overview, on paper too. */
  #print() {
    const { print, view } = this.#part;
    const ratio = 3;
    const scale = PX_PER_MM * ratio;
    const shrink = this.#options.controls ? 1 : this.#pxPerMm / PX_PER_MM;
    const end = this.#sheet.width - RIGHT;
    const first = end > MOST_STRIPS * STRIP ? view.scrollLeft / this.#pxPerMm : 0;
    const strips = [];
    for (let from = first; from < end && strips.length < MOST_STRIPS; from += STRIP) {
      const width = Math.min(STRIP, this.#sheet.width - from);
      const canvas = make("canvas", {
        width: Math.round(width * scale), height: Math.round(this.#sheet.height * scale),
      });
      canvas.style.width = `${width * shrink}mm`;
      drawPaper(canvas.getContext("2d"), this.#sheet, {
        left: from * scale, top: 0, width: canvas.width, height: canvas.height, scale, ratio,
      }, this.#shown);
      strips.push(canvas);
    }
    print.replaceChildren(...strips);
  }

  // -- Waves

  #readWaves(waves) {
    this.#waves = null;
    this.#wavesShown = Array.isArray(waves);
    if (!this.#wavesShown) return;
    this.#waves = new Map();
    for (const wave of waves) {
      const { lead } = this.#recording.find(wave.lead);
      if (!lead || !(wave.wave in WAVE_COLORS)) {
        throw new RangeError(
          `There is no wave ${wave.wave} of lead ${wave.lead}; waves are ` +
            `${Object.keys(WAVE_COLORS)}, leads ${this.#recording.leads.map(({ name }) => name)}.`,
        );
      }
      if (!this.#waves.has(lead)) this.#waves.set(lead, []);
      this.#waves.get(lead).push(wave);
    }
  }

  // -- Calipers

  /** Place the calipers in the middle of the visible part. */
  #placeCalipers() {
    const { view } = this.#part;
    const px = this.#pxPerMm;
    const { left, speed, rows } = this.#sheet;
    const inSight = Math.min(view.clientWidth || Infinity, this.#sheet.width * px);
    const timeAt = (share) => ((view.scrollLeft + share * inSight) / px - left) / speed;
    this.#times = [0, 0];
    this.#levels = [{ row: 0, mv: 0 }, { row: 0, mv: 0 }];
    [timeAt(0.4), timeAt(0.4) + 0.8].forEach((time, i) => this.#moveTime(i, time));
    const middle = (view.scrollTop + (view.clientHeight || 0) / 2) / px;
    const row = nearest(rows.map(({ baseline }) => baseline), middle);
    [0, 1].forEach((mv, i) => this.#moveLevel(i, row, mv));
  }

  #moveTime(i, time) {
    const { samplingRate, nTimes } = this.#recording;
    this.#times[i] = clamp(Math.round(time * samplingRate), 0, nTimes) / samplingRate;
  }

  #moveLevel(i, row, mv) {
    const { rows, height, gain } = this.#sheet;
    const at = clamp(row, 0, rows.length - 1);
    const { baseline } = rows[at];
    const [lowest, highest] = [(baseline - height) / gain, baseline / gain];
    this.#levels[i] = { row: at, mv: clamp(Math.round(mv * 100) / 100, lowest, highest) };
  }

  #levelMm({ row, mv }) {
    return this.#sheet.rows[row].baseline - mv * this.#sheet.gain;
  }

  #measure() {
    const [from, to] = this.#times;
    const ms = 1000 * Math.abs(to - from);
    const [lower, upper] = this.#levels.map((level) => this.#levelMm(level));
    const mv = Math.abs(upper - lower) / this.#sheet.gain;
    return {
      times: [...this.#times],
      levels: this.#levels.map((level) => ({ ...level })),
      ms,
      perMinute: ms ? 60000 / ms : null,
      mv,
    };
  }

  #writeCalipers() {
    const { calipers } = this.#options;
    if (calipers && !this.#calipers.length) this.#buildCalipers();
    for (const { line } of this.#calipers) line.hidden = !calipers;
    if (!this.#part.reading) return;
    this.#part.reading.hidden = !calipers;
    if (!calipers) return;
    const say = this.#say;
    const { ms, perMinute, mv } = this.#measure();
    const text = say("reading", {
      ms: say.number(Math.round(ms), 6),
      perMinute: perMinute ? say.number(Math.round(perMinute), 6) : "–",
      mv: say.fixed(mv, 2),
    });
    // Text that is written again is spoken again.
    if (this.#part.reading.textContent !== text) this.#part.reading.textContent = text;
    const words = {
      time: (i) => `${say.number(this.#times[i], 6)} s`,
      level: (i) => `${say.fixed(this.#levels[i].mv, 2)} mV`,
    };
    for (const { knob, axis, i } of this.#calipers) {
      const [lowest, value, highest] = axis === "time"
        ? [0, this.#times[i], this.#recording.durationS]
        : this.#levelRange(i);
      knob.setAttribute("aria-label", say(`${axis}${i}`));
      knob.setAttribute("aria-valuemin", lowest);
      knob.setAttribute("aria-valuenow", value);
      knob.setAttribute("aria-valuemax", highest);
      knob.setAttribute("aria-valuetext", words[axis](i));
    }
    this.#drawCalipers();
  }

  #levelRange(i) {
    const { rows, height, gain } = this.#sheet;
    const { row, mv } = this.#levels[i];
    return [(rows[row].baseline - height) / gain, mv, rows[row].baseline / gain];
  }

  #buildCalipers() {
    const { foot, content } = this.#part;
    this.#part.reading = make("output", { className: "ecg-reading" });
    this.#part.reading.dataset.testid = "caliper-reading";
    this.#part.reading.setAttribute("aria-live", "polite");
    foot.prepend(this.#part.reading);
    for (const [axis, i] of [["level", 0], ["level", 1], ["time", 0], ["time", 1]]) {
      // The knob of the first is at the left or above, that of the second at the right or below, so
      // that neither hides the other however close the lines are.
      const knob = make("div", { className: i ? "is-second" : "", tabIndex: 0 });
      knob.dataset.testid = `caliper-${axis}-${i}`;
      knob.setAttribute("role", "slider");
      knob.setAttribute("aria-orientation", axis === "time" ? "horizontal" : "vertical");
      const line = make("div", { className: "ecg-caliper" }, knob);
      line.dataset.axis = axis;
      const caliper = { line, knob, axis, i };
      line.addEventListener("pointerdown", (event) => this.#dragCaliper(event, caliper));
      knob.addEventListener("keydown", (event) => this.#stepCaliper(event, caliper));
      content.append(line);
      this.#calipers.push(caliper);
    }
  }

  #drawCalipers() {
    if (!this.#times) return;
    const { left, speed } = this.#sheet;
    const px = this.#pxPerMm;
    for (const { line, axis, i } of this.#calipers) {
      if (axis === "time") line.style.left = `${(left + this.#times[i] * speed) * px}px`;
      else line.style.top = `${this.#levelMm(this.#levels[i]) * px}px`;
    }
  }

  #dragCaliper(event, { line, knob, axis, i }) {
    const { reading } = this.#part;
    event.stopPropagation();
    event.preventDefault();
    knob.focus({ preventScroll: true });
    line.setPointerCapture(event.pointerId);
    // Spoken when it rests, not at each pixel of the way.
    reading.setAttribute("aria-live", "off");
    const place = this.#measure();
    const start = this.#mmAt(event.clientX, event.clientY);
    const startMm = axis === "time" ? place.times[i] : this.#levelMm(place.levels[i]);
    const move = ({ clientX, clientY }) => {
      const now = this.#mmAt(clientX, clientY);
      if (axis === "time") {
        this.#moveTime(i, startMm + (now.x - start.x) / this.#sheet.speed);
      } else {
        const mm = startMm + now.y - start.y;
        const row = nearest(this.#sheet.rows.map(({ baseline }) => baseline), mm);
        this.#moveLevel(i, row, (this.#sheet.rows[row].baseline - mm) / this.#sheet.gain);
      }
      this.#writeCalipers();
      if (this.#options.march) this.#schedule();
    };
    const dragging = new AbortController();
    const end = () => {
      dragging.abort();
      reading.setAttribute("aria-live", "polite");
      reading.textContent = "";
      this.#caliperMoved();
    };
    const { signal } = dragging;
    line.addEventListener("pointermove", move, { signal });
    line.addEventListener("pointerup", end, { signal });
    line.addEventListener("pointercancel", end, { signal });
  }

  #stepCaliper(event, { line, axis, i }) {
    const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 };
    if (!(event.key in steps) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    const sign = steps[event.key];
    if (axis === "time") {
      const sample = 1 / this.#recording.samplingRate;
      const step = event.shiftKey ? Math.max(LARGE_TIME_STEP_S, 2 * sample) : sample;
      this.#moveTime(i, this.#times[i] + sign * step);
    } else {
      const { row, mv } = this.#levels[i];
      const step = event.shiftKey ? LEVEL_STEPS_MV.large : LEVEL_STEPS_MV.small;
      this.#moveLevel(i, row, mv + sign * step);
    }
    this.#caliperMoved();
    // In sight within the paper; the page stays where it is.
    const { view } = this.#part;
    const margin = 24;
    const [x, y] = [line.offsetLeft + margin / 2, line.offsetTop + margin / 2];
    if (axis === "time") {
      view.scrollLeft = clamp(view.scrollLeft, x - view.clientWidth + margin, x - margin);
    } else {
      view.scrollTop = clamp(view.scrollTop, y - view.clientHeight + margin, y - margin);
    }
  }

  #caliperMoved() {
    this.#writeCalipers();
    if (this.#options.march) this.#schedule();
    this.#options.onChange?.(this.state);
  }

  // -- Keys, wheel, fingers

  /** Do what a key stands for, and say whether it stands for something. A page may hand on keys
   * that are pressed elsewhere. */
  handleKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    const { view } = this.#part;
    const high = view.clientHeight / this.#pxPerMm;
    const far = event.shiftKey ? 5 * BIG_SQUARE : BIG_SQUARE;
    const moves = {
      ArrowLeft: [-far, 0], ArrowRight: [far, 0], ArrowUp: [0, -far], ArrowDown: [0, far],
      PageUp: [0, -0.9 * high], PageDown: [0, 0.9 * high],
      Home: [-this.#sheet.width, 0], End: [this.#sheet.width, 0],
    };
    const actions = {
      "+": "zoomIn", "=": "zoomIn", "-": "zoomOut", f: "fit", l: "nextLayout", v: "nextSpeed",
      g: "nextGain", w: "toggleWaves", c: "toggleCalipers", m: "toggleMarch",
    };
    if (event.key in moves) {
      const before = [view.scrollLeft, view.scrollTop];
      this.pan(...moves[event.key]);
      // At the paper's end the page handles the key.
      return before[0] !== view.scrollLeft || before[1] !== view.scrollTop;
    }
    const action = actions[event.key.toLowerCase()];
    if (action && !(event.repeat && action !== "zoomIn" && action !== "zoomOut")) this[action]();
    return Boolean(action);
  }

  #onKey(event) {
    const isButton = this.#part.toolbar?.contains(event.target);
    // Arrows and letters choose from the list of leads, and are its own.
    if (event.defaultPrevented || event.target === this.#part.lead) return;
    if (isButton && event.key.length > 1) return;
    if (!this.handleKey(event)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  #inView(event) {
    const box = this.#part.view.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  #onWheel(event) {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    this.#zoomAbout(this.#zoom * Math.exp(-clamp(event.deltaY, -50, 50) / 150),
      ...this.#inView(event));
    this.#options.onChange?.(this.state);
  }

  /** A mouse or pen drags the paper, two fingers zoom it. One finger scrolls it as the browser
   * scrolls any page, beyond its end the page itself. */
  #listenToPointers(listen) {
    const { view } = this.#part;
    const fingers = new Map();
    let drag = null;
    let pinch = null;
    const span = () => {
      const [[x0, y0], [x1, y1]] = [...fingers.values()];
      return { x: (x0 + x1) / 2, y: (y0 + y1) / 2, distance: Math.hypot(x1 - x0, y1 - y0) };
    };
    listen(view, "pointerdown", (event) => {
      if (event.pointerType === "touch") {
        fingers.set(event.pointerId, this.#inView(event));
        if (fingers.size === 2) {
          const { x, y, distance } = span();
          pinch = { distance, zoom: this.#zoom, anchor: this.#mmAt(x, y) };
        }
      } else if (event.button === 0) {
        const { clientX, clientY } = event;
        drag = { clientX, clientY, left: view.scrollLeft, top: view.scrollTop };
        view.setPointerCapture(event.pointerId);
      }
    });
    listen(view, "pointermove", (event) => {
      if (fingers.has(event.pointerId)) {
        fingers.set(event.pointerId, this.#inView(event));
        if (!pinch || fingers.size !== 2) return;
        const { x, y, distance } = span();
        this.#zoomAbout((pinch.zoom * distance) / (pinch.distance || 1), x, y, pinch.anchor);
      } else if (drag) {
        view.scrollTo({
          left: drag.left - (event.clientX - drag.clientX),
          top: drag.top - (event.clientY - drag.clientY),
          behavior: "instant",
        });
      }
    });
    const end = (event) => {
      drag = null;
      fingers.delete(event.pointerId);
      if (pinch && fingers.size < 2) {
        pinch = null;
        this.#options.onChange?.(this.state);
      }
    };
    listen(view, "pointerup", end);
    listen(view, "pointercancel", end);
    // Else the browser would take two fingers for scrolling, and their events away.
    const keep = (event) => {
      if (event.touches.length > 1 && event.cancelable) event.preventDefault();
    };
    listen(view, "touchstart", keep, { passive: false });
    listen(view, "touchmove", keep, { passive: false });
  }
}

// ---- Helpers ------------------------------------------------------------------------------------

function makeStyleSheet() {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);
  return sheet;
}

/** A function that fills values into a string, and writes numbers as the language does. */
function speaker({ language, strings }) {
  const words = { ...ENGLISH, ...strings };
  const format = (value, options) =>
    new Intl.NumberFormat(language, { useGrouping: false, ...options }).format(value);
  const say = (name, values = {}) =>
    Object.entries(values).reduce(
      (text, [key, value]) => text.replaceAll(`{${key}}`, () => value), words[name]);
  say.number = (value, digits) => format(value, { maximumSignificantDigits: digits });
  say.fixed = (value, digits) =>
    format(value, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return say;
}

function checkOption(name, value, allowed) {
  if (!allowed.includes(value)) {
    throw new RangeError(`${name} must be one of ${allowed.join(", ")}; got ${value}.`);
  }
}

function following(list, item) {
  return list[(list.indexOf(item) + 1) % list.length];
}

function clamp(value, lowest, highest) {
  return Math.min(Math.max(value, lowest), highest);
}

function nearest(places, at) {
  const distances = places.map((place) => Math.abs(place - at));
  return distances.indexOf(Math.min(...distances));
}

/** How much of an element's height a horizontal scroll bar takes. */
function scrollbarOf(view) {
  return view.offsetHeight - view.clientHeight - 2;
}

// ---- Notebooks ----------------------------------------------------------------------------------

/** Entry point of anywidget: the traits of `sklearn_ecg.review.ECGWidget` are options. */
function render({ model, el }) {
  const record = () => {
    const bytes = bytesOf(model.get("signals"));
    const leads = model.get("leads");
    const nTimes = bytes.byteLength / 4 / leads.length;
    const signals = leads.map((_, lead) => Float32Array.from(
      { length: nTimes }, (_, i) => bytes.getFloat32(4 * (lead * nTimes + i), true)));
    return { leads, samplingRate: model.get("sampling_rate"), signals, waves: model.get("waves") };
  };
  const looks = ["layout", "speed", "gain", "waves"];
  const paper = new ECGPaper(el, {
    ...record(),
    ...Object.fromEntries(looks.map((name) => [name, model.get(name)])),
    onChange: ({ layoutAsked, speed, gain, reading }) => {
      const measured = reading && {
        ms: reading.ms, per_minute: reading.perMinute, mv: reading.mv, times_s: reading.times,
      };
      model.set({ layout: layoutAsked, speed, gain, reading: measured ?? {} });
      model.save_changes();
    },
  });
  const onRecord = () => paper.update(record());
  const onLooks = () => {
    const { layoutAsked: layout, speed, gain } = paper.state;
    const now = { layout, speed, gain };
    const changed = looks.filter((name) => name in now && now[name] !== model.get(name));
    if (changed.length) {
      paper.update(Object.fromEntries(changed.map((name) => [name, model.get(name)])));
    }
  };
  const onWaves = () => paper.setWaves(model.get("waves"));
  model.on("change:signals", onRecord);
  model.on("change:layout change:speed change:gain", onLooks);
  model.on("change:waves", onWaves);
  return () => {
    model.off("change:signals", onRecord);
    model.off("change:layout change:speed change:gain", onLooks);
    model.off("change:waves", onWaves);
    paper.destroy();
  };
}

export default { render };
