// The words of the page, in the reader's language, and how they are put together.

export const words = JSON.parse(document.getElementById("words").textContent, withoutPrototype);
const tag = words.language.tag;
const plural = new Intl.PluralRules(tag);
const lists = new Intl.ListFormat(tag, { type: "conjunction" });

/** A space at which no line ends. */
export const UNBROKEN = "\u00a0";

/** A feature or a label may have the name of a method that all objects have. */
function withoutPrototype(_, value) {
  const isObject = value !== null && typeof value === "object" && !Array.isArray(value);
  return isObject ? Object.assign(Object.create(null), value) : value;
}

/** Return a text with its {names} filled in; of several forms, the one for the number `n`. */
export function say(text, values = {}) {
  const form = typeof text === "string" ? text : text[plural.select(values.n)] ?? text.other;
  return form.replace(/{(\w+)}/g, (_, name) => values[name]);
}

/** Return a number as the language writes it, to three digits. */
export function number(value) {
  return written(value, { maximumSignificantDigits: Math.abs(value) >= 1000 ? 4 : 3 });
}

// Decimal places of measurements on paper.
const PLACES = { mV: 2, ms: 0, bpm: 0, deg: 0, years: 0, "mV ms": 1, "mV/s": 1 };

/** Return a measured value as a reader would write it down, without its unit. */
export function measured(value, unit) {
  return written(value, { maximumFractionDigits: PLACES[unit] ?? 2 });
}

function written(value, digits) {
  const format = { useGrouping: false, signDisplay: "negative", ...digits };
  return new Intl.NumberFormat(tag, format).format(value).replace("-", "−");
}

export function percent(share) {
  return new Intl.NumberFormat(tag, { style: "percent", maximumFractionDigits: 0 }).format(share);
}

export function list(texts) {
  return lists.format(texts);
}

/** Return a label, with its meaning in a queue if it is a known abbreviation. */
export function inWords(label, question) {
  const meant = meaning(label, question);
  // "Normal (normal)" says it twice.
  const isMore = meant.toLowerCase() !== label.toLowerCase();
  return isMore ? say(words.desk.label_in_words, { label, words: meant }) : label;
}

/** Return the meaning of a label in a queue; the label itself, if it is unknown. */
export function meaning(label, question) {
  const known = words.labels[label];
  return known ? ofQueue(known, question) : label;
}

const RHYTHMS = ["N", "A", "O", "~"];
const OF_PTBXL = ["NORM", "ASMI", "IMI"];

/** Return the one meaning of a label of two, as far as the labels beside it tell: A and N are
 * beats but in the challenge of 2017, whose labels they are with O and ~. */
function ofQueue(known, { label, other_labels }) {
  const meanings = known.match(/^(?:(.*?) ?\/ ?)?(.*?) ?[(（](CinC 2017|SNOMED CT)[)）]$/u);
  if (!meanings) {
    return known;
  }
  const [, usual, other, system] = meanings;
  const labels = [label, ...other_labels];
  const has = (some) => some.some((one) => labels.includes(one));
  if (system === "SNOMED CT") {
    return has(OF_PTBXL) ? (usual ?? other) : known;
  }
  if (labels.some((one) => !RHYTHMS.includes(one))) {
    return usual ?? other;
  }
  return has(["O", "~"]) ? other : known;
}
