"""How much each label of each record counts in training."""

import numpy as np


def label_weights(labels, names, class_weight=None, sample_weight=None):
    """Return the weight of each label of each record in the loss.

    Parameters
    ----------
    labels : ndarray of shape (n_records, n_labels)
        1 present, 0 absent, -1 unknown.
    names : ndarray of shape (n_labels,)
        Names of the labels.
    class_weight : {"balanced"}, dict or None
        "balanced" lets presence and absence of each label weigh the same in sum, as
        scikit-learn does for two classes. A dict gives the weight that the presence of a label
        has, by its name; absence has 1.
    sample_weight : array-like of shape (n_records,), default=None
        Scaled to a mean of 1.

    Returns
    -------
    ndarray of shape (n_records, n_labels), float32

    Examples
    --------
    >>> import numpy as np
    >>> label_weights(np.array([[1], [0], [0], [0]]), ["AF"], "balanced").round(2).ravel()
    array([2.  , 0.67, 0.67, 0.67], dtype=float32)
    """
    weights = np.ones(labels.shape)
    present = labels == 1
    if class_weight == "balanced":
        n_present, n_absent = present.sum(axis=0), (labels == 0).sum(axis=0)
        half = (n_present + n_absent) / 2
        weights = np.where(present, half / np.maximum(n_present, 1), half / np.maximum(n_absent, 1))
    elif class_weight is not None:
        unknown = [name for name in class_weight if name not in list(names)]
        if unknown:
            raise ValueError(
                f"class_weight names labels that y does not have: {', '.join(map(str, unknown))}; "
                f"there are {', '.join(map(str, names))}."
            )
        factors = np.array([class_weight.get(name, 1.0) for name in names], dtype=float)
        if not (np.isfinite(factors) & (factors >= 0)).all():
            raise ValueError(f"class_weight must hold finite numbers >= 0; got {class_weight}.")
        weights = np.where(present, factors, 1.0)
    if sample_weight is not None:
        weights = weights * _record_weights(labels, sample_weight)[:, np.newaxis]
    return weights.astype(np.float32)


def _record_weights(labels, sample_weight):
    weights = np.asarray(sample_weight, dtype=float)
    if weights.ndim == 0:
        weights = np.full(len(labels), float(weights))
    if weights.ndim != 1:
        raise ValueError(f"Sample weights must be 1D array or scalar, got {weights.ndim}D array.")
    if len(weights) != len(labels):
        raise ValueError(
            f"sample_weight holds {len(weights)} weights, but there are {len(labels)} records."
        )
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise ValueError("sample_weight must hold finite numbers >= 0.")
    if not weights.any():
        raise ValueError("sample_weight is zero for all records: nothing is left to learn from.")
    return weights / weights.mean()
