"""The scores of R peaks and waves, against cases counted by hand and an optimal assignment."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from benchmarks._beat_scores import match_beats, read_beats, score_r_peaks
from benchmarks._matching import match_points
from benchmarks._wave_scores import POINTS, count_false_p_waves, score_delineation


def test_no_detection_counts_twice():
    # 100 and 104 both lie within reach of the one detection; the closer one takes it.
    assert match_points([100, 104, 300], [103, 500], 10).tolist() == [[1, 0]]
    # The second beat loses its closest detection to the first, and takes another.
    assert match_points([10, 12], [11, 14], 5).tolist() == [[0, 0], [1, 1]]


def test_tolerance_is_inclusive():
    assert len(match_points([0.0], [50.0], 50)) == 1
    assert len(match_points([0.0], [50.1], 50)) == 0


@pytest.mark.parametrize(("annotated", "detected"), [([], []), ([1.0], []), ([], [1.0])])
def test_nothing_to_match(annotated, detected):
    assert match_points(annotated, detected, 50).shape == (0, 2)


times = st.lists(st.integers(0, 2000), max_size=30, unique=True).map(sorted)


@given(times, times)
def test_matches_are_one_to_one_within_reach_and_leave_no_pair(annotated, detected):
    pairs = match_points(annotated, detected, 50)
    assert len(np.unique(pairs[:, 0])) == len(np.unique(pairs[:, 1])) == len(pairs)
    a, d = np.array(annotated), np.array(detected)
    assert (np.abs(a[pairs[:, 0]] - d[pairs[:, 1]]) <= 50).all()
    free_a, free_d = np.delete(a, pairs[:, 0]), np.delete(d, pairs[:, 1])
    assert not (np.abs(free_a[:, None] - free_d) <= 50).any()


@given(st.lists(st.integers(-60, 60), min_size=1, max_size=20))
def test_well_separated_points_are_matched_as_an_optimal_assignment_does(errors):
    annotated = 1000 * np.arange(len(errors))
    detected = annotated + np.array(errors)
    reachable = np.abs(annotated[:, None] - detected) <= 50
    rows, columns = linear_sum_assignment(reachable, maximize=True)
    assert len(match_points(annotated, detected, 50)) == reachable[rows, columns].sum()


def test_detections_in_flutter_do_not_count():
    beats, flutter = np.array([1000, 5000]), np.array([[2000, 4000]])
    counts, errors = match_beats(beats, flutter, [1018, 2000, 3000, 4000, 4500], 50)
    assert counts == (1, 2, 2)
    assert errors.tolist() == [50.0]


def test_mitdb_has_as_many_beats_as_its_directory_says(shared_data):
    """The database's directory lists 109,494 beats; 207 has six episodes of flutter."""
    folder = shared_data / "mitdb"
    records = sorted(path.stem for path in folder.glob("*.hea"))
    assert sum(len(read_beats(folder, record)[0]) for record in records) == 109_494
    beats, flutter = read_beats(folder, "207")
    assert len(flutter) == 6 and (flutter[:, 0] < flutter[:, 1]).all()
    scores = score_r_peaks(folder, {"207": beats[:-100]})
    assert scores[50]["missed"] == 100 and scores[50]["false"] == 0


def annotation(wave, onset, peak, offset, lead="I", span=(1000, 3000)):
    return (1, lead, wave, onset, peak, offset, *span)


@pytest.fixture
def annotations():
    columns = ["id", "lead", "wave", "onset", "peak", "offset", "span_start", "span_stop"]
    rows = [
        annotation("QRS", 1000, 1020, 1050),
        annotation("T", 1200, 1250, 1300),
        annotation("P", 1900, 1925, 1950),
        annotation("QRS", 2000, 2020, 2050),
        annotation("T", 2200, 2250, 2300),
        annotation("QRS", 1000, 1020, 1050, lead="V1"),
        annotation("QRS", 2000, 2020, 2050, lead="V1"),
    ]
    return pd.DataFrame(rows, columns=columns)


def as_waves(rows):
    columns = [column for *_, column in POINTS]
    return pd.DataFrame(rows, columns=["id", "lead", *columns])


def test_scores_counted_by_hand(annotations):
    nan = np.nan
    waves = as_waves(
        [
            # The P wave lies before the span, the QRS onset too but belongs to one inside it.
            (1, "I", 900, 925, 950, 990, 1050, 1200, 1250, 1300),
            # P on 20 ms late, P end 60 ms late, T peak 40 ms early, no T end.
            (1, "I", 1910, 1925, 1980, 2000, 2050, 2200, 2230, nan),
            # A beat that is none.
            (1, "I", nan, nan, nan, 2500, 2550, nan, nan, nan),
            (1, "V1", nan, nan, nan, 1000, nan, nan, nan, nan),
            # Another record is none of these annotations' business.
            (2, "I", 1900, 1925, 1950, 2000, 2050, 2200, 2250, 2300),
        ]
    )
    scores = score_delineation(annotations, waves)
    assert scores["annotated"].tolist() == [1, 1, 1, 4, 4, 2, 2, 2]
    assert scores["detected"].tolist() == [1, 1, 1, 4, 3, 2, 2, 1]
    assert scores["matched"].tolist() == [1, 1, 0, 3, 2, 2, 2, 1]
    assert scores.loc["QRS on", "f1"] == pytest.approx(100 * 6 / 8)
    assert scores.loc["P on", "mean_ms"] == 20
    assert scores.loc["P end", "mean_ms"] == 60
    assert scores.loc["T peak", ["mean_ms", "sd_ms"]].tolist() == [-20, 20]


def test_leads_never_match_each_other(annotations):
    rows = [(1, "V1", *(np.nan,) * 5, 1200, 1250, 1300)]
    scores = score_delineation(annotations, as_waves(rows))
    assert scores.loc["T peak", ["matched", "detected"]].tolist() == [0, 1]


def test_marks_score_100_against_themselves(annotations):
    own = annotations.pivot_table(
        index=["id", "lead", annotations.groupby(["id", "lead", "wave"]).cumcount()],
        columns="wave",
        values=["onset", "peak", "offset"],
    )
    waves = pd.DataFrame({column: own[name, wave] for _, wave, name, column in POINTS})
    scores = score_delineation(annotations, waves.reset_index())
    assert (scores["f1"] == 100).all() and (scores["sd_ms"] == 0).all()


def test_false_p_waves_are_counted_where_none_is_marked(annotations):
    waves = as_waves(
        [
            (1, "V1", 1500, 1520, 1540, *(np.nan,) * 5),
            (1, "V1", 900, 920, 940, *(np.nan,) * 5),
            (1, "I", 1600, 1620, 1640, *(np.nan,) * 5),
            (1, "I", 1900, 1925, 1950, *(np.nan,) * 5),
        ]
    )
    false_p = count_false_p_waves(annotations, waves)
    assert false_p == {"per_beat": 0.5, "n_leads": 1, "n_beats": 2, "n_false": 1, "share": 0.5}


def test_ludb_marks_288_leads_without_p(shared_data):
    from sklearn_ecg.datasets import load_ludb_annotations

    annotations = load_ludb_annotations(shared_data / "ludb")
    assert count_false_p_waves(annotations, as_waves([]))["n_leads"] == 288
