"""Small helpers that every folder shares: checks of parameters and input, progress, warnings."""

from sklearn_ecg.utils._params import HasMethods, Interval, StrOptions, check_params
from sklearn_ecg.utils._progress import progress
from sklearn_ecg.utils._validation import check_groups, check_labels, check_trusted
from sklearn_ecg.utils._warnings import warn_user

__all__ = [
    "HasMethods",
    "Interval",
    "StrOptions",
    "check_groups",
    "check_labels",
    "check_params",
    "check_trusted",
    "progress",
    "warn_user",
]
