"""The main job, end to end: weak ECG labels in, cleaned labels and a trained classifier out.

A third of the training windows of the MIT-BIH Arrhythmia Database is trusted; in the rest, one
label in five is replaced with a wrong one. The labels are cleaned, and the same classifier is
trained on the weak, on the cleaned and on the true labels. All three are scored on windows of
patients that neither cleaning nor training has seen, at the thresholds that they have learned.

Run it with ``make demo``, or ``python examples/demo_mitdb.py --help``.
"""

import argparse
import os
import time
import warnings
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.exceptions import UndefinedMetricWarning

from sklearn_ecg import (
    AFPLabelCleaner,
    ECGFeatureExtractor,
    LabelCorrelationECGClassifier,
    TrustedKFold,
)
from sklearn_ecg.datasets import corrupt_labels, fetch_mitdb, load_mitdb, make_ecg_records
from sklearn_ecg.metrics import label_cleaning_report, multilabel_report
from sklearn_ecg.plotting import LabelCleaningDisplay
from sklearn_ecg.review import ReviewQueue

PROJECT = Path(__file__).resolve().parents[1]
NOISE_RATE = 0.2


def main():
    arguments = parse_arguments()
    started = time.perf_counter()
    records = find_records(arguments.data)[:: arguments.every]
    if arguments.every > 1:
        print(f"Of these one in {arguments.every} is taken; --every 1 takes all.")
    training, test = split_by_patient(records)
    weak = make_weak(training, arguments.seed)
    describe(training, weak, test)

    # In everyday use the two are one Pipeline, make_pipeline(cleaner, classifier).fit(weak).
    # Here they run one after the other, to look at the labels in between; what is measured once
    # is kept for the others.
    cache = TemporaryDirectory()
    features = ECGFeatureExtractor(n_jobs=-1, memory=cache.name, verbose=1)
    cleaner = AFPLabelCleaner(features=features, random_state=arguments.seed, n_jobs=-1, verbose=1)
    cleaned = cleaner.fit_transform(weak)

    # Labels of single beats: windows are read whole, since most crops would miss the beat.
    classifier = LabelCorrelationECGClassifier(
        backbone="residual",
        features=features,
        crop_s=None,
        max_epochs=6,
        random_state=arguments.seed,
        verbose=1,
    )
    scores, of_labels = {}, {}
    for name, data in (("weak", weak), ("cleaned", cleaned), ("true", training)):
        print(f"\nTraining the classifier on {name} labels")
        fitted = clone(classifier).fit(data)
        scores[name], of_labels[name] = score(fitted, test)
    cache.cleanup()

    doubtful = ~weak.trusted
    report = label_cleaning_report(
        training.labels[doubtful], weak.labels[doubtful], cleaned[doubtful]
    )
    table = summarise(report, scores)
    queue = arguments.output / "queue.sqlite"
    save(arguments.output, cleaned, cleaner, training.labels, report, table)
    if not queue.exists():  # one that is there may hold answers
        ReviewQueue.from_cleaner(cleaner, weak, queue, random_state=arguments.seed).close()
    print(f"\nLabels before and after cleaning\n{report.round(3).to_string()}\n")
    print(f"The classifier of cleaned labels\n{of_labels['cleaned'].to_string()}\n\n{table}\n")
    print(f"Took {time.perf_counter() - started:.0f} s.\n")
    print(f"What the cleaner would ask a cardiologist: sklearn-ecg review {queue}")
    print("The same with ECGs of twelve leads: make desk")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "--data",
        type=Path,
        help="folder that holds mitdb/; by default $SKLEARN_ECG_DATA, then ../shared/data, then a "
        "download from PhysioNet, then simulated records",
    )
    parser.add_argument(
        "--every", type=int, default=3, help="take every so-manieth record; 1 takes all"
    )
    parser.add_argument("--output", type=Path, default=Path("demo_output"))
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def find_records(folder):
    """Load the windows of MIT-BIH that have a label, or simulate records, and say which."""
    candidates = [folder, os.environ.get("SKLEARN_ECG_DATA"), PROJECT.parent / "shared" / "data"]
    known = [Path(candidate) / "mitdb" for candidate in candidates if candidate]
    found = next((path for path in known if path.is_dir()), None)
    if found is None:
        print("MIT-BIH is not at hand; downloading it from PhysioNet.")
        try:
            found = fetch_mitdb()
        except (ImportError, OSError) as error:
            print(f"That failed ({error}).\nData: 2,000 simulated records in its place.")
            return make_ecg_records(2000, sampling_rate=250, random_state=0)
    records = load_mitdb(found)
    labelled = (records.labels == 1).any(axis=1)
    print(f"Data: {found}\n{records}")
    print(f"{(~labelled).sum()} windows without any of the labels are left out.")
    return records[labelled]


def split_by_patient(records):
    """Hold out the records of a third of the patients, with every label on both sides."""
    train, test = next(TrustedKFold(3, trusted=True).split(records, records.labels))
    return records[train], records[test]


def make_weak(training, seed):
    """Trust a random third of the records, and put swap noise into the labels of the rest."""
    trusted = np.random.default_rng(seed).permutation(len(training)) < len(training) / 3
    noisy = corrupt_labels(training.labels[~trusted], NOISE_RATE, kind="swap", random_state=seed)
    labels = training.labels.copy()
    labels[~trusted] = noisy
    return training.with_labels(labels, trusted=trusted)


def score(classifier, test):
    """Return macro F1 and macro AUC over the labels that test patients have, and the report."""
    with warnings.catch_warnings():
        # Which labels no test patient has was told before.
        warnings.simplefilter("ignore", UndefinedMetricWarning)
        report = multilabel_report(
            test.labels,
            classifier.predict_proba(test),
            threshold=classifier.thresholds_,
            label_names=test.label_names,
        )
    report.insert(0, "threshold", pd.Series(classifier.thresholds_, test.label_names))
    mean = report.loc["macro avg"]
    scores = {"classifier macro-F1": mean["f1"], "classifier macro-AUC": mean["roc_auc"]}
    return scores, report.round(3)


def describe(training, weak, test):
    wrong = (weak.labels != training.labels).any(axis=1).sum()
    print(
        f"\nTraining: {len(training)} windows of {len(np.unique(training.groups))} patients; "
        f"{weak.trusted.sum()} are trusted, {wrong} of the others have a wrong label.\n"
        f"Test:     {len(test)} windows of {len(np.unique(test.groups))} other patients."
    )
    unseen = test.label_names[~test.labels.any(axis=0)]
    if len(unseen):
        print(f"          None of them has {', '.join(unseen)}, which scores leave out.")
    print()


def summarise(report, scores):
    """Return the demo's table in Markdown."""
    before, after = report.loc["weighted avg", ["weak_f1", "clean_f1"]]
    frame = pd.DataFrame.from_dict(scores, orient="index").rename(index="{} labels".format)
    frame.insert(0, "label F1", [before, after, 1.0])
    frame.index.name = "trained on"
    return frame.round(3).to_markdown()


def save(folder, cleaned, cleaner, y_true, report, table):
    """Write the cleaned labels, what a person should look at, and a picture of a mended record."""
    folder.mkdir(parents=True, exist_ok=True)
    frame = cleaned.to_frame()
    frame.to_csv(folder / "cleaned_labels.csv")
    frame.to_parquet(folder / "cleaned_labels.parquet")
    cleaned.changes().to_csv(folder / "changes.csv", index=False)
    cleaner.undecided_.to_csv(folder / "review_list.csv", index=False)
    report.to_csv(folder / "label_report.csv")
    (folder / "table.md").write_text(table + "\n")

    mended = (cleaned.weak_labels != cleaned.labels) & (cleaned.labels == y_true)
    record = np.where(mended, cleaned.confidence, 0).sum(axis=1).argmax()
    display = LabelCleaningDisplay.from_cleaned(cleaned[[record]])
    display.figure_.savefig(folder / "label_changes.png", dpi=150, bbox_inches="tight")
    print(f"\nWritten to {folder}/: {', '.join(sorted(path.name for path in folder.iterdir()))}")


if __name__ == "__main__":
    main()
