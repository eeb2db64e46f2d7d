"""What the benchmarks of label cleaning share: noisy copies of true labels, scores, tables."""

import time
import warnings
from functools import partial
from itertools import product

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.metrics import f1_score

from benchmarks._data import DATA, read_data
from benchmarks._methods import METHODS, PACKAGES
from benchmarks._report import Results, add_run_options, to_markdown
from sklearn_ecg import ECGFeatureExtractor
from sklearn_ecg.datasets import corrupt_labels

#: What tells one measurement from another.
KEYS = ("data", "split", "kind", "trusted_share", "rate", "seed", "method")
KINDS = ("swap", "missing", "extra", "confused")


def add_options(parser, *, splits, rates):
    """Add the options that all benchmarks of label cleaning have."""
    parser.add_argument("--splits", type=int, default=splits, help="how many seeds")
    parser.add_argument("--first-seed", type=int, default=0, help="others give unseen splits")
    parser.add_argument("--rates", type=float, nargs="+", default=rates)
    add_run_options(parser)


def add_protocol(parser, *, divisions=("random",), methods=tuple(METHODS)):
    """Add the options of noise, trust and methods."""
    by = ("random", "patient")
    parser.add_argument("--noise", nargs="+", choices=KINDS, default=["swap"])
    parser.add_argument("--trusted", type=float, nargs="+", default=[1 / 3], metavar="SHARE")
    parser.add_argument("--by", nargs="+", choices=by, default=list(divisions))
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(methods))


def seeds_of(arguments):
    return range(arguments.first_seed, arguments.first_seed + arguments.splits)


def load_features(names, cache, *, every=1):
    """Return the features of data.

    Parameters
    ----------
    names : sequence of str
    cache : str or None
        The folder that keeps features between runs.
    every : int, default=1
        Take every so-manieth record.

    Returns
    -------
    dict of (ECGRecords, ndarray of shape (n_records, n_features))
        By the name of the data.
    """
    extractor = ECGFeatureExtractor(n_jobs=-1, memory=cache, verbose=1)
    sets = {}
    for name in names:
        records = read_data(name, DATA)[::every]
        sets[name] = records, extractor.fit_transform(records)
    return sets


def size_of(records, X):
    return f"{len(records)} records, {X.shape[1]} features, {records.n_labels} labels"


def open_results(page, command, sets, *, packages=PACKAGES, fresh=False):
    """Return the results of a benchmark on several sets of records and features."""
    about = {name: size_of(*own) for name, own in sets.items()}
    return Results(page, command, KEYS, about=about, packages=packages, fresh=fresh)


def settings_of(situations, methods, arguments):
    """Return what is to be measured, a dict of `KEYS` each.

    By seed first: what is interrupted has few splits of everything, not all of a few methods.

    Parameters
    ----------
    situations : iterable of (data, split, kind, trusted_share)
    methods : iterable of str
    arguments : Namespace
        With seeds and noise rates.
    """
    every = product(seeds_of(arguments), situations, arguments.rates, methods)
    return [
        dict(zip(KEYS, (*situation, rate, seed, method), strict=True))
        for seed, situation, rate, method in every
    ]


def compare_on(data, arguments, *, page, title, command, text=None):
    """Compare methods on one set of records; show F1, or what ``text(results)`` returns."""
    sets = load_features([data], arguments.cache, every=4 if arguments.quick else 1)
    records, _ = sets[data]
    if "patient" in arguments.by and records.groups is None:
        raise SystemExit(f"{data} does not name patients: leave --by out.")
    results = Results(
        arguments.page or page,
        command,
        KEYS,
        about={"data": size_of(*sets[data])},
        packages=PACKAGES,
        fresh=arguments.fresh,
    )
    title += apart(arguments)
    show = partial(results.show, title, partial(text or weighted_f1, results))
    situations = list(product([data], arguments.by, arguments.noise, arguments.trusted))
    compare(results, settings_of(situations, arguments.methods, arguments), sets, METHODS, show)


def weighted_f1(results):
    """Return what the pages of SMIT and of 12 leads show."""
    return (
        f"{results.about['data']}; weighted F1 of the weak records' labels after cleaning, an "
        "undecided label counting as the weak one. All methods see the same splits and the same "
        "noise. The filters are measured as published and with trusted records among those that "
        "vote; S2 and S3 count the votes again that S1 has paid for.\n\n" + tables(results.rows)
    )


def apart(arguments):
    """Return what sets a page apart from the usual one, for its title."""
    said = ""
    if arguments.noise != ["swap"]:
        said += f": labels {', '.join(arguments.noise)}"
    if arguments.trusted != [1 / 3]:
        said += f": {', '.join(f'{share:.0%}' for share in arguments.trusted)} trusted"
    return said


def compare(results, settings, sets, methods, show):
    """Measure each setting that no row shows yet; show the page after each."""
    for setting in results.unmeasured(settings):
        records, X = sets[setting["data"]]
        noise = {key: setting[key] for key in KEYS if key not in ("data", "method")}
        results.add(setting | measure(records, X, methods[setting["method"]], **noise))
        show()
    show()


def measure(records, X, clean, *, split, rate, seed, kind="swap", trusted_share=1 / 3):
    """Clean one noisy copy of the labels with one method; return its scores."""
    labels, groups = records.labels, records.groups
    noise = {"split": split, "rate": rate, "seed": seed, "kind": kind}
    y_weak, trusted = noisy_copy(labels, groups, **noise, trusted_share=trusted_share)
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cleaned = clean(X, y_weak, trusted, groups, seed)
    seconds = time.perf_counter() - started
    return score(labels, y_weak, cleaned, ~trusted) | {"seconds": round(seconds, 2)}


def noisy_copy(labels, groups, *, split, rate, seed, kind="swap", trusted_share=1 / 3):
    """Return labels, noisy where records are not trusted, and the mask of those that are."""
    trusted = choose_trusted(labels, groups, split, seed, trusted_share)
    y_weak = labels.copy()
    y_weak[~trusted] = corrupt_labels(labels[~trusted], rate, kind=kind, random_state=seed)
    return y_weak, trusted


def choose_trusted(labels, groups, split, seed, share):
    """Return the mask of trusted records: a random share of the records, or of the patients."""
    units = groups if split == "patient" else np.arange(len(labels))
    names, unit_of_record = np.unique(units, return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(names))
    return (order < len(names) * share)[unit_of_record]


def score(truth, weak, cleaned, rows):
    """Return what cleaning made of the labels of some records.

    Parameters
    ----------
    truth, weak : ndarray of shape (n_records, n_labels)
    cleaned : fitted cleaner or Cleaned
    rows : ndarray of bool of shape (n_records,)
        The weak records.

    Returns
    -------
    dict
        F1, counts of labels, and what the method says of itself, where it says anything:
        mean confidence in what it changed and added, and the share of labels whose interval of
        the noise rate `missing` holds the true one.
    """
    truth, weak, labels = truth[rows], weak[rows], cleaned.labels_[rows]
    changed, lost = labels != weak, (truth == 1) & (weak == 0)
    added = changed & (labels == 1)
    found = {
        "f1": f1_score(truth, labels, average="weighted", zero_division=0),
        "macro_f1": f1_score(truth, labels, average="macro", zero_division=0),
        "errors": int((weak != truth).sum()),
        "changed": int(changed.sum()),
        "changed_rightly": int((changed & (labels == truth)).sum()),
        "added": int(added.sum()),
        "added_rightly": int((added & (truth == 1)).sum()),
        "labels_without_addition": int((lost.any(axis=0) & ~added.any(axis=0)).sum()),
    }
    for name, where in (("changes", changed), ("additions", added)):
        says = cleaned.confidence_ is not None and where.any()
        confidence = float(cleaned.confidence_[rows][where].mean()) if says else None
        found[f"confidence_of_{name}"] = confidence
    found["missing_held"] = None
    if hasattr(cleaned, "noise_rates_"):
        low, high = cleaned.noise_rates_[["missing_low", "missing_high"]].to_numpy().T
        present = truth.sum(axis=0)
        rates = lost.sum(axis=0)[present > 0] / present[present > 0]
        holds = (low[present > 0] <= rates) & (rates <= high[present > 0])
        found["missing_held"] = float(holds.mean())
    return found


def tables(rows):
    """Return weighted F1 as Markdown: a table per split, kind of noise and trusted share."""
    frame = pd.DataFrame(rows)
    text = []
    for (split, kind, share), part in frame.groupby(["split", "kind", "trusted_share"], sort=False):
        table = part.pivot_table(index="method", columns="rate", values="f1")
        table.columns = [f"{rate:.0%}" for rate in table.columns]
        by_method = part.groupby("method")
        table = in_order(
            table.assign(
                seconds=by_method["seconds"].median().round(1), splits=by_method["seed"].nunique()
            )
        )
        text.append(
            f"## Split: {split}, noise: {kind}, trusted: {share:.0%}\n\n"
            f"Mean over splits (seeds {seeds_in(part)}); seconds are the median of one.\n\n"
            + table.round(4).to_markdown()
        )
    return "\n\n".join(text)


def in_order(table):
    """Return a table with a row per method in the order in which methods are compared."""
    order = {name: place for place, name in enumerate(METHODS)}
    return table.sort_index(key=lambda names: names.map(order))


def seeds_in(frame):
    return ", ".join(str(seed) for seed in sorted(frame["seed"].unique()))


def changes(frame, by):
    """Return how right the changes are, and what is said of them, as Markdown.

    Parameters
    ----------
    frame : DataFrame
        A row per measurement, as `score` returns them.
    by : list of str
        The columns that have a row each.
    """
    said = ["confidence_of_changes", "confidence_of_additions", "missing_held"]
    # Of methods that say nothing of themselves they are None.
    frame = frame.astype(dict.fromkeys(said, float))
    frame = frame.assign(
        over_changes=frame["confidence_of_changes"] - frame["changed_rightly"] / frame["changed"],
        over_additions=frame["confidence_of_additions"] - frame["added_rightly"] / frame["added"],
    )
    groups = frame.groupby(by, sort=False)
    sums, means = groups.sum(numeric_only=True), groups.mean(numeric_only=True)
    table = pd.DataFrame(
        {
            "errors found": sums["changed_rightly"] / sums["errors"],
            "changes right": sums["changed_rightly"] / sums["changed"],
            "additions right": sums["added_rightly"] / sums["added"],
            "labels without an addition": means["labels_without_addition"],
            "confidence minus right, changes": means["over_changes"],
            "same, additions": means["over_additions"],
            "`missing` held": means["missing_held"],
        }
    )
    return to_markdown(table.round(3).reset_index(), index=False)


CHANGES = (
    "Over splits: the share of wrong weak labels that were put right; of the labels that were "
    "changed, and of those that were added, the share that is right; how many labels got no "
    "addition anywhere, though weak records had lost some; the mean confidence in what was "
    "changed or added, minus the share of it that is right; and the share of labels whose 95 % "
    "interval of the noise rate `missing` holds the true one."
)


def difference(points):
    """Return the mean of paired differences with its 95 % interval over seeds, as text."""
    points = points.dropna()
    if len(points) < 2:
        return f"{points.mean():+.2f}" if len(points) else ""
    reach = stats.t.ppf(0.975, len(points) - 1) * points.sem()
    return f"{points.mean():+.2f} ({points.mean() - reach:+.2f} to {points.mean() + reach:+.2f})"


def points_ahead(frame, name, values="f1"):
    """Return by how many points one method's score is above each other's, paired by seed.

    Parameters
    ----------
    frame : DataFrame
        Of one setting, with several methods and seeds.
    name : str
        The method.
    values : str, default="f1"

    Returns
    -------
    Series of str
        By method.
    """
    scores = frame.pivot_table(index="seed", columns="method", values=values, sort=False)
    if name not in scores:
        return pd.Series(dtype=str)
    others = scores.drop(columns=name)
    return (-100 * others.sub(scores[name], axis=0)).apply(difference)
