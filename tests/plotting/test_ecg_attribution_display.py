"""Attribution drawn on the ECG: the right places, the right colours."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from sklearn_ecg import ECGRecords, LabelCorrelationECGClassifier
from sklearn_ecg.network import attribute
from sklearn_ecg.plotting import ECGAttributionDisplay, ECGDisplay
from sklearn_ecg.plotting._ecg_attribution import _AGAINST, _FOR

mpl.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")

LEADS = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]


@pytest.fixture(scope="module")
def records():
    rng = np.random.default_rng(0)
    return ECGRecords(
        rng.normal(scale=0.2, size=(24, 3, 400)),
        200,
        lead_names=["I", "II", "V1"],
        labels=rng.integers(0, 2, (24, 2)),
        label_names=["AF", "PVC"],
    )


@pytest.fixture(scope="module")
def classifier(records):
    classifier = LabelCorrelationECGClassifier(
        features=None, duration_s=2.0, max_epochs=1, random_state=0
    )
    return classifier.fit(records)


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_colours_lie_where_the_values_are(rng):
    values = np.zeros((2, 200))
    values[0, 50:60], values[1, 120:140] = 2.0, -1.0
    # The record has twice the rate of the values, and a lead more.
    ecg = ECGDisplay(rng.normal(size=(3, 400)), 200, lead_names=["I", "II", "V1"])
    display = ECGAttributionDisplay(
        ecg, values, sampling_rate=100, lead_names=["II", "V1"], label="AF"
    ).plot()
    assert display.scale_ == pytest.approx(2.0)
    two, v1 = display.highlights_
    for highlight, color, span in ((two, _FOR, (0.5, 0.6)), (v1, _AGAINST, (1.2, 1.4))):
        times = np.concatenate([segment[:, 0] for segment in highlight.get_segments()])
        assert times.min() == pytest.approx(span[0], abs=0.02)
        assert times.max() == pytest.approx(span[1], abs=0.02)
        assert {tuple(row) for row in highlight.get_colors()[:, :3]} == {to_rgb(color)}
    # Twice the value, twice the strength; on the line of its own lead.
    assert two.get_colors()[:, 3].max() == pytest.approx(2 * v1.get_colors()[:, 3].max())
    (line,) = (line for line in ecg.axes_[0].lines if line.get_label() == "V1")
    drawn = dict(zip(*line.get_data(), strict=True))
    for segment in v1.get_segments():
        for time, height in segment:
            assert drawn[time] == height
    assert "blue speaks for AF, orange against" in texts(display.axes_[0])


def test_each_quarter_of_twelve_leads_shows_its_own_time(rng):
    ecg = ECGDisplay(rng.normal(size=(12, 1000)), 100, lead_names=LEADS)
    values = np.zeros((12, 1200))
    values[LEADS.index("V2"), 850] = 1.0
    values[LEADS.index("V2"), 300] = 9.0
    display = ECGAttributionDisplay(
        ecg, values, sampling_rate=100, lead_names=LEADS, label="AF", start_s=2.0
    ).plot()
    segments = [segment for one in display.highlights_ for segment in one.get_segments()]
    # V2 shows 5 to 7.5 s of what is drawn, which begins at 2 s: 8.5 s is there, 3 s is not.
    assert {segment[0, 0] for segment in segments} == {6.49, 6.5}
    # Nor has what is not drawn a part in the scale.
    assert display.scale_ == pytest.approx(0.5)


@pytest.mark.parametrize("method", ["occlusion", "integrated_gradients"])
def test_from_estimator(classifier, records, method):
    display = ECGAttributionDisplay.from_estimator(
        classifier, records, 3, label="PVC", method=method
    )
    expected = attribute(classifier, records[[3]], "PVC", method=method).values[0, 0]
    assert display.values.shape == expected.shape == (3, 200)
    if method == "occlusion":
        np.testing.assert_array_equal(display.values, expected)
    else:
        # Smoothed for the eye: about its sum, less rough.
        assert np.abs(np.diff(display.values)).sum() < 0.5 * np.abs(np.diff(expected)).sum()
    assert len(display.highlights_) == 3
    probability = classifier.predict_proba(records[[3]])[0, 1]
    title = display.axes_[0].get_title(loc="left")
    assert title == f"{records.ids[3]}    PVC: probability {probability:.2f}"


def test_default_label_given_axes_and_part(classifier, records):
    _, ax = plt.subplots()
    display = ECGAttributionDisplay.from_estimator(
        classifier, records, 5, start_s=0.5, duration_s=1, ax=ax
    )
    assert display.axes_[0] is ax
    probable = classifier.predict_proba(records[[5]])[0].argmax()
    assert display.label == records.label_names[probable]
    times = np.concatenate([s[:, 0] for one in display.highlights_ for s in one.get_segments()])
    assert times.min() >= 0 and times.max() <= 1


def test_longer_records_have_no_colour_beyond_what_is_read(classifier, records):
    longer = records.with_signals(np.concatenate([records.signals] * 2, axis=-1))
    display = ECGAttributionDisplay.from_estimator(classifier, longer, 0)
    times = np.concatenate([s[:, 0] for one in display.highlights_ for s in one.get_segments()])
    assert 1.5 < times.max() <= 2.01
    (line, *_) = (line for line in display.axes_[0].lines if line.get_label() == "I")
    assert line.get_xdata()[-1] > 3.9


def test_nothing_to_colour(rng):
    ecg = ECGDisplay(rng.normal(size=200), 100, lead_names=["I"])
    display = ECGAttributionDisplay(
        ecg, np.zeros((1, 200)), sampling_rate=100, lead_names=["I"], label="AF"
    ).plot()
    assert display.highlights_ == []


def test_bad_input(classifier, records):
    with pytest.raises(ValueError, match=r"labels must name some of .* AF, PVC; got LBBB"):
        ECGAttributionDisplay.from_estimator(classifier, records, label="LBBB")
    with pytest.raises(ValueError, match="record=24 is out of range"):
        ECGAttributionDisplay.from_estimator(classifier, records, 24)
    with pytest.raises(ValueError, match="start_s=9 and duration_s=10 select nothing of record"):
        ECGAttributionDisplay.from_estimator(classifier, records, start_s=9)
