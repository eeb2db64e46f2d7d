"""Small helpers that every folder shares: checks, alignment, names of leads, warnings, progress."""

from sklearn_ecg.utils._alignment import (
    align_labels,
    align_records,
    comparable_ids,
    has_label_names,
    ids_of,
)
from sklearn_ecg.utils._leads import LEADS_12, canonical_lead, is_known_lead
from sklearn_ecg.utils._params import HasMethods, Interval, StrOptions, check_params
from sklearn_ecg.utils._progress import progress
from sklearn_ecg.utils._validation import (
    check_groups,
    check_labels,
    check_option,
    check_sample_weight,
    check_trusted,
    fill_masked,
    label_array,
    trusted_labels,
    trusted_records,
)
from sklearn_ecg.utils._warnings import warn_user
from sklearn_ecg.utils._whole_file import whole_file

__all__ = [
    "LEADS_12",
    "HasMethods",
    "Interval",
    "StrOptions",
    "align_labels",
    "align_records",
    "canonical_lead",
    "check_groups",
    "check_labels",
    "check_option",
    "check_params",
    "check_sample_weight",
    "check_trusted",
    "comparable_ids",
    "fill_masked",
    "has_label_names",
    "ids_of",
    "is_known_lead",
    "label_array",
    "progress",
    "trusted_labels",
    "trusted_records",
    "warn_user",
    "whole_file",
]
