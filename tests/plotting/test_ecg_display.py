"""ECG paper: scale, leads, layout."""

import matplotlib as mpl
import numpy as np
import pytest

from sklearn_ecg import ECGRecords
from sklearn_ecg.datasets import make_ecg_records
from sklearn_ecg.plotting import ECGDisplay

mpl.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(scope="module")
def records():
    return make_ecg_records(4, labels=("LBBB", "PVC"), random_state=0)


def lines(ax, label):
    return [line for line in ax.lines if line.get_label() == label]


def texts(ax):
    return [text.get_text() for text in ax.texts]


def test_twelve_leads_in_columns_with_a_rhythm_strip(records):
    display = ECGDisplay.from_records(records, 1)
    (ax,) = display.axes_
    assert display.figure_ is ax.figure
    # A quarter of the time for each lead, and lead II throughout once more.
    for lead, column in (("I", 0), ("aVR", 1), ("V2", 2), ("V6", 3)):
        (line,) = lines(ax, lead)
        time = line.get_xdata()
        assert len(time) == 1250
        assert time[0] == pytest.approx(2.5 * column)
        signal = records.signals[1, records.lead_names.index(lead)]
        drawn = line.get_ydata()
        np.testing.assert_allclose(
            drawn - drawn[0],
            (signal - signal[1250 * column])[1250 * column : 1250 * (column + 1)],
            atol=1e-5,
        )
    assert sorted(len(line.get_xdata()) for line in lines(ax, "II")) == [1250, 5000]
    assert len(lines(ax, "1 mV")) == 4
    for pulse in lines(ax, "1 mV"):
        assert np.ptp(pulse.get_ydata()) == 1
    assert set(records.lead_names) <= set(texts(ax))
    assert "25 mm/s   10 mm/mV" in texts(ax)
    title = ax.get_title(loc="left")
    assert title.startswith("P0000-1")
    present = records.label_names[records.labels[1] == 1]
    assert title.endswith(", ".join(present))


def test_true_scale(records):
    display = ECGDisplay.from_records(records)
    display.figure_.canvas.draw()
    (ax,) = display.axes_
    (x0, y0), (x1, y1) = ax.transData.transform([(0, 0), (1, 1)]) / display.figure_.dpi * 25.4
    assert x1 - x0 == pytest.approx(25, rel=0.01)
    assert y1 - y0 == pytest.approx(10, rel=0.01)


def test_rows_do_not_meet():
    time = np.arange(1000) / 100
    spikes = np.zeros((3, 1000))
    spikes[0, 500], spikes[1, 500], spikes[2] = -4, 3, 7.0 + np.sin(time)
    display = ECGDisplay.from_records(ECGRecords(spikes[np.newaxis], 100))
    drawn = [lines(display.axes_[0], f"lead {i}")[0].get_ydata() for i in range(3)]
    assert drawn[0].min() > drawn[1].max()
    assert (drawn[0] > drawn[1]).all() and (drawn[1] > drawn[2]).all()
    # Offsets are no finding: the third lead lies about its row.
    assert np.median(drawn[2]) == pytest.approx(0, abs=0.1)
    bottom, top = display.axes_[0].get_ylim()
    assert bottom < min(map(np.min, drawn)) and max(map(np.max, drawn)) < top


def test_stacked_part_of_a_record(records):
    display = ECGDisplay.from_records(records, "P0001-0", start_s=2, duration_s=3, layout="stacked")
    (ax,) = display.axes_
    for lead in records.lead_names:
        (line,) = lines(ax, lead)
        assert len(line.get_xdata()) == 1500
    (line,) = lines(ax, "V3")
    np.testing.assert_allclose(
        np.diff(line.get_ydata()), np.diff(records.signals[2, 8, 1000:2500]), atol=1e-5
    )


def test_a_missing_lead_is_said_to_be_missing():
    signals = np.zeros((1, 2, 1000))
    signals[0, 1] = np.nan
    records = ECGRecords(signals, 100, lead_names=["I", "V1"])
    display = ECGDisplay.from_records(records)
    assert "V1 (not recorded)" in texts(display.axes_[0])
    display.figure_.canvas.draw()


def test_given_axes(records):
    figure, ax = plt.subplots()
    display = ECGDisplay.from_records(records, ax=ax)
    assert display.axes_[0] is ax and display.figure_ is figure
    assert ax.get_aspect() == pytest.approx(0.4)
    assert len(plt.get_fignums()) == 1


def test_bad_arguments(records):
    with pytest.raises(ValueError, match="record=4 is out of range for 4 records"):
        ECGDisplay.from_records(records, 4)
    with pytest.raises(ValueError, match="no record with id 'X'; ids are such as 'P0000-0'"):
        ECGDisplay.from_records(records, "X")
    with pytest.raises(ValueError, match=r"start_s=20 .* select nothing of record P0000-0.*10 s"):
        ECGDisplay.from_records(records, start_s=20)
    with pytest.raises(ValueError, match="Invalid value for the 'layout' parameter"):
        ECGDisplay.from_records(records, layout="4x3")
    with pytest.raises(ValueError, match="records have no sampling_rate"):
        ECGDisplay.from_records(ECGRecords(records.signals))


@pytest.mark.parametrize("signal", [np.sin(np.arange(500) / 20), [[0.0, 1.0, 0.5] * 100]])
def test_one_lead_and_lists_are_drawn(signal):
    display = ECGDisplay(signal, 100).plot()
    assert any(line.get_label() == "lead 0" for line in display.axes_[0].lines)


def test_waves_that_are_no_table():
    records = make_ecg_records(1, random_state=0)
    with pytest.raises(TypeError, match=r"waves must be a DataFrame.*got str 'yes'"):
        ECGDisplay.from_records(records, waves="yes")
    with pytest.raises(TypeError, match=r"waves must be a DataFrame.*got str 'yes'"):
        ECGDisplay(records.signals[0], 500, waves="yes").plot()


def test_as_many_names_as_leads():
    with pytest.raises(ValueError, match="lead_names holds 1 names for 2 leads"):
        ECGDisplay(np.zeros((2, 500)), 100, lead_names=["I"]).plot()
