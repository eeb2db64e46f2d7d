// The part of the paper that is in sight: its zoom, its size on the page, and its canvas; and the
// printed paper.

import { drawMarch } from "./calipers.js";
import { dress, make } from "./elements.js";
import { drawFooter, drawGrid, drawPulse, drawTimes, INK, PAPER } from "./grid.js";
import { mmOf, RIGHT } from "./layout.js";
import { clamp } from "./numbers.js";
import { drawName, drawTrace } from "./traces.js";
import { markPeaks, shadeWaves } from "./waves.js";

const ZOOMS = { lowest: 0.1, highest: 8, smallestToRead: 0.6 };
const PX_PER_MM = 96 / 25.4;
const STRIP = 270; // mm; ten seconds at 25 mm/s with margins: a page should show them at once
const PAGE = 185; // mm; height of A4 across, without margins
const MOST_PIECES = 12; // on the printer
const LINE = { mm: 0.32, thickestPx: 2.5 }; // a thicker one would hide the signal

export class Viewport {
  zoom = 1;
  #paper; // what is drawn: its options, sheet, words, and marks
  #element;
  #heightPx = 0;
  #pending = 0;

  constructor(element, paper) {
    this.#element = element;
    this.#paper = paper;
    this.canvas = make("canvas");
    this.canvas.setAttribute("role", "img");
    this.content = make("div", { className: "ecg-content" },
      make("div", { className: "ecg-window" }, this.canvas));
    this.view = make("div", { className: "ecg-view", tabIndex: 0 }, this.content);
    this.view.setAttribute("role", "application");
    this.printed = make("div", { className: "ecg-print" });
  }

  get pxPerMm() {
    return this.#mm * this.zoom;
  }

  get #mm() {
    return parseFloat(getComputedStyle(this.#element).getPropertyValue("--mm")) || PX_PER_MM;
  }

  /** Take the size that the page gives. */
  takeSize() {
    const { view } = this;
    dress(this.#element);
    if (!view.clientWidth) return;
    const across = Math.floor(view.getBoundingClientRect().width) - 2 * view.clientLeft;
    this.#fit(across);
    // A scroll bar for what is too high takes of the width.
    if (view.clientWidth < across) this.#fit(view.clientWidth);
  }

  #fit(acrossPx) {
    const { zoom, controls } = this.#paper.options;
    const { width, height, gain } = this.#paper.sheet;
    const mm = this.#mm;
    const across = acrossPx / mm;
    const tallest = (parseFloat(getComputedStyle(this.view).maxHeight) || Infinity) / mm;
    const whole = Math.min(across / width, tallest / height);
    // A higher gain or speed should enlarge the drawing; overviews are comparable.
    const strip = Math.min(across / (controls ? Math.min(width, STRIP) : STRIP),
      tallest / (height * Math.min(1, 10 / gain)));
    const auto = clamp(strip, controls ? ZOOMS.smallestToRead : ZOOMS.lowest, 1);
    const { lowest, highest } = ZOOMS;
    this.zoom = clamp({ auto, fit: Math.min(whole, 1) }[zoom] ?? zoom, lowest, highest);
    this.#heightPx = height * mm * (zoom === "fit" ? this.zoom : auto);
    this.#applySize();
  }

  #applySize() {
    const { view, content, pxPerMm } = this;
    const { width, height } = this.#paper.sheet;
    content.style.width = `${width * pxPerMm}px`;
    content.style.height = `${height * pxPerMm}px`;
    // Zooming leaves the height, so that nothing below jumps.
    const bar = width * pxPerMm > view.clientWidth + 1 ? scrollbarOf(view) : 0;
    view.style.height = `${Math.ceil(this.#heightPx) + bar}px`;
    this.#paper.calipers.place();
  }

  /** Zoom about a point in px from the corner of the view, by default its middle; `anchor` is what
   * shall be there, in mm on the paper. */
  zoomAbout(zoom, x = this.view.clientWidth / 2, y = this.view.clientHeight / 2,
    anchor = this.mmAt(x, y)) {
    this.zoom = this.#paper.options.zoom = clamp(zoom, ZOOMS.lowest, ZOOMS.highest);
    this.#applySize();
    const { view, pxPerMm } = this;
    view.scrollTo({
      left: anchor.x * pxPerMm - x, top: anchor.y * pxPerMm - y, behavior: "instant",
    });
    this.schedule();
  }

  /** Move the paper by mm. */
  pan(right, down) {
    const { view, pxPerMm } = this;
    view.scrollBy({ left: right * pxPerMm, top: down * pxPerMm, behavior: "instant" });
  }

  /** Where an event of a pointer is, in px from the corner of the view. */
  inView({ clientX, clientY }) {
    const box = this.view.getBoundingClientRect();
    return [clientX - box.left, clientY - box.top];
  }

  /** Which place of the paper is at a point of the view. */
  mmAt(x, y) {
    const { view, pxPerMm } = this;
    return { x: (x + view.scrollLeft) / pxPerMm, y: (y + view.scrollTop) / pxPerMm };
  }

  /** Draw before the browser paints next. */
  schedule() {
    this.#pending ||= requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.#pending = 0;
    const { view, canvas } = this;
    const ratio = devicePixelRatio || 1;
    const [width, height] = [view.clientWidth, view.clientHeight];
    if (!width || !height) return;
    const size = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== size[0] || canvas.height !== size[1]) {
      [canvas.width, canvas.height] = size;
      canvas.style.width = `${width}px`;
      canvas.style.height = `${height}px`;
    }
    drawPaper(canvas.getContext("2d", { alpha: false }), this.#paper, {
      left: Math.round(view.scrollLeft * ratio),
      top: Math.round(view.scrollTop * ratio),
      width: canvas.width,
      height: canvas.height,
      scale: this.pxPerMm * ratio,
      ratio,
    });
  }

  /** For the printer: the whole paper, true to scale, in pieces that fit on a page; of a very long
   * one what follows what is in sight. Without controls it is an overview, on paper too. */
  print() {
    const { sheet, options } = this.#paper;
    const ratio = 3;
    const scale = PX_PER_MM * ratio;
    const shrink = options.controls ? 1 : this.pxPerMm / PX_PER_MM;
    const pieces = this.#pieces().slice(0, MOST_PIECES).map(({ left, top, width, height }) => {
      const canvas = make("canvas", {
        width: Math.round(width * scale), height: Math.round(height * scale),
      });
      canvas.style.width = `${width * shrink}mm`;
      drawPaper(canvas.getContext("2d"), this.#paper, {
        left: left * scale, top: top * scale, width: canvas.width, height: canvas.height, scale,
        ratio,
      });
      return canvas;
    });
    this.printed.replaceChildren(...pieces);
  }

  /** Parts of the paper that fit on a page, cut between rows; all of them, or those from what is in
   * sight on. */
  #pieces() {
    const { rows, width, height } = this.#paper.sheet;
    const lefts = [];
    for (let left = 0; left < width - RIGHT; left += STRIP) lefts.push(left);
    const cuts = rows.slice(1).map(({ baseline }, i) => (baseline + rows[i].baseline) / 2);
    const tops = [0];
    cuts.forEach((cut, i) => {
      if ((cuts[i + 1] ?? height) - tops.at(-1) > PAGE) tops.push(cut);
    });
    const pieces = tops.flatMap((top, i) => lefts.map((left) => ({
      left, top, width: Math.min(STRIP, width - left), height: (tops[i + 1] ?? height) - top,
    })));
    const { x, y } = this.mmAt(0, 0);
    const isInSight = (one) => one.left + one.width > x && one.top + one.height > y;
    return pieces.length > MOST_PIECES ? pieces.filter(isInSight) : pieces;
  }

  close() {
    cancelAnimationFrame(this.#pending);
  }
}

/** One window of the paper on a canvas: `left` and `top` are its corner in device pixels, of which
 * `scale` are a mm and `ratio` a CSS pixel. */
function drawPaper(context, { sheet, say, wavesInSight, calipers }, window) {
  const { left, top, width, height, scale, ratio } = window;
  const pen = { context, say, ...window };
  pen.x = (mm) => mm * scale - left;
  pen.y = (mm) => mm * scale - top;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.fillStyle = PAPER;
  context.fillRect(0, 0, width, height);
  drawGrid(pen);
  drawTimes(pen, sheet);
  const each = (draw) => eachTrace(pen, sheet, draw);
  if (wavesInSight) each((trace) => shadeWaves(pen, sheet, trace, wavesInSight));
  each((trace) => drawName(pen, sheet, trace));
  context.lineWidth = clamp(LINE.mm * scale, 1, LINE.thickestPx * ratio);
  context.lineJoin = context.lineCap = "round";
  context.strokeStyle = context.fillStyle = INK;
  sheet.rows.forEach(({ baseline }) => drawPulse(pen, sheet, baseline));
  each((trace) => drawTrace(pen, sheet, trace));
  if (wavesInSight) each((trace) => markPeaks(pen, sheet, trace, wavesInSight));
  drawFooter(pen, sheet);
  if (calipers.march) drawMarch(pen, sheet, calipers.march);
}

function eachTrace(pen, sheet, draw) {
  for (const row of sheet.rows) {
    for (const trace of row.traces) {
      const [from, to] = [trace.startS, trace.stopS].map((at) => pen.x(mmOf(sheet, trace, at)));
      const isAcross = to >= 0 && from <= pen.width;
      const [top, bottom] = [trace.baseline - trace.above, trace.baseline + trace.below].map(pen.y);
      if (isAcross && bottom >= 0 && top <= pen.height) draw(trace);
    }
  }
}

/** How much of an element's height a horizontal scroll bar takes. */
function scrollbarOf(view) {
  return view.offsetHeight - view.clientHeight - 2;
}
