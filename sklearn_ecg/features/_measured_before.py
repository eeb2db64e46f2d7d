"""Use the features that a cleaner has measured, in place of measuring them again."""

import numpy as np
from sklearn.base import clone

from sklearn_ecg.features._extractor import ECGFeatureExtractor
from sklearn_ecg.records import CleanedRecords
from sklearn_ecg.utils import in_container, output_container


def measured_before(X, features):
    """Return the features of `CleanedRecords`, if a transformer would measure the same.

    Parameters
    ----------
    X : CleanedRecords, or anything else
    features : transformer
        Not fitted.

    Returns
    -------
    tuple of (ECGFeatureExtractor, ndarray or DataFrame), or None
        A clone of the transformer, as if fitted to the records, and the output of its `transform`.
    """
    if not isinstance(X, CleanedRecords) or X.features is None:
        return None
    measured_by = X.extractor
    if not type(features) is type(measured_by) is ECGFeatureExtractor:
        return None
    if not _is_alike(features, measured_by, X):
        return None
    extractor = clone(features)
    parameters = extractor.get_params()
    learned = {
        name: value
        for name, value in vars(measured_by).items()
        if name not in parameters and name != "_sklearn_output_config"
    }
    vars(extractor).update(learned)
    container = output_container(extractor)
    if container == "pandas":
        return extractor, X.features
    names = extractor.get_feature_names_out
    return extractor, in_container(np.array(X.features), container, names=names)


def _is_alike(features, measured_by, records):
    """Whether two extractors measure the same features; the second was fitted to the records."""
    leads = records.lead_names or tuple(f"lead{i}" for i in range(records.n_leads))
    rate = features.sampling_rate if records.sampling_rate is None else records.sampling_rate
    return (
        isinstance(features.groups, (list, tuple))
        and set(features.groups) == set(measured_by.groups)
        and leads == measured_by.lead_names_
        and rate == measured_by.sampling_rate_
        and features.sampling_rate in (None, rate)
    )
