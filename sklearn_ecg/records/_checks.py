"""Check the parts of a collection of records; each message names the argument."""

import numbers

import numpy as np
import pandas as pd

from sklearn_ecg.records._limb_leads import LIMB_LEADS, is_computable
from sklearn_ecg.utils import (
    canonical_lead,
    check_groups,
    check_labels,
    check_option,
    check_trusted,
    fill_masked,
)


def check_array(signals):
    if signals.ndim != 3:
        hint = (
            " For records of one lead use signals[:, np.newaxis, :]." if signals.ndim == 2 else ""
        )
        raise ValueError(
            "signals must have shape (n_records, n_leads, n_times); got an array of shape "
            f"{signals.shape}.{hint}"
        )
    if signals.dtype.kind not in "fiu":
        raise ValueError(f"signals must be numbers in mV; got an array of {signals.dtype}.")
    if len(signals):
        _check_orientation(signals.shape[1:], "(n_records, n_leads, n_times)", signals.shape)
    return signals


def check_sequence(signals):
    checked = [signal_array(signal, record) for record, signal in enumerate(signals)]
    for record, signal in enumerate(checked):
        if signal.ndim != 2 or signal.dtype.kind not in "fiu":
            raise ValueError(
                f"signals[{record}] must be numbers in mV of shape (n_leads, n_times); got an "
                f"array of {signal.dtype} of shape {signal.shape}."
            )
        _check_orientation(signal.shape, f"signals[{record}] of (n_leads, n_times)", signal.shape)
        if len(signal) != len(checked[0]):
            raise ValueError(
                f"signals[{record}] has {len(signal)} leads, signals[0] has {len(checked[0])}; "
                "all records of a collection have the same leads. Fill a lead that is missing "
                "with NaN."
            )
    return checked


def signal_array(signal, record):
    """Return a record's signal as an array; refuse lists of different lengths."""
    try:
        return np.asarray(fill_masked(signal))
    except ValueError as error:
        raise ValueError(
            f"signals[{record}] must be numbers in mV of shape (n_leads, n_times): {error}."
        ) from error


def _check_orientation(shape, expected, found):
    n_leads, n_times = shape
    if n_times == 0:
        raise ValueError(f"signals hold no samples: expected {expected}, got shape {found}.")
    if n_leads == 0:
        raise ValueError(f"signals hold no leads: expected {expected}, got shape {found}.")
    if n_leads > n_times:
        raise ValueError(
            f"signals have more leads ({n_leads}) than samples ({n_times}): expected {expected}, "
            f"got shape {found}. If times and leads are swapped, swap the last two axes with "
            "np.swapaxes(signals, -1, -2)."
        )


def check_sampling_rate(sampling_rate):
    if sampling_rate is None:
        return None
    is_number = isinstance(sampling_rate, numbers.Real) and not isinstance(sampling_rate, bool)
    if not is_number or not 0 < sampling_rate < np.inf:
        raise ValueError(
            f"sampling_rate must be a positive number of samples per second; got {sampling_rate!r}."
        )
    return float(sampling_rate)


def check_lead_names(names, n_leads):
    """Return the names of leads in the usual spelling; None stays None."""
    if names is None:
        return None
    if isinstance(names, str):
        raise ValueError(f"lead_names must be a sequence of names, not the string {names!r}.")
    names = _as_text(names)
    if len(names) != n_leads:
        raise ValueError(
            f"lead_names must name each of the {n_leads} leads; got {len(names)} names: {names}."
        )
    return _canonical_leads(names, "lead_names")


def _as_text(names):
    # HDF5 and NumPy hold text as bytes.
    return tuple(name.decode() if isinstance(name, bytes) else str(name) for name in names)


def _canonical_leads(names, argument):
    """Return names in the usual spelling; refuse two names of the same lead."""
    canonical = tuple(canonical_lead(name) for name in names)
    first = {}
    for given, lead in zip(names, canonical, strict=True):
        if lead in first:
            raise ValueError(
                f"{argument} must be unique: {first[lead]!r} and {given!r} are both lead {lead}."
            )
        first[lead] = given
    return canonical


def find_leads(names, lead_names, missing="raise"):
    """Return the names of wanted leads in the usual spelling.

    Parameters
    ----------
    names : sequence of str
        The wanted leads, in any spelling.
    lead_names : tuple of str or None
        The leads of the records.
    missing : {"raise", "nan"}, default="raise"
        Whether a lead is an error if the records lack it and it cannot be computed.

    Returns
    -------
    tuple of str
    """
    check_option(missing, ("raise", "nan"), "missing")
    if isinstance(names, str) or not len(names):
        raise ValueError(
            f'names must be a sequence of different leads, such as ["I", "II"]; got {names!r}.'
        )
    names = _canonical_leads(_as_text(names), "names")
    if lead_names is None:
        raise ValueError(
            "The leads of these records have no names, so names cannot select them; name them "
            "with ECGRecords(signals, lead_names=...)."
        )
    lacking = lacking_leads(names, lead_names)
    if lacking and missing == "raise":
        raise ValueError(
            f"names asks for leads {lacking}, which the records lack; they have "
            f'{list(lead_names)}. {_how_computed(lacking)}Pass missing="nan" to fill them with NaN.'
        )
    return names


def lacking_leads(names, lead_names):
    """Return the wanted leads that are neither given nor computable from the given leads.

    Parameters
    ----------
    names : sequence of str
        The wanted leads, in the usual spelling.
    lead_names : sequence of str
        The given leads.

    Returns
    -------
    list of str
    """
    return [n for n in names if n not in lead_names and not is_computable(n, lead_names)]


def _how_computed(lacking):
    if not set(lacking) & set(LIMB_LEADS):
        return ""
    return "A limb lead can be computed only from two other limb leads. "


def check_ids(ids, n_records):
    if ids is None:
        return np.arange(n_records)
    ids = check_groups(ids, n_records=n_records, name="ids", what="name")
    if len(pd.unique(ids)) != n_records:
        values, counts = np.unique(ids, return_counts=True)
        if (counts > 1).any():
            raise ValueError(f"ids must be unique; repeated: {values[counts > 1][:5].tolist()}.")
        raise ValueError(
            "ids cannot be told apart, since some hold characters that are no text, as names of "
            "files that are not in UTF-8 do: rename the files, or give other ids."
        )
    return ids


def check_record_labels(labels, label_names, ids, n_records):
    if labels is None:
        if label_names is not None:
            raise ValueError("label_names were given without labels.")
        return None, None
    labels, label_names = check_labels(
        labels, n_records=n_records, ids=ids, name="labels", label_names=label_names
    )
    if label_names is None:
        label_names = np.arange(labels.shape[1]).astype(str)
    return labels, label_names


def check_record_trust(trusted, label_names, ids, n_records):
    """Check as check_trusted, but allow that no record is trusted, as in a part of a data set."""
    if trusted is None:
        return None
    mask = check_trusted(
        trusted,
        n_records=n_records,
        ids=ids,
        n_labels=None if label_names is None else len(label_names),
        label_names=label_names,
        none_too=True,
    )
    if mask.ndim == 2 and label_names is None:
        raise ValueError(
            "trusted has a column for each label, but the records have no labels: pass labels, or "
            "a mask of whole records."
        )
    return mask
