"""Ablations of AFP on SMIT: figures 11 to 15 of the AFP paper, and the same for the default.

The paper (Han et al. 2023, section 5.2) leaves out one stage at a time: anchor patterns (ph1),
inclusion and exclusion rules (ph2), iterated discriminators (ph3). Weighted F1 of the weak
records' labels after cleaning, an undecided label counting as the weak one. All variants see the
same splits and the same noise, and share the clusterings, which do not depend on what is left
out. A run that was interrupted goes on where it stopped.
"""

import argparse
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.metrics import f1_score

from benchmarks._afp import (
    add_arguments,
    kept_clusterings,
    read_smit,
    unmeasured_copies,
    write_plot,
)
from benchmarks._cleaning import resume
from benchmarks._report import explanation, write_results
from sklearn_ecg import AFPLabelCleaner

METHODS = {"paper": "the paper's method", "bayes": "the default"}
STAGES = ("anchors", "rules", "discriminators")
# Points of F1 that the paper's text says are lost on SMIT, the least and most of its noise rates.
PUBLISHED = {"anchors": (6.21, 10.17), "rules": (1.75, 6.12), "discriminators": (7.07, 13.25)}


def main():
    arguments = parse_arguments()
    page = arguments.page or ("afp_ablations_quick" if arguments.quick else "afp_ablations")
    X, labels, groups = read_smit(arguments)
    rows = resume(page, fresh=arguments.fresh)
    with kept_clusterings(arguments) as memory:
        for copy, y_weak, trusted in unmeasured_copies(rows, arguments, labels):
            print(copy, flush=True)
            found = ablate(X, labels, groups, y_weak, trusted, copy["seed"], memory)
            rows += [copy | row for row in found]
            save(rows, X, page)
    save(rows, X, page)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    add_arguments(parser, splits=3, rates=[0.05, 0.1, 0.2, 0.3, 0.4])
    parser.add_argument("--page", help="write docs/results/PAGE instead of the usual page")
    return parser.parse_args()


def ablate(X, labels, groups, y_weak, trusted, seed, memory):
    """Clean one noisy copy by each method, in full and without each stage; yield rows."""
    truth = labels[~trusted]

    def row(method, without, cleaned):
        score = f1_score(truth, cleaned[~trusted], average="weighted", zero_division=0)
        return {"method": method, "without": without, "f1": score}

    yield row("nothing", None, y_weak)
    for method in METHODS:
        for stage in (None, *STAGES):
            cleaner = AFPLabelCleaner(
                method=method, undecided="weak", memory=memory, random_state=seed, n_jobs=-1
            )
            if stage:
                cleaner.set_params(**{stage: False})
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                cleaner.fit(X, y_weak, trusted=trusted, groups=groups)
            yield row(method, stage, cleaner.labels_)


def save(rows, X, page):
    frame = pd.DataFrame(rows)
    plot = write_plot(page, draw(frame))
    text = (
        f"{len(X)} windows, {X.shape[1]} features; splits (seeds): "
        f"{', '.join(map(str, sorted(frame['seed'].unique())))}.\n\n"
        f"{explanation(__doc__).strip()}\n\n![F1 without each stage]({plot})\n\n"
        + "\n\n".join([*tables(frame), against_paper(frame)])
    )
    write_results(page, "Ablations of AFP", text, rows, command="afp_ablations")


def by_variant(frame, method):
    """Return F1 of one method, a row per split and rate, and a column per variant."""
    part = frame[frame["method"] == method].assign(
        variant=lambda part: part["without"].map(lambda s: f"without {s}" if s else "in full")
    )
    table = part.pivot(index=["seed", "rate"], columns="variant", values="f1")
    return table[["in full", *(f"without {stage}" for stage in STAGES)]]


def doing_nothing(frame):
    """Return F1 of the weak labels, by split and rate."""
    return frame[frame["method"] == "nothing"].set_index(["seed", "rate"])["f1"]


def draw(frame):
    """Draw F1 against noise, a panel per method, a group of bars per noise rate."""
    figure, axes = plt.subplots(1, 2, figsize=(12, 4.2), sharey=True)
    for ax, (method, title) in zip(axes, METHODS.items(), strict=True):
        scores = by_variant(frame, method)
        scores["do nothing"] = doing_nothing(frame)
        by_rate = scores.groupby(level="rate")
        means, errors = by_rate.mean(), by_rate.sem().fillna(0)
        colours = ("C0", "C1", "C2", "C3", "0.75")
        for place, (variant, colour) in enumerate(zip(means, colours, strict=True)):
            where = np.arange(len(means)) + 0.16 * (place - 2)
            ax.bar(where, means[variant], 0.16, yerr=errors[variant], color=colour, label=variant)
        ax.set_xticks(range(len(means)), [f"{rate:.0%}" for rate in means.index])
        ax.set_xlabel("noise")
        ax.set_title(title)
        ax.grid(axis="y", alpha=0.3)
        ax.set_axisbelow(True)
    axes[0].set_ylim(bottom=0.5, top=1.0)
    axes[0].set_ylabel("weighted F1")
    axes[0].legend(fontsize=8)
    figure.tight_layout()
    return figure


def tables(frame):
    """Yield, for each method, F1 by noise rate and what is lost without each stage."""
    nothing = doing_nothing(frame).groupby(level="rate").mean()
    for method, title in METHODS.items():
        scores = by_variant(frame, method)
        means = scores.groupby(level="rate").mean()
        means.insert(0, "do nothing", nothing)
        lost = lost_points(scores)
        by_rate = lost.groupby(level="rate")
        mean, error = by_rate.mean(), by_rate.sem()
        signed = mean.map("{:+.2f}".format) + error.map(" ± {:.2f}".format).replace(" ± nan", "")
        yield (
            f"## {title[0].upper()}{title[1:]}\n\nWeighted F1, mean over splits:\n\n"
            f"{percent_rows(means).round(4).to_markdown()}\n\nPoints of F1 lost without a stage, "
            "paired within splits, ± the standard error over splits (negative: better without "
            f"it):\n\n{percent_rows(signed).to_markdown(disable_numparse=True)}"
        )


def lost_points(scores):
    """Return 100 times what F1 is lower by than that of the method in full."""
    lost = 100 * -scores.drop(columns="in full").sub(scores["in full"], axis=0)
    return lost


def percent_rows(table):
    return table.set_axis([f"{rate:.0%}" for rate in table.index]).rename_axis("noise")


def against_paper(frame):
    """Return the range of what is lost over noise rates beside the paper's."""
    rows = []
    for stage, (least, most) in PUBLISHED.items():
        row = {"without": stage, "paper, SMIT": f"{least:.2f} to {most:.2f}"}
        for method, title in METHODS.items():
            lost = lost_points(by_variant(frame, method))[f"without {stage}"]
            means = lost.groupby(level="rate").mean()
            row[title] = f"{means.min():.2f} to {means.max():.2f}"
        rows.append(row)
    return (
        "## Beside the paper\n\nPoints of F1 lost, from the noise rate with the least to that "
        "with the most.\n\n" + pd.DataFrame(rows).to_markdown(index=False)
    )


if __name__ == "__main__":
    main()
