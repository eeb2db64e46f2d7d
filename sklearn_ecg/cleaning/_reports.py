"""Tables that describe the results of a label cleaner."""

import numpy as np
import pandas as pd

from sklearn_ecg.cleaning._inputs import is_signal_list, record_ids
from sklearn_ecg.records import CleanedRecords, ECGRecords
from sklearn_ecg.utils import as_pandas, fill_masked


def cleaned_records(X, given, labels, decisions, measured=None):
    """Join the input of a cleaner and its cleaned labels.

    Parameters
    ----------
    X : ECGRecords, array or DataFrame
    given : CleaningInput
    labels : ndarray of shape (n_records, n_labels)
    decisions : Decisions
    measured : tuple of (ndarray of shape (n_records, n_features), extractor), default=None
        Features of all records, and the extractor.

    Returns
    -------
    CleanedRecords
    """
    fields = {
        "labels": labels,
        "weak_labels": given.labels,
        "provenance": decisions.provenance,
        "confidence": decisions.confidence,
        "ids": record_ids(X, len(labels)),
        "label_names": given.label_names,
        "groups": given.groups,
        "trusted": given.trusted,
    }
    if measured is not None:
        fields["features"], fields["extractor"] = measured
    if isinstance(X, ECGRecords):
        return CleanedRecords(
            X.signals,
            X.sampling_rate,
            lead_names=None if X.lead_names is None else X.lead_names,
            split=X.split,
            metadata=X.metadata,
            report=X.report,
            **fields,
        )
    X = as_pandas(fill_masked(X))
    signals = X if isinstance(X, pd.DataFrame) or is_signal_list(X) else np.asarray(X)
    return CleanedRecords(signals, **fields)


def review_list(decisions, weak, label_names, ids, judged):
    """List undecided labels, sorted by the errors that an answer removes.

    Labels that could not be judged come last.

    Parameters
    ----------
    decisions : Decisions
    weak : ndarray of int8 of shape (n_records, n_labels)
    label_names : ndarray of str of shape (n_labels,)
    ids : ndarray of shape (n_records,)
    judged : ndarray of bool of shape (n_records, n_labels)

    Returns
    -------
    dict of ndarray
        Columns id (of the record), label, weak, probability and errors_resolved. The last is the
        expected number of the record's labels that the answer corrects, in addition to better
        answers. The last two are NaN for labels that could not be judged.
    """
    record, label = np.nonzero(decisions.provenance == "undecided")
    was_judged = judged[record, label]
    probability = np.where(was_judged, decisions.belief[record, label], np.nan)
    resolved = np.where(was_judged, decisions.errors_resolved[record, label], np.nan)
    order = np.lexsort((record, np.abs(probability - 0.5), -resolved, ~was_judged))
    return {
        "id": ids[record[order]],
        "label": label_names[label[order]],
        "weak": weak[record[order], label[order]],
        "probability": probability[order],
        "errors_resolved": resolved[order],
    }


def cleaning_report(labels, weak, undecided, asked, label_names):
    """Count the changes of each label.

    Parameters
    ----------
    labels, weak : ndarray of shape (n_records, n_labels)
        Labels after and before cleaning.
    undecided : ndarray of bool of shape (n_records, n_labels)
    asked : ndarray of bool of shape (n_records, n_labels)
        Mask of the labels to count, which are not trusted.
    label_names : ndarray of str of shape (n_labels,)

    Returns
    -------
    DataFrame
        A row per label.
    """
    counted = {
        "weak": weak == 1,
        "clean": labels == 1,
        "added": (labels == 1) & (weak != 1),
        "removed": (labels == 0) & (weak == 1),
        "undecided": undecided,
    }
    return pd.DataFrame(
        {name: (which & asked).sum(axis=0) for name, which in counted.items()},
        index=pd.Index(label_names, name="label"),
    )


def anchor_table(evidence, label_names):
    """Return a table with a row per anchor pattern."""
    columns = ["label", "trusted_records", "weak_records", "wasserstein", "label_distance"]
    rows = [
        (
            label_names[a.weak.label],
            len(a.trusted.members),
            len(a.weak.members),
            a.wasserstein,
            a.label_distance,
            a.accuracy,
        )
        for a in evidence.anchor_patterns_
    ]
    return pd.DataFrame(rows, columns=[*columns, "accuracy"])


def inclusion_table(evidence, label_names):
    """Return a table with a row per inclusion rule."""
    number = {id(pattern): m for m, pattern in enumerate(evidence.patterns_)}
    columns = ["source", "target", "source_pattern", "target_pattern", "support", "confidence"]
    rows = [
        (
            label_names[r.source.label],
            label_names[r.target.label],
            number[id(r.source)],
            number[id(r.target)],
            r.support,
            r.confidence,
            r.kulczynski,
            r.accuracy,
            evidence.fires(r),
        )
        for r in evidence.inclusion_rules_
    ]
    return pd.DataFrame(rows, columns=[*columns, "kulczynski", "accuracy", "fires"])


def exclusion_table(evidence, label_names):
    """Return a table with a row per exclusion rule."""
    rows = [
        (label_names[r.label], label_names[r.opposed], r.correlation, r.accuracy, evidence.fires(r))
        for r in evidence.exclusion_rules_
    ]
    columns = ["label", "opposed", "correlation", "accuracy", "fires"]
    return pd.DataFrame(rows, columns=columns)
