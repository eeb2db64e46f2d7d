"""Attention of labels as an image."""

import matplotlib as mpl
import numpy as np
import pytest

from sklearn_ecg import ECGRecords, LabelCorrelationECGClassifier
from sklearn_ecg.network import label_attention
from sklearn_ecg.plotting import LabelAttentionDisplay

mpl.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(scope="module")
def records():
    rng = np.random.default_rng(0)
    return ECGRecords(
        rng.normal(size=(16, 2, 100)),
        100,
        labels=rng.integers(0, 2, (16, 3)),
        label_names=["AF", "PVC", "LBBB"],
    )


@pytest.mark.parametrize(
    ("parameters", "xlabel"),
    [
        ({"backbone": "residual"}, "channel of the backbone"),
        ({"backbone": "residual", "network__attend_to": "labels"}, "features of label"),
        ({"backbone": "xresnet"}, "moment (s)"),
    ],
)
def test_shows_the_mean_over_records(records, parameters, xlabel):
    classifier = LabelCorrelationECGClassifier(
        features=None, duration_s=1.0, max_epochs=1, random_state=0, **parameters
    ).fit(records)
    _, ax = plt.subplots()
    display = LabelAttentionDisplay.from_estimator(classifier, records[:4], ax=ax)
    expected = label_attention(classifier, records[:4]).weights.mean(axis=0)
    np.testing.assert_allclose(display.im_.get_array(), expected)
    assert display.ax_ is ax and ax.get_xlabel() == xlabel
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["AF", "PVC", "LBBB"]
    if xlabel == "features of label":
        assert [tick.get_text() for tick in ax.get_xticklabels()] == ["AF", "PVC", "LBBB"]


def test_moments_stand_at_their_times():
    display = LabelAttentionDisplay(
        np.full((1, 5), 0.2), ["AF"], kind="moments", times_s=np.arange(5) / 2
    ).plot()
    assert display.im_.get_extent() == [-0.25, 2.25, 0.5, -0.5]
