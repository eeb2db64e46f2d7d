"""What each stage of `AFPLabelCleaner` is worth: F1 in full minus F1 without it, or with more.

The last columns, *with* a stage, show what the default does without: stages of the paper as
further evidence of the posterior. There a positive number says that the default is better.

A fifth of each label's positives is replaced with a random wrong label; a third of the records is
trusted, or 2 %. An undecided label counts as the weak one. Pairs share split, noise, features and
seed; the interval is the 95 % interval of their mean over splits of the same records. It says
nothing about other records.
"""

import pandas as pd

from benchmarks._cleaning import points_ahead, seeds_in
from benchmarks._evidence import WithIsolation, WithPatterns, cleaned_by, trust_anchors
from benchmarks._options import by_situation, measure_options, parse
from benchmarks._report import explanation

FULL = "in full"
# What the default cleaner does, by what it is without it.
STAGES = {
    "label sets": {"joint": False},
    "second round": {"max_iter": 1},
    "caution": {"caution": 0.0},
}
# Stages of the paper as further evidence, which the default does without.
EVIDENCE = {
    "densities of patterns": cleaned_by(WithPatterns),
    "isolation": cleaned_by(WithIsolation),
    "anchors as trusted labels": trust_anchors,
}


def main():
    options = {FULL: {}} | {f"without {stage}": off for stage, off in STAGES.items()}
    options |= {f"with {stage}": method for stage, method in EVIDENCE.items()}
    measure_options(
        "cleaning_stages", "Stages of the cleaner", options, parse_arguments(), describe
    )


def parse_arguments():
    return parse(__doc__)


def describe(results):
    """Return what the page shows."""
    frame = pd.DataFrame(results.rows)
    text = [
        f"{explanation(__doc__).strip()}\n\nSplits (seeds): {seeds_in(frame)}. Points of F1 by "
        "which the default is ahead; negative: the column is better."
    ]
    for rate, at_rate in frame.groupby("rate"):
        for score, name in (("f1", "weighted"), ("macro_f1", "macro")):
            table = pd.DataFrame(
                {
                    situation: points_ahead(part, FULL, score)
                    for situation, part in by_situation(at_rate)
                }
            ).T
            table.insert(0, FULL, means(at_rate, score))
            text.append(
                f"## {rate:.0%} swapped, {name} F1\n\n{table.to_markdown(disable_numparse=True)}"
            )
    return "\n\n".join(text)


def means(frame, score):
    """Return the mean score in full, by situation."""
    return {
        situation: f"{part.loc[part['method'] == FULL, score].mean():.4f}"
        for situation, part in by_situation(frame)
    }


if __name__ == "__main__":
    main()
