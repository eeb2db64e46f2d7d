"""How well P, QRS and T waves are delineated, judged by LUDB's annotations."""

import numpy as np
import pandas as pd

from benchmarks._matching import f1_score, match_points

SAMPLING_RATE = 500  # of LUDB
#: Name, wave and column of each point in the annotations, and its column in a delineation.
POINTS = (
    ("P on", "P", "onset", "p_onset"),
    ("P peak", "P", "peak", "p_peak"),
    ("P end", "P", "offset", "p_offset"),
    ("QRS on", "QRS", "onset", "qrs_onset"),
    ("QRS end", "QRS", "offset", "qrs_offset"),
    ("T on", "T", "onset", "t_onset"),
    ("T peak", "T", "peak", "t_peak"),
    ("T end", "T", "offset", "t_offset"),
)
# Farther apart than any record is long, so that points of different leads never match.
_LEAD_MS = 1e6


def score_delineation(annotations, waves, *, tolerance_ms=50, error_tolerance_ms=150):
    """Score the waves of any number of leads, point by point.

    Detections are matched one to one to the annotated points of the same kind in the same lead.
    Those without a match outside of the lead's annotated span don't count: nobody looked there.
    (They are matched first because the span often begins and ends with a wave's own bound.)

    Parameters
    ----------
    annotations : DataFrame
        From `load_ludb_annotations`; only its records and leads are scored, so that a subset of
        rows scores a subset of records.
    waves : DataFrame
        A row per lead and beat as from `sklearn_ecg.features.delineate`, in samples at 500 Hz,
        with the columns ``id`` and ``lead`` of the annotations.
    tolerance_ms : float, default=50
        For F1.
    error_tolerance_ms : float, default=150
        The errors of points matched within this tolerance make the mean error and its SD.

    Returns
    -------
    DataFrame
        A row per point: f1, sensitivity and precision in per cent, mean_ms and sd_ms of detected
        minus annotated time, and the numbers annotated, detected and matched.
    """
    spans = annotations.drop_duplicates(["id", "lead"])[["id", "lead", "span_start", "span_stop"]]
    spans = spans.assign(number=np.arange(len(spans)))
    annotations = annotations.merge(spans[["id", "lead", "number"]], on=["id", "lead"])
    waves = waves.merge(spans, on=["id", "lead"])
    rows = []
    for name, wave, column, detected_column in POINTS:
        expected = annotations[annotations["wave"] == wave]
        expected = _timeline_ms(expected["number"], expected[column])[0]
        samples = waves[detected_column]
        inside = samples.between(waves["span_start"], waves["span_stop"])
        found, inside = _timeline_ms(waves["number"], samples, inside)
        matched = match_points(expected, found, tolerance_ms)[:, 1]
        n_matched = len(matched)
        n_detected = n_matched + np.count_nonzero(np.delete(inside, matched))
        pairs = match_points(expected, found, error_tolerance_ms)
        errors = found[pairs[:, 1]] - expected[pairs[:, 0]]
        rows.append(
            {
                "point": name,
                "f1": 100 * f1_score(n_matched, len(expected), n_detected),
                "sensitivity": 100 * n_matched / max(len(expected), 1),
                "precision": 100 * n_matched / max(n_detected, 1),
                "mean_ms": errors.mean() if len(errors) else np.nan,
                "sd_ms": errors.std() if len(errors) else np.nan,
                "annotated": len(expected),
                "detected": n_detected,
                "matched": n_matched,
            }
        )
    return pd.DataFrame(rows).set_index("point")


def count_false_p_waves(annotations, waves):
    """Count P waves that were found in leads in which no P wave is annotated.

    Parameters
    ----------
    annotations, waves : DataFrame
        As for `score_delineation`.

    Returns
    -------
    dict
        per_beat: false P waves per annotated QRS complex of these leads; n_leads; n_beats;
        n_false; share: which part of all false P waves (no mark within 150 ms) lies in these leads.
    """
    has_p = annotations["wave"].eq("P").groupby([annotations["id"], annotations["lead"]])
    silent = annotations[~has_p.transform("any")]
    n_beats = int(silent["wave"].eq("QRS").sum())
    spans = silent.drop_duplicates(["id", "lead"])[["id", "lead", "span_start", "span_stop"]]
    found = waves.merge(spans, on=["id", "lead"])
    n_false = int(found["p_peak"].between(found["span_start"], found["span_stop"]).sum())
    scores = score_delineation(annotations, waves, tolerance_ms=150).loc["P peak"]
    n_false_anywhere = scores["detected"] - scores["matched"]
    return {
        "per_beat": n_false / max(n_beats, 1),
        "n_leads": len(spans),
        "n_beats": n_beats,
        "n_false": n_false,
        "share": float(n_false / max(n_false_anywhere, 1)),
    }


def _timeline_ms(lead_numbers, samples, *along):
    """Return the times of points of all leads in one ascending row, and what belongs to them."""
    times = (lead_numbers * _LEAD_MS + samples * (1000 / SAMPLING_RATE)).to_numpy(dtype=float)
    order = np.argsort(times)[: np.count_nonzero(~np.isnan(times))]
    return [times[order], *(values.to_numpy()[order] for values in along)]
