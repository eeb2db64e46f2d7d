// Elements of the page, and how they look.

import { BOLD, INK, PAPER } from "./grid.js";

export const CALIPER = "#4527a0";

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

/** Let the style of all papers apply where this element is: in the page, or in a shadow tree. */
export function dress(element) {
  const root = element.getRootNode();
  if (!root.adoptedStyleSheets) return;
  if (!styleSheet) {
    styleSheet = new CSSStyleSheet();
    styleSheet.replaceSync(STYLE);
  }
  if (!root.adoptedStyleSheets.includes(styleSheet)) {
    root.adoptedStyleSheets = [...root.adoptedStyleSheets, styleSheet];
  }
}

export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}
