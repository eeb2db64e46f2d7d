// The dialogs of the page, and the choice of other labels.

import { element } from "./panel.js";
import { inWords, say, words } from "./words.js";

const texts = words.other_dialog;
const $ = (id) => document.getElementById(id);

/** Let each closing button close its dialog. */
export function closeButtons() {
  document.querySelectorAll("[data-close]").forEach((button) => {
    button.addEventListener("click", () => button.closest("dialog").close());
  });
}

/** Ask which labels a record has instead; an empty list if the reader cancels. */
export function chooseLabels(question) {
  const dialog = $("other-dialog");
  const filter = $("other-filter");
  const choices = question.other_labels.map((label) => choice(label, question));
  $("other-explanation").textContent = say(texts.explanation, { label: inWords(question.label, question) });
  $("other-choices").replaceChildren(...choices);
  filter.value = "";
  $("other-hint").textContent = choices.length ? "" : texts.none_found;

  const visible = () => choices.filter((one) => !one.hidden);
  filter.oninput = () => {
    const sought = filter.value.trim().toLowerCase();
    choices.forEach((one) => (one.hidden = !one.textContent.toLowerCase().includes(sought)));
    $("other-hint").textContent = visible().length ? "" : texts.none_found;
  };
  return new Promise((resolve) => {
    $("other-answer").form.onsubmit = (event) => {
      const checked = choices.filter((one) => one.control.checked);
      const isPlain = filter.value && visible().length === 1;
      const chosen = checked.length || !isPlain ? checked : visible();
      if (chosen.length) {
        resolve(chosen.map((one) => one.control.value));
      } else {
        event.preventDefault();
        $("other-hint").textContent = texts.none_chosen;
      }
    };
    // The event of an earlier closing may come when the dialog is open again.
    dialog.onclose = () => dialog.open || resolve([]);
    dialog.showModal();
    filter.focus();
  });
}

function choice(label, question) {
  const box = element("input", { type: "checkbox", value: label });
  const name = element("span", {}, inWords(label, question));
  if (question.labels_now[label] === 1) {
    name.append(" ", element("span", { class: "hint" }, texts.held));
  }
  return element("label", {}, box, name);
}
