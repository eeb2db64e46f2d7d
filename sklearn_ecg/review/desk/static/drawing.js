// The ECG of a question on paper, and similar ones beside it.

import { request, whyNot } from "./api.js";
import { ECGPaper } from "./ecg_paper.js";
import { about, element } from "./panel.js";
import { inWords, say, words } from "./words.js";

const texts = words.desk;
const paperWords = { language: words.language.tag, strings: words.paper };
const PAPER_KEYS = new Set([
  ..."+=-flvgwcm",
  ...["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"],
]);
const $ = (id) => document.getElementById(id);

export class Drawing {
  constructor(questions) {
    this.questions = questions;
    this.wanted = null; // the question whose ECG is to be drawn
    this.record = null; // the number of the record that is drawn
    this.drawnAt = 0; // time of the drawing
    this.paper = null;
    this.small = []; // papers of similar ECGs
    this.large = null; // the one that was opened last
    $("load-again").addEventListener("click", () => this.show(this.wanted));
  }

  isShowing(question) {
    return this.record === question.record.record;
  }

  /** Draw the ECG of a question; one that is on the screen stays as it is. */
  async show(question) {
    this.wanted = question;
    if (!this.isShowing(question)) {
      this.record = null;
      $("ecg").classList.add("is-loading");
      $("no-signal").hidden = true;
      try {
        const drawn = await this.questions.signalsOf(question.record);
        if (this.wanted !== question) {
          return;
        }
        this.draw(drawn);
      } catch (error) {
        if (this.wanted === question) {
          this.failed(error);
        }
        return;
      }
      this.record = question.record.record;
      this.drawnAt = performance.now();
      $("ecg").classList.remove("is-loading");
    }
    await painted();
    performance.mark("ECG painted");
    await this.showSimilar(question);
  }

  draw(drawn) {
    const waves = wavesOf(this.wanted.record);
    if (this.paper) {
      this.paper.update({ ...drawn, waves });
    } else {
      this.paper = new ECGPaper($("paper"), { ...drawn, ...paperWords, waves });
    }
  }

  /** Run the action of a key on the paper, with the focus anywhere; return whether it has one. */
  handleKey(key, { shiftKey, repeat }) {
    if (!PAPER_KEYS.has(key)) {
      return false;
    }
    const event = new KeyboardEvent("keydown", { key, shiftKey, repeat, cancelable: true });
    return !$("paper").dispatchEvent(event);
  }

  failed(error) {
    $("no-signal-text").textContent = `${texts.no_signal} ${whyNot(error)}`;
    $("no-signal").hidden = false;
  }

  async showSimilar(question) {
    this.small.forEach((paper) => paper.destroy());
    this.small = [];
    const label = inWords(question.label, question);
    const recordsOf = (has) =>
      question.similar.filter((one) => one.with_label === has).map((one) => one.record);
    const ofPatient = recordsOf(null);
    const sides = [
      ...(ofPatient.length ? [{ side: texts.same_patient, records: ofPatient }] : []),
      { side: say(texts.similar_with, { label }), records: recordsOf(true) },
      { side: say(texts.similar_without, { label }), records: recordsOf(false) },
    ];
    const boxes = [];
    const shown = sides.map(({ side, records }) => {
      const items = records.map((record) => {
        const box = element("div", { class: "small-paper", inert: "" });
        boxes.push([box, record]);
        const open = element("button", { type: "button", class: "enlarge" }, about(record));
        open.setAttribute("aria-label", say(texts.enlarge, { name: about(record), side }));
        open.addEventListener("click", () => this.enlarge(record, side));
        return element("li", {}, box, open);
      });
      const none = element("p", { class: "hint" }, texts.similar_none);
      const listed = items.length ? element("ul", {}, ...items) : none;
      return element("div", { class: "side" }, element("h3", {}, side), listed);
    });
    $("similar").replaceChildren(...shown);
    for (const [box, record] of boxes) {
      const drawn = await this.questions.signalsOf(record).catch(() => null);
      // One at a time, so that a key pressed meanwhile waits for only one.
      await painted();
      if (this.wanted !== question) {
        return;
      }
      if (!drawn) {
        box.textContent = texts.no_signal;
      } else {
        this.small.push(drawApart(box, { ...drawn, controls: false }));
      }
    }
  }

  /** Open a similar ECG at the scale of the one in question. */
  async enlarge(record, side) {
    const drawn = await this.questions.signalsOf(record).catch(() => null);
    if (!drawn) {
      return;
    }
    $("large-title").textContent = `${about(record)}: ${side}`;
    $("large-dialog").showModal();
    const { layout, speed, gain, zoom } = this.paper.state;
    this.large?.destroy();
    this.large = drawApart($("large-paper"), {
      ...drawn,
      layout,
      speed,
      gain,
      zoom,
      waves: wavesOf(record),
    });
  }
}

/** Return a function that asks for the waves of a record. */
function wavesOf({ record }) {
  return async () => (await request(`api/waves/${record}`)).waves;
}

/** Draw another ECG than the question's: tests find the controls of the latter by name. */
function drawApart(box, options) {
  const paper = new ECGPaper(box, { ...options, ...paperWords });
  [box, ...box.querySelectorAll("[data-testid]")].forEach((one) => delete one.dataset.testid);
  return paper;
}

/** Wait until the browser has painted. */
function painted() {
  return new Promise((resolve) => {
    requestAnimationFrame(() => setTimeout(resolve));
  });
}
