"""The label correlation matrix as an image."""

import matplotlib as mpl
import numpy as np
import pytest

from sklearn_ecg import ECGRecords, LabelCorrelationECGClassifier
from sklearn_ecg.network import label_correlation
from sklearn_ecg.plotting import LabelCorrelationDisplay

mpl.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")

LABELS = np.array([[1, 1, 0], [1, 0, -1], [0, 1, 1], [1, 0, 1]])


def test_shows_the_matrix_with_names_and_counts():
    display = LabelCorrelationDisplay.from_labels(LABELS, label_names=["AF", "PVC", "LBBB"])
    np.testing.assert_array_equal(display.im_.get_array(), label_correlation(LABELS))
    assert [t.get_text() for t in display.ax_.get_xticklabels()] == [
        "AF (3)", "PVC (2)", "LBBB (2)"
    ]  # fmt: skip
    assert [t.get_text() for t in display.ax_.get_yticklabels()] == ["AF", "PVC", "LBBB"]
    # Row 1, column 0: of three records with AF one has PVC.
    assert display.ax_.texts[3].get_text() == "0.33"


def test_records_bring_their_names_and_axes_may_be_given():
    records = ECGRecords(
        np.zeros((4, 1, 10)), 100, labels=LABELS, label_names=["AF", "PVC", "LBBB"]
    )
    _, ax = plt.subplots()
    display = LabelCorrelationDisplay.from_labels(records, ax=ax)
    assert display.ax_ is ax
    assert display.ax_.get_yticklabels()[2].get_text() == "LBBB"
    many = LabelCorrelationDisplay.from_labels(np.eye(16, dtype=int))
    assert len(many.ax_.texts) == 0
    assert many.ax_.get_yticklabels()[15].get_text() == "15"


def test_a_fitted_classifier_shows_what_it_learned():
    signals = np.random.default_rng(0).normal(size=(8, 1, 30))
    classifier = LabelCorrelationECGClassifier(max_epochs=1, random_state=0)
    classifier.fit(signals, np.tile(LABELS, (2, 1)))
    display = LabelCorrelationDisplay.from_estimator(classifier)
    np.testing.assert_array_equal(display.correlation, classifier.label_correlation_)


def test_what_cannot_be_shown_is_named():
    with pytest.raises(ValueError, match="holds 2 names for 3 labels"):
        LabelCorrelationDisplay.from_labels(LABELS, label_names=["AF", "PVC"])
    with pytest.raises(ValueError, match="have no labels"):
        LabelCorrelationDisplay.from_labels(ECGRecords(np.zeros((4, 1, 10)), 100))
    with pytest.raises(ValueError, match="not fitted"):
        LabelCorrelationDisplay.from_estimator(LabelCorrelationECGClassifier())
