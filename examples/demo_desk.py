"""Something to answer at the review desk: ECGs of which some labels are wrong.

One label in five is replaced with a wrong one, a third of the records is trusted, and what the
cleaner would ask of the rest goes into a queue. A queue that is there already keeps its answers.

Run it with ``make desk``, which opens the desk as well, or ``python examples/demo_desk.py --help``.
"""

import argparse
import os
from pathlib import Path

import numpy as np

from sklearn_ecg import AFPLabelCleaner, ECGFeatureExtractor
from sklearn_ecg.datasets import corrupt_labels, load_ptbxl, make_ecg_records
from sklearn_ecg.review import ReviewQueue

PROJECT = Path(__file__).resolve().parents[1]


def main():
    arguments = parse_arguments()
    path = arguments.output / "queue.sqlite"
    if path.exists():
        print(f"{path} is there; its answers are kept.")
        return
    arguments.output.mkdir(parents=True, exist_ok=True)
    records = make_weak(find_records(arguments.data, arguments.records), arguments.seed)
    features = ECGFeatureExtractor(n_jobs=-1, memory=arguments.output / "work", verbose=1)
    cleaner = AFPLabelCleaner(features=features, random_state=arguments.seed, verbose=1)
    cleaner.fit(records)
    queue = ReviewQueue.from_cleaner(
        cleaner, records, path, n_questions=arguments.questions, random_state=arguments.seed
    )
    print(f"{queue.progress()['n_questions']} questions are in {path}.")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "--data",
        type=Path,
        help="folder that holds ptb-xl/; by default $SKLEARN_ECG_DATA, then ../shared/data, then "
        "simulated records",
    )
    parser.add_argument("--records", type=int, default=600, help="how many, at most")
    parser.add_argument("--questions", type=int, default=200, help="how many, at most")
    parser.add_argument("--output", type=Path, default=Path("build/desk"))
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def find_records(folder, n_records):
    """Load records of PTB-XL, or simulate some, and say which."""
    candidates = [folder, os.environ.get("SKLEARN_ECG_DATA"), PROJECT.parent / "shared" / "data"]
    known = [Path(candidate) / "ptb-xl" for candidate in candidates if candidate]
    for path in filter(Path.is_dir, known):
        rates = [rate for rate in (500, 100) if (path / f"records{rate}").is_dir()]
        records = max((load_ptbxl(path, rate) for rate in rates), key=len)
        every = -(-len(records) // n_records)
        print(f"Data: {path}, one in {every} of {len(records)} records")
        return records[::every]
    print(f"Data: {n_records} simulated records")
    return make_ecg_records(n_records, random_state=0)


def make_weak(records, seed):
    """Trust a random third of the records, and put swap noise into the labels of the rest."""
    trusted = np.random.default_rng(seed).permutation(len(records)) < len(records) / 3
    labels = records.labels.copy()
    labels[~trusted] = corrupt_labels(labels[~trusted], 0.2, kind="swap", random_state=seed)
    return records.with_labels(labels, trusted=trusted)


if __name__ == "__main__":
    main()
