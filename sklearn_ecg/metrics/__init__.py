"""Scores of label cleaning and of classifiers."""

from sklearn_ecg.metrics._beta_scores import challenge_fbeta_score, challenge_gbeta_score
from sklearn_ecg.metrics._bootstrap_interval import BootstrapInterval, bootstrap_interval
from sklearn_ecg.metrics._challenge import challenge_score, challenge_weights
from sklearn_ecg.metrics._cleaning import label_cleaning_report
from sklearn_ecg.metrics._cpsc2018 import cpsc2018_score
from sklearn_ecg.metrics._multilabel_report import multilabel_report
from sklearn_ecg.metrics._paired_bootstrap import (
    PairedBootstrapTest,
    compare_classifiers,
    paired_bootstrap_test,
)
from sklearn_ecg.metrics._resampled_ttest import ResampledTTest, corrected_resampled_ttest

__all__ = [
    "BootstrapInterval",
    "PairedBootstrapTest",
    "ResampledTTest",
    "bootstrap_interval",
    "challenge_fbeta_score",
    "challenge_gbeta_score",
    "challenge_score",
    "challenge_weights",
    "compare_classifiers",
    "corrected_resampled_ttest",
    "cpsc2018_score",
    "label_cleaning_report",
    "multilabel_report",
    "paired_bootstrap_test",
]
