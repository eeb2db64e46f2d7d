"""Collections of ECG records that carry their labels."""

from sklearn_ecg.records._cleaned import PROVENANCES, CleanedRecords
from sklearn_ecg.records._concatenation import concatenate
from sklearn_ecg.records._conversion import as_records
from sklearn_ecg.records._lazy import LazySignals
from sklearn_ecg.records._records import ECGRecords
from sklearn_ecg.utils import UnreadRecordsWarning

__all__ = [
    "PROVENANCES",
    "CleanedRecords",
    "ECGRecords",
    "LazySignals",
    "UnreadRecordsWarning",
    "as_records",
    "concatenate",
]
