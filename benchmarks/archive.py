"""A large archive through features, cleaning and prediction, in bounded memory.

Records of 12 leads and 10 s at 500 Hz are simulated, a thousand at a time, into files of 16-bit
samples (120 kB a record). They pass through the steps of `sklearn_ecg.shards` in growing numbers,
as an archive grows: each size works on what is new, in a process of its own, whose peak of memory
is reported. Cleaner and classifier are fitted before, on the first records, of which half are
trusted.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks._growth import exponent, in_own_process, peak_gigabytes
from benchmarks._report import Results, explanation
from sklearn_ecg import AFPLabelCleaner, ECGRecords, LabelCorrelationECGClassifier
from sklearn_ecg.datasets import corrupt_labels, make_ecg_records, read_records
from sklearn_ecg.records import concatenate
from sklearn_ecg.shards import CleanLabels, MeasureFeatures, PredictLabels, iter_shards

PART = 1000  # records of a file
SIZES = (1000, 4000, 16_000, 64_000, 100_000)
LABELS = ("Normal", "AF", "LBBB", "RBBB", "PVC")
STEPS = ("features", "cleaning", "prediction")


def main():
    arguments = parse_arguments()
    folder = Path(arguments.cache)
    sizes = (PART,) if arguments.quick else SIZES
    page = "archive" + "_quick" * arguments.quick
    results = Results(page, "archive", ("step", "records"), packages=("torch", "joblib"))
    for start in range(0, sizes[-1], PART):
        make_part(folder, start)
    wanted = [{"step": step, "records": size} for size in sizes for step in STEPS]
    for setting in results.unmeasured(wanted):
        in_own_process(fit, folder, min(arguments.fitted, sizes[-1]))
        before = max((size for size in sizes if size < setting["records"]), default=0)
        step, n_records = setting["step"], setting["records"]
        cost = in_own_process(run, folder, step, n_records, arguments.jobs)
        results.add(setting | {"new": setting["records"] - before} | cost)
    results.show("An archive, shard by shard", lambda: describe(results, arguments))


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "--cache", required=True, help="a folder for signals (12 GB in all), results and models"
    )
    parser.add_argument("--quick", action="store_true", help="a thousand records alone")
    parser.add_argument("--fitted", type=int, default=4000, help="records to fit the models on")
    parser.add_argument("--jobs", type=int, default=1, help="workers of each step")
    return parser.parse_args()


def make_part(folder, start):
    """Simulate a thousand records into a file of int16 microvolts, and one of their labels."""
    file = folder / f"signals-{start // PART:04}.npy"
    if file.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    records = make_ecg_records(PART, labels=LABELS, random_state=start)
    weak = corrupt_labels(records.labels, 0.15, kind="swap", random_state=start)
    np.savez(file.with_suffix(".npz"), labels=records.labels, weak=weak)
    samples = np.round(1000 * np.asarray(records.signals)).astype(np.int16)
    np.save(file.with_suffix(".part.npy"), samples)
    file.with_suffix(".part.npy").rename(file)


def open_archive(folder, n_records):
    """Return the first records with their weak labels; signals stay in their files."""
    parts = []
    for start in range(0, n_records, PART):
        file = folder / f"signals-{start // PART:04}.npy"
        signals = read_records(file, sampling_rate=500, units="uV").signals
        with np.load(file.with_suffix(".npz")) as stored:
            labels = stored["weak"]
        parts.append(
            ECGRecords(
                signals,
                500,
                lead_names=("I", "II", "III", "aVR", "aVL", "aVF", *(f"V{i}" for i in range(1, 7))),
                ids=[f"{start + row:06}" for row in range(PART)],
                labels=labels,
                label_names=LABELS,
            )
        )
    return concatenate(parts)[:n_records]


def fit(folder, n_records):
    """Fit and save the models that the steps use; the first half of the labels is the truth."""
    if (folder / "classifier" / "model.json").exists():
        return
    records = open_archive(folder, n_records)
    truth = [np.load(file)["labels"] for file in sorted(folder.glob("signals-*.npz"))]
    trusted = np.arange(n_records) < n_records // 2
    labels = np.where(trusted[:, np.newaxis], np.concatenate(truth)[:n_records], records.labels)
    records = records.with_labels(labels, LABELS, trusted=trusted)
    cleaner = AFPLabelCleaner(memory=str(folder / "fitted"), random_state=0)
    cleaned = cleaner.fit_transform(records)
    cleaner.save(folder / "cleaner")
    classifier = LabelCorrelationECGClassifier(max_epochs=3, random_state=0)
    classifier.fit(cleaned[: n_records // 2]).save(folder / "classifier")


def run(folder, step, records, n_jobs):
    """Do a step over the first records; return seconds, and the peak of memory in GB."""
    night = folder / "night"
    steps = {
        "features": MeasureFeatures,
        "cleaning": lambda: CleanLabels(folder / "cleaner", memory=night),
        "prediction": lambda: PredictLabels(folder / "classifier", memory=night),
    }
    work, archive = steps[step](), open_archive(folder, records)
    wall, processor = time.perf_counter(), time.process_time()
    n_rows = n_problems = 0
    for table in iter_shards(work, archive, night, n_jobs=n_jobs):
        n_rows += len(table)
        n_problems += int((table["problem"] != "").sum())
    return {
        "seconds": time.perf_counter() - wall,
        "processor seconds": time.process_time() - processor,
        "GB": peak_gigabytes(),
        "rows": n_rows,
        "problems": n_problems,
    }


def describe(results, arguments):
    """Return the page: seconds and memory by size, exponents, and what ten million need."""
    frame = pd.DataFrame(results.rows).sort_values(["step", "records"])
    # With one worker other programs disturb the processor's time little.
    clock = "processor seconds" if arguments.jobs == 1 else "seconds"
    frame["records/s"] = frame["new"] / frame[clock]
    lines = []
    for step, part in frame.groupby("step", sort=False):
        last = part.iloc[-1]
        growth = exponent(part["records"], part[clock].cumsum()) if len(part) > 1 else np.nan
        hours = 1e7 / last["records/s"] / 3600
        lines.append({"step": step, "exponent": growth, "core hours for 10 million": hours})
    columns = ["step", "records", "new", "seconds", clock, "records/s", "GB", "rows", "problems"]
    shown = frame[list(dict.fromkeys(columns))]
    return "\n\n".join(
        [
            explanation(__doc__),
            shown.round(2).to_markdown(index=False),
            f"Records per second are those that are new at a size, by {clock}; what was there is "
            "looked up among them. GB are the peak of the process, with all libraries. The "
            "exponent is that of all seconds up to a size; hours follow from the largest size. "
            f"Workers: {arguments.jobs}.",
            pd.DataFrame(lines).round(2).to_markdown(index=False),
            "Ten million records of 12 leads, 10 s and 500 Hz are 1.2 TB of 16-bit samples, 72 GB "
            "of features and 50 MB of probabilities per label. A shard is a file, so any number of "
            "workers share the hours; the list of keys, 0.3 GB at that size, is read by each call: "
            "from a million records on give each ward or year a folder of its own.",
        ]
    )


if __name__ == "__main__":
    main()
