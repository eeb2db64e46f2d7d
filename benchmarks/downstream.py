"""What cleaning is worth to a classifier: trained on weak, cleaned and true labels.

The paper (Han et al. 2023, section 5) trains classifiers on a weak set, CHW, before and after
cleaning it with two thirds of a trusted one, CHE, and scores them on the last third. Both are
private. Here records with known truth play all three parts: a quarter of the patients is held out,
a third of the others is trusted, and the rest is weak, with simulated noise. A classifier is
trained on the weak records alone, with weak, cleaned or true labels, and scored on the patients
held out, whose labels are true. The gain of true labels over weak ones is the gap. The share of the
gap that cleaned labels gain is the worth of cleaning.

Extra trees and gradient boosting see the features that the cleaner sees. The network is our
`LabelCorrelationECGClassifier` on signals alone, so that it shares nothing with the cleaner.
"""

import argparse
import warnings
from functools import partial
from itertools import groupby, product
from operator import itemgetter

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.metrics import f1_score, precision_score, recall_score, roc_auc_score

from benchmarks._cleaning import (
    KINDS,
    add_options,
    choose_trusted,
    load_features,
    seeds_of,
    size_of,
)
from benchmarks._data import DATA, add_data, page_of_data, title_of
from benchmarks._methods import METHODS, PACKAGES, Cleaned
from benchmarks._report import Results, explanation, grid, page_name, write_plot
from sklearn_ecg import LabelCorrelationECGClassifier, OnCleanedLabels
from sklearn_ecg.datasets import corrupt_labels

KEYS = ("seed", "noise", "rate", "method", "classifier")
TRUE = "true labels"
MEASURES = ("macro F1", "weighted F1", "weighted precision", "weighted recall", "macro AUC")
NETWORK = "network"
CLASSIFIERS = {
    "extra trees": lambda seed: ExtraTreesClassifier(200, n_jobs=-1, random_state=seed),
    "gradient boosting": lambda seed: HistGradientBoostingClassifier(
        max_iter=50, early_stopping=False, random_state=seed
    ),
    NETWORK: lambda seed: LabelCorrelationECGClassifier(features=None, random_state=seed),
}
# Table 5 of the paper: points of F1 that classifiers gained by cleaning CHW, which is private.
PUBLISHED = {"AFPLabelCleaner": 5.19, "CV-S1": 1.06, "CV-S2": 0.22, "DDF": 3.13}


def main():
    arguments = parse_arguments()
    sets = load_features([arguments.data], arguments.cache, every=arguments.every)
    records, X = sets[arguments.data]
    data = "" if arguments.data == "smit" else f"_{page_of_data(arguments.data)}"
    page = arguments.page or page_name(f"downstream{data}", arguments)
    packages = (*PACKAGES, "torch", "skorch")
    about = {"data": size_of(records, X)}
    results = Results(
        page, "downstream", KEYS, about=about, packages=packages, fresh=arguments.fresh
    )
    title = f"What cleaning is worth to a classifier: {title_of(arguments.data)}"
    show = partial(results.show, title, lambda: describe(results, records, arguments))
    settings = grid(
        seed=seeds_of(arguments),
        noise=arguments.noise,
        rate=arguments.rates,
        method=[*arguments.methods, TRUE],
        classifier=arguments.classifiers,
    )
    # Labels are cleaned once for all classifiers.
    for cleaning, same in groupby(results.unmeasured(settings), itemgetter(*KEYS[:-1])):
        same = list(same)
        names = [setting["classifier"] for setting in same]
        scores = measure(X, records, names, *cleaning, data=arguments.data)
        for setting, scored in zip(same, scores, strict=True):
            results.add(setting | scored)
        show()
    show()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    add_data(parser, DATA, nargs="?", default="smit")
    parser.add_argument("--quick", action="store_true", help="every fourth record, one split")
    parser.add_argument("--every", type=int, default=1, help="take every so-manieth record")
    add_options(parser, splits=3, rates=[0.05, 0.2, 0.4])
    parser.set_defaults(first_seed=2)
    parser.add_argument("--noise", nargs="+", choices=KINDS, default=["swap"])
    parser.add_argument(
        "--methods",
        nargs="+",
        choices=METHODS,
        default=["do nothing", "DDF", "cleanlab, flagged labels flipped", "AFPLabelCleaner"],
    )
    parser.add_argument("--classifiers", nargs="+", choices=CLASSIFIERS, default=list(CLASSIFIERS))
    arguments = parser.parse_args()
    # A gap has two ends.
    arguments.methods = list(dict.fromkeys(["do nothing", *arguments.methods]))
    if arguments.quick:
        arguments.every, arguments.splits, arguments.rates = 4, 1, [0.2]
    return arguments


def measure(X, records, classifiers, seed, noise, rate, name, *, data):
    """Train each classifier on labels of one kind; yield its scores on patients held out."""
    labels, groups = records.labels, records.groups
    # Where patients are not known, records stand for them.
    division = "random" if groups is None else "patient"
    held_out = choose_trusted(labels, groups, division, seed, 1 / 4)
    train = np.flatnonzero(~held_out)
    truth, groups = labels[train], None if groups is None else groups[train]
    trusted = choose_trusted(truth, groups, division, seed + 1000, 1 / 3)
    given = truth.copy()
    given[~trusted] = corrupt_labels(truth[~trusted], rate, kind=noise, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        clean = METHODS.get(name, lambda *_: Cleaned(truth))
        given = clean(X[train], given, trusted, groups, seed).labels_
    for classifier in classifiers:
        model = CLASSIFIERS[classifier](seed)
        if classifier == NETWORK:
            seen = records
            if data == "smit":
                # A window has its label for a single beat, which most crops miss.
                model.set_params(crop_s=None)
        else:
            model, seen = OnCleanedLabels(model), np.nan_to_num(X)
        model.fit(seen[train[~trusted]], given[~trusted])
        yield score(labels[held_out], model.predict_proba(seen[held_out]))


def score(truth, probability):
    """Score the labels that patients held out show at all."""
    shown = truth.any(axis=0) & ~truth.all(axis=0)
    truth, probability = truth[:, shown], probability[:, shown]
    predicted = probability > 0.5
    averages = {"average": "weighted", "zero_division": 0}
    return {
        "macro F1": f1_score(truth, predicted, average="macro", zero_division=0),
        "weighted F1": f1_score(truth, predicted, **averages),
        "weighted precision": precision_score(truth, predicted, **averages),
        "weighted recall": recall_score(truth, predicted, **averages),
        "macro AUC": roc_auc_score(truth, probability, average="macro"),
        "labels scored": int(shown.sum()),
    }


def describe(results, records, arguments):
    """Return what the page shows."""
    frame = pd.DataFrame(results.rows)
    plot = write_plot(results.page, draw(frame))
    division = "records, since no patients are named," if records.groups is None else "patients"
    return (
        f"{results.about['data']}; "
        f"{division} are held out.{unscored(frame, records)}\n\n"
        f"{explanation(__doc__).strip()}\n\n![Scores against noise]({plot})\n\n"
        "Patients differ more than labels do, "
        "so a single split says little. The gain over weak labels is paired: both "
        "labels, the same split, noise and classifier; ± is the standard error over splits. The "
        "share of the gap is that of the mean gains, and is left out where the gap is not larger "
        "than its standard error.\n\n" + "\n\n".join([against_paper(frame), *tables(frame)])
    )


def unscored(frame, records):
    """Say in which splits patients held out lack labels, which no score counts."""
    scored = frame.groupby("seed")["labels scored"].first()
    few = [f"{n} in split {seed}" for seed, n in scored.items() if n < records.n_labels]
    return f" Scores are of the labels held out: only {', '.join(few)}." if few else ""


def draw(frame):
    """Draw macro F1 and AUC against noise: a row per classifier and kind, a line per labels."""
    parts, scores = list(frame.groupby(["classifier", "noise"], sort=False)), MEASURES[::4]
    size = 10, 3.6 * len(parts)
    figure, axes = plt.subplots(len(parts), len(scores), figsize=size, squeeze=False)
    order = [name for name in (*METHODS, TRUE) if name in set(frame["method"])]
    for (row, ((classifier, noise), part)), (column, measure_name) in product(
        enumerate(parts), enumerate(scores)
    ):
        ax = axes[row, column]
        by_rate = part.pivot_table(index="rate", columns="method", values=measure_name)
        for name in [name for name in order if name in by_rate]:
            label = {"do nothing": "weak labels"}.get(name, name)
            ax.plot(100 * by_rate.index, by_rate[name], marker="o", label=label)
        ax.set(xlabel=f"noise ({noise}), %", ylabel=measure_name, title=classifier)
        ax.set(xticks=100 * by_rate.index, xlim=(-2, 100 * by_rate.index.max() + 5))
        ax.grid(alpha=0.3)
    axes[0, 0].legend(fontsize=8)
    figure.tight_layout()
    return figure


def against_paper(frame):
    """Return the points of weighted F1 gained over weak labels, beside the paper's table 5."""
    f1 = frame.pivot_table(
        index=["classifier", "noise", "rate", "seed"], columns="method", values="weighted F1"
    )
    gains = 100 * f1.sub(f1["do nothing"], axis=0).drop(columns="do nothing")
    table = gains.groupby(level=["classifier", "noise", "rate"]).mean().round(2).T
    table.columns = [f"{classifier}, {rate:.0%} {noise}" for classifier, noise, rate in table]
    table.insert(0, "paper, CHW", [PUBLISHED.get(name, "") for name in table.index])
    return (
        "## Beside the paper\n\nPoints of weighted F1 gained over weak labels. The paper's table 5 "
        "is of CHW, private records with 16 labels whose noise nobody knows, and of its own AFP; "
        "CV and DDF are those of its authors, and ours see trusted records too.\n\n"
        + table.to_markdown()
    )


def tables(frame):
    """Yield a table per classifier, kind of noise and measure."""
    for (classifier, noise), part in frame.groupby(["classifier", "noise"], sort=False):
        # Rows of the first runs have no precision and recall.
        for measure_name in part.columns.intersection(MEASURES, sort=False):
            scores = part.pivot_table(index=["rate", "seed"], columns="method", values=measure_name)
            if not {"do nothing", TRUE} <= set(scores.columns):
                continue
            rows = [
                gain(rate, name, at_rate[name], at_rate)
                for rate, at_rate in scores.groupby(level="rate")
                for name in sorted(scores.columns, key=[*METHODS, TRUE].index)
                if at_rate[["do nothing", TRUE, name]].notna().all(axis=1).any()
            ]
            yield (
                f"## {measure_name}: {classifier}, noise: {noise}\n\n"
                + pd.DataFrame(rows).to_markdown(index=False)
            )


def gain(rate, name, values, at_rate):
    """Return a method's score, its gain over weak labels, and its share of the gap."""
    weak, true = at_rate["do nothing"], at_rate[TRUE]
    paired = (values - weak).dropna()
    gaps = (true - weak)[paired.index]
    # The error of a single split is not known, and not held against it.
    clear = gaps.mean() > (gaps.sem() if len(gaps) > 1 else 0)
    error = f" ± {paired.sem():.4f}" if len(paired) > 1 else ""
    return {
        "noise": f"{rate:.0%}",
        "labels": name,
        "score": f"{values.mean():.4f}",
        "gain over weak": f"{paired.mean():+.4f}{error}",
        "share of the gap": f"{paired.mean() / gaps.mean():.0%}" if clear else "no clear gap",
        "splits": len(paired),
    }


if __name__ == "__main__":
    main()
