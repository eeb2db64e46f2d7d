"""Waves marked on ECG paper."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from sklearn_ecg import ECGRecords
from sklearn_ecg.features import delineate
from sklearn_ecg.plotting import ECGDisplay
from sklearn_ecg.plotting._marks import COLORS

mpl.use("Agg")
pytest.importorskip("matplotlib.pyplot")

COLUMNS = [
    *("lead", "beat", "p_onset", "p_peak", "p_offset", "qrs_onset", "r_peak"),
    *("qrs_offset", "t_onset", "t_peak", "t_offset"),
]


def boxes(ax, wave):
    """Return (start, end) in s of the shaded spans of one kind of wave."""
    return sorted(
        (patch.get_x(), patch.get_x() + patch.get_width())
        for patch in ax.patches
        if to_rgb(patch.get_facecolor()) == to_rgb(COLORS[wave])
    )


def marks(ax, lead, wave):
    return [line for line in ax.lines if line.get_label() == f"{lead} {wave}"]


@pytest.fixture
def record(rng):
    return ECGRecords(rng.normal(size=(1, 2, 1000)), 100, lead_names=["I", "V1"])


@pytest.fixture
def waves():
    nan = np.nan
    rows = [
        (0, 0, 80, 85, 90, 100, 105, 112, 130, 140, 150),
        (0, 1, nan, nan, nan, 300, 305, 312, 330, 340, nan),
        (1, 0, nan, nan, nan, nan, 105, nan, nan, nan, nan),
        (1, 1, nan, nan, nan, 301, 305, 309, nan, nan, nan),
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def test_present_waves_are_shaded_and_absent_ones_are_not(record, waves):
    (ax,) = ECGDisplay.from_records(record, waves=waves).axes_
    assert boxes(ax, "P") == [pytest.approx((0.8, 0.9))]
    assert np.allclose(boxes(ax, "QRS"), [(1.0, 1.12), (3.0, 3.12), (3.01, 3.09)])
    assert boxes(ax, "T") == [pytest.approx((1.3, 1.5))]
    (t_peaks,) = marks(ax, "I", "T")
    np.testing.assert_allclose(t_peaks.get_xdata(), [1.4, 3.4])
    assert marks(ax, "V1", "P") == [] and marks(ax, "V1", "T") == []
    # The first beat has an R peak, but V1 shows no complex.
    (r_peaks,) = marks(ax, "V1", "QRS")
    np.testing.assert_allclose(r_peaks.get_xdata(), [3.05])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["P", "QRS", "T"]


def test_peaks_lie_on_the_signal_and_r_above_it(record, waves):
    (ax,) = ECGDisplay.from_records(record, waves=waves).axes_
    (line,) = (line for line in ax.lines if line.get_label() == "I")
    (t_peaks,), (r_peaks,) = marks(ax, "I", "T"), marks(ax, "I", "QRS")
    np.testing.assert_allclose(t_peaks.get_ydata(), line.get_ydata()[[140, 340]])
    assert (r_peaks.get_ydata() > line.get_ydata()[[105, 305]]).all()


def test_a_part_of_a_record_shows_its_own_waves(record, waves):
    (ax,) = ECGDisplay.from_records(record, waves=waves, start_s=1.05, duration_s=2).axes_
    assert boxes(ax, "P") == []
    # The first complex has begun before, the second one goes on beyond.
    assert np.allclose(boxes(ax, "QRS"), [(0.0, 0.07), (1.95, 1.99), (1.96, 1.99)])
    assert boxes(ax, "T") == [pytest.approx((0.25, 0.45))]


def test_leads_may_be_given_by_name(record, waves):
    named = waves.assign(lead=np.where(waves["lead"] == 0, "I", "V1"))
    (ax,) = ECGDisplay.from_records(record, waves=named).axes_
    assert len(boxes(ax, "QRS")) == 3 and len(marks(ax, "V1", "QRS")) == 1


def test_waves_found_by_us():
    from sklearn_ecg.datasets import make_ecg_records

    records = make_ecg_records(1, labels=("Normal",), random_state=0)
    (ax,) = ECGDisplay.from_records(records, waves=True, layout="stacked").axes_
    found = delineate(records.signals[0], records.sampling_rate)
    for wave, column in (("P", "p"), ("QRS", "qrs"), ("T", "t")):
        both = found[[f"{column}_onset", f"{column}_offset"]].notna().all(axis=1)
        assert len(boxes(ax, wave)) == both.sum() > 50


def test_each_column_of_twelve_leads_shows_its_own_quarter():
    from sklearn_ecg.datasets import make_ecg_records

    records = make_ecg_records(1, labels=("Normal",), random_state=0)
    (ax,) = ECGDisplay.from_records(records, waves=True).axes_
    for lead, column in (("I", 0), ("V1", 2), ("V6", 3)):
        (peaks,) = marks(ax, lead, "QRS")
        assert (np.abs(peaks.get_xdata() - 2.5 * column - 1.25) <= 1.25).all()


def test_without_waves_nothing_is_marked(record):
    (ax,) = ECGDisplay.from_records(record).axes_
    assert not ax.patches and ax.get_legend() is None


def test_tables_that_are_no_delineation(record, waves):
    with pytest.raises(ValueError, match=r"waves lacks the columns \['t_onset'\]"):
        ECGDisplay.from_records(record, waves=waves.drop(columns="t_onset"))
    with pytest.raises(ValueError, match=r"waves holds the leads \['V9'\]; the record has"):
        ECGDisplay.from_records(record, waves=waves.assign(lead="V9"))


def test_names_do_not_cover_the_signal():
    signal = np.zeros((1, 2, 1000))
    signal[0, 0, :20] = 0.9
    records = ECGRecords(signal, 100, lead_names=["I", "V1"])
    (ax,) = ECGDisplay.from_records(records).axes_
    (free,) = (text for text in ax.texts if text.get_text() == "I")
    (flat,) = (text for text in ax.texts if text.get_text() == "V1 (flat)")
    assert free.get_position()[0] > 0.2 > flat.get_position()[0]


def test_a_spike_does_not_take_metres_of_paper(record):
    signals = record.signals.copy()
    signals[0, 1, 500] = 300
    figure = ECGDisplay.from_records(record.with_signals(signals)).figure_
    assert figure.get_size_inches()[1] < 10
