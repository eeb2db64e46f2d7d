"""Features of all records, measured once and looked up by every fit on some of them."""

import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin


class MeasuredFeatures(TransformerMixin, BaseEstimator):
    """Looks up the features of records by their ids.

    The features of a record are the same whatever other records stand beside it, so that folds
    may share them: then no fold measures them again, and the time of a fit is that of learning.

    Parameters
    ----------
    extractor : ECGFeatureExtractor
    table : DataFrame of shape (n_records, n_features), default=None
        Of all records that will be asked for, by id; `measure` sets it.

    Examples
    --------
    >>> from benchmarks._measured_features import MeasuredFeatures
    >>> from sklearn_ecg import ECGFeatureExtractor
    >>> from sklearn_ecg.datasets import make_ecg_records
    >>> records = make_ecg_records(3, duration_s=5.0, leads=("I", "II"), random_state=0)
    >>> features = MeasuredFeatures(ECGFeatureExtractor()).measure(records)
    >>> features.fit_transform(records[1:]).equals(features.table.iloc[1:])
    True
    """

    def __init__(self, extractor, table=None):
        self.extractor = extractor
        self.table = table

    def measure(self, records):
        """Measure the features of all records, unless they are known."""
        if self.table is None:
            found = self.extractor.fit(records).transform(records)
            names = self.extractor.get_feature_names_out()
            self.table = pd.DataFrame(found, index=records.ids, columns=names)
        return self

    def measure_for(self, classifier, records):
        """Measure the features of all records if an unfitted classifier asks for them."""
        if any(value is self for value in classifier.get_params().values()):
            self.measure(records)

    def fit(self, X, y=None):
        return self

    def __sklearn_is_fitted__(self):
        return self.table is not None

    def transform(self, X):
        return self.table.loc[X.ids]

    def get_feature_names_out(self, input_features=None):
        return self.table.columns.to_numpy()
