// Evidence for and against a label, in words.

import { list, measured, percent, say, UNBROKEN, words } from "./words.js";

const texts = words.evidence;

/**
 * Sort the evidence of a question into sentences.
 *
 * @returns {{said: string[], speaksFor: object[], against: object[], measured: string[],
 *   head: string[]}}
 *   What the labels say; both sides, as sentences or as a measured value and what is usual; what
 *   was measured, whichever side it speaks for; and what the head of a printed ECG says.
 */
export function inSentences(question) {
  const found = { said: [], speaksFor: [], against: [], measured: [], head: [] };
  const values = question.evidence.filter((one) => one.kind === "measurement");
  // Values that readers can measure come first; in each group the strongest is first.
  const others = question.evidence.filter((one) => one.kind !== "measurement");
  const [known, unknown] = [true, false].map((is) => values.filter((one) => isFamiliar(one) === is));
  const label = question.label;
  const speaking = (one) => (one.speaks === "for" ? found.speaksFor : found.against);
  for (const one of [...others, ...known, ...unknown]) {
    if (one.kind === "weak") {
      found.said.push(...whatIsSaid(one.said));
    } else if (one.kind === "belief") {
      found.said.push(say(words.desk.belief, { percent: percent(one.probability) }));
    } else if (one.kind === "measurement") {
      (one.score > 0 ? found.speaksFor : found.against).push(measurement(one));
      found.measured.push(valueOf(one));
    } else if (one.kind === "head") {
      found.head.push(...one.values.map(valueOf));
    } else if (one.kind === "swap") {
      speaking(one).push(say(texts.swap, { label, other: one.with }));
    } else if (one.kind === "rule") {
      const values = { label, other: one.by, percent: percent(one.accuracy) };
      speaking(one).push(say(texts[one.rule], values));
    } else if (texts[one.kind]) {
      found.said.push(say(texts[one.kind], { label }));
    }
  }
  return found;
}

/** Whether a reader can measure it on paper: no area, slope or variance of amplitudes. */
function isFamiliar({ feature, unit, normal }) {
  const isCalculated = ["mV ms", "mV/s"].includes(unit) || feature.endsWith("_SD_mV");
  return Boolean(unit || normal) && !isCalculated;
}

function whatIsSaid(said) {
  const form = { 1: "present", 0: "absent", "-1": "unknown" };
  if (typeof said === "number") {
    return [words.desk[`weak_${form[said]}`]];
  }
  return ["1", "0", "-1"].flatMap((one) => {
    const sources = Object.keys(said).filter((source) => sideOf(said[source]) === one);
    const text = words.desk[`sources_${form[one]}`];
    const named = sources.map((source) => source + surenessOf(said[source]));
    return sources.length ? [say(text, { sources: list(named) })] : [];
  });
}

/** Return the tendency of a source; one with shares may say neither yes nor no. */
function sideOf(share) {
  return share < 0 ? "-1" : String(Number(share >= 0.5));
}

function surenessOf(share) {
  return share > 0 && share < 1 ? ` (${percent(Math.max(share, 1 - share))})` : "";
}

function measurement(one) {
  const ranges = { with: range(one.usual_with, one.unit), without: range(one.usual_without, one.unit) };
  const limits = isOfOtherLeads(one) ? "" : (words.normal[one.normal] ?? one.normal);
  const normal = limits
    .replace("-", "−")
    .replaceAll(/([−\d.,]+)–([−\d.,]+)/g, (_, low, high) => say(texts.range, { low, high }));
  const usual = say(texts.usual, ranges) + (normal ? say(texts.normal, { normal }) : "");
  return { value: valueOf(one), usual };
}

/** Whether a normal range, such as "below 40 (I and V6)", is said of other leads than this one. */
function isOfOtherLeads({ normal, lead }) {
  const leads = normal?.match(/\b(?:aV[RLF]|V[1-6]|I{1,3})\b/g) ?? [];
  return Boolean(lead) && leads.length > 0 && !leads.includes(lead);
}

function valueOf(one) {
  const unit = words.units[one.unit] ?? one.unit;
  // The degree sign alone follows its number without a space.
  const value = `${measured(one.value, one.unit)}${unit && unit !== "°" ? UNBROKEN : ""}${unit}`;
  // Names such as aVR stay as they are.
  const capital = (word) => word[0].toUpperCase() + word.slice(1);
  const feature = nameOf(one).replace(/^\p{Ll}+(?=\P{L}|$)/u, capital);
  return say(texts.measurement, { feature, value });
}

function nameOf({ feature, lead }) {
  const inAnyLead = lead && words.features[feature.replace(lead, "{lead}")];
  return inAnyLead
    ? say(inAnyLead, { lead })
    : (words.features[feature] ?? feature.replaceAll("_", " "));
}

function range(limits, unit) {
  const [low, high] = limits.map((limit) => measured(limit, unit));
  return low === high ? low : say(texts.range, { low, high });
}
