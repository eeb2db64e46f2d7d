// What is said of the paper beside the drawing: below it, and to those who do not see it.

import { make } from "./elements.js";
import { valuesOf } from "./toolbar.js";
import { WAVE_COLORS } from "./waves.js";

let nPapers = 0;

export class Captions {
  #legend = make("ul", { className: "ecg-legend" });
  #note = make("span");
  #keys = make("p", { id: `ecg-keys-${++nPapers}`, hidden: true });
  #told = make("p", { className: "ecg-unseen" });
  #table = make("table");

  /** @param {Viewport} viewport - What is named and described. */
  constructor(viewport, caliperReading) {
    this.named = [viewport.view, viewport.canvas];
    viewport.view.setAttribute("aria-describedby", this.#keys.id);
    this.#note.setAttribute("role", "status");
    this.#told.setAttribute("role", "status");
    this.foot = make("div", { className: "ecg-foot" }, caliperReading, this.#note, this.#legend);
    const table = make("div", { className: "ecg-unseen" }, this.#table);
    this.elements = [this.foot, this.#keys, this.#told, table];
  }

  write(paper) {
    const label = labelOf(paper);
    this.named.forEach((element) => element.setAttribute("aria-label", label));
    this.#keys.textContent = paper.say("keys");
    this.#writeFoot(paper);
    this.#writeTable(paper, label);
  }

  #writeFoot({ options: { controls, calipers }, say, wavesInSight }) {
    this.foot.hidden = !(controls || calipers || wavesInSight);
    this.#legend.hidden = !wavesInSight?.size;
    this.note(wavesInSight?.size === 0 ? say("noWaves") : "");
    this.#legend.replaceChildren(...Object.entries(WAVE_COLORS).map(([wave, color]) => {
      const swatch = make("span");
      swatch.style.background = color;
      return make("li", {}, swatch, say(wave));
    }));
  }

  note(text) {
    this.#note.textContent = text;
  }

  /** The record in words, for readers who do not see it. */
  #writeTable({ recording, sheet, say }, label) {
    const row = (tag, ...texts) =>
      make("tr", {}, ...texts.map((text) => make(tag, { textContent: text })));
    this.#table.replaceChildren(
      make("caption", { textContent: label }),
      row("th", say("headLead"), say("headState"), say("headRange")),
      ...recording.leads.map((lead) => {
        const { name, low, high, median, nFinite, isFlat } = lead;
        const missing = (lead.values.length - nFinite) / recording.samplingRate;
        const seen = sheet.rows.flatMap(({ traces }) => traces);
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
  tell(name, paper) {
    const { options: { calipers, march }, say, wavesInSight } = paper;
    const isOn = { calipers, march, waves: wavesInSight }[name];
    this.#told.textContent = `${say(name)}: ${valuesOf(paper)[name] ?? say(isOn ? "on" : "off")}`;
  }
}

export function labelOf({ options: { speed, gain }, recording, say }) {
  const { leads, durationS } = recording;
  return say("label", { n: leads.length, duration: say.number(durationS, 3), speed, gain });
}
