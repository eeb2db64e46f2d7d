"""scikit-learn estimators for ECG records with untrustworthy labels.

Each name is loaded when it is first used. So ``import sklearn_ecg`` takes milliseconds, and does
not load torch for users who only read or clean records.
"""

import importlib
from typing import TYPE_CHECKING

from sklearn_ecg._version import __version__

if TYPE_CHECKING:  # editors and type checkers cannot read _HOME
    from sklearn_ecg.cleaning import AFPLabelCleaner as AFPLabelCleaner
    from sklearn_ecg.cleaning import OnCleanedLabels as OnCleanedLabels
    from sklearn_ecg.features import ECGFeatureExtractor as ECGFeatureExtractor
    from sklearn_ecg.model_selection import TrustedKFold as TrustedKFold
    from sklearn_ecg.network import LabelCorrelationECGClassifier as LabelCorrelationECGClassifier
    from sklearn_ecg.records import CleanedRecords as CleanedRecords
    from sklearn_ecg.records import ECGRecords as ECGRecords

_HOME = {
    "ECGRecords": "sklearn_ecg.records",
    "CleanedRecords": "sklearn_ecg.records",
    "ECGFeatureExtractor": "sklearn_ecg.features",
    "AFPLabelCleaner": "sklearn_ecg.cleaning",
    "OnCleanedLabels": "sklearn_ecg.cleaning",
    "LabelCorrelationECGClassifier": "sklearn_ecg.network",
    "TrustedKFold": "sklearn_ecg.model_selection",
}
_SUBPACKAGES = (
    "records",
    "preprocessing",
    "features",
    "mixture",
    "cleaning",
    "network",
    "shards",
    "model_selection",
    "metrics",
    "plotting",
    "cards",
    "review",
    "datasets",
    "command",
)

# Without the subpackages, unlike scikit-learn's: `from sklearn_ecg import *` must not replace a
# user's variable `records`, nor need the extras of each subpackage.
__all__ = ["__version__", *_HOME]


def __getattr__(name):
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    if name in _SUBPACKAGES:
        return importlib.import_module(f"sklearn_ecg.{name}")
    raise AttributeError(f"module 'sklearn_ecg' has no attribute {name!r}")


def __dir__():
    return sorted([*__all__, *_SUBPACKAGES])
