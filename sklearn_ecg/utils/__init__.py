"""Small helpers that every folder shares: checks, alignment, names of leads, warnings, progress."""

from sklearn_ecg.utils._alignment import (
    align_labels,
    align_records,
    as_pandas,
    comparable_ids,
    find_ids,
    has_label_names,
    ids_of,
)
from sklearn_ecg.utils._file_parts import read_parts
from sklearn_ecg.utils._file_stamps import file_stamp, quick_stamp, stamp_of_files
from sklearn_ecg.utils._leads import LEADS_12, canonical_lead, is_known_lead
from sklearn_ecg.utils._notebook import listed, with_summary
from sklearn_ecg.utils._output import in_container, output_container
from sklearn_ecg.utils._parallel import in_parallel
from sklearn_ecg.utils._params import HasMethods, Interval, StrOptions, check_params
from sklearn_ecg.utils._progress import announce, progress
from sklearn_ecg.utils._saved import Saved
from sklearn_ecg.utils._validation import (
    check_groups,
    check_labels,
    check_option,
    check_path,
    check_sample_weight,
    check_trusted,
    empty_array,
    fill_masked,
    label_array,
    number_array,
    plain_float,
    trusted_labels,
    trusted_records,
)
from sklearn_ecg.utils._warnings import UnreadRecordsWarning, warn_of_unread, warn_user
from sklearn_ecg.utils._whole_file import whole_file, writing

__all__ = [
    "LEADS_12",
    "HasMethods",
    "Interval",
    "Saved",
    "StrOptions",
    "UnreadRecordsWarning",
    "align_labels",
    "align_records",
    "announce",
    "as_pandas",
    "canonical_lead",
    "check_groups",
    "check_labels",
    "check_option",
    "check_params",
    "check_path",
    "check_sample_weight",
    "check_trusted",
    "comparable_ids",
    "empty_array",
    "file_stamp",
    "fill_masked",
    "find_ids",
    "has_label_names",
    "ids_of",
    "in_container",
    "in_parallel",
    "is_known_lead",
    "label_array",
    "listed",
    "number_array",
    "output_container",
    "plain_float",
    "progress",
    "quick_stamp",
    "read_parts",
    "stamp_of_files",
    "trusted_labels",
    "trusted_records",
    "warn_of_unread",
    "warn_user",
    "whole_file",
    "with_summary",
    "writing",
]
