"""What the benchmarks of label cleaning share: methods, one measurement, tables."""

import json
import time
import warnings

import numpy as np
import pandas as pd
from scipy.special import logit
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import KFold, cross_val_predict

from benchmarks._report import RESULTS
from sklearn_ecg import AFPLabelCleaner
from sklearn_ecg.cleaning import CrossValidationLabelCleaner, DensityLabelCleaner
from sklearn_ecg.datasets import corrupt_labels


def measure(X, labels, groups, name, *, split, rate, seed, kind="swap", trusted_share=1 / 3):
    """Clean one noisy copy of the labels with one method; return a row of the results."""
    trusted = choose_trusted(labels, groups, split, seed, trusted_share)
    y_weak = labels.copy()
    y_weak[~trusted] = corrupt_labels(labels[~trusted], rate, kind=kind, random_state=seed)
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cleaned = METHODS[name](X, y_weak, trusted, groups, seed)
    seconds = time.perf_counter() - started
    f1 = f1_score(labels[~trusted], cleaned[~trusted], average="weighted", zero_division=0)
    return {"f1": f1, "seconds": round(seconds, 2)}


def choose_trusted(labels, groups, split, seed, share):
    """Return the mask of trusted records: a random share of the records, or of the patients."""
    units = groups if split == "patient" else np.arange(len(labels))
    names, unit_of_record = np.unique(units, return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(names))
    return (order < len(names) * share)[unit_of_record]


def resume(name, *, fresh):
    """Return the rows that earlier runs of a benchmark measured."""
    path = RESULTS / f"{name}.json"
    return json.loads(path.read_text()) if path.exists() and not fresh else []


def measure_missing(rows, settings, X, labels, groups, save):
    """Measure each method in each setting that no row shows yet; save after each setting."""
    done = {tuple(row[key] for key in KEYS) for row in rows}
    for setting in settings:
        row = dict(zip(KEYS, setting, strict=True))
        if setting in done:
            continue
        name = row["method"]
        found = measure(X, labels, groups, name, **{k: v for k, v in row.items() if k != "method"})
        rows.append(row | found)
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
        counts = part.groupby("rate")["seed"].nunique()
        seconds = part.groupby("method")["seconds"].median().round(1)
        table = table.assign(seconds=seconds).sort_index(key=lambda names: names.map(order))
        text.append(
            f"## Split: {split}, noise: {kind}, trusted: {share:.0%}\n\n"
            f"Mean of {counts.min()} split(s); seconds are the median of one.\n\n"
            + table.round(4).to_markdown()
        )
    return "\n\n".join(text)


def do_nothing(X, y_weak, trusted, groups, seed):
    return y_weak


def clean_with(make_cleaner):
    def clean(X, y_weak, trusted, groups, seed):
        cleaner = make_cleaner(random_state=seed, n_jobs=-1)
        return cleaner.fit(X, y_weak, trusted=trusted, groups=groups).labels_

    return clean


def afp(**options):
    return clean_with(lambda **fixed: AFPLabelCleaner(undecided="weak", **fixed, **options))


def clean_with_density(X, y_weak, trusted, groups, seed):
    return DensityLabelCleaner(n_jobs=-1).fit(X, y_weak, trusted=trusted).labels_


def out_of_sample(X, given, seed):
    """Probabilities of a label by extra trees that were trained on other records."""
    forest = ExtraTreesClassifier(200, min_samples_leaf=2, n_jobs=-1, random_state=seed)
    folds = KFold(5, shuffle=True, random_state=seed)
    return cross_val_predict(forest, np.nan_to_num(X), given, cv=folds, method="predict_proba")


def clean_with_cleanlab(X, y_weak, trusted, groups, seed):
    """Flip what cleanlab flags, from extra trees' out-of-sample probabilities."""
    from cleanlab.filter import find_label_issues

    cleaned = y_weak.copy()
    for label, given in enumerate(y_weak.T):
        if given.all() or not given.any():
            continue
        flagged = find_label_issues(given, out_of_sample(X, given, seed))
        cleaned[flagged & ~trusted, label] = 1 - given[flagged & ~trusted]
    return cleaned


def clean_with_trees_and_bayes(X, y_weak, trusted, groups, seed):
    """Extra trees, Platt scaling on trusted records, Bayes' rule with noise rates by EM."""
    cleaned = y_weak.copy()
    for label, given in enumerate(y_weak.T):
        if not 5 <= given[trusted].sum() <= trusted.sum() - 5:
            continue
        score = logit(np.clip(out_of_sample(X, given, seed)[:, [1]], 0.002, 0.998))
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
METHODS = {
    "do nothing": do_nothing,
    **{
        f"CV-{criterion}": clean_with(
            lambda criterion=criterion, **fixed: CrossValidationLabelCleaner(criterion, **fixed)
        )
        for criterion in ("S1", "S2", "S3")
    },
    "DDF": clean_with_density,
    "cleanlab, flagged labels flipped": clean_with_cleanlab,
    "extra trees, Bayes, EM": clean_with_trees_and_bayes,
    "AFP, the paper's": afp(method="paper"),
    "AFP, labels weighed alone": afp(joint=False),
    "AFPLabelCleaner": afp(),
}
ABLATIONS = {
    f"AFP, {method}, without {stage}": afp(method=key, **{stage: False})
    for method, key in (("the paper's", "paper"), ("default", "bayes"))
    for stage in ("anchors", "rules", "discriminators")
}
SWEEPS = {
    f"AFP, the paper's, {name}={value}": afp(method="paper", **{name: value})
    for name, values in (
        ("min_confidence", (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)),
        ("min_correlation", (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)),
        ("max_exclusion", (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)),
    )
    for value in values
}
METHODS |= ABLATIONS | SWEEPS
MAIN = [name for name in METHODS if name not in ABLATIONS and name not in SWEEPS]
