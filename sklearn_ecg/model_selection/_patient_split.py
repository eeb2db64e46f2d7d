"""Split patients once into training and test."""

import numbers

import numpy as np
from sklearn.utils import _safe_indexing, check_consistent_length, check_random_state, indexable
from sklearn.utils.validation import _num_samples

from sklearn_ecg.model_selection._stratification import deal_out, number_patients, positives
from sklearn_ecg.records import ECGRecords
from sklearn_ecg.utils import align_records, check_groups, ids_of


def patient_train_test_split(
    *arrays, test_size=0.25, y=None, groups=None, random_state=None
) -> list:
    """Split records into training and test records, without a patient on both sides.

    Labels are stratified as far as whole patients allow, as in `TrustedKFold`. If the records have
    `trusted`, trusted records are stratified too.

    Parameters
    ----------
    *arrays : ECGRecords or array-likes of n_records
        The arrays to split. If the first is `ECGRecords`, its labels, groups and trust are used,
        and the rows of later tables are matched to its records by index.
    test_size : float or int, default=0.25
        The share of the records in the test part, between 0 and 1, or their number. It is met
        approximately, because patients stay whole.
    y : array-like of shape (n_records, n_labels) or (n_records,), default=None
        Labels to stratify by. By default the labels of the first array; without labels, parts are
        balanced by size only.
    groups : array-like of shape (n_records,), default=None
        Patients. By default those of the first array, else each record is a patient of its own.
    random_state : int, RandomState instance or None, default=None
        Seed of the split. Pass an int for the same split each time.

    Returns
    -------
    list of length 2 * len(arrays)
        Training and test part of each array, in the order of the records.

    Raises
    ------
    ValueError
        If there is only one patient, or the lengths of the arrays differ.

    See Also
    --------
    TrustedKFold : Folds whose test parts hold trusted records only.
    sklearn.model_selection.train_test_split : The same for records of independent patients.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg import ECGRecords
    >>> from sklearn_ecg.model_selection import patient_train_test_split
    >>> records = ECGRecords(
    ...     np.zeros((8, 1, 9)), groups=list("aabbccdd"), labels=[[1], [0]] * 4, label_names=["AF"]
    ... )
    >>> train, test = patient_train_test_split(records, random_state=0)
    >>> train
    ECGRecords: 6 records, 1 leads, 9 samples, 1 labels (AF 3)
    >>> len(set(train.groups) & set(test.groups))
    0
    """
    if not arrays:
        raise ValueError("Pass at least one collection of records or array to split; got none.")
    first = arrays[0]
    check_consistent_length(*arrays)
    arrays = (
        first,
        *(
            align_records(array, ids_of(first), name=f"arrays[{number}]")
            for number, array in enumerate(arrays[1:], start=1)
        ),
    )
    n_records = _num_samples(first)
    share = _test_share(test_size, n_records)
    trusted = None
    if isinstance(first, ECGRecords):
        y = first.labels if y is None else y
        groups = first.groups if groups is None else groups
        trusted = first.trusted
    ids = ids_of(first, y, groups)
    groups = check_groups(groups, n_records=n_records, ids=ids)
    columns = positives(y, n_records, ids)
    if trusted is not None:
        columns = np.column_stack([columns, trusted])

    random = check_random_state(random_state)
    numbers_in_order = number_patients(groups, n_records)
    n_patients = len(np.unique(numbers_in_order))
    if n_patients < 2:
        raise ValueError(
            f"groups holds {n_patients} patient; a split that keeps patients whole needs at least "
            "2."
        )
    # `deal_out` takes similar patients by number, so a random order makes a random split.
    patients = random.permutation(n_patients)[numbers_in_order]
    side = deal_out(patients, columns, np.array([1 - share, share]), random)
    in_test = np.array([side[patient] == 1 for patient in patients])
    parts = np.flatnonzero(~in_test), np.flatnonzero(in_test)
    return [_safe_indexing(array, part) for array in indexable(*arrays) for part in parts]


def _test_share(test_size, n_records):
    is_number = isinstance(test_size, numbers.Integral) and not isinstance(test_size, bool)
    share = test_size / max(n_records, 1) if is_number else test_size
    if not isinstance(share, numbers.Real) or not 0 < share < 1:
        raise ValueError(
            f"test_size must be a share between 0 and 1, or a number of records below {n_records}; "
            f"got {test_size!r}."
        )
    return float(share)
