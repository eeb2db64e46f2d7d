"""Time and memory of each stage by number of records, leads, seconds, features and labels.

Feature extraction, mixture, label cleaner and network have their defaults, one core, and a process
of their own for each size; the network answers without features, which have a line of their own.
Seconds are processor time, which other programs disturb little. GB are the peak of a call beyond
its input, which is in memory before. Signals and tables are simulated.

A second page says what a million records need by these figures.
"""

import argparse
import time

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from threadpoolctl import threadpool_limits

from benchmarks._growth import cost_of, exponent, in_own_process
from benchmarks._million import MILLION, curves, million
from benchmarks._report import Results, explanation, write_plot
from benchmarks.cleaning_speed import make_table
from benchmarks.network_speed import EpochClock
from sklearn_ecg import (
    AFPLabelCleaner,
    ECGFeatureExtractor,
    ECGRecords,
    LabelCorrelationECGClassifier,
)
from sklearn_ecg.datasets import make_ecg_records
from sklearn_ecg.mixture import DirichletProcessGaussianMixture

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
# What a size is where another one grows, and what sizes grow through.
BASE = {
    "feature extraction": {"records": 100, "leads": 12, "seconds": 10},
    "mixture": {"records": 5000, "features": 100},
    "label cleaner": {"records": 4000, "features": 100, "labels": 8},
    "network, an epoch of training": {"records": 512, "labels": 5},
    "network, prediction": {"records": 512, "labels": 5, "seconds": 10},
}
SIZES = {
    "feature extraction": {
        "records": (100, 400, 1600, 3200),
        "leads": (1, 2, 4, 12),
        "seconds": (10, 20, 40),
    },
    "mixture": {"records": (1250, 5000, 20_000, 80_000), "features": (12, 25, 50, 100)},
    "label cleaner": {
        "records": (1000, 4000, 16_000, 64_000),
        "features": (25, 50, 100, 200),
        "labels": (4, 8, 16, 32),
    },
    "network, an epoch of training": {"records": (512, 1024, 2048, 4096), "labels": (5, 20, 71)},
    "network, prediction": {
        "records": (512, 1024, 2048, 4096),
        "labels": (5, 20, 71),
        "seconds": (10, 20, 40),
    },
}
QUICK = {
    "feature extraction": {"records": (16, 32, 64)},
    "mixture": {"records": (250, 500, 1000)},
    "label cleaner": {"records": (250, 500, 1000)},
    "network, an epoch of training": {"records": (64, 128, 256)},
    "network, prediction": {"records": (64, 128, 256)},
}
NOTES = """\
What the figures do not say:

* An exponent holds between the sizes that it was fitted to, the least and largest of each table.
  One far below 1 says that a cost which does not grow still weighs; from the largest size on,
  it will be nearer 1.
* Features, training and prediction treat each record alike: what their exponents have above 1 is
  the machine's, caches and other programs.
* The mixture looks at 20,000 records at most (`max_samples`) and assigns the others. How many
  rounds it takes to settle differs from table to table, so that its line is not straight.
* The cleaner's simulated table has clusters that are easy to tell apart; more labels have more
  positives in all. The network reads noise: its speed does not depend on what it reads."""


def main():
    arguments = parse_arguments()
    page = "growth_quick" if arguments.quick else "growth"
    keys = ("stage", "grows", "size")
    packages = ("torch", "skorch", "scipy")
    results = Results(page, "growth", keys, packages=packages, fresh=arguments.fresh)
    wanted = settings(QUICK if arguments.quick else SIZES)
    if arguments.million:
        wanted.append(("label cleaner", "records", MILLION))
    for setting in results.unmeasured([dict(zip(keys, own, strict=True)) for own in wanted]):
        sizes = BASE[setting["stage"]] | {setting["grows"]: setting["size"]}
        results.add(setting | in_own_process(measure, setting["stage"], sizes))
    results.show("Growth of time and memory", lambda: describe(results))
    results.show(
        "What a million records need",
        lambda: million(pd.DataFrame(results.rows)),
        page=page.replace("growth", "million_records"),
    )


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="records alone, and few of them")
    parser.add_argument("--million", action="store_true", help="also clean a million records")
    parser.add_argument("--fresh", action="store_true", help="measure again what was measured")
    return parser.parse_args()


def settings(sizes):
    """Yield stage, what grows, and its size: records of all stages first."""
    every = [
        (stage, grows, size)
        for stage, by_dimension in sizes.items()
        for grows, values in by_dimension.items()
        for size in values
    ]
    return sorted(every, key=lambda setting: setting[1] != "records")


def measure(stage, sizes):
    torch.set_num_threads(1)
    with threadpool_limits(1):
        return STAGES[stage](**sizes)


def extract(records, leads, seconds):
    few = make_ecg_records(
        min(records, 32), leads=LEADS[:leads], duration_s=float(seconds), random_state=0
    )
    many = few[np.arange(records) % len(few)]
    extractor = ECGFeatureExtractor().fit(few)
    extractor.transform(few[:8])
    return cost_of(extractor.transform, many)


def cluster(records, features):
    X, _, _ = make_table(records, features, 8)
    mixture = DirichletProcessGaussianMixture(random_state=0)
    mixture.fit(X[:100])
    return cost_of(mixture.fit_predict, X)


def clean(records, features, labels):
    X, weak, trusted = make_table(records, features, labels)
    cleaner = AFPLabelCleaner(random_state=0)
    return cost_of(lambda: cleaner.fit(X, weak, trusted=trusted))


def train(records, labels):
    clock = EpochClock(time.process_time)
    classifier = LabelCorrelationECGClassifier(
        features=None, max_epochs=3, callbacks=[clock], random_state=0
    )
    cost = cost_of(classifier.fit, make_noise(records, labels))
    # The first epoch pays for what is done once.
    return cost | {"seconds": min(clock.seconds_[1:])}


def predict(records, labels, seconds):
    classifier = LabelCorrelationECGClassifier(
        features=None, max_epochs=1, duration_s=seconds, random_state=0
    )
    classifier.fit(make_noise(64, labels, seconds))
    return cost_of(classifier.predict_proba, make_noise(records, labels, seconds))


STAGES = {
    "feature extraction": extract,
    "mixture": cluster,
    "label cleaner": clean,
    "network, an epoch of training": train,
    "network, prediction": predict,
}


def make_noise(n_records, n_labels, seconds=10):
    rng = np.random.default_rng(0)
    signals = rng.standard_normal((n_records, 12, 100 * seconds), dtype=np.float32)
    labels = rng.integers(0, 2, size=(n_records, n_labels))
    return ECGRecords(signals, 100, labels=labels)


def describe(results):
    """Return what the page shows."""
    frame = pd.DataFrame(results.rows)
    plot = write_plot(results.page, draw(frame))
    exponents = fitted(frame).to_markdown(index=False, disable_numparse=True)
    return (
        f"{explanation(__doc__).strip()}\n\n![Time and memory by number of records]({plot})\n\n"
        f"## Exponents\n\n{exponents}\n\n{NOTES}\n\n" + "\n\n".join(tables(frame))
    )


def fitted(frame):
    """Return the exponents of time and memory, and the sizes that they are fitted to."""
    return pd.DataFrame(
        {
            "stage": stage,
            "grows": grows,
            "from": curve.index[0],
            "to": curve.index[-1],
            "exponent of time": f"{exponent(curve.index, curve['seconds']):.2f}",
            "exponent of memory": exponent_of_memory(curve["GB"]),
        }
        for stage, grows, curve in curves(frame)
    )


def exponent_of_memory(gigabytes):
    """Return the exponent as text; below 10 MB what a process happens to have free decides."""
    large = gigabytes[gigabytes >= 0.01]
    return f"{exponent(large.index, large):.2f}" if len(large) > 1 else "-"


def tables(frame):
    """Yield a table for each stage and what grows."""
    for stage, grows, curve in curves(frame):
        held = ", ".join(f"{n} {name}" for name, n in BASE[stage].items() if name != grows)
        table = curve.rename_axis(grows)
        per = (
            1000
            * table["seconds"]
            / (table.index if grows == "records" else BASE[stage]["records"])
        )
        table.insert(1, "ms per record", per)
        yield f"## {stage}, by {grows}\n\n{held}\n\n{table.round(3).to_markdown()}"


def draw(frame):
    """Draw time and memory by number of records, a line per stage, and lines of exponent 1."""
    figure, axes = plt.subplots(1, 2, figsize=(12, 4.5))
    for stage, grows, curve in curves(frame):
        if grows == "records":
            label = f"{stage}: n^{exponent(curve.index, curve['seconds']):.2f}"
            axes[0].plot(curve["seconds"], marker="o", label=label)
            # Below, what a process happens to have free decides.
            axes[1].plot(curve["GB"].clip(lower=0.01), marker="o", label=stage)
    for ax, title in zip(
        axes, ("seconds of one core", "GB at the peak, beyond input, 0.01 at least"), strict=True
    ):
        ax.set(xscale="log", yscale="log", xlabel="records", title=title)
        ax.grid(alpha=0.3)
    axes[0].legend(fontsize=8)
    figure.tight_layout()
    return figure


if __name__ == "__main__":
    main()
