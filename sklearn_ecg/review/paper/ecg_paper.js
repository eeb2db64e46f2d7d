// An ECG on calibrated paper, for web pages and notebooks, without dependencies. This is the
// element; the modules beside it are its parts.
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


import { Calipers } from "./calipers.js";
import { Captions, labelOf } from "./captions.js";
import { listenToPointers, listenToWheel, runKey } from "./gestures.js";
import { GAINS, layoutsFor, layOut, mmOf, SPEEDS } from "./layout.js";
import { following } from "./numbers.js";
import { Recording } from "./recording.js";
import { speaker } from "./strings.js";
import { Toolbar } from "./toolbar.js";
import { Viewport } from "./viewport.js";
import { byLead } from "./waves.js";

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
const ZOOM_STEP = 1.25;

/** An ECG on paper in an element of the page. */
export class ECGPaper {
  #element;
  // What the parts read: options, recording, sheet, words, and what is marked on it.
  #drawn = {
    options: { ...OPTIONS }, recording: null, sheet: null, say: null, wavesInSight: null,
    calipers: null,
  };
  #viewport;
  #calipers;
  #captions;
  #toolbar = null;
  #waves = null; // Map of lead to list
  #asked = null; // the recording whose waves are awaited
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

  #build() {
    const drawn = this.#drawn;
    const report = () => this.#report();
    const viewport = this.#viewport = new Viewport(this.#element, drawn);
    this.#calipers = drawn.calipers = new Calipers(drawn, viewport, report);
    this.#captions = new Captions(viewport, this.#calipers.output);
    this.#element.replaceChildren(viewport.view, ...this.#captions.elements, viewport.printed);
    const listen = (target, type, listener, options = {}) =>
      target.addEventListener(type, listener, { signal: this.#away.signal, ...options });
    listen(viewport.view, "scroll", () => viewport.schedule());
    listen(this.#element, "keydown", (event) => this.#onKey(event));
    listen(window, "resize", () => this.#resize());
    listen(window, "beforeprint", () => viewport.print());
    listen(window, "afterprint", () => viewport.printed.replaceChildren());
    listenToWheel(listen, viewport, report);
    listenToPointers(listen, viewport, report);
  }

  /** The present display, as constant values. */
  get state() {
    const { options, recording, sheet, wavesInSight } = this.#drawn;
    const { layout, speed, gain, calipers, march } = options;
    const { view, zoom, pxPerMm } = this.#viewport;
    return Object.freeze({
      layout: sheet.layout,
      layoutAsked: layout,
      layouts: layoutsFor(recording),
      speed,
      gain,
      zoom,
      pxPerMm,
      label: labelOf(this.#drawn),
      durationS: recording.durationS,
      paperMm: { left: sheet.left, width: sheet.width, height: sheet.height },
      rows: sheet.rows.map((row) => ({
        baselineMm: row.baseline,
        traces: row.traces.map(({ name, lead, sign, startS, stopS, note }) => ({
          name, lead: lead?.name ?? null, sign, startS, stopS, note,
        })),
      })),
      notShown: sheet.hidden,
      scroll: { left: view.scrollLeft, top: view.scrollTop },
      calipers,
      march,
      reading: calipers ? this.#calipers.reading : null,
      wavesShown: Boolean(wavesInSight),
    });
  }

  /** Change options; a new record is shown from its start. */
  update(options = {}) {
    const drawn = this.#drawn;
    const next = { ...drawn.options, ...options };
    checkOption("speed", next.speed, SPEEDS);
    checkOption("gain", next.gain, GAINS);
    const isNew = ["leads", "samplingRate", "signals"].some((name) => name in options);
    if (isNew && !("waves" in options) && Array.isArray(next.waves)) next.waves = null;
    const recording = isNew
      ? new Recording(next.leads, next.samplingRate, next.signals)
      : drawn.recording;
    const waves = Array.isArray(next.waves) ? byLead(next.waves, recording) : null;
    Object.assign(drawn, { options: next, recording, say: speaker(next) });
    if (isNew) {
      this.#asked = null;
      this.#viewport.view.scrollTo(0, 0);
      this.#calipers.reset();
    }
    if (isNew || "waves" in options) {
      this.#waves = drawn.wavesInSight = waves;
    }
    drawn.sheet = layOut(recording, next);
    this.#calipers.stayOnSheet();
    this.#refresh();
    this.#report();
  }

  /** Mark waves: a list of {lead, wave: "P" | "QRS" | "T", onset, peak, offset} in samples, null
   * where absent; or null, to mark none. */
  setWaves(list) {
    this.update({ waves: list });
  }

  /** Show or hide waves; where `waves` is a function, it is asked when they are first shown. */
  async toggleWaves() {
    const drawn = this.#drawn;
    const { recording, options: { waves: ask } } = drawn;
    if (!this.#waves && typeof ask === "function") {
      if (this.#asked === recording) return;
      this.#asked = recording;
      const list = await Promise.resolve(recording).then(ask).catch(() => null);
      // Another record may be on the paper by now.
      if (this.#asked !== recording) return;
      this.#asked = null;
      if (list) this.#waves = byLead(list, recording);
    }
    drawn.wavesInSight = drawn.wavesInSight ? null : this.#waves;
    this.#refresh();
    this.#report();
    if (!this.#waves && ask) this.#captions.note(drawn.say("wavesFailed"));
    this.#captions.tell("waves", drawn);
  }

  nextLayout() {
    const { recording, sheet } = this.#drawn;
    this.#choose("layout", following(layoutsFor(recording), sheet.layout));
  }

  nextSpeed() {
    this.#choose("speed", following(SPEEDS, this.#drawn.options.speed));
  }

  nextGain() {
    this.#choose("gain", following(GAINS, this.#drawn.options.gain));
  }

  toggleCalipers() {
    this.#choose("calipers", !this.#drawn.options.calipers);
  }

  toggleMarch() {
    this.#choose("march", !this.#drawn.options.march, { calipers: true });
  }

  #choose(name, value, others = {}) {
    this.update({ [name]: value, ...others });
    this.#captions.tell(name, this.#drawn);
  }

  zoomIn() {
    this.#zoomBy(ZOOM_STEP);
  }

  zoomOut() {
    this.#zoomBy(1 / ZOOM_STEP);
  }

  #zoomBy(factor) {
    this.#viewport.zoomAbout(this.#viewport.zoom * factor);
    this.#refresh();
    this.#report();
  }

  /** Show all at once, or return to a readable size. */
  fit() {
    this.update({ zoom: this.#drawn.options.zoom === "fit" ? "auto" : "fit" });
  }

  /** Move the paper by mm. */
  pan(right, down = 0) {
    this.#viewport.pan(right, down);
  }

  /** Place the calipers: two times in s, and two levels {row, mv}, rows counted from 0. */
  setCalipers(places) {
    this.#calipers.set(places);
    this.update({ calipers: true });
  }

  /** Where a time in s and a value in mV of a lead are, in px from the corner of the view; null
   * where the layout does not show them. The value counts from the lead's median. */
  position(name, time, mv = 0) {
    const { recording, sheet } = this.#drawn;
    const { view, pxPerMm } = this.#viewport;
    const { lead } = recording.find(name);
    const traces = sheet.rows.flatMap((row) => row.traces);
    const trace = traces.find((one) =>
      lead && one.lead === lead && one.startS <= time && time <= one.stopS);
    return trace
      ? {
        x: mmOf(sheet, trace, time) * pxPerMm - view.scrollLeft,
        y: (trace.baseline - trace.sign * mv * sheet.gain) * pxPerMm - view.scrollTop,
      }
      : null;
  }

  destroy() {
    this.#away.abort();
    this.#resized.disconnect();
    this.#viewport.close();
    this.#element.replaceChildren();
    this.#element.classList.remove("ecg-paper");
  }

  /** Do what a key stands for, and return whether it stands for something. A page may hand on keys
   * that are pressed elsewhere. */
  handleKey(event) {
    return runKey(event, this, this.#viewport, this.#drawn.sheet);
  }

  #onKey(event) {
    const isButton = this.#toolbar?.element.contains(event.target);
    // Arrows and letters choose from the list of leads, and are its own.
    if (event.defaultPrevented || event.target === this.#toolbar?.lead) return;
    if (isButton && event.key.length > 1) return;
    if (!this.handleKey(event)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** Write all words, and draw. */
  #refresh() {
    if (this.#drawn.options.controls && !this.#toolbar) {
      this.#toolbar = new Toolbar(this);
      this.#element.prepend(this.#toolbar.element);
    }
    this.#toolbar?.write(this.#drawn);
    this.#captions.write(this.#drawn);
    this.#viewport.takeSize();
    this.#calipers.write();
    this.#viewport.draw();
  }

  #resize() {
    this.#viewport.takeSize();
    this.#viewport.draw();
  }

  #report() {
    this.#drawn.options.onChange?.(this.state);
  }
}

function checkOption(name, value, allowed) {
  if (!allowed.includes(value)) {
    throw new RangeError(`${name} must be one of ${allowed.join(", ")}; got ${value}.`);
  }
}
