// The page on which readers answer questions.

import { queue, reader, Refused, whyNot } from "./api.js";
import { chooseLabels, closeButtons } from "./dialogs.js";
import { Drawing } from "./drawing.js";
import { keep, kept } from "./kept.js";
import { Outbox } from "./outbox.js";
import { nameOf, sentence, showPanel, showProgress } from "./panel.js";
import { Questions } from "./questions.js";
import { say, words } from "./words.js";

const texts = words.desk;
const $ = (id) => document.getElementById(id);
const ANSWER_KEYS = {
  y: "present",
  1: "present",
  n: "absent",
  0: "absent",
  u: "unsure",
  s: "skip",
  o: "other",
  b: "bad signal",
  z: "undo",
};
// While this many answers wait for the server, no more questions come.
const MOST_WAITING = 150;
const LOOK_AGAIN_MS = 20_000;
const FIRST_WAIT_MS = 1000;
// Delay before screen readers speak of storing; without it they would at each answer.
const STORING_MS = 300;

const questions = new Questions();
const outbox = new Outbox(showStoring, stored);
const drawing = new Drawing(questions);
const given = []; // answers of this page, which can be taken back at once
let current = null; // the question that is shown
let seconds = null; // its reading time
let shownAt = 0; // start of its display

// ---- Get questions ----

let isRefilling = false;
let failures = 0;
let timer = null;

/** Hold some questions ahead, and show one if none is shown. */
async function refill() {
  if (isRefilling) {
    return;
  }
  isRefilling = true;
  clearTimeout(timer);
  try {
    let nNew = 1;
    while (nNew && questions.nMissing) {
      if (outbox.waiting.length >= MOST_WAITING) {
        throw outbox.why ?? new Refused(429);
      }
      nNew = await questions.ask(held, showProgress);
      current ?? show(questions.take(), texts.next_ecg);
    }
    failures = 0;
    if (outbox.why) {
      outbox.flush();
    }
    if (questions.nMissing) {
      timer = setTimeout(refill, LOOK_AGAIN_MS);
    }
    current ?? pause(texts.nothing_left, texts.nothing_left_text, true);
  } catch (error) {
    const wait = FIRST_WAIT_MS * 2 ** Math.min(failures, 3);
    timer = setTimeout(refill, Math.max(error.waitMs ?? 0, wait));
    failures += 1;
    current ?? pause(texts.no_questions, whyNot(error), true);
    askToSignIn(error);
  } finally {
    isRefilling = false;
  }
}

/** Questions that must not come again: the one shown, and those whose answers wait. */
function held() {
  const waiting = outbox.waiting.map((entry) => entry.body.question);
  return [current?.question, ...waiting].filter((one) => one !== undefined);
}

function next(said) {
  const record = current.record.record;
  current = null;
  const found = questions.take(record);
  if (found) {
    show(found, found.record.record === record ? texts.same_ecg : texts.next_ecg, said);
  } else {
    pause(texts.loading);
  }
  refill();
}

function show(question, how, said = "") {
  if (!question) {
    return;
  }
  current = question;
  seconds = stopwatch();
  shownAt = performance.now();
  $("pause").hidden = true;
  $("desk").hidden = false;
  showPanel(question);
  $("note").value = kept("sessionStorage", noteOf(question)) ?? "";
  announce(`${said} ${say(how, { question: sentence(question) })}`);
  drawing.show(question);
}

function pause(title, text = "", canLookAgain = false) {
  $("desk").hidden = true;
  $("pause").hidden = false;
  $("pause-title").textContent = title;
  $("pause-text").textContent = text;
  $("pause-buttons").hidden = !canLookAgain;
  if (text) {
    announce(`${title}. ${text}`);
  }
}

// ---- Answer them ----

function answer(chosen, labels = []) {
  if (!current || (!drawing.isShowing(current) && chosen !== "skip")) {
    return;
  }
  performance.mark("answered");
  const note = $("note").value.trim();
  const key = outbox.add("api/answers", {
    question: current.question,
    answer: chosen,
    labels,
    note,
    seconds: seconds(),
  });
  keep("sessionStorage", noteOf(current), "");
  given.push({ question: current, key, note });
  const what = labels.length ? labels.join(", ") : texts[chosen];
  $("last").textContent = say(texts.last, {
    ecg: nameOf(current.record),
    label: current.label,
    answer: what,
  });
  next(say(texts.answered, { answer: what }));
}

async function answerOther() {
  if (current && drawing.isShowing(current)) {
    const asked = current;
    const labels = await chooseLabels(asked);
    if (labels.length && asked === current) {
      answer("absent", labels);
    }
  }
}

function undo() {
  const last = given.pop();
  if (!last) {
    // The server knows answers from before the page was loaded.
    outbox.add("api/undo", {}, { mustShow: true });
    return;
  }
  outbox.undo(last.key);
  if (last.note) {
    keep("sessionStorage", noteOf(last.question), last.note);
  }
  showAgain(last.question);
}

function showAgain(question) {
  if (current && current.question !== question.question) {
    questions.putBack(current);
  }
  questions.remove(question);
  $("last").textContent = "";
  show(question, texts.again);
}

/** Run the choice of a key or a button: an answer or an undo. */
function choose(what, event) {
  if (what === "undo") {
    undo();
  } else if (event.timeStamp >= Math.max(shownAt, drawing.drawnAt)) {
    // Otherwise it was pressed while a busy page still showed the last question.
    what === "other" ? answerOther() : answer(what);
  }
}

// ---- Store the answers ----

let quiet = null;

function stored(entry, reply) {
  if (reply.progress) {
    showProgress(reply.progress);
  }
  if (reply.leftQueue) {
    $("last").textContent = words.outbox.left_queue;
  } else if (entry.mustShow && reply.question) {
    showAgain(reply.question);
  } else if (entry.mustShow) {
    $("last").textContent = texts.nothing_to_undo;
    announce(texts.nothing_to_undo);
  }
  if (questions.nMissing) {
    refill();
  }
}

function showStoring() {
  const texts = words.outbox;
  const { waiting, refused, why, nOfOthers } = outbox;
  const n = waiting.length;
  const reasons = [];
  if (n && why) {
    reasons.push(whyNot(why), say(texts.kept, { n }));
  }
  if (n && outbox.unkept.size) {
    reasons.push(texts.not_kept);
  }
  if (refused.length) {
    reasons.push(say(texts.refused, { n: refused.length, why: refused[0].refused }));
  }
  if (nOfOthers) {
    reasons.push(say(texts.of_others, { n: nOfOthers }));
  }
  clearTimeout(quiet);
  $("status").setAttribute("aria-busy", String(n > 0 && !why));
  quiet = setTimeout(() => $("status").setAttribute("aria-busy", "false"), STORING_MS);
  const all = refused.length ? "" : texts.stored;
  setText($("status-text"), n ? say(texts.waiting, { n }) : all);
  setText($("status-why"), reasons.join(" "));
  $("discard").hidden = !refused.length;
  $("status").classList.toggle("is-waiting", n > 0);
  $("status").classList.toggle("is-wide", reasons.length > 0);
  if (n && why) {
    askToSignIn(why);
  }
}

let wasAsked = false;

function askToSignIn(error) {
  if (error.status === 401 && !wasAsked) {
    wasAsked = true;
    const n = outbox.waiting.length;
    $("sign-in-kept").textContent = n ? say(words.outbox.kept, { n }) : "";
    $("sign-in-dialog").showModal();
  }
}

window.addEventListener("beforeunload", (event) => {
  if (outbox.waiting.length && !isSigningIn) {
    event.preventDefault();
  }
});

let isSigningIn = false;
$("sign-in").addEventListener("click", () => {
  isSigningIn = true;
});
$("discard").addEventListener("click", () => outbox.discardRefused());

// ---- Keys and buttons ----

/** Return the key of a stored note: another reader must not find it, not even in the same tab. */
function noteOf({ question }) {
  return `sklearn-ecg note ${JSON.stringify([queue, reader, question])}`;
}

const note = $("note");
note.addEventListener("input", () => {
  if (current) {
    keep("sessionStorage", noteOf(current), note.value);
  }
});

document.querySelector(".answers").addEventListener("click", (event) => {
  const chosen = event.target.closest("[data-answer]")?.dataset.answer;
  // The second click of a double click would answer the next question.
  if (chosen && event.detail < 2) {
    choose(chosen, event);
  }
});

const useKeys = $("use-keys");
useKeys.checked = kept("localStorage", "sklearn-ecg keys") !== "off";
useKeys.addEventListener("change", () => {
  keep("localStorage", "sklearn-ecg keys", useKeys.checked ? "on" : "off");
});

document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) {
    return;
  }
  if (event.repeat && ["Enter", " "].includes(key) && target.closest("button")) {
    // A held key counts once.
    event.preventDefault();
    return;
  }
  if (key === "Escape" && target === note) {
    note.blur();
    return;
  }
  // For a moment the focus stays in a dialog that was closed.
  const isWriting = target.closest("input, textarea, select") && target.checkVisibility();
  if (isWriting || document.querySelector("dialog[open]") || !useKeys.checked) {
    return;
  }
  if (handleKey(key.length === 1 ? key.toLowerCase() : key, event)) {
    event.preventDefault();
  }
});

/** Run the action of a key, and return whether it has one. */
function handleKey(key, event) {
  if (key in ANSWER_KEYS) {
    event.repeat || choose(ANSWER_KEYS[key], event);
  } else if (key === "e" && current) {
    note.focus();
  } else if (key === "?") {
    $("help-dialog").showModal();
  } else {
    return Boolean(current) && drawing.handleKey(key, event);
  }
  return true;
}

$("open-help").addEventListener("click", () => $("help-dialog").showModal());
$("look-again").addEventListener("click", refill);
$("undo-last").addEventListener("click", undo);
closeButtons();

// ---- Helpers ----

/** Return a function that says how many seconds the page has been visible since. */
function stopwatch() {
  let total = 0;
  let since = document.hidden ? null : performance.now();
  const controller = new AbortController();
  const stop = () => {
    total += since === null ? 0 : performance.now() - since;
    since = null;
  };
  document.addEventListener(
    "visibilitychange",
    () => (document.hidden ? stop() : (since = performance.now())),
    { signal: controller.signal },
  );
  return () => {
    stop();
    controller.abort();
    return Math.round(total) / 1000;
  };
}

function setText(element, text) {
  // Unchanged text would be read aloud again.
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

function announce(text) {
  $("announcement").textContent = text.trim();
}

pause(texts.loading);
showStoring();
outbox.flush();
refill();
