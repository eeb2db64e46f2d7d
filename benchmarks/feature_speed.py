"""Milliseconds per record for R peaks, delineation and features of 12 leads, 10 s at 500 Hz.

LUDB's records, in memory, one thread; the median over records of the best of several runs each.
Peers that look at single leads find R peaks in lead II, and delineate all twelve leads with these.
The extractor is timed for all records in one call. The second worker, memory and the cache are
measured on the same records, for memory read lazily from their files.
"""

import argparse
import tempfile
import time
import tracemalloc
import warnings

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from benchmarks._data import data_folder
from benchmarks._report import explanation, write_results
from sklearn_ecg import ECGFeatureExtractor
from sklearn_ecg.datasets import load_ludb
from sklearn_ecg.features import delineate, detect_r_peaks

_RATE = 500
_LEAD_II = 1


def main():
    arguments = parse_arguments()
    warnings.simplefilter("ignore")
    lazy = load_ludb(data_folder("ludb"))
    records = lazy.with_signals(np.stack([np.asarray(signal) for signal in lazy.signals]))
    with threadpool_limits(1):
        rows = [measure_ours(records, arguments.runs)]
        # The first call of all pays for imports and caches that are none of its own.
        detect_by_sleepecg(records.signals[0])
        few = records.signals[:: len(records) // arguments.n_records][: arguments.n_records]
        for name, (task, process) in WAYS.items():
            rows.append(measure(name, task, process, few, arguments.runs))
        scaling = measure_scaling(records, lazy, arguments)
    frame = pd.DataFrame(rows).set_index("method")
    frame["times ours"] = frame["ms per record"] / frame["ms per record"].iloc[0]
    text = (
        f"{explanation(__doc__)}\n{frame.round(2).to_markdown()}\n\n"
        f"## Many records\n\n{describe_scaling(scaling)}"
    )
    data = {"methods": frame.reset_index().to_dict("records"), "scaling": scaling}
    title = "Speed of R peaks, delineation and features"
    page = f"feature_speed{'_quick' * arguments.quick}"
    packages = ("neurokit2", "wfdb", "sleepecg")
    write_results(page, title, text, data, command="feature_speed", packages=packages)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="peers on three records, one run")
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    arguments.n_records = 3 if arguments.quick else 20
    arguments.runs = 1 if arguments.quick else arguments.runs
    return arguments


def measure_ours(records, runs):
    """Time the extractor on all records: R peaks, delineation and every feature."""
    extractor = ECGFeatureExtractor().fit(records)
    extractor.transform(records[:8])
    seconds = min(seconds_of(extractor.transform, records) for _ in range(runs))
    row = {
        "method": "ECGFeatureExtractor",
        "gives": f"R peaks, waves and {len(extractor.get_feature_names_out())} features",
        "ms per record": 1000 * seconds / len(records),
        "records": len(records),
        "records failed": 0,
    }
    print(row, flush=True)
    return row


def measure(name, task, process, signals, runs):
    """Time one function of a record."""
    best, n_failed = [], 0
    for signal in signals:
        signal = np.asarray(signal, dtype=float)
        try:
            best.append(min(seconds_of(process, signal) for _ in range(runs)))
        except Exception:
            n_failed += 1
    row = {
        "method": name,
        "gives": task,
        "ms per record": 1000 * float(np.median(best)) if best else np.nan,
        "records": len(signals),
        "records failed": n_failed,
    }
    print(row, flush=True)
    return row


def seconds_of(function, *arguments):
    started = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - started


def detect_by_sleepecg(signal):
    from sleepecg import detect_heartbeats

    return detect_heartbeats(signal[_LEAD_II], _RATE)


def detect_by_xqrs(signal):
    from wfdb.processing import xqrs_detect

    return xqrs_detect(signal[_LEAD_II], _RATE, verbose=False)


def detect_by_neurokit(signal):
    import neurokit2 as nk

    cleaned = nk.ecg_clean(signal[_LEAD_II], _RATE)
    return nk.ecg_peaks(cleaned, _RATE)[1]["ECG_R_Peaks"]


def delineator(method, detect):
    """Return a function that finds R peaks in lead II and the waves of every lead with them."""

    def delineate_leads(signal):
        import neurokit2 as nk

        r_peaks = detect(signal)
        for lead in signal:
            nk.ecg_delineate(nk.ecg_clean(lead, _RATE), r_peaks, _RATE, method=method)

    return delineate_leads


def process_by_neurokit(signal):
    import neurokit2 as nk

    for lead in signal:
        nk.ecg_process(lead, _RATE)


WAYS = {
    "detect_r_peaks": ("R peaks", lambda signal: detect_r_peaks(signal, _RATE)),
    "sleepecg, one lead": ("R peaks", detect_by_sleepecg),
    "NeuroKit, one lead": ("R peaks", detect_by_neurokit),
    "wfdb XQRS, one lead": ("R peaks", detect_by_xqrs),
    "delineate": ("R peaks, waves", lambda signal: delineate(signal, _RATE)),
    "sleepecg + NeuroKit prominence": (
        "R peaks, waves",
        delineator("prominence", detect_by_sleepecg),
    ),
    **{
        f"NeuroKit {method}": ("R peaks, waves", delineator(method, detect_by_neurokit))
        for method in ("prominence", "peak", "dwt", "cwt")
    },
    "NeuroKit ecg_process": ("R peaks, waves, rates", process_by_neurokit),
}


def measure_scaling(records, lazy, arguments):
    """Measure a second worker, the cache, and memory for ever more records."""
    extractor = ECGFeatureExtractor().fit(records)
    seconds = {1: [], 2: []}
    for n_jobs in seconds:
        ECGFeatureExtractor(n_jobs=n_jobs).fit(records).transform(records[:64])
    for _ in range(arguments.runs):
        for n_jobs, taken in seconds.items():
            taken.append(seconds_of(extractor.set_params(n_jobs=n_jobs).transform, records))
    with tempfile.TemporaryDirectory() as memory:
        cached = ECGFeatureExtractor(memory=memory).fit(records)
        passes = [seconds_of(cached.transform, records) for _ in range(2)]
    extractor.set_params(n_jobs=None)
    counts = (50, 100, 200)
    peaks = {n: peak_mb(extractor, lazy[:n]) for n in counts[: 2 if arguments.quick else 3]}
    return {
        "seconds_one_job": min(seconds[1]),
        "seconds_two_jobs": min(seconds[2]),
        "first_pass_s": passes[0],
        "second_pass_s": passes[1],
        "peak_mb": peaks,
        "n_records": len(records),
    }


def peak_mb(extractor, records):
    """Return the peak of memory taken during a call, less the table that it returns."""
    tracemalloc.start()
    table = extractor.transform(records)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return (peak - table.nbytes) / 1e6


def describe_scaling(scaling):
    peaks = ", ".join(f"{mb:.0f} MB for {n}" for n, mb in scaling["peak_mb"].items())
    factor = scaling["seconds_one_job"] / scaling["seconds_two_jobs"]
    return (
        f"* {scaling['n_records']} records: {scaling['seconds_one_job']:.1f} s with one worker, "
        f"{scaling['seconds_two_jobs']:.1f} s with `n_jobs=2` ({factor:.2f} times as fast).\n"
        f"* With `memory=`: {scaling['first_pass_s']:.2f} s for the first pass, "
        f"{scaling['second_pass_s']:.2f} s for the second.\n"
        f"* Peak memory beyond the table returned, records read lazily: {peaks} records."
    )


if __name__ == "__main__":
    main()
