"""What cleaning is worth to a classifier: trained on weak, cleaned and true labels of SMIT.

The paper's protocol (Han et al. 2023, section 5) for records whose truth is known: a quarter of
the patients is held out, a third of the others is trusted, and the rest is weak. A classifier
is trained on the weak records alone, with weak, cleaned or true labels, and scored on the
patients held out, whose labels are true. What true labels gain over weak ones is the gap;
the share of it that cleaned labels gain is what cleaning is worth.
"""

import argparse
import warnings
from itertools import product

import numpy as np
import pandas as pd
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.metrics import f1_score, roc_auc_score

from benchmarks._cleaning import KINDS, METHODS, choose_trusted, labelled, resume
from benchmarks._data import data_folder
from benchmarks._report import explanation, write_results
from sklearn_ecg import ECGFeatureExtractor, OnCleanedLabels
from sklearn_ecg.datasets import corrupt_labels, load_mitdb

KEYS = ("classifier", "method", "rate", "seed", "noise")
TRUE = "true labels"
CLASSIFIERS = {
    "extra trees": lambda seed: ExtraTreesClassifier(200, n_jobs=-1, random_state=seed),
    "gradient boosting": lambda seed: HistGradientBoostingClassifier(
        max_iter=50, early_stopping=False, random_state=seed
    ),
}


def main():
    arguments = parse_arguments()
    records = labelled(load_mitdb(data_folder("mitdb")))
    X = ECGFeatureExtractor(n_jobs=-1, memory=arguments.cache, verbose=1).fit_transform(records)
    if arguments.quick:
        # Of the features of all, which the cache holds for the full run and other benchmarks too.
        records, X = records[::4], X[::4]
    page = arguments.page or ("downstream_quick" if arguments.quick else "downstream")
    rows = resume(page, fresh=arguments.fresh)
    done = {tuple(row[key] for key in KEYS) for row in rows}
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.splits)
    for seed, noise, rate, name in product(
        seeds, arguments.noise, arguments.rates, (*arguments.methods, TRUE)
    ):
        settings = [
            (classifier, name, rate, seed, noise)
            for classifier in arguments.classifiers
            if (classifier, name, rate, seed, noise) not in done
        ]
        if not settings:
            continue
        for setting, scores in zip(
            settings,
            measure(X, records.labels, records.groups, settings, name, rate, seed, noise),
            strict=True,
        ):
            rows.append(dict(zip(KEYS, setting, strict=True)) | scores)
            print(*setting, scores, flush=True)
        save(rows, records, X, page)
    save(rows, records, X, page)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="a quarter of the windows")
    parser.add_argument("--splits", type=int, default=3, help="how many seeds")
    parser.add_argument("--first-seed", type=int, default=2)
    parser.add_argument("--rates", type=float, nargs="+", default=[0.05, 0.2, 0.4])
    parser.add_argument("--noise", nargs="+", choices=KINDS, default=["swap"])
    parser.add_argument(
        "--methods",
        nargs="+",
        choices=METHODS,
        default=["do nothing", "DDF", "cleanlab, flagged labels flipped", "AFPLabelCleaner"],
    )
    parser.add_argument("--classifiers", nargs="+", choices=CLASSIFIERS, default=list(CLASSIFIERS))
    parser.add_argument("--page", help="write docs/results/PAGE instead of the usual page")
    parser.add_argument("--cache", help="a folder that keeps features between runs")
    parser.add_argument("--fresh", action="store_true", help="measure again what was measured")
    arguments = parser.parse_args()
    # A gap has two ends.
    arguments.methods = list(dict.fromkeys(["do nothing", *arguments.methods]))
    return arguments


def measure(X, labels, groups, settings, name, rate, seed, noise):
    """Train each classifier on labels of one kind; yield its scores on patients held out."""
    held_out = choose_trusted(labels, groups, "patient", seed, 1 / 4)
    train = np.flatnonzero(~held_out)
    truth = labels[train]
    trusted = choose_trusted(truth, groups[train], "patient", seed + 1000, 1 / 3)
    given = truth.copy()
    given[~trusted] = corrupt_labels(truth[~trusted], rate, kind=noise, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if name == TRUE:
            given = truth
        else:
            given = METHODS[name](X[train], given, trusted, groups[train], seed)
    for classifier, *_ in settings:
        model = OnCleanedLabels(CLASSIFIERS[classifier](seed))
        model.fit(np.nan_to_num(X[train][~trusted]), given[~trusted])
        yield score(labels[held_out], model.predict_proba(np.nan_to_num(X[held_out])))


def score(truth, probability):
    """Score the labels that patients held out show at all."""
    shown = truth.any(axis=0) & ~truth.all(axis=0)
    truth, probability = truth[:, shown], probability[:, shown]
    predicted = probability > 0.5
    return {
        "macro F1": f1_score(truth, predicted, average="macro", zero_division=0),
        "weighted F1": f1_score(truth, predicted, average="weighted", zero_division=0),
        "macro AUC": roc_auc_score(truth, probability, average="macro"),
    }


def save(rows, records, X, page):
    text = (
        f"{len(records)} windows, {X.shape[1]} features, {records.n_labels} labels.\n\n"
        f"{explanation(__doc__).strip()}\n\nPatients differ more than labels do, "
        "so a single split says little. The gain over weak labels is paired: both "
        "labels, the same split, noise and classifier; ± is the standard error over splits. The "
        "share of the gap is that of the mean gains.\n\n" + "\n\n".join(tables(pd.DataFrame(rows)))
    )
    write_results(page, "What cleaning is worth to a classifier", text, rows, command="downstream")


def tables(frame):
    """Yield a table per classifier, kind of noise and measure."""
    for (classifier, noise), part in frame.groupby(["classifier", "noise"], sort=False):
        for measure_name in ("macro F1", "weighted F1", "macro AUC"):
            scores = part.pivot_table(index=["rate", "seed"], columns="method", values=measure_name)
            if not {"do nothing", TRUE} <= set(scores.columns):
                continue
            rows = [
                describe(rate, name, at_rate[name], at_rate)
                for rate, at_rate in scores.groupby(level="rate")
                for name in sorted(scores.columns, key=[*METHODS, TRUE].index)
                if at_rate[["do nothing", TRUE, name]].notna().all(axis=1).any()
            ]
            yield (
                f"## {measure_name}: {classifier}, noise: {noise}\n\n"
                + pd.DataFrame(rows).to_markdown(index=False)
            )


def describe(rate, name, values, at_rate):
    """Return a method's score, its gain over weak labels, and its share of the gap."""
    weak, true = at_rate["do nothing"], at_rate[TRUE]
    paired = (values - weak).dropna()
    gap = (true - weak)[paired.index].mean()
    error = paired.std(ddof=1) / np.sqrt(len(paired)) if len(paired) > 1 else np.nan
    return {
        "noise": f"{rate:.0%}",
        "labels": name,
        "score": f"{values.mean():.4f}",
        "gain over weak": f"{paired.mean():+.4f} ± {error:.4f}",
        "share of the gap": f"{paired.mean() / gap:.0%}" if gap > 0 else "no gap",
        "splits": len(paired),
    }


if __name__ == "__main__":
    main()
