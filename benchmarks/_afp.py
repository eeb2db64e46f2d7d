"""What the pages of the AFP paper's own figures share: SMIT, its noise, clusterings kept, plots."""

import tempfile
from contextlib import nullcontext
from itertools import product

from benchmarks._cleaning import labelled, noisy_copy
from benchmarks._data import data_folder
from benchmarks._report import RESULTS
from sklearn_ecg import ECGFeatureExtractor
from sklearn_ecg.datasets import load_mitdb


def add_arguments(parser, *, splits, rates):
    """Add the options that both pages have."""
    parser.add_argument("--quick", action="store_true", help="a quarter of the windows")
    parser.add_argument("--splits", type=int, default=splits, help="how many seeds")
    parser.add_argument("--first-seed", type=int, default=0, help="others give unseen splits")
    parser.add_argument("--rates", type=float, nargs="+", default=rates)
    parser.add_argument("--cache", help="a folder that keeps features and clusterings between runs")
    parser.add_argument("--fresh", action="store_true", help="measure again what was measured")


def read_smit(arguments):
    """Return features, labels and patients of SMIT's windows, or of a quarter of them."""
    records = labelled(load_mitdb(data_folder("mitdb")))
    X = ECGFeatureExtractor(n_jobs=-1, memory=arguments.cache, verbose=1).fit_transform(records)
    # Of the features of all, which the cache holds for the full run and other benchmarks too.
    step = 4 if arguments.quick else 1
    return X[::step], records.labels[::step], records.groups[::step]


def kept_clusterings(arguments):
    """Return a context that gives the folder of clusterings: of one run if none is to be kept."""
    return nullcontext(arguments.cache) if arguments.cache else tempfile.TemporaryDirectory()


def unmeasured_copies(rows, arguments, labels):
    """Yield each noisy copy of the labels that no row shows: what tells it, the copy, the mask.

    A third of the windows is trusted; in the rest a share of each label's positives is replaced
    with a random wrong label.
    """
    done = {(row["seed"], row["rate"]) for row in rows}
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.splits)
    # By seed first: what is interrupted has few splits of all rates, not all of a few rates.
    for seed, rate in product(seeds, arguments.rates):
        if (seed, rate) in done:
            continue
        noisy = noisy_copy(labels, None, split="random", rate=rate, seed=seed)
        yield {"seed": seed, "rate": rate, "n_records": len(labels)}, *noisy


def data_of(page):
    """Return what a page's figures were measured on, for its title."""
    return "a quarter of SMIT" if page.endswith("_quick") else "SMIT"


def write_plot(name, figure):
    """Write ``docs/results/<name>.svg``, the same bytes for the same figures; return its name."""
    from matplotlib import rc_context

    RESULTS.mkdir(parents=True, exist_ok=True)
    with rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
        figure.savefig(RESULTS / f"{name}.svg", metadata={"Date": None})
    return f"{name}.svg"
