"""Candidates for questions: the labels of a fitted cleaner in order, with evidence."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from sklearn_ecg.cleaning._questions import check_n_questions
from sklearn_ecg.features._catalogue import catalogue
from sklearn_ecg.review.queue import _checks as checks

# Signals are also stored for more records, by this share of the questions: a refit may ask about
# these.
_SPARE_SHARE = 0.5
_MOST_SIMILAR = 2
_MOST_OF_PATIENT = 2
# Features that stand at the head of a printed ECG, in their usual order.
_HEAD = (
    "heart_rate_bpm",
    "PR_interval_ms",
    "QRS_duration_ms",
    "QT_interval_ms",
    "QTc_Bazett_ms",
    "QRS_axis_deg",
)


@dataclass(frozen=True)
class Settings:
    """Settings of a queue, as for `ReviewQueue.from_cleaner`."""

    n_questions: int | None
    double_share: float
    control_share: float
    seed: int

    @classmethod
    def checked(cls, n_questions, double_share, control_share, random_state):
        """Check arguments of `ReviewQueue.from_cleaner`, and draw the seed."""
        return cls(
            check_n_questions(n_questions),
            checks.check_share(double_share, "double_share"),
            checks.check_share(control_share, "control_share"),
            checks.draw_seed(random_state),
        )


def choose_questions(cleaner, settings):
    """Return the questions of a new queue, and all labels without a question.

    Parameters
    ----------
    cleaner : fitted label cleaner
    settings : Settings

    Returns
    -------
    asked : DataFrame
        As from ``cleaner.questions()``, with the columns place, n_needed and is_control.
    unasked : DataFrame
        As from ``cleaner.questions()``, the best first.
    """
    rng = np.random.default_rng(settings.seed)
    ranked = rank_questions(cleaner, settings.seed)
    n_questions = len(ranked) if settings.n_questions is None else settings.n_questions
    n_controls = round(settings.control_share * n_questions) if len(ranked) > n_questions else 0
    n_best = n_questions - n_controls
    best, others = ranked.iloc[:n_best], ranked.iloc[n_best:]
    is_control = np.zeros(len(others), dtype=bool)
    is_control[rng.choice(len(others), min(n_controls, len(others)), replace=False)] = True
    controls = others[is_control]
    # Controls are spread over the queue, so that some are answered if reading stops early.
    place = np.concatenate([np.arange(len(best)), rng.uniform(0, n_best, len(controls))])
    asked = pd.concat([best, controls], ignore_index=True).assign(
        place=place,
        n_needed=draw_doubles(len(best) + len(controls), settings, rng),
        is_control=np.repeat([False, True], [len(best), len(controls)]),
    )
    return asked.sort_values("place", ignore_index=True), others[~is_control]


def rank_questions(cleaner, seed):
    """Return all labels that can be asked about, the best first.

    Returns
    -------
    DataFrame
        As from ``cleaner.questions()``, with origin, and presumed: the value that is probably
        right, 1 or 0. The column wrong is NaN for labels that could not be judged.
    """
    ranked = cleaner.questions(random_state=seed)
    likely = ranked["probability"] > 0.5
    presumed = ranked["clean"].where(ranked["clean"] != -1, ranked["weak"])
    return ranked.assign(
        origin="cleaner",
        presumed=presumed.where(presumed != -1, likely).astype(int),
        wrong=ranked["wrong"].where(ranked["probability"].notna()),
    )


def draw_doubles(n_questions, settings, rng):
    """Return the number of readers that each question needs."""
    return 1 + (rng.random(n_questions) < settings.double_share).astype(int)


def evidence_of(cleaner, asked):
    """Return the evidence for and against each question, and its similar records.

    Returns
    -------
    evidence : list of list of dict
    similar : list of list of tuple
        Pairs: whether the record has the label, and its id; None for other records of the patient.
    """
    evidence, similar = [], []
    of_rows = cleaner.evidence(asked[["id", "label"]])
    rows = pd.Index(cleaner._ids).get_indexer(asked["id"])
    heads, of_patients = _heads(cleaner, rows), _of_patients(cleaner, rows)
    for found, head, of_patient in zip(of_rows, heads, of_patients, strict=True):
        alike = next((item for item in found if item["kind"] == "similar"), {})
        similar.append(
            [
                (side == "with_label", name)
                for side in ("with_label", "without_label")
                for name in alike.get(side, [])[:_MOST_SIMILAR]
            ]
            + [(None, name) for name in of_patient]
        )
        evidence.append([item for item in [*found, *head] if item["kind"] != "similar"])
    return evidence, similar


def _of_patients(cleaner, rows):
    """Yield ids of other records of each record's patient, the nearest in the table first."""
    groups = cleaner._groups
    rows_of = {} if groups is None else pd.Series(groups).groupby(groups).indices
    for row in rows:
        others = np.array([] if groups is None else rows_of.get(groups[row], []), dtype=int)
        others = others[others != row]
        nearest = np.argsort(np.abs(others - row), kind="stable")[:_MOST_OF_PATIENT]
        yield cleaner._ids[others[nearest]].tolist()


def _heads(cleaner, rows):
    """Yield what the head of a printed ECG says, as a piece of evidence for neither side."""
    units = {feature.name: feature.unit for feature in catalogue() if feature.name in _HEAD}
    columns = {str(name): column for column, name in enumerate(cleaner._feature_names())}
    for row in rows:
        values = [
            {"feature": name, "lead": "", "value": float(value), "unit": units[name]}
            for name in _HEAD
            if name in columns and np.isfinite(value := cleaner._table[row, columns[name]])
        ]
        yield [{"kind": "head", "values": values}] if values else []


def spare_ids(unasked, settings):
    """Return ids of records about which a refit may ask."""
    n_spare = int(_SPARE_SHARE * (settings.n_questions or 0))
    return pd.unique(unasked["id"].iloc[:n_spare])
