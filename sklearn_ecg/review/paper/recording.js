// A record as the desk or a notebook sends it, and as it is drawn.

/**
 * Read what the desk sends: int16 in steps of `step_mv`, little-endian, lead after lead.
 * @param {ArrayBuffer|ArrayBufferView} buffer -32768 where nothing was recorded
 * @param {{leads: string[], sampling_rate: number, n_times: number, step_mv: number}} header
 */
export function decodeSignals(buffer, header) {
  const { leads, sampling_rate: samplingRate, n_times: nTimes, step_mv: stepMv } = header;
  const bytes = bytesOf(buffer);
  if (bytes.byteLength !== 2 * leads.length * nTimes) {
    throw new RangeError(
      `The signals have ${bytes.byteLength} bytes; ${leads.length} leads of ${nTimes} samples ` +
        `have ${2 * leads.length * nTimes}.`,
    );
  }
  const signals = leads.map((_, lead) => {
    const values = new Float32Array(nTimes);
    for (let i = 0; i < nTimes; i++) {
      const steps = bytes.getInt16(2 * (lead * nTimes + i), true);
      values[i] = steps === -32768 ? NaN : steps * stepMv;
    }
    return values;
  });
  return { leads, samplingRate, signals };
}

export function bytesOf(buffer) {
  return ArrayBuffer.isView(buffer)
    ? new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength)
    : new DataView(buffer);
}

/** A record with each lead about its median: an electrode's offset is no finding, and would push
 * the lead off its row. */
export class Recording {
  constructor(leads, samplingRate, signals) {
    if (!(samplingRate > 0)) {
      throw new RangeError(`samplingRate must be positive, in Hz; got ${samplingRate}.`);
    }
    if (!leads.length || leads.length !== signals.length) {
      throw new RangeError(
        `There are ${leads.length} names of leads for ${signals.length} signals.`,
      );
    }
    const lengths = new Set(signals.map((values) => values.length));
    if (lengths.size > 1 || lengths.has(0)) {
      throw new RangeError(`signals must be of one length, above 0; got ${[...lengths]} samples.`);
    }
    this.samplingRate = samplingRate;
    [this.nTimes] = lengths;
    this.durationS = this.nTimes / samplingRate;
    this.leads = leads.map((name, i) => describeLead(name, signals[i]));
    this.byKey = new Map(this.leads.map((lead) => [keyOf(lead.name), lead]));
  }

  /** A lead by its name in any case of letters; -aVR is made of aVR, and the reverse. */
  find(name) {
    const key = keyOf(name);
    const inverted = key.startsWith("-") ? key.slice(1) : `-${key}`;
    if (this.byKey.has(key)) return { lead: this.byKey.get(key), sign: 1 };
    if (this.byKey.has(inverted)) return { lead: this.byKey.get(inverted), sign: -1 };
    return { lead: null, sign: 1 };
  }

  /** Samples of a lead; `origin` is the sample at the row's beginning. */
  trace(name, start = 0, stop = this.nTimes, origin = 0, found = this.find(name)) {
    return { name, start, stop, origin, ...found };
  }
}

function keyOf(name) {
  return name.toLowerCase().replace(/[\s_]/g, "");
}

function describeLead(name, signal) {
  const median = medianOf(signal);
  const values = new Float32Array(signal.length);
  let [low, high, nFinite] = [Infinity, -Infinity, 0];
  for (let i = 0; i < signal.length; i++) {
    const value = Number.isFinite(signal[i]) ? signal[i] - median : NaN;
    values[i] = value;
    if (value < low) low = value;
    if (value > high) high = value;
    if (value === value) nFinite++;
  }
  return { name, values, low, high, median, nFinite, isFlat: nFinite > 0 && low === high };
}

/** The median of finite samples; for long signals of about 20,000 samples. */
function medianOf(signal) {
  const step = Math.ceil(signal.length / 20000);
  const finite = new Float32Array(Math.ceil(signal.length / step));
  let n = 0;
  for (let i = 0; i < signal.length; i += step) {
    if (Number.isFinite(signal[i])) finite[n++] = signal[i];
  }
  if (!n) return 0;
  const sorted = finite.subarray(0, n).sort();
  return (sorted[(n - 1) >> 1] + sorted[n >> 1]) / 2;
}
