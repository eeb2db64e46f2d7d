"""Label noise of known kind and amount."""

import numpy as np
from sklearn.utils import check_random_state

from sklearn_ecg.datasets._label_noise import LabelNoise, check_rates, like
from sklearn_ecg.datasets._reader_noise import draw_answers
from sklearn_ecg.utils import align_records, check_labels, ids_of

_KINDS = ("swap", "missing", "extra", "confused", "readers")


def corrupt_labels(
    y, rate=None, kind="swap", random_state=None, *, confusion=None, groups=None, label_names=None
):
    """Make correct labels as wrong as weak ones are, by a known amount.

    ``kind="readers"`` answers each record as readers do whose errors were measured. With every
    other kind ``round(rate * n_positives)`` of the records that have a label are drawn, and there

    - ``"swap"`` replaces it with a random label that the record does not have (the noise of the
      AFP paper);
    - ``"missing"`` drops it;
    - ``"extra"`` keeps it and adds a random label that the record does not have;
    - ``"confused"`` replaces it as ``"swap"`` does, but with a label that it is plausibly
      mistaken for: drawn in proportion to its row of `confusion`.

    Parameters
    ----------
    y : array-like or DataFrame of shape (n_records, n_labels)
        The correct labels: 1 present, 0 absent, -1 unknown. It is not changed.
    rate : float, sequence of float of length n_labels, or dict, default=None
        Share of each label's positives that are hit, in [0, 1]: the same for all, one for each,
        or by the label's name; a dict leaves labels that it does not name as they are. Without
        names its keys are the numbers of columns. Not for ``kind="readers"``, whose amount
        `confusion` says.
    kind : {"swap", "missing", "extra", "confused", "readers"}, default="swap"
    random_state : int, RandomState instance or None, default=None
        Pass an int for the same noise each time.
    confusion : Series or array-like, default=None
        For ``kind="confused"``, of shape (n_labels, n_labels): ``confusion[i, j]`` is how readily
        label i is mistaken for label j; rows need not sum to one, the diagonal is ignored. A
        label with a row of zeros is never mistaken and stays as it is. By default one plus the
        number of records that have both: findings that appear together are those between which a
        reader decides. Rows and columns of a DataFrame are found by the names of their labels.

        For ``kind="readers"`` it must be given. What `reader_confusion` returns answers a record
        as a random one of those with the same true label set was answered, by all readers at
        once, so that they err together as they did; a label set that was not measured is answered
        label by label. Counts of shape (n_labels, 2, 2), as
        :func:`sklearn.metrics.multilabel_confusion_matrix` gives them, or of several readers of
        shape (n_readers, n_labels, 2, 2), know the sensitivity and specificity of each label, and
        answer each by itself.
    groups : array-like of shape (n_records,), default=None
        Patients. With them errors go along with patients, as those of a reader or a device do:
        the records of a patient that have a label are all hit before the next patient's, and
        the last patient in part where the number is full.
    label_names : sequence of str of length n_labels, default=None
        By default the columns of a DataFrame.

    Returns
    -------
    ndarray of int8 or DataFrame of the shape of y
        A DataFrame for a DataFrame. Unknown entries (-1) stay unknown. If `confusion` is of
        several readers, an array of shape (n_records, n_labels, n_readers), in their order.

    Raises
    ------
    ValueError
        Also if fewer records than asked have a label that could come in the place of theirs, or
        readers were never asked about a label.

    See Also
    --------
    make_weak_labels : Several kinds of noise at once.
    reader_confusion : Measures how readers err.

    Notes
    -----
    A replacing label is one that the record has neither in `y` nor by an earlier replacement,
    so ``"swap"`` and ``"confused"`` keep the number of positives exactly.

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

    Two readers, of whom the second misses half of the second label:

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
                'kind="readers" takes confusion, which says how the readers err, and neither rate '
                f"nor groups; got rate={rate!r}."
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
    """Make correct labels as weak as those that come out of a hospital's files.

    Some labels were never written down, some were written beside the right one, some in the place
    of another: of each label's positives a share is hit by each of these, and none by two.

    Parameters
    ----------
    y : array-like or DataFrame of shape (n_records, n_labels)
        The correct labels: 1 present, 0 absent, -1 unknown. It is not changed.
    missing, extra, confused : float, sequence of float of length n_labels, or dict
        Share of each label's positives that are dropped, get a random further label, or become a
        label that they are plausibly mistaken for, as `corrupt_labels` does each; given for
        all labels, for each, or by name. For no label they may add up to more than 1. The
        defaults are an assumption, with omissions in front, and no measurement.
    confusion : array-like or DataFrame of shape (n_labels, n_labels), default=None
        How readily each label is mistaken for which other, as for `corrupt_labels`.
    groups : array-like of shape (n_records,), default=None
        Patients, along with whom errors go, as for `corrupt_labels`.
    label_names : sequence of str of length n_labels, default=None
        By default the columns of a DataFrame.
    random_state : int, RandomState instance or None, default=None
        Pass an int for the same noise each time.

    Returns
    -------
    ndarray of int8 or DataFrame of the shape of y
        The weak labels. Unknown entries (-1) stay unknown.

    Raises
    ------
    ValueError
        Also if fewer records than asked have a label that could come in the place of theirs.

    See Also
    --------
    corrupt_labels : One kind of noise.

    Notes
    -----
    Amounts are exact but for rounding: where all shares of a rare label are rounded up to more
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
        # Those that need another label come while there are most records to choose from.
        for kind, rate in (("confused", confused), ("extra", extra), ("missing", missing))
    }
    totals = np.sum(list(rates.values()), axis=0)
    if (totals > 1 + 1e-9).any():
        label = int(totals.argmax())
        raise ValueError(
            f"missing, extra and confused add up to {totals[label]:g} for label "
            f"{label if names is None else repr(str(names[label]))}; each positive is hit once at "
            "most, so that 1 is the most."
        )
    noise = LabelNoise(
        labels, names, confusion=confusion, groups=groups, random=check_random_state(random_state)
    )
    n_positives = (labels == 1).sum(axis=0)
    for kind, of_label in rates.items():
        for label, rate in enumerate(of_label):
            # Rounding up each kind must not ask for more than there are.
            n_hit = min(round(rate * n_positives[label]), noise.n_untouched(label))
            noise.hit(label, n_hit, kind, asked=f"{kind}={rate:g}")
    return like(y, noise.corrupted)
