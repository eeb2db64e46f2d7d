"""Cross-validation that scores against trusted labels only."""

import numbers

import numpy as np
from sklearn.model_selection import BaseCrossValidator
from sklearn.utils import check_random_state
from sklearn.utils.validation import _num_samples

from sklearn_ecg.model_selection._stratification import deal_out, number_patients, positives
from sklearn_ecg.records import ECGRecords
from sklearn_ecg.utils import check_groups, check_trusted, ids_of, trusted_records, warn_user


class TrustedKFold(BaseCrossValidator):
    """K folds whose test parts hold trusted records only.

    A score against weak labels also rewards their errors. So only trusted records are tested. Weak
    records are always in the training part, unless their patient is being tested: a patient is
    never on both sides. Labels are stratified as far as whole patients allow, by iterative
    stratification [1]_.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 2.
    trusted : True, or array-like of bool of shape (n_records,) or (n_records, n_labels), \
            default=None
        The mask of trusted records, for arrays without metadata routing; True trusts all. A record
        is tested only if all of its labels are trusted. The argument of `split` wins over this
        one, and this one over the mask of `ECGRecords`. Without any, all records are tested, with
        a warning.
    groups : array-like of shape (n_records,), default=None
        Patients, found in the same order. Without any, each record is a patient of its own.
    random_state : int, RandomState instance or None, default=0
        Breaks ties between folds.

    See Also
    --------
    patient_train_test_split : Hold out patients once.

    References
    ----------
    .. [1] Sechidis, Tsoumakas, Vlahavas (2011), "On the stratification of multi-label data",
       ECML PKDD, 145-158, Algorithm 1; here with patients in place of records.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg import TrustedKFold
    >>> X, trusted = np.zeros((6, 3)), [True, True, True, True, False, False]
    >>> patients = ["a", "b", "c", "d", "a", "e"]
    >>> y = [[1], [1], [0], [0], [1], [0]]
    >>> for train, test in TrustedKFold(2).split(X, y, patients, trusted):
    ...     print(train, test)
    [0 2 4 5] [1 3]
    [1 3 5] [0 2]
    """

    __metadata_request__split = {"groups": True, "trusted": True}

    def __init__(self, n_splits=5, *, trusted=None, groups=None, random_state=0):
        if not isinstance(n_splits, numbers.Integral) or n_splits < 2:
            raise ValueError(f"n_splits must be an integer of at least 2; got {n_splits!r}.")
        self.n_splits = n_splits
        self.trusted = trusted
        self.groups = groups
        self.random_state = random_state

    def get_n_splits(self, X=None, y=None, groups=None, trusted=None):
        """Return the number of folds.

        Parameters
        ----------
        X, y, groups, trusted : object, default=None
            Ignored.

        Returns
        -------
        int
        """
        return self.n_splits

    def split(self, X, y=None, groups=None, trusted=None):
        """Yield the indices of training and test records of each fold.

        Parameters
        ----------
        X : ECGRecords or array-like of n_records
            The records to split.
        y : array-like of shape (n_records, n_labels) or (n_records,), default=None
            Labels to stratify by; only those of trusted records are used. By default the labels of
            `ECGRecords`; without labels, folds are balanced by size only.
        groups : array-like of shape (n_records,), default=None
            Patients; see the class.
        trusted : True, or array-like of bool of shape (n_records,) or (n_records, n_labels), \
                default=None
            Trusted records; see the class.

        Yields
        ------
        train, test : ndarray of int
            `test` holds the trusted records of the fold's patients; `train` holds all records of
            other patients.

        Raises
        ------
        ValueError
            If fewer than `n_splits` patients have trusted records.
        """
        n_records = _num_samples(X)
        known = X if isinstance(X, ECGRecords) else None
        trusted = _first_known(trusted, self.trusted, getattr(known, "trusted", None))
        groups = _first_known(groups, self.groups, getattr(known, "groups", None))
        y = _first_known(y, getattr(known, "labels", None))
        if trusted is None:
            warn_user(
                f"No records are marked as trusted, so all {n_records} records are tested, also "
                "weak ones. Pass TrustedKFold(trusted=mask), or trusted=True if all are right."
            )
        ids = ids_of(X, y, trusted, groups)
        trusted = trusted_records(check_trusted(trusted, n_records=n_records, ids=ids))
        groups = check_groups(groups, n_records=n_records, ids=ids)
        patients = number_patients(groups, n_records)
        labels = positives(y, n_records, ids)

        n_patients = len(np.unique(patients[trusted]))
        if n_patients < self.n_splits:
            raise ValueError(
                f"n_splits={self.n_splits} is more than the {n_patients} patients with trusted "
                "records (records whose labels are all trusted); use fewer folds."
            )
        shares = np.full(self.n_splits, 1 / self.n_splits)
        fold_of_patient = deal_out(
            patients[trusted], labels[trusted], shares, check_random_state(self.random_state)
        )
        fold = np.array([fold_of_patient.get(patient, -1) for patient in patients])
        for k in range(self.n_splits):
            yield np.flatnonzero(fold != k), np.flatnonzero((fold == k) & trusted)


def _first_known(*values):
    return next((value for value in values if value is not None), None)
