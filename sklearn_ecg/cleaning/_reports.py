"""What a label cleaner shows of its work."""

import numpy as np
import pandas as pd

from sklearn_ecg.cleaning._inputs import is_signal_list
from sklearn_ecg.records import CleanedRecords, ECGRecords


def cleaned_records(X, given, labels, provenance, confidence):
    """Put what was cleaned and its labels together.

    Parameters
    ----------
    X : ECGRecords, array or DataFrame
    given : CleaningInput
    labels, provenance, confidence : ndarray of shape (n_records, n_labels)

    Returns
    -------
    CleanedRecords
    """
    fields = {
        "labels": labels,
        "weak_labels": given.labels,
        "provenance": provenance,
        "confidence": confidence,
        "label_names": given.label_names,
        "groups": given.groups,
        "trusted": given.trusted,
    }
    if isinstance(X, ECGRecords):
        return CleanedRecords(
            X.signals,
            X.sampling_rate,
            lead_names=None if X.lead_names is None else X.lead_names,
            ids=X.ids,
            split=X.split,
            report=X.report,
            **fields,
        )
    signals = X if isinstance(X, pd.DataFrame) or is_signal_list(X) else np.asarray(X)
    return CleanedRecords(signals, **fields)


def review_list(results, given, ids, judged):
    """List undecided labels, first those whose answers settle most.

    Labels that could not be judged at all come last: of them nothing is known.

    Parameters
    ----------
    results : Decisions
    given : CleaningInput
    ids : ndarray of shape (n_records,)
    judged : ndarray of bool of shape (n_records, n_labels)

    Returns
    -------
    dict of ndarray
        Columns record (its id), label, weak, probability and settled, the expected number of the
        record's labels that an answer puts right (both NaN where not judged).
    """
    record, label = np.nonzero(results.provenance == "undecided")
    was_judged = judged[record, label]
    probability = np.where(was_judged, results.belief[record, label], np.nan)
    settled = np.where(was_judged, results.settled[record, label], np.nan)
    order = np.lexsort((record, np.abs(probability - 0.5), -settled, ~was_judged))
    return {
        "record": ids[record[order]],
        "label": given.label_names[label[order]],
        "weak": given.labels[record[order], label[order]],
        "probability": probability[order],
        "settled": settled[order],
    }


def cleaning_report(cleaner):
    """Count what was done to each label."""
    weak = ~cleaner._trusted
    before, after = cleaner._weak[weak], cleaner.labels_[weak]
    undecided = cleaner.provenance_[weak] == "undecided"
    report = pd.DataFrame(
        {
            "weak": (before == 1).sum(axis=0),
            "clean": (after == 1).sum(axis=0),
            "added": ((after == 1) & (before != 1)).sum(axis=0),
            "removed": ((after == 0) & (before == 1)).sum(axis=0),
            "undecided": undecided.sum(axis=0),
        },
        index=pd.Index(cleaner.label_names_, name="label"),
    )
    return report.join(cleaner.noise_rates_).assign(learned=cleaner.learned_)


def anchor_table(cleaner):
    """A row per anchor pattern."""
    columns = ["label", "trusted_records", "weak_records", "wasserstein", "label_distance"]
    rows = [
        (
            cleaner.label_names_[a.weak.label],
            len(a.trusted.members),
            len(a.weak.members),
            a.wasserstein,
            a.label_distance,
            a.accuracy,
        )
        for a in cleaner._anchors
    ]
    return pd.DataFrame(rows, columns=[*columns, "accuracy"])


def inclusion_table(cleaner):
    """A row per inclusion rule."""
    names, patterns = cleaner.label_names_, cleaner.patterns_
    number = {id(pattern): m for m, pattern in enumerate(patterns)}
    firing = {id(rule) for rule in cleaner._firing(cleaner._inclusion)}
    columns = ["source", "target", "source_pattern", "target_pattern", "support", "confidence"]
    rows = [
        (
            names[r.source.label],
            names[r.target.label],
            number[id(r.source)],
            number[id(r.target)],
            r.support,
            r.confidence,
            r.kulczynski,
            r.accuracy,
            id(r) in firing,
        )
        for r in cleaner._inclusion
    ]
    return pd.DataFrame(rows, columns=[*columns, "kulczynski", "accuracy", "fires"])


def exclusion_table(cleaner):
    """A row per exclusion rule."""
    names = cleaner.label_names_
    firing = {id(rule) for rule in cleaner._firing(cleaner._exclusion)}
    rows = [
        (names[r.label], names[r.opposed], r.correlation, r.accuracy, id(r) in firing)
        for r in cleaner._exclusion
    ]
    columns = ["label", "opposed", "correlation", "accuracy", "fires"]
    return pd.DataFrame(rows, columns=columns)
