"""Label cleaning with many labels: PTB-XL's own codes, of which most are rare.

The protocol is that of `benchmarks/smit.py`; the labels are the SCP codes that 25 records or more
have, without sinus rhythm (SR) and abnormal QRS (ABQRS). An undecided label counts as the weak one.
All methods see the same splits, the same noise and the same features.
"""

import argparse

import pandas as pd

from benchmarks._cleaning import (
    CHANGES,
    add_options,
    add_protocol,
    changes,
    compare_on,
    in_order,
    seeds_in,
)
from benchmarks._methods import PEERS
from benchmarks._report import explanation


def main():
    arguments = parse_arguments()
    compare_on(
        "codes",
        arguments,
        page=f"many_labels{'_quick' * arguments.quick}",
        title=f"Label cleaning on PTB-XL's codes{', every fourth record' * arguments.quick}",
        command="many_labels",
        text=describe,
    )


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="every fourth record, one split")
    add_options(parser, splits=6, rates=[0, 0.05, 0.2, 0.4])
    add_protocol(parser, methods=PEERS)
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.splits, arguments.rates = 1, [0.2]
    return arguments


def describe(results):
    """Return what the page shows."""
    frame = pd.DataFrame(results.rows)
    text = [f"{results.about['data']}.\n\n{explanation(__doc__).strip()}"]
    for (split, kind, share), part in frame.groupby(["split", "kind", "trusted_share"], sort=False):
        scores = part.pivot_table(index="method", columns="rate", values=["f1", "macro_f1"])
        table = pd.DataFrame(
            {
                f"{rate:.0%}": scores["f1"][rate].map("{:.3f} / ".format)
                + scores["macro_f1"][rate].map("{:.3f}".format)
                for rate in scores["f1"]
            }
        )
        table["seconds"] = part.groupby("method")["seconds"].median().round(1)
        cleaned = part[part["method"] != "do nothing"]
        text.append(
            f"## Split: {split}, noise: {kind}, trusted: {share:.0%}\n\nWeighted / macro F1 by "
            f"noise rate, mean over splits (seeds {seeds_in(part)}); seconds are the median of "
            f"one.\n\n{in_order(table).to_markdown(disable_numparse=True)}\n\n{CHANGES}\n\n"
            f"{changes(cleaned, ['method', 'rate'])}"
        )
    return "\n\n".join(text)


if __name__ == "__main__":
    main()
