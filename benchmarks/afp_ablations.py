"""Ablations of the AFP paper's method on SMIT: its figures 11 to 15.

The paper (Han et al. 2023, section 5.2) leaves out one stage at a time: anchor patterns (ph1),
inclusion and exclusion rules (ph2), iterated discriminators (ph3). Weighted F1 of the weak records'
labels after cleaning. The paper does not say how it counts labels that are undecided and left to a
person: here they count as the weak label and, a second time, as absent. All variants see the same
splits and the same noise, and share the clusterings, which do not depend on what is left out.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.metrics import f1_score

from benchmarks._afp import data_of, kept_clusterings, open_smit, parse, unmeasured_copies
from benchmarks._report import explanation, write_plot
from sklearn_ecg import AFPLabelCleaner

# What the page shows: what an undecided label counts as.
VIEWS = {"undecided as weak": "weak", "undecided as absent": "absent"}
STAGES = ("anchors", "rules", "discriminators")
# Points of F1 that the paper's text says are lost: on simulated data the least and most of the
# noise rates, and on the real pair of figure 16.
PUBLISHED = {
    "anchors": {"SMIT": "6.21 to 10.17", "SCHE": "5.80 to 7.99", "CHE and CHW": "12.68"},
    "rules": {"SMIT": "1.75 to 6.12", "SCHE": "1.37 to 7.63", "CHE and CHW": "4.43"},
    "discriminators": {"SMIT": "7.07 to 13.25", "SCHE": "16.89 to 20.93", "CHE and CHW": "19.71"},
}
DIFFERENCES = """\
What differs from the paper's set-up:

* The real pair CHE and CHW of figure 16 is private, and so is SCHE, of which figures 11 to 15 show
  a second half: ours are of SMIT alone.
* Splits are random thirds where the paper has 6-fold cross-validation, and the features are
  other ones, 200 of two leads where the paper has 100.
* ``--quick`` takes every fourth window. Gibbs sampling takes about 40 s of a core for each noisy
  copy of the labels of these, and about six minutes for one of all windows.
* Stages of the default are left out by `benchmarks.cleaning_stages`.

What is lost depends on what undecided labels count as. Counting as weak labels, they hide what a
stage is worth, since a stage that is left out leaves labels as they were; counting as absent,
they cost recall wherever a stage no longer confirms them. Losses are then of the size that the
paper gives without anchors and without discriminators, so that it likely counts so.
Where ours fall short: rules are worth less than the paper says, since they reach few of SMIT's
labels (see the page on thresholds), and where the column of splits says 1 there is no telling
how far a figure would move."""


def main():
    arguments = parse_arguments()
    records, X, results = open_smit("afp_ablations", arguments)
    with kept_clusterings(arguments) as memory:
        for copy, y_weak, trusted in unmeasured_copies(results, arguments, records.labels):
            found = ablate(records, X, y_weak, trusted, copy["seed"], memory)
            results.add(*(copy | row for row in found))
            show(results)
    show(results)


def parse_arguments():
    return parse(__doc__, splits=3, rates=[0.05, 0.1, 0.2, 0.3, 0.4])


def ablate(records, X, y_weak, trusted, seed, memory):
    """Clean one noisy copy in full and without each stage; yield rows."""
    labels, groups = records.labels, records.groups
    truth, weak = labels[~trusted], y_weak[~trusted]
    yield {"method": "nothing", "without": None} | score(truth, weak, weak)
    for stage in (None, *STAGES):
        cleaner = AFPLabelCleaner(method="paper", memory=memory, random_state=seed, n_jobs=-1)
        if stage:
            cleaner.set_params(**{stage: False})
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            cleaner.fit(X, y_weak, trusted=trusted, groups=groups)
        scores = score(truth, cleaner.labels_[~trusted], weak)
        yield {"method": "paper", "without": stage} | scores


def score(truth, cleaned, weak):
    """Return weighted F1 by what an undecided label, which is -1, counts as."""
    filled = {"weak": weak, "absent": np.zeros_like(weak)}
    return {
        counts_as: f1_score(
            truth, np.where(cleaned == -1, fill, cleaned), average="weighted", zero_division=0
        )
        for counts_as, fill in filled.items()
    }


def show(results):
    results.show(f"Ablations of AFP on {data_of(results.page)}", lambda: describe(results))


def describe(results):
    """Return what the page shows."""
    frame = pd.DataFrame(results.rows)
    plot = write_plot(results.page, draw(frame))
    return (
        f"{results.about['data']}; splits (seeds): "
        f"{', '.join(map(str, sorted(frame['seed'].unique())))}.\n\n"
        f"{explanation(__doc__).strip()}\n\n![F1 without each stage]({plot})\n\n"
        + "\n\n".join([*tables(frame), against_paper(frame)])
    )


def by_variant(frame, view):
    """Return F1 of one view, a row per split and rate, and a column per variant."""
    part = frame[frame["method"] == "paper"].assign(
        variant=lambda part: part["without"].map(lambda s: f"without {s}" if s else "in full")
    )
    table = part.pivot(index=["seed", "rate"], columns="variant", values=VIEWS[view])
    return table[["in full", *(f"without {stage}" for stage in STAGES)]]


def doing_nothing(frame):
    """Return F1 of the weak labels, by split and rate."""
    return frame[frame["method"] == "nothing"].set_index(["seed", "rate"])["weak"]


def draw(frame):
    """Draw F1 against noise, a panel per view, a group of dots per noise rate."""
    figure, axes = plt.subplots(1, len(VIEWS), figsize=(10, 4), sharey=True)
    for ax, view in zip(axes, VIEWS, strict=True):
        by_rate = by_variant(frame, view).assign(nothing=doing_nothing(frame)).groupby("rate")
        means, errors = by_rate.mean(), by_rate.sem().fillna(0)
        for place, (variant, colour) in enumerate(
            zip(means, ("C0", "C1", "C2", "C3", "0.5"), strict=True)
        ):
            # Dots, not bars: the axis does not start at 0.
            ax.errorbar(
                np.arange(len(means)) + 0.12 * (place - 2),
                means[variant],
                yerr=errors[variant],
                fmt="o",
                markersize=5,
                color=colour,
                label="do nothing" if variant == "nothing" else variant,
            )
        ax.set_xticks(range(len(means)), [f"{rate:.0%}" for rate in means.index])
        ax.set(xlabel="noise", title=view, ylim=(0.5, 1.01))
        ax.grid(axis="y", alpha=0.3)
    axes[0].set_ylabel("weighted F1")
    axes[0].legend(fontsize=8, loc="lower left")
    figure.tight_layout()
    return figure


def tables(frame):
    """Yield, for each view, F1 by noise rate and what is lost without each stage."""
    nothing = doing_nothing(frame).groupby(level="rate")
    for view in VIEWS:
        scores = by_variant(frame, view)
        means = scores.groupby(level="rate").mean()
        means.insert(0, "do nothing", nothing.mean())
        means["splits"] = nothing.size()
        by_rate = lost_points(scores).groupby(level="rate")
        mean, error = by_rate.mean(), by_rate.sem()
        signed = mean.map("{:.2f}".format) + error.map(" ± {:.2f}".format).replace(" ± nan", "")
        yield (
            f"## {view[0].upper()}{view[1:]}\n\nWeighted F1, mean over splits:\n\n"
            f"{percent_rows(means).round(4).to_markdown()}\n\nPoints of F1 lost without a stage, "
            "paired within splits, ± the standard error over splits (negative: better without "
            f"it):\n\n{percent_rows(signed).to_markdown(disable_numparse=True)}"
        )


def lost_points(scores):
    """Return 100 times what F1 is lower by than that of the method in full."""
    return 100 * (-scores.drop(columns="in full")).add(scores["in full"], axis=0)


def percent_rows(table):
    return table.set_axis([f"{rate:.0%}" for rate in table.index]).rename_axis("noise")


def against_paper(frame):
    """Return the range of what is lost over noise rates beside the paper's."""
    rows = []
    for stage, published in PUBLISHED.items():
        row = {"without": stage} | {f"paper, {data}": lost for data, lost in published.items()}
        for view in VIEWS:
            lost = lost_points(by_variant(frame, view))[f"without {stage}"]
            means = lost.groupby(level="rate").mean()
            row[view] = f"{means.min():.2f} to {means.max():.2f}"
        rows.append(row)
    table = pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True)
    return (
        "## Beside the paper\n\nPoints of F1 lost, from the noise rate with the least to that "
        f"with the most.\n\n{table}\n\n{DIFFERENCES}"
    )


if __name__ == "__main__":
    main()
