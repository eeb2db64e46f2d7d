"""Messages name values as Python does, and not as NumPy's types."""

import re

import numpy as np
import pandas as pd
import pytest

from sklearn_ecg import CleanedRecords, ECGFeatureExtractor, ECGRecords
from sklearn_ecg.datasets import make_ecg_records, make_weak_labels
from sklearn_ecg.features import delineate, to_neurokit

SIGNALS = np.zeros((2, 1, 500))
IDS = np.array([7, 8])
LABELS = pd.DataFrame([[1], [0]], index=[7, 9])


def ask_for_an_unknown_lead():
    records = make_ecg_records(1, leads=["I", "II"], duration_s=5, random_state=0)
    waves = delineate(records.signals[0], records.sampling_rate)
    to_neurokit(waves, records.sampling_rate, lead="II")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (ask_for_an_unknown_lead, r"no lead 'II'; it has \[0, 1\]"),
        (lambda: ECGRecords(SIGNALS, ids=[7, 7]), r"repeated: \[7\]"),
        (lambda: ECGRecords(SIGNALS, ids=IDS, labels=LABELS), "no row for '8' .* '9' is no"),
        (lambda: ECGRecords(SIGNALS, trusted=np.array([3, 1])), "such as 3"),
        (
            lambda: CleanedRecords(
                np.zeros((1, 2)), labels=[[1]], weak_labels=[[1]], confidence=[[1.0]],
                provenance=np.array([["guessed"]]),
            ),
            r"got \['guessed'\]",
        ),
        (
            lambda: make_weak_labels([[1], [0]], missing={np.str_("AF"): 0.1}),
            r"rates for \['AF'\]",
        ),
        (
            lambda: ECGFeatureExtractor(100).fit_transform(SIGNALS, r_peaks={np.int64(5): [1]}),
            "the record '5'",
        ),
    ],
)  # fmt: skip
def test_values_are_named_plainly(call, message):
    with pytest.raises(ValueError, match=message) as error:
        call()
    assert not re.search(r"np\.(str|int|float|bool)", str(error.value))
