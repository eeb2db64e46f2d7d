"""ECG paper as cardiologists print it: speeds, gains, rows, columns, Cabrera's order."""

import itertools

import matplotlib as mpl
import numpy as np
import pytest

from sklearn_ecg import ECGRecords
from sklearn_ecg.datasets import make_ecg_records
from sklearn_ecg.features import delineate
from sklearn_ecg.plotting import ECGDisplay

mpl.use("Agg")
pytest.importorskip("matplotlib.pyplot")

STANDARD = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
CABRERA = ("aVL", "I", "-aVR", "II", "aVF", "III", *STANDARD[6:])
COLUMNS = {"12x1": 1, "6x2": 2, "3x4": 4}


@pytest.fixture(scope="module")
def records():
    return make_ecg_records(2, sampling_rate=250, random_state=0)


def draw(records, **parameters):
    (ax,) = ECGDisplay.from_records(records, **parameters).axes_
    return ax


def baselines(ax):
    """The height of each row's zero, from the top: where the pulses stand."""
    return sorted(line.get_ydata()[0] for line in ax.lines if line.get_label() == "1 mV")[::-1]


def names(ax):
    """Rows of the names of leads with the times at which they begin."""
    rows = [[] for _ in baselines(ax)]
    for text in ax.texts:
        if text.get_fontweight() == "bold":
            x, y = text.get_position()
            rows[int(np.argmin(np.abs(np.array(baselines(ax)) - y + 0.5)))].append((x, text))
    return [[text.get_text() for _, text in sorted(row, key=lambda pair: pair[0])] for row in rows]


def lines(ax, label):
    return [line for line in ax.lines if line.get_label() == label]


def mm_per_unit(figure, ax):
    ax.apply_aspect()  # which drawing would do
    corners = ax.transData.transform([(0, 0), (1, 1)]) / figure.dpi * 25.4
    return corners[1] - corners[0]


@pytest.mark.parametrize("layout", ["12x1", "3x4"])
@pytest.mark.parametrize(("speed", "gain"), list(itertools.product((25, 50), (5, 10, 20))))
def test_true_scale_and_what_says_so(records, layout, speed, gain):
    display = ECGDisplay.from_records(records, layout=layout, speed=speed, gain=gain)
    (ax,) = display.axes_
    across, up = mm_per_unit(display.figure_, ax)
    assert across == pytest.approx(speed, rel=1e-3)
    assert up == pytest.approx(gain, rel=1e-3)
    assert f"{speed} mm/s   {gain} mm/mV" in [text.get_text() for text in ax.texts]
    for pulse in lines(ax, "1 mV"):
        time, height = pulse.get_data()
        assert np.ptp(height) == pytest.approx(1)
        assert np.ptp(time[height > height.min() + 0.5]) == pytest.approx(0.2)
        assert ax.get_xlim()[0] < time[0] and time[-1] < 0
    # Thin lines lie a millimetre apart.
    vertical = ax.collections[0].get_segments()
    apart = np.diff([segment[0][0] for segment in vertical])
    np.testing.assert_allclose(apart * speed, 1, rtol=1e-6)
    bottom, top = ax.get_ylim()
    for line in ax.lines:
        assert bottom < line.get_ydata().min() and line.get_ydata().max() < top


def test_a_saved_figure_has_its_millimetres(records, tmp_path):
    display = ECGDisplay.from_records(records, speed=50, gain=5)
    display.figure_.savefig(tmp_path / "record.png", dpi=254)  # ten dots a millimetre
    height, width = mpl.image.imread(tmp_path / "record.png").shape[:2]
    left, right = display.axes_[0].get_xlim()
    bottom, top = display.axes_[0].get_ylim()
    assert width == pytest.approx((right - left) * 500, abs=2)
    assert height == pytest.approx((top - bottom) * 50 + 80, abs=2)


@pytest.mark.parametrize("cabrera", [False, True])
@pytest.mark.parametrize("layout", ["12x1", "6x2", "3x4"])
@pytest.mark.parametrize("rhythm_strip", [True, False, "V1"])
def test_leads_stand_in_their_places_in_any_order(records, layout, cabrera, rhythm_strip):
    shuffled = records.select_leads(np.random.RandomState(0).permutation(STANDARD).tolist())
    ax = draw(shuffled, layout=layout, cabrera=cabrera, rhythm_strip=rhythm_strip)
    n_columns = COLUMNS[layout]
    order, n_rows = CABRERA if cabrera else STANDARD, 12 // n_columns
    expected = [list(order[row::n_rows]) for row in range(n_rows)]
    strip = {True: "II" if n_columns > 1 else None}.get(rhythm_strip, rhythm_strip)
    if strip:
        expected.append([strip])
    assert names(ax) == expected
    slot_s = 10 / n_columns
    for place, lead in enumerate(order):
        start_s = slot_s * (place // n_rows)
        drawn = [line for line in lines(ax, lead) if len(line.get_xdata()) == 250 * slot_s]
        time, height = drawn[0].get_data()
        assert time[0] == pytest.approx(start_s)
        assert time[-1] == pytest.approx(start_s + slot_s - 1 / 250)
        signal = records.signals[0][STANDARD.index(lead.removeprefix("-"))].astype(float)
        signal = -signal if lead == "-aVR" else signal
        part = signal[round(start_s * 250) :][: len(time)]
        np.testing.assert_allclose(height - height[0], part - part[0], atol=1e-5)
    said = [text.get_text() for text in ax.texts if "of each lead" in text.get_text()]
    assert said == ([f"{slot_s:g} s of each lead, columns in sequence"] if n_columns > 1 else [])


@pytest.mark.parametrize("layout", ["12x1", "6x2", "3x4"])
def test_places_of_missing_leads_stay_blank(records, layout):
    few = records.select_leads(["V5", "aVF", "I"])
    ax = draw(few, layout=layout)
    n_columns = COLUMNS[layout]
    assert len(baselines(ax)) == 12 // n_columns  # without a strip: there is no lead II
    assert sorted(itertools.chain(*names(ax))) == ["I", "V5", "aVF"]
    (line,) = lines(ax, "V5")
    column = STANDARD.index("V5") // (12 // n_columns)
    assert line.get_xdata()[0] == pytest.approx(10 / n_columns * column)
    assert not lines(ax, "II") and not lines(ax, "V4")


def test_further_leads_have_no_place_but_in_a_stack(records):
    names_13 = [*STANDARD, "V7"]
    signals = np.concatenate([records.signals, records.signals[:, :1]], axis=1)
    more = ECGRecords(signals, 250, lead_names=names_13)
    assert not lines(draw(more, layout="3x4"), "V7")
    assert names(draw(more)) == [[name] for name in names_13]
    only = ECGRecords(records.signals[:, :2], 250, lead_names=["MLII", "V9"])
    assert names(draw(only)) == [["MLII"], ["V9"]]
    with pytest.raises(
        ValueError, match=r"layout='6x2' is for the twelve .* MLII, V9. Use layout='stack"
    ):
        draw(only, layout="6x2")


def test_names_in_any_case_and_inverted_leads(records):
    upper = ECGRecords(records.signals, 250, lead_names=[name.upper() for name in STANDARD])
    assert names(draw(upper))[0] == ["I", "aVR", "V1", "V4"]
    inverted = records.signals.copy()
    inverted[:, 3] *= -1
    ready = ECGRecords(inverted, 250, lead_names=["-aVR" if n == "aVR" else n for n in STANDARD])
    expected = lines(draw(records, cabrera=True, layout="12x1"), "-aVR")[0].get_ydata()
    found = lines(draw(ready, cabrera=True, layout="12x1"), "-aVR")[0].get_ydata()
    np.testing.assert_allclose(np.diff(found), np.diff(expected), atol=1e-6)
    upright = lines(draw(ready, layout="12x1"), "aVR")[0].get_ydata()
    np.testing.assert_allclose(np.diff(upright), -np.diff(found), atol=1e-6)


def test_a_stack_in_cabreras_order(records):
    few = records.select_leads(["V2", "aVR", "II", "I"])
    assert names(draw(few, layout="stacked")) == [["V2"], ["aVR"], ["II"], ["I"]]
    ax = draw(few, layout="stacked", cabrera=True, rhythm_strip="V2")
    assert names(ax) == [["I"], ["-aVR"], ["II"], ["V2"], ["V2"]]


@pytest.mark.parametrize("seconds", [1.2, 4.0, 8.0])
def test_short_records_leave_the_rest_of_the_paper_blank(records, seconds):
    n_times = round(seconds * 250)
    short = ECGRecords(records.signals[:, :, :n_times], 250, lead_names=STANDARD)
    for layout in ("stacked", "12x1", "6x2", "3x4"):
        ax = draw(short, layout=layout)
        assert ax.get_xlim()[1] > 10
        for line in ax.lines:
            time, height = line.get_data()
            assert not np.isfinite(height[time >= seconds]).any()
        assert np.isfinite(lines(ax, "I")[0].get_ydata()).sum() == min(
            n_times, 2500 // COLUMNS.get(layout, 1)
        )
    # A column that shows next to nothing of V4 to V6 is no help.
    assert names(draw(short)) == [[name] for name in STANDARD]
    said = [text.get_text() for text in draw(short, layout="3x4").texts]
    assert ("V4 (not recorded at this time)" in said) == (seconds < 7.5)


def test_a_little_less_than_ten_seconds_is_no_short_record(records):
    nearly = ECGRecords(records.signals[:, :, :2450], 250, lead_names=STANDARD)
    assert names(draw(nearly))[0] == ["I", "aVR", "V1", "V4"]
    longer = ECGRecords(np.tile(records.signals, 3), 250, lead_names=STANDARD)
    ax = draw(longer, duration_s=30, layout="3x4")
    assert lines(ax, "V1")[0].get_xdata()[0] == pytest.approx(15)
    assert "7.5 s of each lead, columns in sequence" in [text.get_text() for text in ax.texts]
    assert draw(longer, duration_s=1e9, layout="12x1").get_xlim()[1] == pytest.approx(30.2)


# In two or four columns one more row shows the rhythm.
@pytest.mark.parametrize(
    ("layout", "n_rows"), [("stacked", 12), ("12x1", 12), ("6x2", 7), ("3x4", 4)]
)
@pytest.mark.parametrize("n_times", [1, 3, 13])
def test_hardly_any_samples_are_drawn_once_in_each_row(layout, n_rows, n_times):
    waves = delineate(np.zeros((12, 500)), 250)
    display = ECGDisplay(np.ones((12, n_times)), 250, lead_names=STANDARD, waves=waves)
    display.plot(layout=layout).figure_.canvas.draw()
    (ax,) = display.axes_
    drawn = [line.get_xdata() for line in ax.lines if line.get_label() in STANDARD]
    assert sum(map(len, drawn)) == n_rows * n_times


@pytest.mark.parametrize(
    ("layout", "speed", "gain"), [("12x1", 25, 20), ("6x2", 50, 5), ("3x4", 25, 10)]
)
def test_waves_are_marked_where_they_are_drawn(records, layout, speed, gain):
    waves = delineate(records.signals[0], 250)
    ax = draw(records, layout=layout, cabrera=True, speed=speed, gain=gain, waves=waves)
    n_columns = COLUMNS[layout]
    # -aVR shows the waves of aVR on the inverted line.
    own = waves[waves["lead"] == 3]
    end_s = 10 / n_columns
    expected = own["t_peak"].dropna() / 250
    expected = expected[expected < end_s - 1 / 250]
    (marks,) = lines(ax, "aVR T")
    np.testing.assert_allclose(marks.get_xdata(), expected)
    (line,) = lines(ax, "-aVR")
    on_line = np.interp(marks.get_xdata(), *line.get_data())
    np.testing.assert_allclose(marks.get_ydata(), on_line)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"layout": "2x6"}, "'layout' parameter.*'auto', 'stacked', '12x1', '6x2' and '3x4'"),
        ({"layout": None}, "'layout' parameter.*but got None"),
        ({"speed": 20}, "'speed' parameter. Allowed values are 25 and 50, but got 20"),
        ({"speed": "25"}, "'speed' parameter.*but got '25'"),
        ({"gain": 0}, "'gain' parameter. Allowed values are 5, 10 and 20, but got 0"),
        ({"rhythm_strip": "V9"}, "rhythm_strip must be True, False or one of.*got 'V9'"),
        ({"rhythm_strip": 2}, "rhythm_strip must be True, False or one of.*got 2"),
    ],
)
def test_bad_arguments(records, parameters, message):
    with pytest.raises(ValueError, match=message):
        draw(records, **parameters)
