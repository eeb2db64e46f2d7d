"""Small helpers that every folder shares: parameter checks, input checks, progress bars."""

from sklearn_ecg.utils._params import Interval, StrOptions, check_params
from sklearn_ecg.utils._progress import progress
from sklearn_ecg.utils._validation import check_groups, check_labels, check_trusted

__all__ = [
    "Interval",
    "StrOptions",
    "check_groups",
    "check_labels",
    "check_params",
    "check_trusted",
    "progress",
]
