"""What cleaning and classification are worth."""

from sklearn_ecg.metrics._beta_scores import challenge_fbeta_score, challenge_gbeta_score
from sklearn_ecg.metrics._challenge import challenge_score, challenge_weights
from sklearn_ecg.metrics._cleaning import label_cleaning_report
from sklearn_ecg.metrics._cpsc2018 import cpsc2018_score
from sklearn_ecg.metrics._multilabel_report import multilabel_report

__all__ = [
    "challenge_fbeta_score",
    "challenge_gbeta_score",
    "challenge_score",
    "challenge_weights",
    "cpsc2018_score",
    "label_cleaning_report",
    "multilabel_report",
]
