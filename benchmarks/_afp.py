"""What the pages of the AFP paper's own figures share: SMIT, its noise, clusterings kept."""

import argparse
import tempfile
from contextlib import nullcontext

from benchmarks._cleaning import (
    add_options,
    load_features,
    noisy_copy,
    seeds_of,
    size_of,
)
from benchmarks._report import Results, grid


def parse(description, *, splits, rates):
    """Parse the options that both pages have."""
    parser = argparse.ArgumentParser(description=description.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="a quarter of the windows")
    add_options(parser, splits=splits, rates=rates)
    return parser.parse_args()


def open_smit(command, arguments):
    """Return SMIT's windows or a quarter of them, their features, and rows of earlier runs."""
    sets = load_features(["smit"], arguments.cache, every=4 if arguments.quick else 1)
    page = arguments.page or f"{command}{'_quick' * arguments.quick}"
    about = {"data": size_of(*sets["smit"])}
    results = Results(page, command, ("seed", "rate"), about=about, fresh=arguments.fresh)
    return *sets["smit"], results


def kept_clusterings(arguments):
    """Return a context that gives the folder of clusterings: of one run if none is to be kept."""
    return nullcontext(arguments.cache) if arguments.cache else tempfile.TemporaryDirectory()


def unmeasured_copies(results, arguments, labels):
    """Yield each noisy copy of the labels that no row shows: what tells it, the copy, the mask.

    A third of the windows is trusted; in the rest a share of each label's positives is replaced
    with a random wrong label.
    """
    # By seed first: what is interrupted has few splits of all rates, not all of a few rates.
    for copy in results.unmeasured(grid(seed=seeds_of(arguments), rate=arguments.rates)):
        yield copy, *noisy_copy(labels, None, split="random", **copy)


def data_of(page):
    """Return what a page's figures were measured on, for its title."""
    return "a quarter of SMIT" if page.endswith("_quick") else "SMIT"
