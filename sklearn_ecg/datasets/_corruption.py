"""Label noise of a known kind and amount."""

import numpy as np
from sklearn.utils import check_random_state

from sklearn_ecg.datasets._label_noise import LabelNoise, check_rates, like
from sklearn_ecg.datasets._reader_noise import draw_answers
from sklearn_ecg.utils import align_records, check_labels, ids_of

_KINDS = ("swap", "missing", "extra", "confused", "readers")


def corrupt_labels(
    y, rate=None, kind="swap", random_state=None, *, confusion=None, groups=None, label_names=None
):
    """Corrupt correct labels by a known amount, so that they resemble weak labels.

    With ``kind="readers"`` each record is answered like measured readers would. Every other kind
    draws ``round(rate * n_positives)`` of the records with a label:

    - ``"swap"`` replaces the label with a random one that the record does not have (the noise of
      the AFP paper);
    - ``"missing"`` removes the label;
    - ``"extra"`` keeps the label and adds a random one that the record does not have;
    - ``"confused"`` replaces the label with a plausible one, drawn in proportion to its row of
      `confusion`.

    Parameters
    ----------
    y : array-like or DataFrame of shape (n_records, n_labels)
        The correct labels: 1 present, 0 absent, -1 unknown. It is not changed.
    rate : float, sequence of float of length n_labels, or dict, default=None
        Share of each label's positives that are corrupted, in [0, 1]: one for all, one for each, or
        by name. Labels that a dict does not name stay. Without label names the keys of a dict are
        numbers of columns. Not for ``kind="readers"``, where `confusion` decides.
    kind : {"swap", "missing", "extra", "confused", "readers"}, default="swap"
        Kind of noise, see above.
    random_state : int, RandomState instance or None, default=None
        An int gives the same noise each time.
    confusion : Series or array-like, default=None
        For ``kind="confused"``, of shape (n_labels, n_labels): ``confusion[i, j]`` is the weight of
        label j as a replacement for label i. Rows need not sum to one; the diagonal is ignored. A
        label with a row of zeros stays as it is. By default one plus the number of records that
        have both labels, since readers confuse findings that appear together. Rows and columns of a
        DataFrame are matched by name.

        Required for ``kind="readers"``. With the result of `reader_confusion`, each record gets the
        answers of all readers to a random measured record with the same true labels, so that
        readers err together as they did. If no record with these labels was measured, each label is
        answered separately. Counts of shape (n_labels, 2, 2), as in
        :func:`sklearn.metrics.multilabel_confusion_matrix`, or of several readers, (n_readers,
        n_labels, 2, 2), give sensitivity and specificity of each label; each label is answered
        separately.
    groups : array-like of shape (n_records,), default=None
        Patients. With them, errors are grouped by patient, like those of a reader or a device: all
        records of a patient with the label are corrupted before the next patient's; the last
        patient may be corrupted in part.
    label_names : sequence of str of length n_labels, default=None
        By default the columns of a DataFrame.

    Returns
    -------
    ndarray of int8 or DataFrame of the shape of y
        A DataFrame for a DataFrame. Unknown entries (-1) stay unknown. If `confusion` is of several
        readers, an array of shape (n_records, n_labels, n_readers), in their order.

    Raises
    ------
    ValueError
        If a parameter is out of range, if too few records have a possible replacement, or if
        readers were not measured on a label.

    See Also
    --------
    make_weak_labels : Several kinds of noise at once.
    reader_confusion : Measures how readers err.

    Notes
    -----
    A replacement is a label that the record has neither in `y` nor from an earlier replacement.
    Therefore ``"swap"`` and ``"confused"`` keep the number of positives.

    References
    ----------
    Han et al., Label cleaning for ECG data based on abnormality feature patterns. Journal of
    Computer Research and Development 60(11) (2023), section on the SMIT data set.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.datasets import corrupt_labels
    >>> y = np.repeat(np.eye(2, dtype=int), 10, axis=0)
    >>> y_weak = corrupt_labels(y, rate=0.2, random_state=0)
    >>> ((y == 1) & (y_weak == 0)).sum(axis=0)
    array([2, 2])
    >>> y_weak.sum()
    np.int64(20)

    Two readers; the second misses half of the second label:

    >>> careful, hasty = [[[9, 0], [0, 9]]] * 2, [[[9, 0], [0, 9]], [[9, 0], [5, 5]]]
    >>> answers = corrupt_labels(y, kind="readers", confusion=[careful, hasty], random_state=1)
    >>> answers.shape, answers.sum(axis=0).tolist()
    ((20, 2, 2), [[10, 10], [10, 5]])
    """
    labels, names = check_labels(y, name="y", label_names=label_names)
    groups = align_records(groups, ids_of(y), name="groups")
    if kind not in _KINDS:
        raise ValueError(f"kind must be one of {_KINDS}; got {kind!r}.")
    random = check_random_state(random_state)
    if kind == "readers":
        if rate is not None or groups is not None or confusion is None:
            raise ValueError(
                'kind="readers" needs confusion, which says how the readers err, and takes neither '
                f"rate nor groups; got rate={rate!r}."
            )
        answers = draw_answers(labels, names, confusion, random)
        return like(y, answers[..., 0]) if answers.shape[2] == 1 else answers
    rates = check_rates(rate, "rate", labels.shape[1], names)
    if confusion is not None and kind != "confused":
        raise ValueError(f'confusion is for kind="confused" or kind="readers"; kind is {kind!r}.')
    noise = LabelNoise(labels, names, confusion=confusion, groups=groups, random=random)
    n_positives = (labels == 1).sum(axis=0)
    for label, label_rate in enumerate(rates):
        n_hit = round(label_rate * n_positives[label])
        noise.hit(label, n_hit, kind, asked=f"rate={label_rate:g}")
    return like(y, noise.corrupted)


def make_weak_labels(
    y,
    *,
    missing=0.10,
    extra=0.05,
    confused=0.05,
    confusion=None,
    groups=None,
    label_names=None,
    random_state=None,
):
    """Corrupt correct labels as in exports of a hospital.

    Some labels are missing, some have an additional label beside them, some are replaced by
    another. Each positive is corrupted once at most.

    Parameters
    ----------
    y : array-like or DataFrame of shape (n_records, n_labels)
        The correct labels: 1 present, 0 absent, -1 unknown. It is not changed.
    missing : float, sequence of float of length n_labels, or dict, default=0.1
        Share of each label's positives that are removed: one for all, one for each, or by name. For
        each label, `missing`, `extra` and `confused` may add up to 1 at most. The defaults are an
        assumption, not a measurement.
    extra : float, sequence of float of length n_labels, or dict, default=0.05
        Share that get an additional random label.
    confused : float, sequence of float of length n_labels, or dict, default=0.05
        Share that are replaced by a plausible label, as in `corrupt_labels`.
    confusion : array-like or DataFrame of shape (n_labels, n_labels), default=None
        Weights of replacements, as in `corrupt_labels`.
    groups : array-like of shape (n_records,), default=None
        Patients, by whom errors are grouped, as in `corrupt_labels`.
    label_names : sequence of str of length n_labels, default=None
        By default the columns of a DataFrame.
    random_state : int, RandomState instance or None, default=None
        An int gives the same noise each time.

    Returns
    -------
    ndarray of int8 or DataFrame of the shape of y
        The weak labels. Unknown entries (-1) stay unknown.

    Raises
    ------
    ValueError
        If shares add up to more than 1, or too few records have a possible replacement.

    See Also
    --------
    corrupt_labels : One kind of noise.

    Notes
    -----
    Amounts are exact up to rounding. If rounding up would ask for more positives of a rare label
    than there are, fewer are missing.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.datasets import make_weak_labels
    >>> y = np.repeat(np.eye(3, dtype=int), 100, axis=0)
    >>> rates = {"AF": 0.3, "PVC": 0.1}
    >>> weak = make_weak_labels(
    ...     y, missing=rates, extra=0, label_names=["AF", "PVC", "STE"], random_state=0
    ... )
    >>> ((y == 1) & (weak == 0)).sum(axis=0)  # missing and confused
    array([35, 15,  5])
    >>> ((y == 0) & (weak == 1)).sum()  # confused
    np.int64(15)
    """
    labels, names = check_labels(y, name="y", label_names=label_names)
    groups = align_records(groups, ids_of(y), name="groups")
    rates = {
        kind: check_rates(rate, kind, labels.shape[1], names)
        # Kinds that need a replacement come first, while most records are free.
        for kind, rate in (("confused", confused), ("extra", extra), ("missing", missing))
    }
    totals = np.sum(list(rates.values()), axis=0)
    if (totals > 1 + 1e-9).any():
        label = int(totals.argmax())
        raise ValueError(
            f"missing, extra and confused add up to {totals[label]:g} for label "
            f"{label if names is None else repr(str(names[label]))}; the sum must be 1 at most, "
            "since each positive is corrupted once."
        )
    noise = LabelNoise(
        labels, names, confusion=confusion, groups=groups, random=check_random_state(random_state)
    )
    n_positives = (labels == 1).sum(axis=0)
    for kind, of_label in rates.items():
        for label, rate in enumerate(of_label):
            # Rounded up, the kinds must not ask for more positives than there are.
            n_hit = min(round(rate * n_positives[label]), noise.n_untouched(label))
            noise.hit(label, n_hit, kind, asked=f"{kind}={rate:g}")
    return like(y, noise.corrupted)
