// The questions that come next, with their signals, before they are needed.

import { request } from "./api.js";
import { decodeSignals } from "./recording.js";

const N_AHEAD = 3;
const MOST_SIGNALS = 24;

export class Questions {
  constructor() {
    this.waiting = [];
    this.signals = new Map(); // record -> promise, the least recently used first
  }

  get nMissing() {
    return Math.max(0, N_AHEAD - this.waiting.length);
  }

  /**
   * Request the missing questions.
   *
   * @param {() => number[]} held - Questions that must not come again: shown, or not stored yet.
   * @param {(progress) => void} onProgress
   * @returns {Promise<number>} Number of new questions.
   */
  async ask(held, onProgress) {
    const ours = () => [...this.waiting.map((one) => one.question), ...held()];
    const path = `api/questions?n=${this.nMissing}&holding=${ours().join(",")}`;
    const reply = await request(path);
    // One may have been taken back meanwhile.
    const came = reply.questions.filter((one) => !ours().includes(one.question));
    this.waiting.push(...came);
    came.forEach((one) => this.signalsOf(one.record).catch(() => {}));
    onProgress(reply.progress);
    return came.length;
  }

  /** Return the next question, of the record that is on the screen if there is one; or null. */
  take(record) {
    const same = this.waiting.findIndex((one) => one.record.record === record);
    return this.waiting.splice(Math.max(same, 0), 1)[0] ?? null;
  }

  putBack(question) {
    this.waiting.unshift(question);
  }

  remove(question) {
    this.waiting = this.waiting.filter((one) => one.question !== question.question);
  }

  /** Return a promise of the decoded signals of a record. */
  signalsOf(record) {
    const number = record.record;
    const found = this.signals.get(number) ?? this.load(record);
    this.signals.delete(number);
    this.signals.set(number, found);
    if (this.signals.size > MOST_SIGNALS) {
      this.signals.delete(this.signals.keys().next().value);
    }
    return found;
  }

  async load(record) {
    try {
      const body = await request(`api/signals/${record.record}`);
      return decodeSignals(body, record);
    } catch (error) {
      this.signals.delete(record.record);
      throw error;
    }
  }
}
