"""One split into training and test patients."""

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
    """Split records into training and test records, no patient on both sides.

    Labels are stratified as well as whole patients allow, by the dealing-out of `TrustedKFold`,
    and where the records know whom to trust, both sides get their share of trusted records.

    Parameters
    ----------
    *arrays : ECGRecords or array-likes of n_records
        What to split; the first tells `y`, `groups` and `trusted` where it is `ECGRecords`. Tables
        behind it are brought to the order of its records by their index.
    test_size : float or int, default=0.25
        The share of records to hold out, in (0, 1), or their number. Whole patients meet it
        approximately.
    y : array-like of shape (n_records, n_labels) or (n_records,), default=None
        Labels to stratify by; by default those of the first array, else size alone counts.
    groups : array-like of shape (n_records,), default=None
        Patients; by default those of the first array, else every record is a patient of its own.
    random_state : int, RandomState instance or None, default=None
        Pass an int for the same split each time.

    Returns
    -------
    list of length 2 * len(arrays)
        Training and test part of each array, in the order of the records of the first.

    Raises
    ------
    ValueError
        Also if there is a single patient only.

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
        raise ValueError("At least one collection of records or array is needed to split.")
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
            f"groups holds {n_patients} patient; a split that keeps a patient on one side needs at "
            "least 2."
        )
    # Dealing out takes equal patients by their number; another order makes another split.
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
