// Calipers: two of time and two of voltage, what is between them, and the interval marched out.

import { CALIPER, make } from "./elements.js";
import { clamp, nearest } from "./numbers.js";

const LEVEL_STEPS_MV = { small: 0.01, large: 0.1 };
const LARGE_TIME_STEP_S = 0.04;
const IN_SIGHT_PX = 24;

export class Calipers {
  #paper; // what is drawn: its options, recording, sheet and words
  #viewport;
  #onMove;
  #times = null; // s
  #levels = null; // {row, mv}
  #lines = [];

  constructor(paper, viewport, onMove) {
    this.#paper = paper;
    this.#viewport = viewport;
    this.#onMove = onMove;
    this.output = make("output", { className: "ecg-reading", hidden: true });
    this.output.dataset.testid = "caliper-reading";
    this.output.setAttribute("aria-live", "polite");
  }

  /** Two times in s from the beginning of the rows, two levels {row, mv}, and what is between: ms,
   * per minute, and mV. */
  get reading() {
    const [from, to] = this.#times;
    const ms = 1000 * Math.abs(to - from);
    const [lower, upper] = this.#levels.map((level) => this.#mmOf(level));
    const mv = Math.abs(upper - lower) / this.#paper.sheet.gain;
    return {
      times: [...this.#times],
      levels: this.#levels.map((level) => ({ ...level })),
      ms,
      perMinute: ms ? 60000 / ms : null,
      mv,
    };
  }

  /** From where and in which interval to mark, in s; null where nothing is to be marked. */
  get march() {
    const { calipers, march } = this.#paper.options;
    const interval = calipers && march && Math.abs(this.#times[1] - this.#times[0]);
    return interval ? { from: this.#times[0], interval } : null;
  }

  /** Forget where they were: another record is on the paper. */
  reset() {
    this.#times = this.#levels = null;
  }

  set({ times = [], levels = [] }) {
    this.#begin();
    times.forEach((time, i) => this.#moveTime(i, time));
    levels.forEach(({ row, mv }, i) => this.#moveLevel(i, row, mv));
  }

  /** Keep them on a sheet that has changed. */
  stayOnSheet() {
    this.#times?.forEach((time, i) => this.#moveTime(i, time));
    this.#levels?.forEach(({ row, mv }, i) => this.#moveLevel(i, row, mv));
  }

  /** Place them in the middle of the visible part, unless they are somewhere. */
  #begin() {
    if (this.#times) return;
    const { view, pxPerMm } = this.#viewport;
    const { left, speed, rows, width } = this.#paper.sheet;
    const inSight = Math.min(view.clientWidth || Infinity, width * pxPerMm);
    const timeAt = (share) => ((view.scrollLeft + share * inSight) / pxPerMm - left) / speed;
    this.#times = [0, 0];
    this.#levels = [{ row: 0, mv: 0 }, { row: 0, mv: 0 }];
    [timeAt(0.4), timeAt(0.4) + 0.8].forEach((time, i) => this.#moveTime(i, time));
    const middle = (view.scrollTop + (view.clientHeight || 0) / 2) / pxPerMm;
    const row = nearest(rows.map(({ baseline }) => baseline), middle);
    [0, 1].forEach((mv, i) => this.#moveLevel(i, row, mv));
  }

  #moveTime(i, time) {
    const { recording: { samplingRate }, acrossS } = this.#paper.sheet;
    this.#times[i] = clamp(Math.round(time * samplingRate) / samplingRate, 0, acrossS);
  }

  #moveLevel(i, row, mv) {
    const at = clamp(row, 0, this.#paper.sheet.rows.length - 1);
    const [lowest, highest] = this.#rangeOf(at);
    this.#levels[i] = { row: at, mv: clamp(Math.round(mv * 100) / 100, lowest, highest) };
  }

  /** From which to which mV of a row the paper reaches. */
  #rangeOf(row) {
    const { rows, height, gain } = this.#paper.sheet;
    return [(rows[row].baseline - height) / gain, rows[row].baseline / gain];
  }

  #mmOf({ row, mv }) {
    return this.#paper.sheet.rows[row].baseline - mv * this.#paper.sheet.gain;
  }

  /** Show or hide them, and write what they measure. */
  write() {
    const { options: { calipers }, sheet, say } = this.#paper;
    if (calipers) this.#begin();
    if (calipers && !this.#lines.length) this.#build();
    for (const { line } of this.#lines) line.hidden = !calipers;
    this.output.hidden = !calipers;
    if (!calipers) return;
    const { ms, perMinute, mv } = this.reading;
    const text = say("reading", {
      ms: say.number(Math.round(ms), 6),
      perMinute: perMinute ? say.number(Math.round(perMinute), 6) : "–",
      mv: say.fixed(mv, 2),
    });
    // Text that is written again is spoken again.
    if (this.output.textContent !== text) this.output.textContent = text;
    for (const { knob, axis, i } of this.#lines) {
      const isTime = axis === "time";
      const value = isTime ? this.#times[i] : this.#levels[i].mv;
      const [lowest, highest] = isTime
        ? [0, sheet.acrossS]
        : this.#rangeOf(this.#levels[i].row);
      knob.setAttribute("aria-label", say(`${axis}${i}`));
      knob.setAttribute("aria-valuemin", lowest);
      knob.setAttribute("aria-valuenow", value);
      knob.setAttribute("aria-valuemax", highest);
      knob.setAttribute("aria-valuetext",
        isTime ? `${say.number(value, 6)} s` : `${say.fixed(value, 2)} mV`);
    }
    this.place();
  }

  #build() {
    for (const [axis, i] of [["level", 0], ["level", 1], ["time", 0], ["time", 1]]) {
      // The knob of the first is at the left or above, that of the second at the right or below, so
      // that neither hides the other however close the lines are.
      const knob = make("div", { className: i ? "is-second" : "", tabIndex: 0 });
      knob.dataset.testid = `caliper-${axis}-${i}`;
      knob.setAttribute("role", "slider");
      knob.setAttribute("aria-orientation", axis === "time" ? "horizontal" : "vertical");
      const line = make("div", { className: "ecg-caliper" }, knob);
      line.dataset.axis = axis;
      const caliper = { line, knob, axis, i };
      line.addEventListener("pointerdown", (event) => this.#drag(event, caliper));
      knob.addEventListener("keydown", (event) => this.#step(event, caliper));
      this.#viewport.content.append(line);
      this.#lines.push(caliper);
    }
  }

  /** Put the lines where they are on the zoomed paper. */
  place() {
    if (!this.#times) return;
    const { left, speed } = this.#paper.sheet;
    const px = this.#viewport.pxPerMm;
    for (const { line, axis, i } of this.#lines) {
      if (axis === "time") line.style.left = `${(left + this.#times[i] * speed) * px}px`;
      else line.style.top = `${this.#mmOf(this.#levels[i]) * px}px`;
    }
  }

  #drag(event, { line, knob, axis, i }) {
    event.stopPropagation();
    event.preventDefault();
    knob.focus({ preventScroll: true });
    line.setPointerCapture(event.pointerId);
    // Spoken when it rests, not at each pixel of the way.
    this.output.setAttribute("aria-live", "off");
    const start = this.#viewport.mmAt(event.clientX, event.clientY);
    const startMm = axis === "time" ? this.#times[i] : this.#mmOf(this.#levels[i]);
    const move = ({ clientX, clientY }) => {
      const { speed, gain, rows } = this.#paper.sheet;
      const now = this.#viewport.mmAt(clientX, clientY);
      if (axis === "time") {
        this.#moveTime(i, startMm + (now.x - start.x) / speed);
      } else {
        const mm = startMm + now.y - start.y;
        const row = nearest(rows.map(({ baseline }) => baseline), mm);
        this.#moveLevel(i, row, (rows[row].baseline - mm) / gain);
      }
      this.write();
      if (this.#paper.options.march) this.#viewport.schedule();
    };
    const dragging = new AbortController();
    const end = () => {
      dragging.abort();
      this.output.setAttribute("aria-live", "polite");
      this.output.textContent = "";
      this.#moved();
    };
    const { signal } = dragging;
    line.addEventListener("pointermove", move, { signal });
    line.addEventListener("pointerup", end, { signal });
    line.addEventListener("pointercancel", end, { signal });
  }

  #step(event, { line, axis, i }) {
    const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 };
    if (!(event.key in steps) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    const sign = steps[event.key];
    if (axis === "time") {
      const sample = 1 / this.#paper.recording.samplingRate;
      const step = event.shiftKey ? Math.max(LARGE_TIME_STEP_S, 2 * sample) : sample;
      this.#moveTime(i, this.#times[i] + sign * step);
    } else {
      const { row, mv } = this.#levels[i];
      const step = event.shiftKey ? LEVEL_STEPS_MV.large : LEVEL_STEPS_MV.small;
      this.#moveLevel(i, row, mv + sign * step);
    }
    this.#moved();
    // In sight within the paper; the page stays where it is.
    const { view } = this.#viewport;
    const [x, y] = [line.offsetLeft + IN_SIGHT_PX / 2, line.offsetTop + IN_SIGHT_PX / 2];
    const within = (at, px) => [at - px + IN_SIGHT_PX, at - IN_SIGHT_PX];
    if (axis === "time") {
      view.scrollLeft = clamp(view.scrollLeft, ...within(x, view.clientWidth));
    } else {
      view.scrollTop = clamp(view.scrollTop, ...within(y, view.clientHeight));
    }
  }

  #moved() {
    this.write();
    if (this.#paper.options.march) this.#viewport.schedule();
    this.#onMove();
  }
}

/** The interval between the calipers, marked again and again on both sides. */
export function drawMarch(pen, sheet, { from, interval }) {
  const { context, x, height } = pen;
  const step = interval * sheet.speed * pen.scale;
  if (step < 4) return;
  context.fillStyle = CALIPER;
  context.globalAlpha = 0.5;
  const first = x(sheet.left + from * sheet.speed);
  for (let at = first - Math.ceil(first / step) * step; at <= pen.width; at += step) {
    if (x(sheet.left) <= at + 1) context.fillRect(Math.round(at), 0, 1, height);
  }
  context.globalAlpha = 1;
}
