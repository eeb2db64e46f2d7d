// The controls above the paper.

import { make } from "./elements.js";

const BUTTONS = {
  layout: { testId: "layout", key: "l", method: "nextLayout" },
  speed: { testId: "speed", key: "v", method: "nextSpeed" },
  gain: { testId: "gain", key: "g", method: "nextGain" },
  zoomOut: { testId: "zoom-out", key: "-", method: "zoomOut" },
  zoomIn: { testId: "zoom-in", key: "+", method: "zoomIn" },
  fit: { testId: "fit", key: "f", method: "fit" },
  calipers: { testId: "calipers", key: "c", method: "toggleCalipers" },
  march: { testId: "march", key: "m", method: "toggleMarch" },
  waves: { testId: "waves", key: "w", method: "toggleWaves" },
};
/** The others are written as they are. */
const NAMED_LAYOUTS = ["cabrera", "stacked", "wrapped"];

export class Toolbar {
  #buttons = {};

  /** @param {ECGPaper} paper - Whose methods the buttons call. */
  constructor(paper) {
    for (const [name, { testId, key, method }] of Object.entries(BUTTONS)) {
      const button = make("button", { type: "button", onclick: () => paper[method]() });
      button.dataset.testid = testId;
      button.setAttribute("aria-keyshortcuts", key);
      this.#buttons[name] = button;
    }
    this.lead = make("select", { onchange: () => paper.update({ layout: this.lead.value }) });
    this.lead.dataset.testid = "lead";
    this.element = make("div", { className: "ecg-toolbar" }, ...Object.values(this.#buttons));
    this.element.setAttribute("role", "group");
    this.#buttons.layout.after(this.lead);
  }

  write({ options, recording, sheet, say, wavesInSight }) {
    const { controls, layout, zoom, calipers, march, waves } = options;
    this.element.hidden = !controls;
    this.element.setAttribute("aria-label", say("toolbar"));
    const texts = { ...valuesOf({ options, sheet, say }), zoomOut: "−", zoomIn: "+" };
    const pressed = { fit: zoom === "fit", calipers, march, waves: Boolean(wavesInSight) };
    for (const [name, button] of Object.entries(this.#buttons)) {
      const text = texts[name] ?? say(name);
      button.textContent = text;
      button.title = `${say(name)} (${button.getAttribute("aria-keyshortcuts")})`;
      button.setAttribute("aria-label", name in texts ? `${say(name)}: ${text}` : text);
      if (name in pressed) button.setAttribute("aria-pressed", String(pressed[name]));
    }
    this.#buttons.waves.disabled = waves === null;
    this.lead.setAttribute("aria-label", say("lead"));
    this.lead.replaceChildren(
      new Option(say("allLeads"), "auto"),
      ...recording.leads.map(({ name }) => new Option(name, name)));
    this.lead.value = recording.find(layout).lead?.name ?? "auto";
  }
}

/** The layout, speed and gain in words. */
export function valuesOf({ options: { speed, gain }, sheet: { layout }, say }) {
  return {
    layout: NAMED_LAYOUTS.includes(layout) ? say(layout) : layout,
    speed: say("speedValue", { n: speed }),
    gain: say("gainValue", { n: gain }),
  };
}
