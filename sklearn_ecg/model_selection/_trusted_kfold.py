"""Cross-validation that scores against trusted labels alone."""

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

    A score against weak labels measures agreement with their errors. So the trusted records are
    dealt out over the test folds, and all weak records stay in training, less those of patients
    that are being tested: a patient is never on both sides. Labels are stratified as well as
    whole patients allow, by iterative stratification [1]_ of patients.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 2.
    trusted : True, or array-like of bool of shape (n_records,) or (n_records, n_labels), \
            default=None
        The mask of trusted records for data that do not carry it themselves, where metadata
        routing is off; True trusts them all. A record of which some labels only are trusted does
        not count as trusted: scores need all of them. By default `split` takes its argument
        `trusted`, else that of `ECGRecords`, else all with a warning.
    groups : array-like of shape (n_records,), default=None
        Patients, likewise. By default `split` takes its argument `groups`, else that of
        `ECGRecords`, else every record is a patient of its own.
    random_state : int, RandomState instance or None, default=0
        Breaks ties between folds.

    See Also
    --------
    patient_train_test_split : Hold out patients once.

    References
    ----------
    .. [1] Sechidis, Tsoumakas, Vlahavas (2011), "On the stratification of multi-label data",
       ECML PKDD, 145-158, Algorithm 1; here a unit is a patient rather than a record.

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
        """Return the number of folds."""
        return self.n_splits

    def split(self, X, y=None, groups=None, trusted=None):
        """Yield the indices of training and test records of each fold.

        Parameters
        ----------
        X : ECGRecords or array-like of n_records
        y : array-like of shape (n_records, n_labels) or (n_records,), default=None
            Labels to stratify by; by default those of `ECGRecords`, else folds are balanced in size
            alone. Only those of trusted records are looked at.
        groups : array-like of shape (n_records,), default=None
        trusted : True, or array-like of bool of shape (n_records,) or (n_records, n_labels), \
                default=None

        Yields
        ------
        train, test : ndarray of int
            `test` holds trusted records of the fold's patients, `train` all records, trusted or
            weak, of other patients.
        """
        n_records = _num_samples(X)
        known = X if isinstance(X, ECGRecords) else None
        trusted = _first_known(trusted, self.trusted, getattr(known, "trusted", None))
        groups = _first_known(groups, self.groups, getattr(known, "groups", None))
        y = _first_known(y, getattr(known, "labels", None))
        if trusted is None:
            warn_user(
                f"Nobody says whose labels are right: all {n_records} records are tested on, weak "
                "ones too. Pass TrustedKFold(trusted=mask), or trusted=True if all are right."
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
                "records, of which all labels are trusted; use fewer folds."
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
