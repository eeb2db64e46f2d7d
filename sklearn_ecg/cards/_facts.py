"""Facts about records and estimators, for cards."""

import numpy as np
import pandas as pd

from sklearn_ecg import utils
from sklearn_ecg._version import __version__
from sklearn_ecg.records import CleanedRecords, ECGRecords
from sklearn_ecg.records._report import lost_ecgs
from sklearn_ecg.utils import trusted_records

# Longer values of parameters are cut off.
_MOST_CHARACTERS = 200
UNKNOWN = "not known"


def records_facts(X, groups):
    """Return facts about records: their names, and texts.

    Parameters
    ----------
    X : ECGRecords, DataFrame or array
    groups : ndarray of shape (n_records,), or None

    Returns
    -------
    dict of str to str
    """
    n_patients = UNKNOWN if groups is None else str(len(np.unique(groups)))
    facts = {"records": str(len(X)), "patients": n_patients}
    if known(X, "trusted") is not None:
        facts["trusted"] = _trust(X)
    if not isinstance(X, ECGRecords) or getattr(X, "is_table", False):
        table = X.without_labels() if isinstance(X, CleanedRecords) else X
        if np.ndim(table) == 2:
            return {**facts, "form": f"a table of {np.shape(table)[1]} columns"}
        return {**facts, "form": f"an array of shape {np.shape(table)}"}
    facts["leads"] = str(X.n_leads) if X.lead_names is None else ", ".join(X.lead_names)
    rate = X.sampling_rate
    facts["sampling rate"] = UNKNOWN if rate is None else f"{rate:g} Hz"
    facts["length"] = _length(X)
    if not X.report.empty:
        n_lost = len(lost_ecgs(X.report))
        facts["left out while loading"] = f"{n_lost}; the records' report says why"
    return facts


def known(X, name):
    """Return an attribute of records, such as "groups"; None for tables and arrays."""
    return getattr(X, name) if isinstance(X, ECGRecords) else None


def _trust(X):
    trusted = trusted_records(X.trusted)
    if isinstance(X, CleanedRecords) and trusted.all():
        return f"all {len(X)} records were taken as right; no label was checked"
    text = f"{trusted.sum()} of {len(X)} records"
    if X.trusted.ndim == 2:
        text += f" in all labels; {X.trusted.sum()} of {X.trusted.size} labels"
    return text


def _length(X):
    if X.n_times is not None:
        lengths = np.array([X.n_times])
    elif getattr(X.signals, "lengths", None) is not None:
        lengths = np.asarray(X.signals.lengths)
    else:
        lengths = np.array([signal.shape[-1] for signal in X.signals])
    unit, scale = ("samples", 1) if X.sampling_rate is None else ("s", X.sampling_rate)
    shortest, longest = lengths.min() / scale, lengths.max() / scale
    if shortest == longest:
        return f"{shortest:g} {unit}"
    return f"{shortest:g} to {longest:g} {unit}"


def facts_table(facts, name="what"):
    """Return facts as a table of names and values."""
    index = pd.Index(list(facts), name=name)
    return pd.DataFrame({"value": list(facts.values())}, index=index)


def label_counts(labels, names):
    """Return the numbers of records in which each label is present, absent and unknown."""
    counts = {"present": (labels == 1).sum(axis=0), "absent": (labels == 0).sum(axis=0)}
    unknown = (labels == -1).sum(axis=0)
    if unknown.any():
        counts["unknown"] = unknown
    return pd.DataFrame(counts, index=pd.Index(names, name="label"))


def estimator_facts(estimator):
    """Return the class of an estimator, and the version that made the card."""
    return {
        "class": f"{type(estimator).__module__.split('.')[0]}.{type(estimator).__name__}",
        "sklearn_ecg": __version__,
    }


def parameters_table(estimator):
    """Return the parameters of an estimator, without those of its parts."""
    parameters = estimator.get_params(deep=False)
    values = [_shortened(repr(value)) for value in parameters.values()]
    return pd.DataFrame({"value": values}, index=pd.Index(list(parameters), name="parameter"))


def _shortened(text):
    text = " ".join(text.split())
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]} ..."


def listed(names):
    """Return names as a phrase of at most 20."""
    return utils.listed(names, most=20)


def with_notes(notes, sections):
    """Put the user's sections before the sections of the card.

    Parameters
    ----------
    notes : dict of str to str, or None
    sections : dict of str to list of blocks
    """
    notes = {} if notes is None else notes
    if not isinstance(notes, dict) or not all(
        isinstance(text, str) for pair in notes.items() for text in pair
    ):
        raise TypeError(
            "notes must be a dict of section titles and their text, such as "
            f"{{'Intended use': '...'}}; got {notes!r}."
        )
    taken = [title for title in notes if title in sections]
    if taken:
        raise ValueError(
            f"notes must not replace the sections {taken}, which the card fills in; choose other "
            "titles."
        )
    return {**{title: [text] for title, text in notes.items()}, **sections}
