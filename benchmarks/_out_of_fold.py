"""Scores of predictions out of fold: pooled over all folds, each method beside the default.

Each row of the results is what one network, trained on all other folds, says of one fold:
``network``, ``fold``, ``seed``, ``probabilities`` and, where the network has thresholds of its own,
``predicted``, both as text.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd

from benchmarks._compared import DEFAULT, has_patients_enough, unpack, unpack_bits
from sklearn_ecg.metrics import bootstrap_interval, paired_bootstrap_test

N_BINS = 15


def calibration_error(labels, probabilities, n_bins=N_BINS):
    """Return the expected calibration error, mean over labels.

    Probabilities of a label fall into bins of equal width; the distance between the mean of a bin
    and the share of its records that have the label counts by how many records it holds.

    Parameters
    ----------
    labels : ndarray of shape (n_records, n_labels)
    probabilities : ndarray of shape (n_records, n_labels)
    n_bins : int, default=15

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.array([[1], [0], [0], [0]])
    >>> round(calibration_error(labels, np.full((4, 1), 0.25)), 3)
    0.0
    >>> round(calibration_error(labels, np.full((4, 1), 0.75)), 3)
    0.5
    """
    n_records, n_labels = labels.shape
    bins = np.minimum((probabilities * n_bins).astype(np.int64), n_bins - 1)
    places = (bins + n_bins * np.arange(n_labels)).ravel()
    gaps = np.bincount(places, (probabilities - labels).ravel(), minlength=n_bins * n_labels)
    return float(np.abs(gaps).sum() / (n_records * n_labels))


#: Scores by name: a metric, and what of the predictions it takes.
SCORES = {
    "macro AUC": ("roc_auc", "probabilities"),
    "average precision": ("average_precision", "probabilities"),
    "F1": ("f1_macro", "tuned"),
    "F1, own thresholds": ("f1_macro", "own"),
    "F1 at 0.5": ("f1_macro", "at_half"),
    "calibration error": (calibration_error, "probabilities"),
}


@dataclass(frozen=True)
class Pooled:
    """What a network says of the records of some folds, several seeds side by side.

    Attributes
    ----------
    records : ndarray of int
        Which were scored.
    n_seeds : int
    truth, probabilities, at_half : ndarray of shape (n_scored, n_labels * n_seeds)
        Macro scores are means over columns: seeds side by side give the mean over seeds.
    tuned : ndarray of the same shape, or None
        Present or absent by thresholds that were tuned on the other folds; None with one fold.
    own : ndarray of the same shape, or None
        The same by thresholds of the network's own, where it has them.
    """

    records: np.ndarray
    n_seeds: int
    truth: np.ndarray
    probabilities: np.ndarray
    at_half: np.ndarray
    tuned: np.ndarray | None
    own: np.ndarray | None


def folds_of(rows, name):
    """Return the folds that a network was measured on, by seed."""
    found = {}
    for row in rows:
        if row["network"] == name:
            found.setdefault(row["seed"], set()).add(row["fold"])
    return found


def common(*measured):
    """Return the folds and seeds that several networks have in common.

    The folds are those of the first seed that all have; other seeds count once they have these
    folds too.

    Parameters
    ----------
    *measured : dict of int to set of int
        From `folds_of`.

    Returns
    -------
    folds, seeds : tuple of int
    """
    by_seed = {
        seed: set.intersection(*(folds[seed] for folds in measured))
        for seed in sorted(set.intersection(*(set(folds) for folds in measured)))
    }
    by_seed = {seed: folds for seed, folds in by_seed.items() if folds}
    if not by_seed:
        return (), ()
    folds = next(iter(by_seed.values()))
    return tuple(sorted(folds)), tuple(seed for seed, own in by_seed.items() if own >= folds)


def texts_of(rows, name, folds, seeds):
    """Return packed predictions of a network by seed and fold, which can be kept by `cache`."""
    found = {
        (row["seed"], row["fold"]): (row["probabilities"], row.get("predicted"))
        for row in rows
        if row["network"] == name
    }
    return tuple(tuple(found[seed, fold] for fold in folds) for seed in seeds)


def pool(texts, folds, records):
    """Put the predictions of all folds together.

    Parameters
    ----------
    texts : tuple
        From `texts_of`.
    folds : tuple of int
    records : ECGRecords
        Their `split` are the folds.

    Returns
    -------
    Pooled
    """
    rows = np.flatnonzero(np.isin(records.split, folds))
    scored = records[rows]
    kept, shape = has_patients_enough(scored), scored.labels.shape
    labels, fold_of = scored.labels[:, kept], scored.split
    columns = {"probabilities": [], "tuned": [], "own": []}
    for of_seed in texts:
        said, own = np.zeros(shape), np.zeros(shape, dtype=np.int64)
        for fold, (probabilities, predicted) in zip(folds, of_seed, strict=True):
            of_fold = fold_of == fold
            said[of_fold] = unpack(probabilities, (of_fold.sum(), shape[1]))
            if predicted is None:
                own = None
            elif own is not None:
                own[of_fold] = unpack_bits(predicted, (of_fold.sum(), shape[1]))
        columns["probabilities"].append(said[:, kept])
        columns["tuned"].append(by_other_folds(said[:, kept], labels, fold_of))
        columns["own"].append(None if own is None else own[:, kept])
    beside = {
        name: None if any(part is None for part in parts) else np.hstack(parts)
        for name, parts in columns.items()
    }
    at_half = (beside["probabilities"] >= 0.5).astype(np.int64)
    return Pooled(rows, len(texts), np.hstack([labels] * len(texts)), at_half=at_half, **beside)


def by_other_folds(probabilities, labels, fold_of):
    """Return which labels are present by thresholds that were tuned on the other folds.

    Parameters
    ----------
    probabilities, labels : ndarray of shape (n_records, n_labels)
    fold_of : ndarray of shape (n_records,)

    Returns
    -------
    ndarray of int of shape (n_records, n_labels), or None with a single fold
    """
    folds = np.unique(fold_of)
    if len(folds) < 2:
        return None
    predicted = np.zeros(labels.shape, dtype=np.int64)
    for fold in folds:
        own = fold_of == fold
        for k in range(labels.shape[1]):
            threshold = best_threshold(probabilities[~own, k], labels[~own, k])
            predicted[own, k] = probabilities[own, k] >= threshold
    return predicted


def best_threshold(probabilities, label):
    """Return the threshold of one label with the largest F1, half-way between two that occur."""
    order = np.argsort(-probabilities, kind="stable")
    values, present = probabilities[order], label[order] == 1
    f1 = 2 * np.cumsum(present) / (np.arange(1, len(values) + 1) + present.sum())
    # Equal probabilities cannot be told apart by any threshold.
    f1[:-1][values[:-1] == values[1:]] = -1
    best = f1.argmax()
    below = values[best + 1] if best + 1 < len(values) else 0.0
    return (values[best] + below) / 2


@cache
def score(name, texts, folds, records):
    """Return a score with its interval by patient, or None; once, since pages show it again."""
    metric, what = SCORES[name]
    pooled = pool(texts, folds, records)
    said = getattr(pooled, what)
    if said is None or not pooled.truth.shape[1]:
        return None
    groups = groups_of(records, pooled)
    return bootstrap_interval(metric, pooled.truth, said, groups=groups, random_state=0)


@cache
def difference_of(name, texts, other, folds, records):
    """Return the difference of two networks' scores on the same records, or None."""
    metric, what = SCORES[name]
    one, other = (pool(own, folds, records) for own in (texts, other))
    said = [getattr(pooled, what) for pooled in (one, other)]
    if any(values is None for values in said) or not one.truth.shape[1]:
        return None
    groups = groups_of(records, one)
    return paired_bootstrap_test(metric, one.truth, *said, groups=groups, random_state=0)


def groups_of(records, pooled):
    return None if records.groups is None else records.groups[pooled.records]


def score_table(rows, records):
    """Return the scores of each network on the folds that it was measured on.

    Returns
    -------
    DataFrame
        A row per network, in the order in which they were measured.
    """
    shown = {}
    n_folds = len(np.unique(records.split))
    for name in dict.fromkeys(row["network"] for row in rows):
        folds, seeds = common(folds_of(rows, name))
        own = [row for row in rows if row["network"] == name]
        texts = texts_of(rows, name, folds, seeds)
        found = {key: score(key, texts, folds, records) for key in SCORES}
        n_weights = own[0]["n_weights"]
        shown[name] = {
            "folds": f"{len(folds)} of {n_folds}",
            "seeds": len(seeds),
            **{key: _with_interval(value) for key, value in found.items()},
            "CPU seconds": round(float(np.median([row["cpu_seconds"] for row in own]))),
            "weights": "" if n_weights is None else f"{n_weights:,}",
        }
    return pd.DataFrame.from_dict(shown, orient="index")


def difference_table(rows, records):
    """Return each network's scores minus the default's, on the folds that both have."""
    shown = {}
    default = folds_of(rows, DEFAULT)
    for name in dict.fromkeys(row["network"] for row in rows):
        folds, seeds = common(folds_of(rows, name), default)
        if name == DEFAULT or not folds:
            continue
        texts, other = (texts_of(rows, kind, folds, seeds) for kind in (name, DEFAULT))
        found = {key: difference_of(key, texts, other, folds, records) for key in SCORES}
        n_records = int(np.isin(records.split, folds).sum())
        shown[name] = {"records": n_records} | {
            key: "" if value is None else _signed(value) for key, value in found.items()
        }
    return pd.DataFrame.from_dict(shown, orient="index")


def _with_interval(found):
    return "" if found is None else f"{found.score:.3f} ({found.low:.3f} to {found.high:.3f})"


def _signed(test):
    return f"{test.difference:+.3f} ({test.low:+.3f} to {test.high:+.3f})"
