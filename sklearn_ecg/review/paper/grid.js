// Calibrated paper: its squares, the pulse of 1 mV, and what is written along its edges.

import { BIG_SQUARE, isTooLongForColumns, PULSE } from "./layout.js";
import { clamp } from "./numbers.js";

export const PAPER = "#fffaf8";
export const INK = "#1a1a1a";
export const BOLD = "#eeb0a8";
const FINE = "#f7d9d4";
const TEXT_MM = 3.2;
// Largest size at any zoom: larger text would hide the signal. The smallest text is for overviews,
// in which a mm is shorter than `smallScale`.
const TEXT_PX = { small: 11, largest: 20, smallest: 7, smallScale: 2 };

/** Thin lines every millimetre, bold ones every five; each on whole pixels, so that it is crisp. */
export function drawGrid({ context, scale, left, top, width, height }) {
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

/** The pulse of 1 mV and 200 ms with which a recorder shows its scale. */
export function drawPulse({ context, x, y }, { speed, gain }, baseline) {
  const rise = PULSE.foot;
  const fall = rise + PULSE.width * speed;
  const points = [[0, 0], [rise, 0], [rise, gain], [fall, gain], [fall, 0], [fall + PULSE.foot, 0]];
  context.beginPath();
  points.forEach(([mm, up]) => context.lineTo(x(PULSE.gap + mm), y(baseline - up)));
  context.stroke();
}

/** Set the font, and return its height in mm. */
export function setFont({ context, scale, ratio }, isBold = false) {
  const { small, smallest, largest } = TEXT_PX;
  const least = scale < TEXT_PX.smallScale * ratio ? smallest : small;
  const size = clamp(TEXT_MM * scale, least * ratio, largest * ratio);
  context.font = `${isBold ? "bold " : ""}${size}px system-ui, sans-serif`;
  context.fillStyle = INK;
  context.textBaseline = "alphabetic";
  return size / scale;
}

/** Seconds along the upper edge of recordings longer than a strip; of wrapped ones, the time at which
 * each line begins, below its pulse. */
export function drawTimes(pen, sheet) {
  if (!isTooLongForColumns(sheet.recording)) return;
  const size = setFont(pen);
  const seconds = (n) => pen.say("seconds", { n: pen.say.number(n, 6) });
  if (sheet.isWrapped) {
    let line = null;
    for (const { baseline, traces: [{ originS }] } of sheet.rows) {
      if (originS !== line) {
        pen.context.fillText(seconds(originS), pen.x(PULSE.gap), pen.y(baseline + size));
      }
      line = originS;
    }
    return;
  }
  for (let second = 0; second <= sheet.recording.durationS; second++) {
    const x = Math.round(pen.x(sheet.left + second * sheet.speed));
    if (x < -100 || x > pen.width) continue;
    pen.context.fillRect(x, pen.y(0), 1, (second % 5 ? 1.5 : 3) * pen.scale);
    if (second % 5 === 0) {
      pen.context.fillText(seconds(second), x + pen.scale, pen.y(size + 0.5));
    }
  }
}

export function drawFooter(pen, sheet) {
  const size = setFont(pen);
  const [row] = sheet.rows;
  const parts = [pen.say("scale", { speed: sheet.speed, gain: sheet.gain })];
  if (row.traces.length > 1) {
    const seconds = pen.say.number(row.traces[0].stopS, 3);
    parts.push(pen.say("columns", { seconds }));
  }
  const isOverview = pen.scale < TEXT_PX.smallScale * pen.ratio;
  if (!isOverview) parts.push(pen.say("unfiltered"));
  if (sheet.hidden.length) parts.push(pen.say("notShown", { leads: sheet.hidden.join(", ") }));
  const bottom = pen.y(sheet.height - Math.max(2, size / 2));
  const text = parts.join("     ");
  // In an overview there may be no room for it.
  if (isOverview && pen.context.measureText(text).width > pen.width) return;
  pen.context.fillText(text, 2.5 * pen.scale, bottom);
}
