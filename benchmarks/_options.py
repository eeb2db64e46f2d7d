"""What the pages on the cleaner's own options share: situations, and one fit per set of options."""

import argparse
from functools import partial

import pandas as pd

from benchmarks._cleaning import add_options, compare, load_features, open_results, settings_of
from benchmarks._methods import afp

#: Data, how trusted records are drawn, noise, and the share that is trusted.
SITUATIONS = {
    "SMIT": ("smit", "random", "swap", 1 / 3),
    "PTB-XL's superclasses": ("ptbxl", "random", "swap", 1 / 3),
    "PTB-XL's codes": ("codes", "random", "swap", 1 / 3),
    "CPSC2018": ("cpsc2018", "random", "swap", 1 / 3),
    "SMIT, 2 % of patients trusted": ("smit", "patient", "swap", 0.02),
    "PTB-XL's superclasses, 2 % trusted": ("ptbxl", "random", "swap", 0.02),
}


def parse(doc):
    """Parse the options of such a page."""
    parser = argparse.ArgumentParser(description=doc.split("\n\n")[0])
    parser.add_argument(
        "--quick", action="store_true", help="two situations, every fourth record, one split"
    )
    parser.add_argument(
        "--situations", nargs="+", choices=SITUATIONS, default=list(SITUATIONS), metavar="NAME"
    )
    add_options(parser, splits=6, rates=[0.2])
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.splits, arguments.situations = 1, arguments.situations[:2]
    return arguments


def measure_options(command, title, options, arguments, describe):
    """Clean with each set of options in each situation, and show what `describe` returns.

    Parameters
    ----------
    command, title : str
    options : dict of dict or callable
        Parameters of `AFPLabelCleaner`, or methods as in `benchmarks._methods`, by the name that
        rows have for them.
    arguments : Namespace
    describe : callable
        Takes the results and returns Markdown.
    """
    situations = [SITUATIONS[name] for name in arguments.situations]
    data = dict.fromkeys(data for data, *_ in situations)
    sets = load_features(data, arguments.cache, every=4 if arguments.quick else 1)
    page = arguments.page or f"{command}{'_quick' * arguments.quick}"
    results = open_results(page, command, sets, packages=(), fresh=arguments.fresh)
    methods = {name: own if callable(own) else afp(**own) for name, own in options.items()}
    show = partial(results.show, title, partial(describe, results))
    compare(results, settings_of(situations, methods, arguments), sets, methods, show)


def by_situation(rows):
    """Yield the name of each situation that was measured, and its rows."""
    frame = pd.DataFrame(rows)
    for name, situation in SITUATIONS.items():
        keys = ["data", "split", "kind", "trusted_share"]
        part = frame[(frame[keys] == list(situation)).all(axis=1)]
        if len(part):
            yield name, part
