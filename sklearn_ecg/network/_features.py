"""The part of the classifier that answers from measured features."""

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.base import clone

from sklearn_ecg.features import ECGFeatureExtractor
from sklearn_ecg.features._measured_before import measured_before
from sklearn_ecg.network._calibration import calibrate
from sklearn_ecg.network._feature_models import FeatureModels
from sklearn_ecg.records import CleanedRecords
from sklearn_ecg.utils import warn_of_unread


@dataclass(frozen=True, eq=False)
class FeatureAnswers:
    """Logits from features.

    Parameters
    ----------
    extractor : transformer
        Fitted; measures features of records.
    models : FeatureModels
    slope, offset : ndarray of shape (n_labels,)
        Calibrated logits are ``slope * logits + offset``. They are fitted to the models' answers
        for patients that the models have not seen.
    """

    extractor: object
    models: FeatureModels
    slope: np.ndarray
    offset: np.ndarray

    @classmethod
    def learn(cls, extractor, table, labels, weights, groups, random_state, *, calibration):
        """Learn from a table of features.

        Parameters
        ----------
        extractor : transformer
        table : ndarray of shape (n_records, n_features)
        labels, weights : ndarray of shape (n_records, n_labels)
        groups : ndarray of shape (n_records,), or None
        random_state : RandomState
        calibration : {"temperature", "sigmoid"} or None

        Returns
        -------
        answers : FeatureAnswers
        held_out : ndarray of shape (n_records, n_labels), or None
            Logits of the records by models that have not seen their patients.
        """
        models, held_out = FeatureModels.learn(table, labels, weights, groups, random_state)
        slope, offset = np.ones(labels.shape[1]), np.zeros(labels.shape[1])
        if held_out is not None and calibration is not None:
            slope, offset = calibrate(held_out, labels, calibration, weights)
        if held_out is not None:
            held_out = held_out * slope + offset
        return cls(extractor, models, slope, offset), held_out

    def logits(self, table):
        """Return logits of a table of features, float64 of shape (n_records, n_labels)."""
        with torch.inference_mode():
            parts = [self.models(part) for part in torch.as_tensor(table).split(256)]
        return torch.cat(parts).double().numpy() * self.slope + self.offset


def learn_features(features, records, is_read, training, verbose=0):
    """Fit a transformer, and measure records with it.

    Parameters
    ----------
    features : transformer or "auto"
        "auto" is the extractor that measured the records before, if there is one.
    records : ECGRecords
    is_read : ndarray of bool of shape (n_records,)
        The other records are not measured.
    training : ndarray of int
        Rows of the records that the transformer is fitted to.
    verbose : int, default=0
        Passed to the extractor of "auto".

    Returns
    -------
    extractor : transformer
    table : ndarray of float32 of shape (n_records, n_features)
        NaN for records that cannot be read, and for features that could not be measured.
    """
    if isinstance(features, str):
        features = getattr(records, "extractor", None) or ECGFeatureExtractor(verbose=verbose)
    before = measured_before(records, features)
    if before is not None:
        extractor, table = before
        return extractor, _numbers(extractor, table, len(records))
    extractor = clone(features).fit(_unlabelled(records[training]))
    if is_read.all():
        return extractor, _measured(extractor, records)
    of_read = _measured(extractor, records[is_read])
    table = np.full((len(records), of_read.shape[1]), np.nan, dtype=np.float32)
    table[is_read] = of_read
    return extractor, table


def measure(extractor, records):
    """Return the features of records, float32 of shape (n_records, n_features), NaN if unknown."""
    before = measured_before(records, extractor)
    if before is not None:
        return _numbers(extractor, before[1], len(records))
    return _measured(extractor, records)


def _measured(extractor, records):
    records = _unlabelled(records)
    try:
        measured = extractor.transform(records)
    except Exception:
        return _measured_one_by_one(extractor, records)
    return _numbers(extractor, measured, len(records))


def _measured_one_by_one(extractor, records):
    """Measure each record, with NaN and a warning for records that cannot be measured."""
    rows, reasons = [None] * len(records), {}
    for row in range(len(records)):
        try:
            rows[row] = _numbers(extractor, extractor.transform(records[row : row + 1]), 1)[0]
        except Exception as error:
            reasons[row] = f"{type(error).__name__}: {error}"
            last = error
    found = [row for row in rows if row is not None]
    if not found:
        raise last
    warn_of_unread(reasons, records.ids, "have no features, and are answered by signals alone")
    return np.stack([np.full(len(found[0]), np.nan) if row is None else row for row in rows])


def _numbers(extractor, measured, n_records):
    """Return a table in single precision, with NaN for infinity."""
    name = type(extractor).__name__
    try:
        # Values beyond float32 become infinite, and are treated as missing.
        with np.errstate(over="ignore"):
            table = np.asarray(measured, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"The 'features' parameter must transform records to an array of numbers; {name} "
            f"returned a {type(measured).__name__} that is not one: {error}."
        ) from error
    if table.ndim != 2 or len(table) != n_records:
        raise ValueError(
            f"The 'features' parameter must transform {n_records} records to a table with a row "
            f"for each; {name} returned an array of shape {table.shape}."
        )
    return np.where(np.isfinite(table), table, np.nan)


def _unlabelled(records):
    return records.without_labels() if isinstance(records, CleanedRecords) else records
