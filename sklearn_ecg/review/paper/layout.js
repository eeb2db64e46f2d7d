// Which lead is drawn where on a sheet of paper.

import { clamp } from "./numbers.js";

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

// A grid with fewer of its leads than this would be all but empty.
const FEWEST_IN_GRID = 6;
// Columns of 2.5 s are what "auto" is for; of shorter records they would show less than two beats.
const SHORTEST_FOR_COLUMNS_S = 7;
const LONGEST_FOR_COLUMNS_S = 15;
// Longer records of few leads stand in lines, as a text does.
const MOST_LEADS_WRAPPED = 3;
const MOST_ROWS_WRAPPED = 30;
const LINE_MM = 250;

// Lengths on paper, in mm.
export const BIG_SQUARE = 5;
export const PULSE = { foot: 2, gap: 3, width: 0.2 /* s */ };
export const RIGHT = 5;
const ABOVE = 9;
const BELOW = 9;
const CLOSEST_ROWS = 20;
const CLOSEST_OF_MANY_ROWS = 15;
// Spikes and loose electrodes beyond these heights, in mV, are not worth the paper.
const FARTHEST_ROWS_MV = 8;
const HIGHEST_MV = 5;
const N_STRETCHES = 20;

/** The layouts that suit a record, first the one that "auto" is. */
export function layoutsFor(recording) {
  const { durationS, leads } = recording;
  const standard = GRIDS["12x1"].leads.filter((name) => recording.find(name).lead);
  const isLong = isTooLongForColumns(recording);
  const inRows = isLong ? ["stacked", "wrapped"] : ["stacked"];
  const nRows = leads.length * Math.ceil((durationS * SPEEDS[0]) / LINE_MM);
  if (isLong && leads.length <= MOST_LEADS_WRAPPED && nRows <= MOST_ROWS_WRAPPED) inRows.reverse();
  if (standard.length < FEWEST_IN_GRID) return inRows;
  const isUsual =
    standard.length === 12 &&
    leads.length === 12 &&
    durationS >= SHORTEST_FOR_COLUMNS_S &&
    !isLong;
  const grids = Object.keys(GRIDS);
  return isUsual ? [...grids, ...inRows] : [...inRows, ...grids];
}

export function isTooLongForColumns({ durationS }) {
  return durationS > LONGEST_FOR_COLUMNS_S;
}

/** A sheet of paper: where everything of a record is, in mm from its upper left corner. */
export function layOut(recording, { layout: asked, speed, gain }) {
  const { layout, rows, nAcross } = arrange(recording, asked, speed);
  const { baselines, height } = placeRows(rows, nAcross, gain);
  const acrossS = nAcross / recording.samplingRate;
  const left = PULSE.width * speed + 2 * BIG_SQUARE;
  const seen = new Set(rows.flat().map(({ lead }) => lead));
  return {
    recording, layout, speed, gain, left, height, acrossS,
    width: left + acrossS * speed + RIGHT,
    isWrapped: nAcross < recording.nTimes,
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
          originS: trace.origin / recording.samplingRate,
          startS: trace.start / recording.samplingRate,
          stopS: trace.stop / recording.samplingRate,
          note: noteOf(trace, above, below, gain),
        })),
      };
    }),
  };
}

/** Where a time is, in mm from the left. */
export function mmOf({ left, speed }, { originS }, seconds) {
  return left + (seconds - originS) * speed;
}

/** Rows of traces from the top, the samples across the paper, and the layout that they are in:
 * where the one that was asked for does not suit the record, the one that "auto" is. */
function arrange(recording, asked, speed) {
  const { leads: all, nTimes } = recording;
  const single = recording.find(asked);
  const suitable = layoutsFor(recording);
  const layout = single.lead || suitable.includes(asked) ? asked : suitable[0];
  if (single.lead || !(layout in GRIDS)) {
    const shown = single.lead ? [[asked, single]] : all.map((lead) => [lead.name, { lead, sign: 1 }]);
    const isWrapped = layout === "wrapped" || (single.lead && isTooLongForColumns(recording));
    const line = Math.round((LINE_MM / speed) * recording.samplingRate);
    const nAcross = isWrapped ? Math.min(line, nTimes) : nTimes;
    const starts = Array.from({ length: Math.ceil(nTimes / nAcross) }, (_, i) => i * nAcross);
    const rows = starts.flatMap((start) => shown.map(([name, found]) =>
      [recording.trace(name, start, Math.min(start + nAcross, nTimes), start, found)]));
    return { layout, rows, nAcross };
  }
  const { leads, nColumns, strip } = GRIDS[layout];
  const nRows = leads.length / nColumns;
  const edge = (column) => Math.round((column * nTimes) / nColumns);
  const rows = Array.from({ length: nRows }, (_, row) =>
    Array.from({ length: nColumns }, (_, column) =>
      recording.trace(leads[column * nRows + row], edge(column), edge(column + 1)),
    ),
  );
  if (strip && recording.find(strip).lead) rows.push([recording.trace(strip)]);
  return { layout, rows, nAcross: nTimes };
}

/** Each row's zero and the height of the paper, in mm from its top: rows are so far apart that
 * waves of neighbours do not meet. */
function placeRows(rows, nAcross, gain) {
  const stretches = rows.map((row) => extremesOf(row, nAcross));
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
function extremesOf(row, nAcross) {
  return Array.from({ length: N_STRETCHES }, (_, k) => {
    const from = row[0].origin + Math.floor((k * nAcross) / N_STRETCHES);
    const to = row[0].origin + Math.floor(((k + 1) * nAcross) / N_STRETCHES);
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
