"""The scores on the QT database, against marks and detections that were made up."""

import numpy as np
import pandas as pd
import pytest
import wfdb
from hypothesis import given
from hypothesis import strategies as st

from benchmarks._qtdb import (
    count_beside_marks,
    errors_of_marks,
    qtdb_patient,
    read_marks,
    read_stretch,
    sensitivity_by_record,
    summarise,
)
from benchmarks._wave_scores import POINTS
from benchmarks.delineation_qtdb import complete

COLUMNS = [column for *_, column in POINTS]
# Three beats, one a second; samples at 250 Hz are 4 ms long.
R_PEAKS = np.array([1000, 1250, 1500])
OFFSETS = {
    **{"p_onset": -50, "p_peak": -40, "p_offset": -30, "qrs_onset": -10, "qrs_offset": 12},
    **{"t_onset": 40, "t_peak": 70, "t_offset": 95},
}


def marked(**changes):
    marks = {column: R_PEAKS + offset for column, offset in OFFSETS.items()}
    return marks | {"r_peak": R_PEAKS} | changes


def detected(*leads):
    """Return the waves of leads, each a dict of points that lie elsewhere than marked."""
    parts = []
    for lead, changes in enumerate(leads):
        points = {column: R_PEAKS + offset for column, offset in OFFSETS.items()} | changes
        points = {column: pd.Series(samples, dtype=float) for column, samples in points.items()}
        parts.append(pd.DataFrame(points).assign(lead=lead))
    return pd.concat(parts)


def errors(marks, waves, point):
    table = errors_of_marks(marks, waves)
    return table.loc[table["point"] == point, "error_ms"].tolist()


@given(st.integers(-37, 37), st.sampled_from(POINTS))
def test_a_shift_of_all_detections_is_their_error(shift, point):
    name, *_, column = point
    waves = detected({column: R_PEAKS + OFFSETS[column] + shift})
    assert errors(marked(), waves, name) == [4 * shift] * 3


def test_the_nearer_lead_counts_for_each_mark_by_itself():
    p_peaks = R_PEAKS - 40
    first, second = np.array([5, -1, 8]), np.array([-2, 9, -8])
    waves = detected({"p_peak": p_peaks + first}, {"p_peak": p_peaks + second})
    assert errors(marked(), waves, "P peak") == [-8, -4, 32]
    # The other points of these waves are none of its business.
    assert errors(marked(), waves, "P on") == [0, 0, 0]


def test_a_lead_that_has_nothing_leaves_the_mark_to_the_other():
    p_peaks = (R_PEAKS - 40).astype(float)
    blind = np.where([True, False, True], np.nan, p_peaks + 1)
    waves = detected({"p_peak": blind}, {"p_peak": np.where([False, True, True], np.nan, p_peaks)})
    found = errors(marked(), waves, "P peak")
    assert found[:2] == [0, 4] and np.isnan(found[2])


def test_detections_too_far_off_or_taken_by_another_mark_are_none():
    waves = detected({"t_peak": [R_PEAKS[0] + 70 + 38, R_PEAKS[1] + 70 + 37]})
    found = errors(marked(), waves, "T peak")
    assert found[1] == 148 and np.isnan([found[0], found[2]]).all()
    # One detection between two marks goes to one of them.
    close = marked(p_peak=np.array([1000, 1010]))
    found = errors(close, detected({"p_peak": [1004]}), "P peak")
    assert found[0] == 16 and np.isnan(found[1])


def test_nothing_found_is_nothing_found():
    waves = pd.DataFrame(columns=["lead", *COLUMNS], dtype=float)
    table = errors_of_marks(marked(), waves)
    assert len(table) == 3 * len(POINTS) and table["error_ms"].isna().all()
    assert count_beside_marks(marked(), waves) == {"P": (0, 0), "T": (0, 0)}


def test_rows_that_are_no_beats_hold_waves_too():
    """A blocked P wave has a row without R peak."""
    blocked = pd.DataFrame({"lead": [0], "beat": [-1], "p_peak": [1125.0]})
    waves = pd.concat([detected({}).assign(beat=[0, 1, 2]), blocked])
    marks = marked(p_peak=np.sort(np.r_[R_PEAKS - 40, 1126]))
    assert errors(marks, waves, "P peak") == [0, -4, 0, 0]


def test_errors_are_averaged_over_records_and_pooled_over_marks():
    few, many = [0.0, 8.0], [20.0, 20.0, 20.0, 28.0, 28.0, 28.0, np.nan, np.nan]
    table = pd.concat(
        [
            pd.DataFrame({"point": "P on", "record": "a", "error_ms": few}),
            pd.DataFrame({"point": "P on", "record": "b", "error_ms": many}),
            pd.DataFrame({"point": "P on", "record": "lost", "error_ms": [np.nan] * 2}),
        ]
    )
    scores = summarise(table).loc["P on"]
    assert scores["annotated"] == 12 and scores["sensitivity"] == pytest.approx(100 * 8 / 12)
    assert scores["mean_ms"] == (4 + 24) / 2 and scores["sd_ms"] == 4
    assert scores["pooled_mean_ms"] == np.mean([*few, *many[:6]])
    assert scores["pooled_sd_ms"] == pytest.approx(np.std([*few, *many[:6]]))
    assert sensitivity_by_record(table, "P on").to_dict() == {"a": 100, "b": 75, "lost": 0}


def test_only_waves_of_marked_beats_can_be_false():
    waves = detected(
        {"p_peak": [R_PEAKS[0] - 40, R_PEAKS[1] - 95, 3000], "t_peak": [R_PEAKS[0] + 145, 700]},
        {"p_peak": [], "t_peak": R_PEAKS + 70},
    )
    # The second P peak lies 380 ms before a beat and 220 ms before its mark; the third is nowhere.
    counts = count_beside_marks(marked(), waves)
    assert counts == {"P": (2, 1), "T": (4, 1)}
    # Where the expert marked no P wave of a beat, one that is found is false.
    assert count_beside_marks(marked(p_peak=np.empty(0, int)), waves)["P"] == (2, 2)
    # What a mark confirms counts wherever it is.
    far = marked(p_peak=np.array([3001]))
    assert count_beside_marks(far, waves)["P"] == (3, 2)


def test_marks_are_read_with_the_bounds_beside_their_peak(tmp_path):
    marks = [
        *((100, "("), (110, "p"), (120, ")"), (140, "("), (150, "V"), (160, ")")),
        *((200, "t"), (230, ")"), (250, "u"), (260, ")")),
        # A P peak without bounds, a beat that was not classified, a T wave with an onset.
        *((400, "p"), (440, "("), (450, "Q"), (460, ")"), (480, "("), (500, "t"), (530, ")")),
    ]
    samples, symbols = zip(*marks, strict=True)
    wfdb.wrann("made", "qc", np.array(samples), symbol=list(symbols), write_dir=str(tmp_path))
    read = {point: own.tolist() for point, own in read_marks(tmp_path / "made", "qc").items()}
    assert read == {
        **{"p_onset": [100], "p_peak": [110, 400], "p_offset": [120]},
        **{"qrs_onset": [140, 440], "r_peak": [150, 450], "qrs_offset": [160, 460]},
        **{"t_onset": [480], "t_peak": [200, 500], "t_offset": [230, 530]},
    }


def test_stretches_hold_all_marks_of_the_database(shared_data):
    folder = shared_data / "qtdb"
    stretch = read_stretch(folder, "sel100")
    assert stretch.patient == "mitdb 100" and len(stretch.marks["r_peak"]) == 30
    absolute = read_marks(folder / "sel100")
    signal = wfdb.rdrecord(str(folder / "sel100")).p_signal.T
    for point, own in stretch.marks.items():
        assert (own + stretch.start == absolute[point]).all()
        np.testing.assert_array_equal(stretch.signal[:, own], signal[:, absolute[point]])


@pytest.mark.parametrize(
    ("record", "patient"),
    [
        *(("sel100", "mitdb 100"), ("sel232", "mitdb 232"), ("sel30", "qtdb sel30")),
        *(("sel302", "qtdb sel302"), ("sel808", "qtdb sel808"), ("sel14046", "qtdb sel14046")),
        ("sele0104", "qtdb sele0104"),
    ],
)
def test_records_of_mitdb_are_of_its_patients(record, patient):
    assert qtdb_patient(record) == patient


def test_peers_get_marked_beats_and_their_own_elsewhere():
    found = np.array([600, 1005, 1245, 1750])
    assert complete(R_PEAKS, found).tolist() == [600, 1000, 1250, 1500, 1750]
    assert complete(R_PEAKS, np.empty(0, int)).tolist() == R_PEAKS.tolist()
