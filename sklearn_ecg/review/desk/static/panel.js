// The panel beside an ECG: the question, its labels, and the evidence.

import { inSentences } from "./evidence.js";
import { inWords, list, meaning, number, say, UNBROKEN, words } from "./words.js";

const texts = words.desk;
const $ = (id) => document.getElementById(id);

export function element(name, attributes = {}, ...content) {
  const made = document.createElement(name);
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  made.append(...content);
  return made;
}

/** Return the question as one plain sentence. */
export function sentence(question) {
  return say(texts.question, { label: inWords(question.label, question) });
}

/** Fill the panel with a question. */
export function showPanel(question) {
  const { said, speaksFor, against, measured, head } = inSentences(question);
  const label = element("strong", { "data-testid": "question-label" }, question.label);
  const [before, after] = texts.question.split("{label}");
  const inBrackets = inWords(question.label, question).slice(question.label.length);
  $("question").replaceChildren(before, label, inBrackets + after);
  $("more").hidden = !question.n_more_of_record;
  $("more").textContent = say(texts.n_more_of_record, { n: question.n_more_of_record });
  $("dispute").hidden = !question.is_dispute;
  fill($("dispute-answers"), question.answers.map(answerOfOther));
  fill($("said"), [...said, labelsNow(question)]);
  fill($("evidence-for"), speaksFor.map(piece), texts.nothing_for);
  fill($("evidence-against"), against.map(piece), texts.nothing_against);
  // Number of visible reasons on each side; desk.css hides the others.
  const nShown = question.is_dispute ? 1 : 2;
  $("evidence").classList.toggle("is-brief", nShown === 1);
  $("all-evidence").hidden = Math.max(speaksFor.length, against.length) <= nShown;
  $("all-evidence").textContent = say(texts.all_evidence, { n: speaksFor.length + against.length });
  // A random sample comes without evidence, which would sway its readers.
  $("evidence").hidden = $("similar").parentElement.hidden = !question.evidence.length;
  $("ecg-caption").replaceChildren(about(question.record));
  if (head.length) {
    $("ecg-caption").append(element("span", { class: "hint head" }, inARow(head)));
  }
  if (measured.length) {
    const text = say(texts.measured, { measurements: list(measured) });
    $("ecg-caption").append(element("span", { class: "unseen" }, `. ${text}`));
  }
}

// Once it is wanted, all evidence is shown with the next questions as well.
$("all-evidence").addEventListener("click", ({ target }) => {
  const isAll = target.getAttribute("aria-expanded") !== "true";
  target.setAttribute("aria-expanded", String(isAll));
  $("evidence").classList.toggle("is-short", !isAll);
});

/** Return the metadata of a record in one line. */
export function about(record) {
  const { leads, n_times, sampling_rate, age, sex } = record;
  const parts = [
    say(texts.n_leads, { n: leads.length }),
    say(texts.duration, { seconds: number(n_times / sampling_rate) }),
    say(texts.rate, { hertz: number(sampling_rate) }),
  ];
  if (age !== null && age !== undefined) {
    parts.push(say(texts.years, { n: Math.round(age) }));
  }
  if (sex) {
    parts.push(texts[sex] ?? sex);
  }
  return `${nameOf(record)}${UNBROKEN}· ${inARow(parts)}`;
}

/** Return parts in a row; its lines end between two parts, and not before a dot. */
function inARow(parts) {
  return parts.map((part) => part.replaceAll(" ", UNBROKEN)).join(`${UNBROKEN}· `);
}

/** Return the name of a record; where ids are hidden, it is a word and the record's number. */
export function nameOf({ name, record }) {
  return name === `ECG ${record}` ? say(texts.nth_ecg, { number: record }) : name;
}

export function showProgress(progress) {
  const { n_questions, n_settled, n_answered_by_reader, errors_left } = progress;
  $("progress-bar").max = Math.max(n_questions, 1);
  $("progress-bar").value = n_settled;
  const parts = [
    say(texts.settled, { n_settled, n_questions }),
    say(texts.yours, { n: n_answered_by_reader }),
  ];
  if (errors_left?.n_labels) {
    const { estimate, low, high } = errors_left;
    const rounded = { n: Math.round(estimate), low: Math.floor(low), high: Math.ceil(high) };
    parts.push(say(texts.errors_left, rounded));
  }
  $("progress-text").replaceChildren(...parts.map((part) => element("span", {}, part)));
}

function labelsNow(question) {
  const { label, labels_now } = question;
  const held = Object.keys(labels_now).filter((one) => one !== label && labels_now[one] === 1);
  return held.length
    ? say(texts.other_labels_now, { labels: list(held.map((one) => meaning(one, question))) })
    : texts.no_other_labels_now;
}

function answerOfOther({ answer, note }, index) {
  const who = say(texts.nth_reader, { number: index + 1 });
  const what = [element("strong", {}, texts[answer] ?? answer)];
  if (note) {
    what.push(" ", element("q", {}, note));
  }
  return element("li", {}, `${who}: `, ...what);
}

function fill(ul, items, ifEmpty) {
  const shown = items.length || !ifEmpty ? items : [element("li", { class: "hint" }, ifEmpty)];
  const listed = (item) => (item instanceof Element ? item : element("li", {}, item));
  ul.replaceChildren(...shown.map(listed));
}

/** Return a piece of evidence: a sentence, or a measured value with its normal range. */
function piece(one) {
  if (typeof one === "string") {
    return one;
  }
  const value = element("span", { class: "value" }, one.value);
  return element("li", {}, value, " ", element("span", { class: "hint" }, one.usual));
}
