// The entry point of the notebook's widget.

import { ECGPaper } from "./ecg_paper.js";
import { bytesOf } from "./recording.js";

/** A caliper moves by samples: 799.9999999999998 ms would be no measurement. */
function rounded(value) {
  return value === null ? null : Number(value.toFixed(3));
}

/** Entry point of anywidget: the traits of `sklearn_ecg.review.ECGWidget` are options. */
function render({ model, el }) {
  // Else JupyterLab takes keys as its own: c copies the cell, m makes it a text. It looks at what
  // has the focus.
  const keepKeys = (event) => event.target.dataset.lmSuppressShortcuts = "true";
  el.addEventListener("focusin", keepKeys);
  const record = () => {
    const bytes = bytesOf(model.get("signals"));
    const leads = model.get("leads");
    const nTimes = bytes.byteLength / 4 / leads.length;
    const signals = leads.map((_, lead) => Float32Array.from(
      { length: nTimes }, (_, i) => bytes.getFloat32(4 * (lead * nTimes + i), true)));
    return { leads, samplingRate: model.get("sampling_rate"), signals, waves: model.get("waves") };
  };
  // Names of options, and of their traits.
  const looks = { layout: "lead_layout", speed: "speed", gain: "gain" };
  const lookAs = (names) => Object.fromEntries(names.map((name) => [name, model.get(looks[name])]));
  const paper = new ECGPaper(el, {
    ...record(),
    ...lookAs(Object.keys(looks)),
    onChange: ({ layoutAsked, speed, gain, reading }) => {
      const measured = reading && {
        ms: rounded(reading.ms), per_minute: rounded(reading.perMinute), mv: rounded(reading.mv),
        times_s: reading.times.map(rounded),
      };
      model.set({ lead_layout: layoutAsked, speed, gain, reading: measured ?? {} });
      model.save_changes();
    },
  });
  const onRecord = () => paper.update(record());
  const onLooks = () => {
    const { layoutAsked: layout, speed, gain } = paper.state;
    const now = { layout, speed, gain };
    const changed = Object.keys(looks).filter((name) => now[name] !== model.get(looks[name]));
    if (changed.length) paper.update(lookAs(changed));
  };
  const onWaves = () => paper.setWaves(model.get("waves"));
  model.on("change:signals", onRecord);
  model.on("change:lead_layout change:speed change:gain", onLooks);
  model.on("change:waves", onWaves);
  return () => {
    model.off("change:signals", onRecord);
    model.off("change:lead_layout change:speed change:gain", onLooks);
    model.off("change:waves", onWaves);
    el.removeEventListener("focusin", keepKeys);
    paper.destroy();
  };
}

export default { render };
