"""The score of the PhysioNet/CinC Challenges 2020 and 2021."""

import os

import numpy as np
import pandas as pd
from sklearn.exceptions import UndefinedMetricWarning

from sklearn_ecg.metrics._inputs import check_predictions
from sklearn_ecg.utils import check_sample_weight, ids_of, warn_user

# Each class has a place on a line. Two classes with distance d have the published weight 1/2 - d.
# Places are in units of 1/80, in which all are whole numbers.
_PLACES_2020 = {
    "NSR": 0,
    "Brady": 4,
    "IAVB": 4,
    "IRBBB": 4,
    "LPR": 4,
    "SA": 4,
    "SB": 4,
    "PAC|SVPB": 7,
    "LAD": 8,
    "LAnFB": 8,
    "NSIVCB": 8,
    "RAD": 8,
    "PR": 10,
    "PVC|VPB": 10,
    "STach": 10,
    "CRBBB|RBBB": 12,
    "LQRSV": 14,
    "LQT": 16,
    "LBBB": 18,
    "AF": 20,
    "AFL": 20,
    "TAb": 20,
    "TInv": 20,
    "QAb": 28,
}
# The Challenge of 2021 joins CLBBB with LBBB, and has two more classes. Each of the two has the
# place of an older class, but a weight of 0.475 with it.
_PLACES_2021 = {
    "CLBBB|LBBB" if name == "LBBB" else name: place for name, place in _PLACES_2020.items()
} | {"BBB": 18, "PRWP": 14}
_APART_2021 = {("BBB", "CLBBB|LBBB"): 0.475, ("PRWP", "LQRSV"): 0.475}


def challenge_weights(year=2021) -> pd.DataFrame:
    """Return the weights of the PhysioNet/CinC Challenge for pairs of true and predicted classes.

    Parameters
    ----------
    year : {2020, 2021}, default=2021
        The year of the Challenge.

    Returns
    -------
    DataFrame of shape (n_classes, n_classes)
        Rows are true classes, columns predicted classes. The matrix is symmetric: 1 on the
        diagonal, and up to 1/2 for two classes with similar treatment. There are 24 classes in
        2020 and 26 in 2021, with the names in the columns ``challenge_2020`` and
        ``challenge_2021`` of `sklearn_ecg.datasets.load_vocabulary`. Classes that the Challenge
        scores as one have one name, such as "PAC|SVPB".

    Raises
    ------
    ValueError
        If `year` is another.

    See Also
    --------
    challenge_score : The score that uses the weights.
    sklearn_ecg.datasets.codes_to_labels : Labels with these names from SNOMED CT codes.

    Notes
    -----
    Every entry equals that of ``weights_abbreviations.csv`` in the Challenge's public evaluation
    code (repositories physionetchallenges/evaluation-2020 and evaluation-2021; BSD 2-Clause,
    copyright 2020, 2021 PhysioNet/Computing in Cardiology Challenges). Here they are computed:
    classes have places on a line with sinus rhythm at one end, and two classes with distance d
    have the weight ``1/2 - d``; in 2021 two pairs have 0.475 instead of 1/2.

    References
    ----------
    .. [1] Perez Alday EA et al. Classification of 12-lead ECGs: the PhysioNet/Computing in
       Cardiology Challenge 2020. Physiol Meas 41:124003 (2020).
    .. [2] Reyna MA et al. Will two do? Varying dimensions in electrocardiography: the
       PhysioNet/Computing in Cardiology Challenge 2021. Computing in Cardiology 48 (2021).

    Examples
    --------
    >>> from sklearn_ecg.metrics import challenge_weights
    >>> challenge_weights(2021).loc[["NSR", "AF"], ["NSR", "AF", "AFL", "CRBBB|RBBB"]]
          NSR    AF   AFL  CRBBB|RBBB
    NSR  1.00  0.25  0.25        0.35
    AF   0.25  1.00  0.50        0.40
    """
    if year not in (2020, 2021):
        raise ValueError(f"year must be 2020 or 2021; got {year!r}.")
    places = pd.Series(_PLACES_2020 if year == 2020 else _PLACES_2021).sort_index()
    distances = np.abs(places.to_numpy()[:, np.newaxis] - places.to_numpy())
    values = (40 - distances) / 80
    np.fill_diagonal(values, 1.0)
    weights = pd.DataFrame(values, places.index, places.index)
    for (one, other), weight in _APART_2021.items() if year == 2021 else ():
        weights.loc[one, other] = weights.loc[other, one] = weight
    return weights


def challenge_score(
    y_true, y_pred, *, weights=2021, normal="NSR", label_names=None, sample_weight=None
) -> float:
    """Score of the PhysioNet/CinC Challenges 2020 and 2021.

    A record with true labels T and predictions P scores
    ``sum(W[t, p] for t in T for p in P) / |T or P|``. The sum over records is scaled: predicting
    normal for every record scores 0, the truth scores 1. Scores can be negative.

    Parameters
    ----------
    y_true : array-like or DataFrame of shape (n_records, n_labels)
        1 present, 0 absent, -1 unknown. Predictions of unknown labels are ignored.
    y_pred : array-like or DataFrame of shape (n_records, n_labels)
        1 present, 0 absent.
    weights : {2020, 2021}, DataFrame, array-like or path, default=2021
        The matrix W; rows are true, columns predicted classes: a year of `challenge_weights`, a
        DataFrame, a CSV file in the Challenge's format, or an array in the order of the labels.
    normal : str or int, default="NSR"
        The class that an inactive classifier predicts for every record, by name or position.
    label_names : sequence of str of length n_labels, default=None
        By default the columns of `y_true` or `y_pred`. Labels are matched to the weights by name.
        A class of the weights that is not a label is absent from all records.
    sample_weight : array-like of shape (n_records,), default=None
        Weights of records.

    Returns
    -------
    float
        NaN, with a warning, if an inactive classifier is perfect.

    Raises
    ------
    ValueError
        If a label has no weights. Select the scored labels first: a misspelt name would lower the
        score without a warning.

    See Also
    --------
    challenge_weights : The matrix.

    Notes
    -----
    The algorithm is that of the Challenge's public evaluation code. Its joined classes have the
    names of `challenge_weights`, which ``codes_to_labels(codes, "snomed", by="challenge_2021")``
    makes too. The code of 2020 also changes labels and predictions first: it removes normal beside
    any other label, scored or not, and adds it if there is no label. Do the same before you compare
    with published scores of 2020.

    References
    ----------
    .. [1] Perez Alday EA et al. Classification of 12-lead ECGs: the PhysioNet/Computing in
       Cardiology Challenge 2020. Physiol Meas 41:124003 (2020).

    Examples
    --------
    >>> import pandas as pd
    >>> from sklearn_ecg.metrics import challenge_score
    >>> truth = pd.DataFrame({"NSR": [1, 0, 0], "AF": [0, 1, 1], "PVC|VPB": [0, 0, 1]})
    >>> predicted = truth.assign(**{"PVC|VPB": [0, 0, 0]})
    >>> round(challenge_score(truth, predicted), 3)
    0.663
    """
    ids = ids_of(y_true, y_pred)
    y_true, y_pred, names = check_predictions(y_true, y_pred, label_names=label_names)
    matrix, normal, columns = _weights_of(weights, normal, names, y_true.shape[1])
    sample_weight = check_sample_weight(sample_weight, n_records=len(y_true), ids=ids)
    truth, predicted, unknown, inactive = np.zeros((4, len(y_true), len(matrix)), dtype=bool)
    truth[:, columns] = y_true == 1
    predicted[:, columns] = y_pred == 1
    unknown[:, columns] = y_true == -1
    inactive[:, normal] = True
    score, inactive_score, correct_score = (
        _weighted_sum(matrix, truth, prediction & ~unknown, sample_weight)
        for prediction in (predicted, inactive, truth)
    )
    if correct_score == inactive_score:
        warn_user(
            "The Challenge score is undefined where predicting normal for all records is perfect.",
            UndefinedMetricWarning,
        )
        return np.nan
    return float((score - inactive_score) / (correct_score - inactive_score))


def _weighted_sum(weights, truth, predicted, sample_weight):
    """Return the sum of the weights of all (true, predicted) pairs, divided within records."""
    n_either = np.maximum((truth | predicted).sum(axis=1), 1)
    shares = truth * (sample_weight / n_either)[:, np.newaxis]
    return (weights * (shares.T @ predicted.astype(float))).sum()


def _weights_of(weights, normal, names, n_labels):
    """Return W, the position of the normal class in it, and the positions of the labels."""
    if isinstance(weights, int | np.integer):
        weights = challenge_weights(weights)
    elif isinstance(weights, str | os.PathLike):
        weights = pd.read_csv(weights, index_col=0)
    if isinstance(weights, pd.DataFrame):
        classes = pd.Index(weights.columns.astype(str))
        if not classes.equals(pd.Index(weights.index.astype(str))) or not classes.is_unique:
            raise ValueError(
                "weights must have the same unique class names as rows and as columns, in the same "
                "order."
            )
        columns = _positions(classes, names)
    else:
        classes = pd.Index(np.arange(n_labels) if names is None else names)
        columns = np.arange(n_labels)
    matrix = np.asarray(weights, dtype=float)
    if matrix.shape != (len(classes), len(classes)):
        raise ValueError(
            f"weights must have the shape {(n_labels, n_labels)} for {n_labels} labels; got "
            f"{matrix.shape}."
        )
    if not np.isfinite(matrix).all():
        raise ValueError("weights must be finite numbers; some are NaN or infinite.")
    if normal in classes:
        return matrix, classes.get_loc(normal), columns
    if not isinstance(normal, int | np.integer) or not 0 <= normal < n_labels:
        raise ValueError(
            f"normal={normal!r} is not one of the classes {', '.join(map(str, classes))}."
        )
    return matrix, columns[normal], columns


def _positions(classes, names):
    """Return the positions of the labels among the classes with weights."""
    if names is None:
        raise ValueError(
            "The labels have no names, so they cannot be matched to the weights: pass label_names, "
            "or DataFrames with named columns."
        )
    strangers = [str(name) for name in names if name not in classes]
    if strangers:
        raise ValueError(
            f"These labels have no weights: {', '.join(strangers)}. Leave them out of y_true and "
            f"y_pred. Labels with weights: {', '.join(classes)}."
        )
    return classes.get_indexer(names)
