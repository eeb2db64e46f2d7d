"""Join collections of records."""

import numpy as np
import pandas as pd

from sklearn_ecg.records._cleaned import CleanedRecords
from sklearn_ecg.records._lazy import LazySignals
from sklearn_ecg.records._limb_leads import LeadSelection
from sklearn_ecg.records._metadata import join_metadata
from sklearn_ecg.records._readers import as_lazy, join_lazily
from sklearn_ecg.records._records import ECGRecords
from sklearn_ecg.records._selection import take_leads
from sklearn_ecg.utils import trusted_records


def concatenate(collections, *, keys=None) -> ECGRecords:
    """Join collections of records, matching leads and labels by name.

    Parameters
    ----------
    collections : sequence of ECGRecords
        They must have the same sampling rate and the same leads. The leads take the order of the
        first collection.
    keys : sequence of str, default=None
        A name for each collection, put before its ids and groups: ``"ptbxl/17"``. Without keys,
        ids must differ between the collections, and equal groups mean the same patient.

    Returns
    -------
    ECGRecords
        * `labels` has the labels of all collections, in the order of their first appearance. A
          label that a collection lacks is -1 (unknown) for its records.
        * `groups`: if only some collections have groups, each record of the others is a patient of
          its own, named by its id.
        * `split` is kept if all collections have it.
        * `trusted` is a mask of labels if that of any collection is.
        * `metadata` has the columns of all collections; missing values are "", NaN or NaT.
        * Lazy signals stay lazy.

    Raises
    ------
    ValueError
        If sampling rates or leads differ, if ids are repeated, or if only some of the collections
        with labels have `trusted`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg import ECGRecords
    >>> from sklearn_ecg.records import concatenate
    >>> signals = np.zeros((2, 2, 50))
    >>> good = ECGRecords(signals, 100, labels=[[1], [0]], label_names=["AF"])
    >>> weak = ECGRecords(signals, 100, labels=[[1, 1], [0, 1]], label_names=["PVC", "AF"])
    >>> concatenate([good, weak], keys=["good", "weak"]).to_frame()
            AF  PVC
    id
    good/0   1   -1
    good/1   0   -1
    weak/0   1    1
    weak/1   1    0
    """
    collections = list(collections)
    _check_collections(collections, keys)
    rate = _common_rate(collections)
    lead_names, n_leads = collections[0].lead_names, collections[0].n_leads
    collections = [
        _with_leads(records, i, lead_names, n_leads) for i, records in enumerate(collections)
    ]
    ids = _join_ids(collections, keys)
    labels, label_names = _join_labels(collections)
    return ECGRecords(
        _join_signals([records.signals for records in collections]),
        rate,
        lead_names=lead_names,
        ids=ids,
        groups=_join_groups(collections, keys, ids),
        split=_join_split(collections),
        labels=labels,
        label_names=label_names,
        trusted=_join_trusted(collections, label_names),
        metadata=_join_metadata(collections, ids),
        report=pd.concat([records.report for records in collections], ignore_index=True),
    )


def _check_collections(collections, keys):
    if not collections:
        raise ValueError("collections must hold at least one collection of records; got none.")
    for i, records in enumerate(collections):
        if not isinstance(records, ECGRecords) or isinstance(records, CleanedRecords):
            raise TypeError(
                f"collections[{i}] must be ECGRecords; got {type(records).__name__}. Join records "
                "before they are cleaned; arrays become records with ECGRecords(signals, ...)."
            )
    if keys is not None and (len(keys) != len(collections) or len(set(keys)) != len(keys)):
        raise ValueError(
            f"keys must hold a different name for each of the {len(collections)} collections; got "
            f"{keys!r}."
        )


def _common_rate(collections):
    rates = [records.sampling_rate for records in collections]
    if len(set(rates)) > 1:
        raise ValueError(
            f"The collections have different sampling rates, {rates} Hz. Bring them to one first, "
            "for example with sklearn_ecg.preprocessing.Resampler(rate).fit_transform(records)."
        )
    return rates[0]


def _with_leads(records, i, lead_names, n_leads):
    """Return the records with their leads in the common order."""
    if records.lead_names == lead_names and records.n_leads == n_leads:
        return records
    if None in (records.lead_names, lead_names) or set(records.lead_names) != set(lead_names):
        raise ValueError(
            f"collections[{i}] has {records.n_leads} leads named {records.lead_names}, "
            f"collections[0] has {n_leads} named {lead_names}. Select the "
            "common leads with records.select_leads(names)."
        )
    # Only reorder: joining must not compute leads that a record lacks.
    order = LeadSelection(lead_names, records.lead_names, compute=False)
    return records._with(signals=take_leads(records.signals, order), lead_names=lead_names)


def _join_signals(parts):
    if any(isinstance(part, (LazySignals, np.memmap)) for part in parts):
        return join_lazily([as_lazy(part) for part in parts])
    in_arrays = all(isinstance(part, np.ndarray) for part in parts)
    if in_arrays and len({part.shape[2] for part in parts}) == 1:
        return np.concatenate(parts)
    return [signal for part in parts for signal in part]


def _join_ids(collections, keys):
    ids = _join_names([records.ids for records in collections], keys)
    repeated = ids[pd.Series(ids).duplicated()]
    if len(repeated):
        raise ValueError(
            f"{len(repeated)} ids are in more than one collection, such as "
            f"{repeated.tolist()[0]!r}. Give each collection a name with keys=, for example "
            'keys=["first", "second"].'
        )
    return ids


def _join_groups(collections, keys, ids):
    if all(records.groups is None for records in collections):
        return None
    own = [records.ids if records.groups is None else records.groups for records in collections]
    groups = _join_names(own, keys)
    without = np.repeat(
        [records.groups is None for records in collections], [len(r) for r in collections]
    )
    shared = np.intersect1d(groups[without], groups[~without])
    if len(shared):
        raise ValueError(
            "Some collections have no groups, so their ids name the patients, but the id "
            f"{shared.tolist()[0]!r} is a group of another collection. Name each with keys=."
        )
    return groups


def _join_names(parts, keys):
    """Join ids or groups; numbers stay numbers if all are numbers and there are no keys."""
    if keys is not None:
        return np.asarray(
            [f"{key}/{name}" for key, part in zip(keys, parts, strict=True) for name in part]
        )
    if len({part.dtype.kind for part in parts}) > 1:
        parts = [part.astype(str) for part in parts]
    return np.concatenate(parts)


def _join_split(collections):
    splits = [records.split for records in collections]
    return None if any(split is None for split in splits) else _join_names(splits, None)


def _join_metadata(collections, ids):
    joined = join_metadata([records.metadata for records in collections], [*map(len, collections)])
    return None if joined is None else joined.set_axis(ids)


def _join_labels(collections):
    known = [list(r.label_names) for r in collections if r.labels is not None]
    if not known:
        return None, None
    names = list(dict.fromkeys(str(name) for part in known for name in part))
    joined = np.full((sum(map(len, collections)), len(names)), -1, dtype=np.int8)
    start = 0
    for records in collections:
        if records.labels is not None:
            columns = [names.index(name) for name in records.label_names]
            joined[start : start + len(records), columns] = records.labels
        start += len(records)
    return joined, names


def _join_trusted(collections, label_names):
    """Join the masks; records without labels are not trusted."""
    if all(records.trusted is None for records in collections):
        return None
    masks = []
    for i, records in enumerate(collections):
        if records.trusted is None and records.labels is not None:
            raise ValueError(
                f"Some collections have a mask trusted, but collections[{i}] has none. Add one: "
                "records.with_labels(records.labels, trusted=mask)."
            )
        unknown = np.zeros(len(records), dtype=bool)
        masks.append(unknown if records.trusted is None else records.trusted)
    if any(mask.ndim == 2 for mask in masks):
        pairs = zip(collections, masks, strict=True)
        masks = [_trust_per_label(records, mask, label_names) for records, mask in pairs]
    return np.concatenate(masks)


def _trust_per_label(records, mask, label_names):
    """Return a mask of labels; a label that the collection lacks is trusted if its record is."""
    joined = np.repeat(trusted_records(mask)[:, np.newaxis], len(label_names), axis=1)
    if mask.ndim == 2:
        joined[:, [label_names.index(name) for name in records.label_names]] = mask
    return joined
