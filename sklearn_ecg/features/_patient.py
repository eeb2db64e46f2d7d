"""Age and sex as features, from the records' metadata."""

import numpy as np
import pandas as pd

from sklearn_ecg.features._catalogue import metadata_features
from sklearn_ecg.utils import warn_user

_IS_FEMALE = {"female": 1.0, "male": 0.0}
# "" is unknown, and a number between 0 and 1 would be wrong for "other".
_NO_NUMBER = ("", "other")
_MOST_YEARS = 130


def patient_features(records):
    """Return age and sex of the records' patients; warn if one is unknown for all.

    Parameters
    ----------
    records : ECGRecords

    Returns
    -------
    ndarray of float of shape (n_records, n_features)
        The features of `metadata_features`; NaN if unknown.
    """
    metadata = pd.DataFrame(index=records.ids) if records.metadata is None else records.metadata
    columns = {"age_years": _age(metadata), "is_female": _is_female(metadata)}
    unknown = [name for name, values in columns.items() if np.isnan(values).all()]
    if unknown:
        warn_user(
            f"The features {' and '.join(unknown)} are NaN, because the metadata of the records "
            "do not hold them. Give records the columns age_years and sex, by "
            "records.with_metadata(table), or leave out the group 'patient'."
        )
    return np.stack([columns[name] for name in metadata_features()], axis=1)


def _age(metadata):
    if "age_years" not in metadata:
        return np.full(len(metadata), np.nan)
    values = metadata["age_years"]
    if not pd.api.types.is_numeric_dtype(values):
        raise ValueError(
            f"The column 'age_years' of metadata must hold numbers; got {values.dtype}. Convert it "
            "with pd.to_numeric, NaN for unknown ages."
        )
    age = values.to_numpy(dtype=float, na_value=np.nan)
    impossible = np.flatnonzero((age < 0) | (age > _MOST_YEARS))
    if len(impossible):
        raise ValueError(
            f"The column 'age_years' of metadata must hold years from 0 to {_MOST_YEARS}; "
            f"{len(impossible)} records have other values, such as record "
            f"{metadata.index[impossible[0]]}. Use NaN for unknown ages."
        )
    return age


def _is_female(metadata):
    sex = metadata.get("sex", pd.Series("", metadata.index)).astype(object)
    sex = sex.where(sex.notna(), "")
    unknown = np.flatnonzero(~sex.isin([*_IS_FEMALE, *_NO_NUMBER]))
    if len(unknown):
        raise ValueError(
            'The column \'sex\' of metadata must hold "female", "male", "other" or ""; '
            f"{len(unknown)} records have other values, such as record "
            f"{metadata.index[unknown[0]]}."
        )
    return sex.map(_IS_FEMALE).to_numpy(dtype=float)
