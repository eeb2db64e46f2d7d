// Keys, wheel and fingers on the paper.

import { BIG_SQUARE } from "./layout.js";
import { clamp } from "./numbers.js";

/** What keys do: names of methods of `ECGPaper`. */
const ACTIONS = {
  "+": "zoomIn", "=": "zoomIn", "-": "zoomOut", f: "fit", l: "nextLayout", v: "nextSpeed",
  g: "nextGain", w: "toggleWaves", c: "toggleCalipers", m: "toggleMarch",
};
const REPEATED = ["zoomIn", "zoomOut"]; // while the key is held

/** Do on the paper what a key stands for, and return whether it stands for something. */
export function runKey(event, paper, viewport, sheet) {
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  const { view, pxPerMm } = viewport;
  const high = view.clientHeight / pxPerMm;
  const far = event.shiftKey ? 5 * BIG_SQUARE : BIG_SQUARE;
  const moves = {
    ArrowLeft: [-far, 0], ArrowRight: [far, 0], ArrowUp: [0, -far], ArrowDown: [0, far],
    PageUp: [0, -0.9 * high], PageDown: [0, 0.9 * high],
    Home: [-sheet.width, 0], End: [sheet.width, 0],
  };
  if (event.key in moves) {
    const before = [view.scrollLeft, view.scrollTop];
    viewport.pan(...moves[event.key]);
    // At the paper's end the page handles the key.
    return before[0] !== view.scrollLeft || before[1] !== view.scrollTop;
  }
  const action = ACTIONS[event.key.toLowerCase()];
  if (action && (!event.repeat || REPEATED.includes(action))) paper[action]();
  return Boolean(action);
}

/** The wheel zooms with Ctrl, and else scrolls. */
export function listenToWheel(listen, viewport, onZoom) {
  listen(viewport.view, "wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const factor = Math.exp(-clamp(event.deltaY, -50, 50) / 150);
    viewport.zoomAbout(viewport.zoom * factor, ...viewport.inView(event));
    onZoom();
  }, { passive: false });
}

/** A mouse or pen drags the paper, two fingers zoom it. One finger scrolls it as the browser
 * scrolls any page, beyond its end the page itself. */
export function listenToPointers(listen, viewport, onZoom) {
  const { view } = viewport;
  const fingers = new Map();
  let drag = null;
  let pinch = null;
  const span = () => {
    const [[x0, y0], [x1, y1]] = [...fingers.values()];
    return { x: (x0 + x1) / 2, y: (y0 + y1) / 2, distance: Math.hypot(x1 - x0, y1 - y0) };
  };
  listen(view, "pointerdown", (event) => {
    if (event.pointerType === "touch") {
      fingers.set(event.pointerId, viewport.inView(event));
      if (fingers.size === 2) {
        const { x, y, distance } = span();
        pinch = { distance, zoom: viewport.zoom, anchor: viewport.mmAt(x, y) };
      }
    } else if (event.button === 0) {
      const { clientX, clientY } = event;
      drag = { clientX, clientY, left: view.scrollLeft, top: view.scrollTop };
      view.setPointerCapture(event.pointerId);
    }
  });
  listen(view, "pointermove", (event) => {
    if (fingers.has(event.pointerId)) {
      fingers.set(event.pointerId, viewport.inView(event));
      if (!pinch || fingers.size !== 2) return;
      const { x, y, distance } = span();
      viewport.zoomAbout((pinch.zoom * distance) / (pinch.distance || 1), x, y, pinch.anchor);
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
      onZoom();
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
