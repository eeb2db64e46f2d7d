"""Label cleaning where few records are trusted: 1 to 5 % of SMIT by patient and of PTB-XL.

A fifth of each label's positives is replaced with a random wrong label. On SMIT whole patients are
trusted. 2 % are one patient: many labels then have no trusted record at all. On PTB-XL's
superclasses records are drawn. An undecided label counts as the weak one. All methods see the same
splits, the same noise and the same features.
"""

import argparse
from functools import partial

import pandas as pd

from benchmarks._cleaning import (
    add_options,
    compare,
    in_order,
    load_features,
    open_results,
    points_ahead,
    seeds_in,
    settings_of,
)
from benchmarks._data import title_of
from benchmarks._methods import METHODS, PEERS
from benchmarks._report import explanation, to_markdown

# Data, how trusted records are drawn, noise, and the share that is trusted.
SITUATIONS = (
    ("smit", "patient", "swap", 0.02),
    ("smit", "patient", "swap", 0.05),
    ("ptbxl", "random", "swap", 0.01),
    ("ptbxl", "random", "swap", 0.02),
    ("ptbxl", "random", "swap", 0.05),
)
OURS = "AFPLabelCleaner"


def main():
    arguments = parse_arguments()
    sets = load_features(
        dict.fromkeys(data for data, *_ in SITUATIONS),
        arguments.cache,
        every=4 if arguments.quick else 1,
    )
    page = arguments.page or f"few_trusted{'_quick' * arguments.quick}"
    results = open_results(page, "few_trusted", sets, fresh=arguments.fresh)
    settings = settings_of(SITUATIONS, arguments.methods, arguments)
    title = "Label cleaning with few trusted records"
    show = partial(results.show, title, partial(describe, results))
    compare(results, settings, sets, METHODS, show)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="every fourth record, one split")
    add_options(parser, splits=6, rates=[0.2])
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(PEERS))
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.splits = 1
    return arguments


def describe(results):
    """Return what the page shows."""
    frame = pd.DataFrame(results.rows)
    text = [explanation(__doc__).strip()]
    for (data, rate), part in frame.groupby(["data", "rate"], sort=False):
        table = part.pivot_table(index="method", columns="trusted_share", values="f1").round(4)
        for share, at_share in part.groupby("trusted_share"):
            table[f"ours at {share:.0%}"] = points_ahead(at_share, OURS)
        table = table.rename(columns=lambda name: name if isinstance(name, str) else f"{name:.0%}")
        table["seconds"] = part.groupby("method")["seconds"].median().round(1)
        text.append(
            f"## {title_of(data)}, {rate:.0%} swapped\n\n{results.about[data]}. Weighted F1 of the "
            f"weak records' labels by trusted share, mean over splits (seeds {seeds_in(part)}); "
            f"the points by which {OURS} is ahead, paired within splits, with the 95 % interval "
            "of their mean; median seconds of one split.\n\n"
            + to_markdown(in_order(table), disable_numparse=True)
        )
    return "\n\n".join(text)


if __name__ == "__main__":
    main()
