"""Age and sex of the records' metadata, as features."""

import numpy as np
import pandas as pd

from sklearn_ecg.features._catalogue import metadata_features
from sklearn_ecg.utils import warn_user

_IS_FEMALE = {"female": 1.0, "male": 0.0}
# "" says nothing, and of others two numbers say nothing.
_NO_NUMBER = ("", "other")
_MOST_YEARS = 130


def patient_features(records):
    """Return what is known of the patients of records, one warning where that is nothing.

    Parameters
    ----------
    records : ECGRecords

    Returns
    -------
    ndarray of float of shape (n_records, n_features)
        The features of `metadata_features`; NaN where one is not known.
    """
    metadata = pd.DataFrame(index=records.ids) if records.metadata is None else records.metadata
    columns = {"age_years": _age(metadata), "is_female": _is_female(metadata)}
    unknown = [name for name, values in columns.items() if np.isnan(values).all()]
    if unknown:
        warn_user(
            f"The metadata of the records say nothing of which {' and '.join(unknown)} could be "
            "taken: they are NaN. Give records the columns age_years and sex, by "
            "records.with_metadata(table), or leave out the group 'patient'."
        )
    return np.stack([columns[name] for name in metadata_features()], axis=1)


def _age(metadata):
    if "age_years" not in metadata:
        return np.full(len(metadata), np.nan)
    values = metadata["age_years"]
    if not pd.api.types.is_numeric_dtype(values):
        raise ValueError(
            f"The column 'age_years' of metadata must hold numbers; got {values.dtype}. Make it "
            "numbers with pd.to_numeric, NaN for what is not known."
        )
    age = values.to_numpy(dtype=float, na_value=np.nan)
    impossible = np.flatnonzero((age < 0) | (age > _MOST_YEARS))
    if len(impossible):
        raise ValueError(
            f"The column 'age_years' of metadata must hold years from 0 to {_MOST_YEARS}; that of "
            f"{len(impossible)} records is none, such as {metadata.index[impossible[0]]}. NaN "
            "stands for an age that is not known."
        )
    return age


def _is_female(metadata):
    sex = metadata.get("sex", pd.Series("", metadata.index)).astype(object)
    sex = sex.where(sex.notna(), "")
    unknown = np.flatnonzero(~sex.isin([*_IS_FEMALE, *_NO_NUMBER]))
    if len(unknown):
        raise ValueError(
            'The column \'sex\' of metadata must hold "female", "male", "other" or ""; that of '
            f"{len(unknown)} records is none of these, such as {metadata.index[unknown[0]]}."
        )
    return sex.map(_IS_FEMALE).to_numpy(dtype=float)
