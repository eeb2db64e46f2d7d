"""Losses of each epoch, and the epoch that was kept."""

import matplotlib as mpl
import numpy as np
import pytest

from sklearn_ecg import LabelCorrelationECGClassifier
from sklearn_ecg.plotting import TrainingHistoryDisplay

mpl.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture
def data(rng):
    return rng.normal(size=(24, 1, 30)), rng.integers(0, 2, (24, 2))


def test_losses_are_those_of_the_history(data):
    classifier = LabelCorrelationECGClassifier(
        max_epochs=3, validation_fraction=0.15, random_state=0
    ).fit(*data)
    _, ax = plt.subplots()
    display = TrainingHistoryDisplay.from_estimator(classifier, ax=ax)
    assert display.ax_ is ax and display.figure_ is ax.figure
    for line, name in zip(display.lines_, ("train_loss", "valid_loss"), strict=True):
        np.testing.assert_array_equal(line.get_xdata(), [1, 2, 3])
        np.testing.assert_array_equal(line.get_ydata(), classifier.history[:, name])
    best = int(np.argmin(classifier.history[:, "valid_loss"])) + 1
    assert display.best_epoch_ == best
    words = [text.get_text() for text in ax.get_legend().get_texts()]
    assert words == ["training", "held out", f"kept: epoch {best}"]


def test_without_held_out_records_no_epoch_is_best(data):
    classifier = LabelCorrelationECGClassifier(
        max_epochs=2, validation_fraction=None, random_state=0
    ).fit(*data)
    display = TrainingHistoryDisplay.from_estimator(classifier)
    assert len(display.lines_) == 1 and display.best_epoch_ is None


def test_a_loaded_classifier_shows_its_training(data, tmp_path):
    classifier = LabelCorrelationECGClassifier(
        max_epochs=2, validation_fraction=0.15, random_state=0
    ).fit(*data)
    classifier.save(tmp_path / "model")
    loaded = LabelCorrelationECGClassifier.load(tmp_path / "model")
    display = TrainingHistoryDisplay.from_estimator(loaded)
    assert display.valid_loss == classifier.history[:, "valid_loss"]


def test_not_fitted():
    with pytest.raises(ValueError, match="not fitted"):
        TrainingHistoryDisplay.from_estimator(LabelCorrelationECGClassifier())
