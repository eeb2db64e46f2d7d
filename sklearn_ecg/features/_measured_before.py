"""What a cleaner has measured of records, for later steps that would measure the same."""

import numpy as np
from sklearn.base import clone

from sklearn_ecg.features._extractor import ECGFeatureExtractor
from sklearn_ecg.records import CleanedRecords


def measured_before(X, features):
    """Return what `CleanedRecords` carry, if it is what a transformer would measure of them.

    Parameters
    ----------
    X : CleanedRecords, or anything else
    features : transformer
        Not fitted.

    Returns
    -------
    tuple of (ECGFeatureExtractor, ndarray or DataFrame), or None
        A clone of the transformer, as if fitted to the records, and what its `transform` would
        return of them.
    """
    if not isinstance(X, CleanedRecords) or X.features is None:
        return None
    measured_by = X.extractor
    if not type(features) is type(measured_by) is ECGFeatureExtractor:
        return None
    if not _is_alike(features, measured_by, X):
        return None
    extractor = clone(features)
    container = extractor._output_container()
    if container not in ("default", "pandas"):
        return None
    parameters = extractor.get_params()
    learned = {
        name: value
        for name, value in vars(measured_by).items()
        if name not in parameters and name != "_sklearn_output_config"
    }
    vars(extractor).update(learned)
    return extractor, X.features if container == "pandas" else np.array(X.features)


def _is_alike(features, measured_by, records):
    """Whether two extractors measure the same of records, to which the second was fitted."""
    leads = records.lead_names or tuple(f"lead{i}" for i in range(records.n_leads))
    rate = features.sampling_rate if records.sampling_rate is None else records.sampling_rate
    return (
        isinstance(features.groups, (list, tuple))
        and set(features.groups) == set(measured_by.groups)
        and leads == measured_by.lead_names_
        and rate == measured_by.sampling_rate_
        and features.sampling_rate in (None, rate)
    )
