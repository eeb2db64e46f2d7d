"""Label cleaning of noise as it really is: the PhysioNet Challenge 2017, before and after revision.

Its organisers published labels (N normal rhythm, A atrial fibrillation, O other rhythm, ~ too noisy
to tell), looked again at records on which the entries disagreed, and revised some. The labels first
published are the weak ones, and the revised ones count as true. A third of the records is trusted,
with revised labels. An undecided label counts as the weak one. All methods see the same splits and
the same features, those of signal quality among them. Labels that the organisers did not look at
again count as right. A method that corrects other errors is blamed for it.
"""

import argparse
import time
import warnings
from functools import partial

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score, f1_score

from benchmarks._cleaning import choose_trusted, in_order, seeds_in, seeds_of, size_of
from benchmarks._data import data_folder
from benchmarks._methods import METHODS, PACKAGES, PEERS, doubt
from benchmarks._report import Results, add_run_options, explanation, grid, to_markdown
from sklearn_ecg import ECGFeatureExtractor
from sklearn_ecg.datasets import load_cinc2017

KEYS = ("trusted_share", "seed", "method")


def main():
    arguments = parse_arguments()
    records, truth = read(every=4 if arguments.quick else 1)
    # A label of its own says that the signal is too noisy to tell.
    groups = (*ECGFeatureExtractor().groups, "quality")
    X = ECGFeatureExtractor(
        groups=groups, n_jobs=-1, memory=arguments.cache, verbose=1
    ).fit_transform(records)
    results = Results(
        arguments.page or f"real_noise{'_quick' * arguments.quick}",
        "real_noise",
        KEYS,
        about={"data": size_of(records, X)},
        packages=PACKAGES,
        fresh=arguments.fresh,
    )
    show = partial(
        results.show,
        f"Label cleaning on the Challenge 2017{', every fourth record' * arguments.quick}",
        partial(describe, results),
    )
    settings = grid(
        seed=seeds_of(arguments), trusted_share=arguments.trusted, method=arguments.methods
    )
    for setting in results.unmeasured(settings):
        results.add(setting | measure(X, records.labels, truth, **setting))
        show()
    show()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="every fourth record, one split")
    parser.add_argument("--splits", type=int, default=6, help="how many seeds")
    parser.add_argument("--first-seed", type=int, default=0, help="others give unseen splits")
    parser.add_argument("--trusted", type=float, nargs="+", default=[1 / 3], metavar="SHARE")
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(PEERS))
    add_run_options(parser)
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.splits = 1
    return arguments


def read(*, every=1):
    """Return the records with labels as first published, and what these were revised to."""
    folder = data_folder("cinc2017")
    before, after = (load_cinc2017(folder, labels=name) for name in ("original", "revised"))
    is_known = (before.labels != -1).all(axis=1) & (after.labels != -1).all(axis=1)
    return before[is_known][::every], after.labels[is_known][::every]


def measure(X, weak, truth, *, trusted_share, seed, method):
    """Clean the labels as first published with one method; return its scores."""
    trusted = choose_trusted(truth, None, "random", seed, trusted_share)
    given = np.where(trusted[:, np.newaxis], truth, weak)
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cleaned = METHODS[method](X, given, trusted, None, seed)
    seconds = time.perf_counter() - started
    doubted = doubt(cleaned, given)
    found = score(truth, weak, cleaned.labels_, doubted, ~trusted)
    return found | {"seconds": round(seconds, 2)}


def score(truth, weak, labels, doubted, rows):
    """Return what cleaning made of the records that were revised, and of the others.

    Parameters
    ----------
    truth, weak, labels : ndarray of shape (n_records, n_labels)
        Revised, first published, and cleaned.
    doubted : ndarray of shape (n_records, n_labels), or None
        Probability that each weak label is wrong.
    rows : ndarray of bool of shape (n_records,)
        The records that count.
    """
    truth, weak, labels = truth[rows], weak[rows], labels[rows]
    revised, changed = (truth != weak).any(axis=1), (labels != weak).any(axis=1)
    right = changed & (labels == truth).all(axis=1)
    ranking = {"precision_of_records": None, "precision_of_labels": None}
    if doubted is not None:
        doubted = doubted[rows]
        ranking = {
            "precision_of_records": average_precision_score(revised, doubted.max(axis=1)),
            "precision_of_labels": average_precision_score(
                (truth != weak).ravel(), doubted.ravel()
            ),
        }
    return ranking | {
        "records": len(truth),
        "revised": int(revised.sum()),
        "revised_changed": int((revised & changed).sum()),
        "changed": int(changed.sum()),
        "changed_rightly": int(right.sum()),
        "f1": f1_score(truth, labels, average="weighted", zero_division=0),
        "macro_f1": f1_score(truth, labels, average="macro", zero_division=0),
    }


def describe(results):
    """Return what the page shows."""
    precisions = {"precision_of_records": float, "precision_of_labels": float}
    frame = pd.DataFrame(results.rows).astype(precisions)
    text = [f"{results.about['data']}.\n\n{explanation(__doc__).strip()}"]
    for share, part in frame.groupby("trusted_share"):
        groups = part.groupby("method")
        sums, means = groups.sum(numeric_only=True), groups.mean(numeric_only=True)
        table = pd.DataFrame(
            {
                "average precision, records": means["precision_of_records"].round(3),
                "same, labels": means["precision_of_labels"].round(3),
                "revised records found": (sums["revised_changed"] / sums["revised"]).round(3),
                "records changed": means["changed"].round(1),
                "exactly right of the changed": (sums["changed_rightly"] / sums["changed"]).round(
                    3
                ),
                "weighted F1": means["f1"].round(4),
                "macro F1": means["macro_f1"].round(4),
                "seconds": groups["seconds"].median().round(1),
            }
        )
        n_splits = part["seed"].nunique()
        text.append(
            f"## {share:.0%} trusted\n\nOf {sums['records'].max() / n_splits:.0f} weak records "
            f"{sums['revised'].max() / n_splits:.1f} were revised, means over splits (seeds "
            f"{seeds_in(part)}). Average precision is that of ranking records by the highest "
            "probability that one of their labels is wrong, and of ranking all labels of all "
            "records by theirs; a record is found if it was changed at all, and exactly right if "
            f"all of its labels are.\n\n{to_markdown(in_order(table))}"
        )
    return "\n\n".join(text)


if __name__ == "__main__":
    main()
