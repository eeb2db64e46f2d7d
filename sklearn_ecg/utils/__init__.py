"""Small helpers that every folder shares: parameter checks, input checks, progress bars."""

from sklearn_ecg.utils._params import HasMethods, Interval, StrOptions, check_params
from sklearn_ecg.utils._progress import progress
from sklearn_ecg.utils._validation import check_groups, check_labels, check_trusted

__all__ = [
    "HasMethods",
    "Interval",
    "StrOptions",
    "check_groups",
    "check_labels",
    "check_params",
    "check_trusted",
    "progress",
]
