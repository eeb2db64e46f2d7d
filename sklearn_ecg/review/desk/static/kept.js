// What the browser keeps for this page. Some keep nothing, in a private window or when they are
// full; then it lasts as long as the page.

const ownMemory = new Map();

/** Keep a text under a name, for this tab ("sessionStorage") or for good ("localStorage"). */
export function keep(storage, name, text) {
  ownMemory.set(name, text);
  try {
    window[storage].setItem(name, text);
  } catch {
    // It stays in the page's own memory.
  }
}

/** Return what was kept under a name, or null. */
export function kept(storage, name) {
  try {
    return ownMemory.get(name) ?? window[storage].getItem(name);
  } catch {
    return null;
  }
}

/** Forget what is kept for this tab: notes that were not sent are no business of the next reader. */
export function forgetTab() {
  try {
    sessionStorage.clear();
  } catch {
    // The browser keeps nothing for this page.
  }
}
