"""Several readers of one ECG, combined: the CODE study's test set, and PTB-XL with its noise.

The CODE study (Ribeiro et al. 2020) had 827 ECGs read for six labels by two cardiologists,
cardiology residents, emergency residents, students and a network. The truth is the answer that the
cardiologists agreed on, or that of a third one. *CODE* scores methods that combine these answers
alone and see no features. *PTB-XL* has other records, with signals, and the same six labels,
answered as `corrupt_labels` draws it from the readers' own confusions: whole label sets, all
readers at once. *Without cardiologists* leaves out the two who made the truth.

A third of the records is trusted: the methods that can use their truth know it. Scores are of the
other records. The majority says yes where more than half of the answers do. Dawid and Skene's model
estimates each reader's errors and each record's truth by turns (crowd-kit), label by label.
*Trusted known* keeps the truth of trusted records fixed.
"""

import argparse
import time
import warnings
from functools import partial

import numpy as np
import pandas as pd
from sklearn.metrics import f1_score

from benchmarks._cleaning import choose_trusted, seeds_in, seeds_of, size_of
from benchmarks._data import data_folder
from benchmarks._methods import METHODS, PACKAGES
from benchmarks._report import Results, add_run_options, explanation, grid
from sklearn_ecg import AFPLabelCleaner, ECGFeatureExtractor
from sklearn_ecg.datasets import corrupt_labels, load_ptbxl, reader_confusion

KEYS = ("data", "readers", "seed", "method")
CARDIOLOGISTS = ("cardiologist1", "cardiologist2")
OTHERS = ("cardiology_residents", "emergency_residents", "medical_students", "dnn")
READERS = {"all six": CARDIOLOGISTS + OTHERS, "without cardiologists": OTHERS}
# What PTB-XL calls the labels of the CODE study.
LABELS = {
    "1dAVb": "1AVB",
    "RBBB": "CRBBB",
    "LBBB": "CLBBB",
    "SB": "SBRAD",
    "AF": "AFIB",
    "ST": "STACH",
}
TRUSTED_SHARE = 1 / 3


def main():
    arguments = parse_arguments()
    gold, answers = read_code_test(data_folder("code-test"))
    records = read_ptbxl()[:: 4 if arguments.quick else 1]
    X = ECGFeatureExtractor(n_jobs=-1, memory=arguments.cache, verbose=1).fit_transform(records)
    results = Results(
        arguments.page or f"readers{'_quick' * arguments.quick}",
        "readers",
        KEYS,
        about={
            "CODE": f"{len(gold)} records, {gold.shape[1]} labels",
            "PTB-XL": size_of(records, X),
        },
        packages=(*PACKAGES, "crowd-kit"),
        fresh=arguments.fresh,
    )
    show = partial(results.show, "Several readers, combined", partial(describe, results))
    settings = grid(
        seed=seeds_of(arguments),
        data=("CODE", "PTB-XL"),
        readers=READERS,
        method=arguments.methods,
    )
    settings = [s for s in settings if s["data"] == "PTB-XL" or s["method"] not in WITH_FEATURES]
    for setting in results.unmeasured(settings):
        names, seed = READERS[setting["readers"]], setting["seed"]
        if setting["data"] == "CODE":
            features, truth = None, gold.to_numpy()
            sources = np.stack([answers[name].to_numpy() for name in names], axis=2)
        else:
            features, truth = X, records.labels
            confusion = reader_confusion(gold, {name: answers[name] for name in names})
            sources = corrupt_labels(
                truth,
                kind="readers",
                confusion=confusion,
                label_names=list(LABELS),
                random_state=seed,
            )
        results.add(setting | measure(features, sources, truth, setting["method"], seed))
        show()
    show()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="a quarter of PTB-XL, one split")
    parser.add_argument("--splits", type=int, default=6, help="how many seeds")
    parser.add_argument("--first-seed", type=int, default=0, help="others give unseen splits")
    parser.add_argument("--methods", nargs="+", choices=COMBINED, default=list(COMBINED))
    add_run_options(parser)
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.splits = 1
    return arguments


def read_code_test(folder):
    """Return the gold standard, and each reader's answers, of the same records in one order."""
    tables = {
        name: pd.read_csv(folder / f"{name}.csv", usecols=list(LABELS))[list(LABELS)]
        for name in ("gold_standard", *READERS["all six"])
    }
    return tables.pop("gold_standard"), tables


def read_ptbxl():
    """Return PTB-XL with the six labels, by the names that the CODE study has for them."""
    records = load_ptbxl(data_folder("ptb-xl"), sampling_rate=100, task="all")
    records = records[(records.labels != -1).all(axis=1)]
    columns = [records.label_names.tolist().index(code) for code in LABELS.values()]
    return records.with_labels(records.labels[:, columns], label_names=list(LABELS))


def measure(X, sources, truth, method, seed):
    """Combine the answers by one method; return its scores on the records not trusted.

    Parameters
    ----------
    X : ndarray of shape (n_records, n_features), or None
    sources : ndarray of shape (n_records, n_labels, n_readers)
    truth : ndarray of shape (n_records, n_labels)
    method : str
    seed : int
    """
    trusted = choose_trusted(truth, None, "random", seed, TRUSTED_SHARE)
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        combined = COMBINED[method](X, sources, trusted, truth, seed)
    seconds = time.perf_counter() - started
    truth, combined = truth[~trusted], combined[~trusted]
    return {
        "f1": f1_score(truth, combined, average="weighted", zero_division=0),
        "macro_f1": f1_score(truth, combined, average="macro", zero_division=0),
        "wrong": int((truth != combined).any(axis=1).sum()),
        "seconds": round(seconds, 2),
    }


def majority(sources):
    """Return 1 where more than half of the answers are yes."""
    n_answers = (sources != -1).sum(axis=2)
    return (2 * (sources == 1).sum(axis=2) > n_answers).astype(np.int8)


def choose(X, sources, trusted, truth, seed):
    """Believe the reader who does best on trusted records."""
    scores = [
        f1_score(truth[trusted], answers[trusted], average="weighted", zero_division=0)
        for answers in np.moveaxis(sources, 2, 0)
    ]
    return sources[..., int(np.argmax(scores))]


def vote(X, sources, trusted, truth, seed):
    return majority(sources)


def dawid_skene(*, use_trusted):
    """Return the method; with `use_trusted` it holds the truth of the trusted records."""

    def combine(X, sources, trusted, truth, seed):
        from crowdkit.aggregation import DawidSkene

        combined = np.empty(truth.shape, dtype=np.int8)
        record, worker = np.indices(sources[:, 0].shape)
        for label in range(truth.shape[1]):
            given = sources[:, label]
            answers = pd.DataFrame(
                {"task": record.ravel(), "worker": worker.ravel(), "label": given.ravel()}
            )
            known = pd.Series(truth[trusted, label], index=np.flatnonzero(trusted))
            found = DawidSkene(n_iter=100).fit_predict(
                answers[answers["label"] != -1], true_labels=known if use_trusted else None
            )
            combined[:, label] = found.reindex(range(len(truth)), fill_value=0)
        return combined

    return combine


def on_the_majority(method):
    """Return a method that cleans what the majority says, as if it were a single reader."""

    def combine(X, sources, trusted, truth, seed):
        weak = np.where(trusted[:, np.newaxis], truth, majority(sources))
        return METHODS[method](X, weak, trusted, None, seed).labels_

    return combine


def clean(X, sources, trusted, truth, seed):
    """Return our cleaner's labels; it knows what readers say of trusted records, and the truth."""
    y = {f"reader {m}": answers for m, answers in enumerate(np.moveaxis(sources, 2, 0))}
    y["truth"] = np.where(trusted[:, np.newaxis], truth, -1)
    # Without features there is nothing to learn but how readers err.
    table = np.zeros((len(truth), 1)) if X is None else X
    cleaner = AFPLabelCleaner(random_state=seed, n_jobs=-1)
    labels = cleaner.fit(table, y, trusted=trusted).labels_
    return np.where(labels == -1, majority(sources), labels)


WITH_FEATURES = {
    "majority vote, then cleanlab": on_the_majority("cleanlab, flagged labels flipped"),
    "majority vote, then extra trees, Bayes, EM": on_the_majority("extra trees, Bayes, EM"),
    "majority vote, then AFPLabelCleaner": on_the_majority("AFPLabelCleaner"),
}
COMBINED = {
    "the best reader by trusted records": choose,
    "majority vote": vote,
    "Dawid-Skene": dawid_skene(use_trusted=False),
    "Dawid-Skene, trusted known": dawid_skene(use_trusted=True),
    **WITH_FEATURES,
    "AFPLabelCleaner": clean,
}


def describe(results):
    """Return what the page shows."""
    frame = pd.DataFrame(results.rows)
    text = [explanation(__doc__).strip()]
    for (data, readers), part in frame.groupby(["data", "readers"], sort=False):
        table = part.groupby("method")[["f1", "macro_f1", "wrong", "seconds"]].mean()
        table = table.round({"f1": 4, "macro_f1": 4, "wrong": 1, "seconds": 1})
        order = {name: place for place, name in enumerate(COMBINED)}
        table = table.sort_index(key=lambda names, order=order: names.map(order))
        table.columns = ["weighted F1", "macro F1", "records not exactly right", "seconds"]
        text.append(
            f"## {data}, {readers}\n\n{results.about[data]}; readers: "
            f"{', '.join(READERS[readers])}. Means over splits (seeds {seeds_in(part)}).\n\n"
            f"{table.to_markdown()}"
        )
    return "\n\n".join(text)


if __name__ == "__main__":
    main()
