// The words of the paper, and how numbers are put into them.

export const ENGLISH = {
  label: "{n}-lead ECG, {duration} s, {speed} mm/s, {gain} mm/mV",
  scale: "{speed} mm/s   {gain} mm/mV",
  columns: "{seconds} s of each lead, columns in sequence",
  unfiltered: "no filter added",
  notShown: "not shown: {leads}",
  seconds: "{n} s",
  // Text after a lead's name, and in the table for readers who do not see the paper.
  recorded: "recorded",
  flat: "flat",
  notRecorded: "not recorded",
  notRecordedHere: "not recorded at this time",
  notInRecord: "not in the record",
  offScale: "cut off",
  gaps: "not recorded for {seconds} s of it",
  headLead: "Lead",
  headState: "State",
  headRange: "From, to (mV)",
  // Controls.
  toolbar: "Paper",
  layout: "Layout",
  cabrera: "Cabrera",
  stacked: "rows",
  wrapped: "wrapped",
  lead: "Lead",
  allLeads: "all leads",
  speed: "Speed",
  speedValue: "{n} mm/s",
  gain: "Gain",
  gainValue: "{n} mm/mV",
  zoomIn: "Zoom in",
  zoomOut: "Zoom out",
  fit: "Fit",
  calipers: "Calipers",
  march: "March out",
  waves: "Waves",
  on: "on",
  off: "off",
  noWaves: "no waves found",
  wavesFailed: "the waves could not be had; try again",
  P: "P",
  QRS: "QRS",
  T: "T",
  // Calipers.
  time0: "First time caliper",
  time1: "Second time caliper",
  level0: "First voltage caliper",
  level1: "Second voltage caliper",
  reading: "{ms} ms   {perMinute} /min   {mv} mV",
  keys:
    "Arrow keys move the paper, plus and minus zoom, f fits. l: layout, v: speed, g: gain, " +
    "w: waves, c: calipers, m: marching calipers. Arrow keys move a caliper that has the focus, " +
    "with Shift in larger steps.",
};

/** A function that fills values into a string, and writes numbers as the language does. */
export function speaker({ language, strings }) {
  const words = { ...ENGLISH, ...strings };
  const format = (value, options) =>
    new Intl.NumberFormat(language, { useGrouping: false, ...options }).format(value);
  const say = (name, values = {}) =>
    Object.entries(values).reduce(
      (text, [key, value]) => text.replaceAll(`{${key}}`, () => value), words[name]);
  say.number = (value, digits) => format(value, { maximumSignificantDigits: digits });
  say.fixed = (value, digits) =>
    format(value, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return say;
}
