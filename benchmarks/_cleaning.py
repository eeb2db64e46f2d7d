"""What the benchmarks of label cleaning share: methods, one measurement, tables."""

import json
import time
import warnings
from itertools import product

import joblib
import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from benchmarks._report import RESULTS, write_results
from sklearn_ecg import AFPLabelCleaner, ECGFeatureExtractor
from sklearn_ecg.cleaning import CrossValidationLabelCleaner, DensityLabelCleaner
from sklearn_ecg.cleaning._discriminators import ForestDiscriminator
from sklearn_ecg.datasets import corrupt_labels


def add_arguments(parser, *, splits, rates, divisions):
    """Add the options that all benchmarks of label cleaning have."""
    parser.add_argument("--splits", type=int, default=splits, help="how many seeds")
    parser.add_argument("--first-seed", type=int, default=0, help="others give unseen splits")
    parser.add_argument("--rates", type=float, nargs="+", default=rates)
    parser.add_argument("--noise", nargs="+", choices=KINDS, default=["swap"])
    parser.add_argument("--trusted", type=float, nargs="+", default=[1 / 3], metavar="SHARE")
    parser.add_argument("--by", nargs="+", choices=("random", "patient"), default=divisions)
    parser.add_argument("--methods", nargs="+", choices=METHODS, help="by default all of them")
    parser.add_argument("--page", help="write docs/results/PAGE instead of the usual page")
    parser.add_argument("--cache", help="a folder that keeps features between runs")
    parser.add_argument("--fresh", action="store_true", help="measure again what was measured")


def labelled(records):
    """Return the records that have a label, and none that is unknown."""
    return records[(records.labels == 1).any(axis=1) & (records.labels != -1).all(axis=1)]


def compare(records, methods, arguments, *, page, title, command):
    """Measure what was not measured yet, and write the page after each setting."""
    X = ECGFeatureExtractor(n_jobs=-1, memory=arguments.cache, verbose=1).fit_transform(records)
    # By seed first: what is interrupted has few splits of everything, not all of a few methods.
    settings = [
        (method, division, rate, seed, kind, share)
        for seed, kind, share, rate, division, method in product(
            range(arguments.first_seed, arguments.first_seed + arguments.splits),
            arguments.noise,
            arguments.trusted,
            arguments.rates,
            arguments.by,
            methods,
        )
    ]
    page = arguments.page or page

    def save(rows):
        text = (
            f"{len(records)} records, {X.shape[1]} features, {records.n_labels} labels; weighted "
            "F1 of the weak records' labels after cleaning, an undecided label counting as the "
            "weak one. All methods see the same splits and the same noise. The filters are "
            "measured as published and with trusted records among those that vote; S2 and S3 "
            f"count the votes again that S1 has paid for.\n\n{tables(rows)}"
        )
        write_results(page, title + describe(arguments), text, rows, command=command)

    rows = resume(page, fresh=arguments.fresh, n_records=len(records))
    measure_missing(rows, settings, X, records.labels, records.groups, save)
    save(rows)


def measure(X, labels, groups, name, *, split, rate, seed, kind="swap", trusted_share=1 / 3):
    """Clean one noisy copy of the labels with one method; return a row of the results."""
    noise = {"split": split, "rate": rate, "seed": seed, "kind": kind}
    y_weak, trusted = noisy_copy(labels, groups, **noise, trusted_share=trusted_share)
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cleaned = METHODS[name](X, y_weak, trusted, groups, seed)
    seconds = time.perf_counter() - started
    f1 = f1_score(labels[~trusted], cleaned[~trusted], average="weighted", zero_division=0)
    return {"f1": f1, "seconds": round(seconds, 2)}


def describe(arguments):
    """Return what sets a page apart from the usual one, for its title."""
    said = ""
    if arguments.noise != ["swap"]:
        said += f": labels {', '.join(arguments.noise)}"
    if arguments.trusted != [1 / 3]:
        said += f": {', '.join(f'{share:.0%}' for share in arguments.trusted)} trusted"
    return said


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


def resume(name, *, fresh, n_records=None):
    """Return the rows that earlier runs of a benchmark measured, or end if they saw other data."""
    path = RESULTS / f"{name}.json"
    rows = json.loads(path.read_text()) if path.exists() and not fresh else []
    others = {row.get("n_records", n_records) for row in rows} - {n_records}
    if others:
        refuse_other_data(name, f"{', '.join(map(str, others))} records", f"{n_records}")
    return rows


def refuse_other_data(name, measured, at_hand):
    """End a run whose page shows other data than those at hand."""
    raise SystemExit(
        f"{RESULTS / name}.json has figures of {measured}, but at hand are {at_hand}, and one page "
        "cannot show both: name another one with --page, or measure all again with --fresh."
    )


def measure_missing(rows, settings, X, labels, groups, save):
    """Measure each method in each setting that no row shows yet; save after each setting."""
    done = {tuple(row[key] for key in KEYS) for row in rows}
    for setting in settings:
        row = dict(zip(KEYS, setting, strict=True))
        if setting in done:
            continue
        name = row["method"]
        found = measure(X, labels, groups, name, **{k: v for k, v in row.items() if k != "method"})
        rows.append(row | found | {"n_records": len(labels)})
        print(*setting, round(found["f1"], 4), f"{found['seconds']} s", flush=True)
        save(rows)
    return rows


def tables(rows):
    """Return weighted F1 as Markdown: a table per split, kind of noise and trusted share."""
    frame = pd.DataFrame(rows)
    order = {name: place for place, name in enumerate(METHODS)}
    text = []
    for (split, kind, share), part in frame.groupby(["split", "kind", "trusted_share"], sort=False):
        table = part.pivot_table(index="method", columns="rate", values="f1")
        table.columns = [f"{rate:.0%}" for rate in table.columns]
        by_method = part.groupby("method")
        table = table.assign(
            seconds=by_method["seconds"].median().round(1), splits=by_method["seed"].nunique()
        ).sort_index(key=lambda names: names.map(order))
        seeds = ", ".join(str(seed) for seed in sorted(part["seed"].unique()))
        text.append(
            f"## Split: {split}, noise: {kind}, trusted: {share:.0%}\n\n"
            f"Mean over splits (seeds {seeds}); seconds are the median of one.\n\n"
            + table.round(4).to_markdown()
        )
    return "\n\n".join(text)


def do_nothing(X, y_weak, trusted, groups, seed):
    return y_weak


def afp(**options):
    def clean(X, y_weak, trusted, groups, seed):
        cleaner = AFPLabelCleaner(undecided="weak", random_state=seed, n_jobs=-1, **options)
        return cleaner.fit(X, y_weak, trusted=trusted, groups=groups).labels_

    return clean


def votes(least_share, *, use_trusted):
    """Remove given labels that at least a share of the cross-validated classifiers denies."""

    def clean(X, y_weak, trusted, groups, seed):
        key = joblib.hash((X, y_weak, trusted, seed, use_trusted))
        if key not in _VOTED:
            _VOTED.clear()
            cleaner = CrossValidationLabelCleaner(
                "S3", use_trusted=use_trusted, random_state=seed, n_jobs=-1
            )
            _VOTED[key] = cleaner.fit(X, y_weak, trusted=trusted, groups=groups)
        voted = _VOTED[key]
        removed = (voted.provenance_ == "removed") & (voted.confidence_ > least_share - 1e-9)
        return np.where(removed, 0, y_weak)

    return clean


def density(*, use_trusted):
    def clean(X, y_weak, trusted, groups, seed):
        cleaner = DensityLabelCleaner(use_trusted=use_trusted, n_jobs=-1)
        return cleaner.fit(X, y_weak, trusted=trusted).labels_

    return clean


def out_of_sample(X, y_weak, seed):
    """Log odds by the default's extra trees, of records that a tree was not trained on."""
    return ForestDiscriminator(random_state=seed).fit_score(np.nan_to_num(X), 1.0 * y_weak, -1)


def clean_with_cleanlab(X, y_weak, trusted, groups, seed):
    """Flip what cleanlab flags, from out-of-sample probabilities."""
    from cleanlab.filter import find_label_issues

    cleaned, scores = y_weak.copy(), out_of_sample(X, y_weak, seed)
    for label, (given, score) in enumerate(zip(y_weak.T, scores.T, strict=True)):
        if given.all() or not given.any():
            continue
        flagged = find_label_issues(given, np.column_stack([expit(-score), expit(score)]))
        cleaned[flagged & ~trusted, label] = 1 - given[flagged & ~trusted]
    return cleaned


def clean_with_trees_and_bayes(X, y_weak, trusted, groups, seed):
    """Extra trees, Platt scaling on trusted records, Bayes' rule with noise rates by EM."""
    cleaned, scores = y_weak.copy(), out_of_sample(X, y_weak, seed)
    for label, (given, score) in enumerate(zip(y_weak.T, scores.T, strict=True)):
        if not 5 <= given[trusted].sum() <= trusted.sum() - 5:
            continue
        score = score[:, np.newaxis]
        platt = LogisticRegression(C=1e4).fit(score[trusted], given[trusted])
        probability, weak = platt.predict_proba(score[~trusted])[:, 1], given[~trusted]
        missing = wrong = 0.1
        for _ in range(50):
            present = probability * np.where(weak == 1, 1 - missing, missing)
            absent = (1 - probability) * np.where(weak == 1, wrong, 1 - wrong)
            belief = present / (present + absent)
            missing = np.clip(belief[weak == 0].sum() / belief.sum(), 1e-4, 0.9)
            wrong = np.clip((1 - belief)[weak == 1].sum() / (1 - belief).sum(), 1e-4, 0.9)
        cleaned[~trusted, label] = belief > 0.5
    return cleaned


KEYS = ("method", "split", "rate", "seed", "kind", "trusted_share")
KINDS = ("swap", "missing", "extra", "confused")
_SHARES = {"S1": 1.0, "S2": 0.8, "S3": 0.6}
# The last fit that voted, since three criteria count the same votes.
_VOTED = {}
METHODS = {
    "do nothing": do_nothing,
    **{f"CV-{name}, as published": votes(s, use_trusted=False) for name, s in _SHARES.items()},
    "DDF, as published": density(use_trusted=False),
    **{f"CV-{name}": votes(share, use_trusted=True) for name, share in _SHARES.items()},
    "DDF": density(use_trusted=True),
    "cleanlab, flagged labels flipped": clean_with_cleanlab,
    "extra trees, Bayes, EM": clean_with_trees_and_bayes,
    "AFP, the paper's": afp(method="paper"),
    "AFP, labels weighed alone": afp(joint=False),
    "AFPLabelCleaner": afp(),
}
