"""The score of CPSC2018 against the challenge's published way of counting, done by hand."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from sklearn_ecg.datasets import load_cpsc2018
from sklearn_ecg.metrics import cpsc2018_score

CLASSES = ["Normal", "AF", "I-AVB", "LBBB", "RBBB", "PAC", "PVC", "STD", "STE"]


def indicator(sets):
    return pd.DataFrame([[int(name in row) for name in CLASSES] for row in sets], columns=CLASSES)


def test_single_labels_are_plain_f1(rng):
    truth, predicted = rng.integers(0, 9, (2, 300))
    scores = cpsc2018_score(np.eye(9, dtype=int)[truth], np.eye(9, dtype=int)[predicted])
    expected = f1_score(truth, predicted, average=None)
    np.testing.assert_allclose(scores[CLASSES].astype(float), expected)
    assert scores["mean"] == pytest.approx(expected.mean())
    assert scores["AF group"] == scores["AF"]
    for group, members in (("block", [2, 3, 4]), ("premature", [5, 6]), ("ST", [7, 8])):
        found = sum(((truth == k) & (predicted == k)).sum() for k in members)
        either = sum((truth == k).sum() + (predicted == k).sum() for k in members)
        assert scores[f"{group} group"] == pytest.approx(2 * found / either)


def test_records_of_several_labels_count_once():
    truth = indicator([{"AF", "RBBB"}, {"AF", "RBBB"}, {"RBBB"}, {"AF"}])
    predicted = indicator([{"RBBB"}, {"PVC"}, {"RBBB"}, {"AF"}])
    # The table of counts: RBBB-RBBB 2, AF-AF 1, and the miss as AF-PVC 1, AF being first.
    scores = cpsc2018_score(truth, predicted)
    assert scores[["AF", "RBBB", "PVC"]].tolist() == [2 / 3, 1.0, 0.0]
    # With RBBB first in the reference, that is what was missed.
    scores = cpsc2018_score(truth, predicted, first_label=["RBBB", "RBBB", "RBBB", "AF"])
    assert scores[["AF", "RBBB", "PVC"]].tolist() == [1.0, 0.8, 0.0]
    assert np.isnan(scores["STE"]) and np.isnan(scores["mean"])


def test_columns_of_any_order(rng):
    truth, predicted = (indicator([{CLASSES[k]} for k in rng.integers(0, 9, 60)]) for _ in "tp")
    order = rng.permutation(CLASSES)
    expected = cpsc2018_score(truth, predicted)
    pd.testing.assert_series_equal(cpsc2018_score(truth[order], predicted[order]), expected)
    unnamed = truth[order].to_numpy(), predicted[order].to_numpy()
    named = cpsc2018_score(*unnamed, label_names=order)
    pd.testing.assert_series_equal(named, expected)


def test_records_that_cannot_be_judged_are_left_out(rng):
    truth, predicted = (indicator([{CLASSES[k]} for k in rng.integers(0, 9, 60)]) for _ in "tp")
    more_truth = indicator([{"AF"}, set(), {"AF"}])
    more_truth.loc[0, "PVC"] = -1
    more_truth.loc[2, "STE"] = -1
    more_predicted = indicator([{"PVC"}, {"AF"}, {"AF"}])
    scores = cpsc2018_score(pd.concat([truth, more_truth]), pd.concat([predicted, more_predicted]))
    # Of the three only the last one counts: what was predicted is known to be present.
    expected = cpsc2018_score(
        pd.concat([truth, more_truth[2:]]).replace(-1, 0),
        pd.concat([predicted, more_predicted[2:]]),
    )
    pd.testing.assert_series_equal(scores, expected)


def test_first_labels_of_the_real_records_are_right(shared_data):
    reference = pd.read_csv(shared_data / "cpsc2018" / "REFERENCE.csv", index_col=0)
    records = load_cpsc2018(shared_data / "cpsc2018")
    first = np.asarray(CLASSES)[reference.loc[records.ids, "First_label"] - 1]
    truth = pd.DataFrame(records.labels, columns=records.label_names)
    assert (truth.sum(axis=1) > 1).any()
    scores = cpsc2018_score(truth, indicator([{name} for name in first]), first_label=first)
    assert (scores == 1).all()


def test_bad_input():
    truth = indicator([{"AF"}, {"AF"}])
    with pytest.raises(ValueError, match=r"y_pred has 2 classes for record 1.*p\.argmax"):
        cpsc2018_score(truth, indicator([{"AF"}, {"AF", "PVC"}]))
    with pytest.raises(ValueError, match=r"scored on the nine labels Normal, AF.*; got 2"):
        cpsc2018_score([[1, 0]], [[1, 0]])
    with pytest.raises(ValueError, match=r"scored on the nine labels .*; got SNR, AF"):
        cpsc2018_score(*[truth.rename(columns={"Normal": "SNR"})] * 2)
    with pytest.raises(ValueError, match="first_label is 'PVC' for record 1, but y_true says"):
        cpsc2018_score(truth, truth, first_label=["AF", "PVC"])
    with pytest.raises(ValueError, match="first_label must name one label for each of the 2"):
        cpsc2018_score(truth, truth, first_label=["AF"])
