// Answers that the server has not stored yet. They outlive the page: each is an item of
// localStorage, so that two tabs never overwrite each other's, under the names of the reader and of
// the queue, so that none is sent under another name or to another queue.

import { queue, reader, request, whyNot } from "./api.js";

const ALL = "sklearn-ecg answer ";
const OURS = `${ALL}${JSON.stringify([queue, reader])} `;
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 8000;
// Sent again, these would be refused again. The desk itself never answers 404: that is a proxy's,
// while the desk is away.
const INVALID = new Set([400, 413, 414, 422]);

export class Outbox {
  /**
   * @param {() => void} onChange - Called when the waiting entries, or the reason, change.
   * @param {(entry, reply) => void} onStored
   */
  constructor(onChange, onStored) {
    this.onChange = onChange;
    this.onStored = onStored;
    this.why = null; // a Refused
    this.unkept = new Map(); // entries that the browser could not store
    this.failures = 0;
    window.addEventListener("online", () => this.flush());
    document.addEventListener("visibilitychange", () => document.hidden || this.flush());
  }

  /** The waiting entries, in the order of the answers. */
  get entries() {
    const names = itemNames().filter((name) => name.startsWith(OURS));
    const found = new Map(names.map((name) => [name.slice(OURS.length), itemOf(name)]));
    this.unkept.forEach((entry, key) => found.set(key, entry));
    return [...found.values()].filter(Boolean).sort((one, other) => one.at - other.at);
  }

  get waiting() {
    return this.entries.filter((entry) => !entry.refused);
  }

  get refused() {
    return this.entries.filter((entry) => entry.refused);
  }

  /** How many answers of other readers, or to other queues, wait in this browser. */
  get nOfOthers() {
    const names = itemNames();
    return names.filter((name) => name.startsWith(ALL) && !name.startsWith(OURS)).length;
  }

  /** Store an entry to send, with the page's own data about it, and return its key. */
  add(path, body, about = {}) {
    const key = newKey();
    // Clocks are set back at times, and an answer must not be taken back before it is given.
    const at = Math.max(Date.now(), ...this.entries.map((entry) => entry.at + 1));
    this.keep({ ...about, key, at, path, body: { key, ...body } });
    this.onChange();
    this.flush();
    return key;
  }

  /** Take an answer back: here if it was not sent, else by a request to the server. */
  undo(key) {
    const entry = this.entries.find((one) => one.key === key);
    if (entry && (!entry.wasSent || entry.refused)) {
      this.drop(entry);
      this.onChange();
    } else {
      // By its key: the last answer may have been given in another tab.
      this.add("api/undo", { undoes: key });
    }
  }

  discardRefused() {
    this.refused.forEach((entry) => this.drop(entry));
    this.onChange();
  }

  async flush() {
    if (this.isSending) {
      return;
    }
    this.isSending = true;
    clearTimeout(this.timer);
    try {
      for (let entry = this.waiting[0]; entry; entry = this.waiting[0]) {
        this.keep({ ...entry, wasSent: true });
        await this.send(entry);
      }
      this.why = null;
      this.failures = 0;
    } catch (error) {
      this.why = error;
      const wait = Math.min(FIRST_WAIT_MS * 2 ** this.failures, LONGEST_WAIT_MS);
      this.failures += 1;
      // A random delay: readers who lost the server together must not all retry at once.
      const spread = wait * (0.75 + Math.random() / 2);
      this.timer = setTimeout(() => this.flush(), Math.max(error.waitMs ?? 0, spread));
    } finally {
      this.isSending = false;
      this.onChange();
    }
  }

  async send(entry) {
    const undone = this.refused.find((one) => one.key === entry.body.undoes);
    if (undone) {
      // The server never took it: there is nothing to take back.
      this.drop(undone);
      this.drop(entry);
      return;
    }
    let reply;
    try {
      reply = await request(entry.path, entry.body);
    } catch (error) {
      if (INVALID.has(error.status)) {
        this.keep({ ...entry, refused: whyNot(error) });
        return;
      }
      if (error.status !== 409) {
        throw error;
      }
      reply = { leftQueue: true };
    }
    this.drop(entry);
    this.onStored(entry, reply);
    this.onChange();
  }

  keep(entry) {
    try {
      localStorage.setItem(OURS + entry.key, JSON.stringify(entry));
      this.unkept.delete(entry.key);
    } catch {
      this.unkept.set(entry.key, entry);
    }
  }

  drop(entry) {
    this.unkept.delete(entry.key);
    try {
      localStorage.removeItem(OURS + entry.key);
    } catch {
      // The browser keeps nothing for this page; there is nothing to remove.
    }
  }
}

/** Return an entry as it was kept; null if another tab has sent it meanwhile, or it is damaged. */
function itemOf(name) {
  try {
    const entry = JSON.parse(localStorage.getItem(name));
    return name === OURS + entry?.key && entry.body ? entry : null;
  } catch {
    return null;
  }
}

function itemNames() {
  try {
    return Object.keys(localStorage);
  } catch {
    return [];
  }
}

/** Return a random UUID; crypto.randomUUID is there on https and localhost alone. */
function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
