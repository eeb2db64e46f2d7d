"""Precision, recall and F1 of cleaned labels: the comparisons of the AFP paper, figures 17 to 24.

Han et al. (2023), section 5.3: of six folds two are trusted in turn, so that a third of the records
is, and every record is cleaned in four of six rounds. In the other folds a share of each label's
positives is replaced with a random wrong label. Scores are of the weak records' labels after
cleaning, averaged with the labels' frequencies as weights; an undecided label counts as the weak
one. CV (five cross-validated classifiers; all, four or three of them deny a label) and DDF
(neighbourhoods of high and low density) are those of the paper: they see the weak records alone and
only remove labels. All methods see the same folds and the same noise.
"""

import argparse
import warnings
from functools import partial
from itertools import product

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.metrics import precision_recall_fscore_support
from sklearn.model_selection import GroupKFold, KFold

from benchmarks._cleaning import load_features, size_of
from benchmarks._data import DATA, add_data, page_of_data, title_of
from benchmarks._methods import METHODS
from benchmarks._report import Results, add_run_options, explanation, grid, page_name, write_plot
from sklearn_ecg.datasets import corrupt_labels

N_FOLDS = 6
PAPERS, OURS = "AFP, the paper's", "AFPLabelCleaner"
PEERS = {
    "CV-S1, as published": "CV-S1",
    "CV-S2, as published": "CV-S2",
    "CV-S3, as published": "CV-S3",
    "DDF, as published": "DDF",
}
COMPARED = ("do nothing", *PEERS, PAPERS, OURS)
SCORES = ("precision", "recall", "F1")
# Points of F1 by which the paper's text says AFP is ahead, by noise rate; figures are lost in it.
PUBLISHED = {
    "SCHE": {
        0.05: {"CV-S1": 5.15, "CV-S3": 23.42, "DDF": 18.73},
        0.1: {"CV-S1": 3.35, "CV-S3": 21.53, "DDF": 17.13},
        0.2: {"CV-S1": 0.7, "CV-S2": 8.17, "CV-S3": 17.75, "DDF": 14.25},
        0.3: {"CV-S1": -1.63, "CV-S2": 5.16, "CV-S3": 14.44, "DDF": 12.1},
        0.4: {"CV-S1": -3.93, "CV-S2": 1.86, "CV-S3": 11.18, "DDF": 9.84},
    },
    "SMIT": {
        0.05: {"CV-S1": 3.25, "CV-S2": 4.6, "CV-S3": 11.33, "DDF": 8.16},
        0.2: {"CV-S1": 1.26, "CV-S2": 0.11, "CV-S3": 6.09, "DDF": 4.28},
        0.4: {"CV-S1": 0.64, "CV-S2": -1.66, "CV-S3": 2.33, "DDF": 2.88},
    },
}
DIFFERENCES = """\
All methods are scored alike here; the paper computes DDF's precision from the number of labels that
it leaves. Parameters of CV and DDF that the papers leave open have the defaults of
`CrossValidationLabelCleaner` and `DensityLabelCleaner`."""


def main():
    arguments = parse_arguments()
    sets = load_features([arguments.data], arguments.cache, every=arguments.every)
    records, X = sets[arguments.data]
    if arguments.by == "patient" and records.groups is None:
        raise SystemExit(f"{arguments.data} does not name patients: leave --by out.")
    of_patients = "_by_patient" * (arguments.by == "patient")
    page = arguments.page or page_name(
        f"afp_comparisons_{page_of_data(arguments.data)}{of_patients}", arguments
    )
    rounds = list(rounds_of_trust(records, by_patient=arguments.by == "patient"))
    keys = ("round", "rate", "method")
    about = {"data": size_of(records, X)}
    results = Results(page, "afp_comparisons", keys, about=about, fresh=arguments.fresh)
    title = f"Comparisons of the AFP paper on {title_of(arguments.data)}"
    show = partial(results.show, title, lambda: describe(results, records, arguments))
    settings = grid(round=range(arguments.rounds), rate=arguments.rates, method=arguments.methods)
    for setting in results.unmeasured(settings):
        number, rate, name = setting.values()
        results.add(setting | clean(X, records, rounds[number], name, rate=rate, seed=number))
        show()
    show()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    add_data(parser, DATA)
    parser.add_argument("--quick", action="store_true", help="every fourth record, one round")
    parser.add_argument("--every", type=int, default=1, help="take every so-manieth record")
    parser.add_argument("--rounds", type=int, choices=range(1, N_FOLDS + 1), default=N_FOLDS)
    parser.add_argument("--rates", type=float, nargs="+", default=[0.05, 0.1, 0.2, 0.3, 0.4])
    parser.add_argument("--by", choices=("record", "patient"), default="record")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(COMPARED))
    add_run_options(parser)
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.every, arguments.rounds, arguments.rates = 4, 1, [0.05, 0.2, 0.4]
    return arguments


def rounds_of_trust(records, *, by_patient):
    """Yield the mask of trusted records of each round: two of six folds."""
    folds, groups = (GroupKFold, records.groups) if by_patient else (KFold, None)
    splits = folds(N_FOLDS, shuffle=True, random_state=0).split(records.labels, None, groups)
    fold = np.empty(len(records), dtype=int)
    for number, (_, members) in enumerate(splits):
        fold[members] = number
    for number in range(N_FOLDS):
        yield (fold == number) | (fold == (number + 1) % N_FOLDS)


def clean(X, records, trusted, name, *, rate, seed):
    """Clean one noisy copy of the labels with one method; return its scores."""
    truth = records.labels
    weak = truth.copy()
    weak[~trusted] = corrupt_labels(truth[~trusted], rate, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cleaned = METHODS[name](X, weak, trusted, records.groups, seed)
    scores = precision_recall_fscore_support(
        truth[~trusted], cleaned.labels_[~trusted], average="weighted", zero_division=0
    )
    return dict(zip(SCORES, scores, strict=False))


def describe(results, records, arguments):
    """Return what the page shows."""
    frame = pd.DataFrame(results.rows)
    plot = write_plot(results.page, draw(frame))
    few = few_positives(records)
    return (
        f"{results.about['data']}, "
        f"{frame['round'].nunique()} of {N_FOLDS} rounds, folds by {arguments.by}.{few}\n\n"
        f"{explanation(__doc__).strip()}\n\n![Precision, recall and F1 against noise]({plot})\n\n"
        f"{against_paper(frame)}\n\n{DIFFERENCES}\n\n{falls_short(frame)}\n\n"
        + "\n\n".join(tables(frame))
    )


def few_positives(records):
    """Say which labels have fewer records than there are folds."""
    counts = dict(zip(records.label_names, (records.labels == 1).sum(axis=0), strict=True))
    rare = [f"{name} ({count})" for name, count in counts.items() if count < N_FOLDS]
    return f" Fewer records than folds have {', '.join(rare)}." if rare else ""


def draw(frame):
    """Draw each score against noise, a line per method."""
    figure, axes = plt.subplots(1, len(SCORES), figsize=(14, 4.5), sharey=True)
    for ax, score in zip(axes, SCORES, strict=True):
        for method, part in frame.groupby("method", sort=False):
            line = {PAPERS: "-", OURS: "-", "do nothing": ":"}.get(method, "--")
            by_rate = part.groupby("rate")[score]
            ax.errorbar(
                100 * by_rate.mean().index,
                by_rate.mean(),
                yerr=by_rate.sem().fillna(0),
                linestyle=line,
                marker="o",
                markersize=4,
                label=method,
            )
        ax.set(xlabel="noise, %", title=score)
        ax.grid(alpha=0.3)
    axes[0].set_ylabel("weighted over labels")
    axes[0].legend(fontsize=8, loc="lower left")
    figure.tight_layout()
    return figure


def against_paper(frame):
    """Return by how many points of F1 AFP is ahead of each method, beside the paper's figures."""
    f1 = frame.pivot_table(index=["rate", "round"], columns="method", values="F1")
    rows = []
    for rate, name in product(sorted(frame["rate"].unique()), PEERS):
        row = {"noise": f"{rate:.0%}", "AFP's F1 above that of": PEERS[name]}
        for data, published in PUBLISHED.items():
            points = published.get(rate, {}).get(PEERS[name])
            row[f"paper, {data}"] = "" if points is None else f"{points:+.2f}"
        for method in (PAPERS, OURS):
            row[method] = ""
            if {name, method} <= set(f1.columns):
                row[method] = paired(100 * (f1[method] - f1[name]).loc[rate].dropna())
        rows.append(row)
    table = pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True)
    return (
        "## Beside the paper\n\nPoints of F1; ours are paired within rounds, ± the standard error "
        f"over rounds.\n\n{table}"
    )


def falls_short(frame):
    """Say where AFP scores below the others, doing nothing among them."""
    f1 = frame.pivot_table(index="rate", columns="method", values="F1")
    said = [
        f"{method}, below {name.replace('do n', 'doing n')} at {rate:.0%} noise "
        f"({row[method]:.4f} against {row[name]:.4f})"
        for method in (PAPERS, OURS)
        for rate, row in f1.iterrows()
        for name in ("do nothing", *PEERS)
        if {name, method} <= set(row.index) and row[method] < row[name]
    ]
    return (
        "Where AFP falls short of others, and of doing nothing, which the paper does not show: "
        f"{'; '.join(said) or 'at no rate'}."
    )


def paired(points):
    """Return the mean over rounds and its standard error as text."""
    if points.empty:
        return ""
    error = f" ± {points.sem():.2f}" if len(points) > 1 else ""
    return f"{points.mean():+.2f}{error}"


def tables(frame):
    """Yield a table per noise rate: what a figure of the paper shows."""
    for rate, part in frame.groupby("rate"):
        by_method = part.groupby("method", sort=False)
        table = by_method[list(SCORES)].mean().round(4).assign(rounds=by_method.size())
        yield f"## {rate:.0%} noise\n\nMeans over rounds.\n\n{table.to_markdown()}"


if __name__ == "__main__":
    main()
