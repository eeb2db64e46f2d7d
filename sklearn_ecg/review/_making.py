"""Questions from a fitted label cleaner: choice, order and evidence."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from sklearn_ecg.cleaning._base import BaseLabelCleaner
from sklearn_ecg.records import CleanedRecords, ECGRecords
from sklearn_ecg.review._stored_signals import pack_signals
from sklearn_ecg.utils import comparable_ids

# Signals are also stored for more records, by this share of the questions: a refit may ask about
# these.
_SPARE_SHARE = 0.5
_MOST_SIMILAR = 2
# Samples of a record with all leads: five minutes of twelve leads at 1000 Hz. A page cannot draw
# more.
_MOST_SAMPLES = 3_600_000


@dataclass(frozen=True)
class Settings:
    """Settings of a queue, from `ReviewQueue.from_cleaner`."""

    n_questions: int | None
    double_share: float
    control_share: float
    seed: int


def check_cleaner(cleaner):
    """Raise unless this is a fitted label cleaner."""
    if not isinstance(cleaner, BaseLabelCleaner):
        raise TypeError(
            "cleaner must be a fitted label cleaner, such as AFPLabelCleaner; got "
            f"{type(cleaner).__name__}."
        )
    check_is_fitted(cleaner)


def find_rows(cleaner, records):
    """Return the row in `records` of each record of a cleaner.

    Parameters
    ----------
    cleaner : fitted label cleaner
    records : ECGRecords

    Returns
    -------
    ndarray of int of shape (n_records,)
    """
    if not isinstance(records, ECGRecords):
        raise TypeError(
            "records must be the ECGRecords on which the cleaner was fitted, with their signals; "
            f"got {type(records).__name__}."
        )
    if isinstance(records, CleanedRecords) and records.is_table:
        raise ValueError(
            "records hold a table of features without signals to show: pass "
            "the ECGRecords from which the features were measured, with the same ids."
        )
    if records.sampling_rate is None:
        raise ValueError(
            "records have no sampling_rate, so they cannot be drawn to scale. Set it by "
            "records.with_signals(records.signals, sampling_rate=500)."
        )
    named, known = comparable_ids(cleaner._ids, records.ids)
    rows = known.get_indexer(named)
    if (rows == -1).any():
        missing = cleaner._ids[rows == -1]
        raise ValueError(
            f"records lack {len(missing)} of the {len(rows)} records of the cleaner's fit: "
            f"{', '.join(map(str, missing[:5]))}{', ...' * (len(missing) > 5)}. Pass the "
            "records of fit. A cleaner fitted on a table knows records by its index: use their "
            "ids there."
        )
    return rows


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
    rest : DataFrame
        As from ``cleaner.questions()``, the best first.
    """
    rng = np.random.default_rng(settings.seed)
    ranked = rank_questions(cleaner, settings.seed)
    n_questions = len(ranked) if settings.n_questions is None else settings.n_questions
    n_controls = round(settings.control_share * n_questions) if len(ranked) > n_questions else 0
    n_best = n_questions - n_controls
    best, rest = ranked.iloc[:n_best], ranked.iloc[n_best:]
    is_control = np.zeros(len(rest), dtype=bool)
    is_control[rng.choice(len(rest), min(n_controls, len(rest)), replace=False)] = True
    controls = rest[is_control]
    # Controls are spread over the queue, so that some are answered if reading stops early.
    place = np.concatenate([np.arange(len(best)), rng.uniform(0, n_best, len(controls))])
    asked = pd.concat([best, controls], ignore_index=True).assign(
        place=place,
        n_needed=draw_doubles(len(best) + len(controls), settings, rng),
        is_control=np.repeat([False, True], [len(best), len(controls)]),
    )
    return asked.sort_values("place", ignore_index=True), rest[~is_control]


def rank_questions(cleaner, seed):
    """Return all labels that can be asked about, the best first.

    Returns
    -------
    DataFrame
        As from ``cleaner.questions()``, with the column held: the value that the cleaner thinks
        right. The column wrong is NaN for labels that could not be judged.
    """
    ranked = cleaner.questions(random_state=seed)
    likely = ranked["probability"] > 0.5
    held = ranked["clean"].where(ranked["clean"] != -1, ranked["weak"])
    return ranked.assign(
        held=held.where(held != -1, likely).astype(int),
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
        Pairs: whether the record has the label, and its id.
    """
    evidence, similar = [], []
    for found in cleaner.evidence(asked[["id", "label"]]):
        alike = next((item for item in found if item["kind"] == "similar"), {})
        similar.append(
            [
                (side == "with_label", name)
                for side in ("with_label", "without_label")
                for name in alike.get(side, [])[:_MOST_SIMILAR]
            ]
        )
        evidence.append([plain(item) for item in found if item["kind"] != "similar"])
    return evidence, similar


def plain(value):
    """Return a value for JSON: None for NaN and infinity."""
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def spare_ids(rest, settings):
    """Return ids of records about which a refit may ask."""
    n_spare = int(_SPARE_SHARE * (settings.n_questions or 0))
    return pd.unique(rest["id"].iloc[:n_spare])


def why_not_shown(signal):
    """Return why a signal cannot be shown, or None.

    Parameters
    ----------
    signal : ndarray

    Returns
    -------
    str or None
    """
    if signal.ndim != 2:
        return f"its signal has the shape {signal.shape}, not (n_leads, n_times)"
    if signal.size > _MOST_SAMPLES:
        return (
            f"it holds {signal.size / 1e6:.3g} million samples, more than a page can draw "
            f"({_MOST_SAMPLES / 1e6:g} million); ask about windows of it"
        )
    return None if np.isfinite(signal).any() else "it holds no finite sample"


def record_row(ecgs, row, name, signal):
    """Return a record in the form of the tables.

    Parameters
    ----------
    ecgs : ECGRecords
    row : int
    name : int or str
        Id of the record in the cleaner.
    signal : ndarray of shape (n_leads, n_times)

    Returns
    -------
    row : dict
    content : bytes
    """
    content, step_mv = pack_signals(signal)
    leads = ecgs.lead_names
    if leads is None:
        leads = [f"lead {number + 1}" for number in range(len(signal))]
    patient = {} if ecgs.metadata is None else ecgs.metadata.iloc[row].to_dict()
    about = {
        "leads": [str(lead) for lead in leads],
        "sampling_rate": float(ecgs.sampling_rate),
        "n_times": signal.shape[1],
        "step_mv": step_mv,
        "age_years": _age(patient.get("age_years")),
        "sex": _text(patient.get("sex")),
    }
    return stored_id(name) | about, content


def stored_id(name):
    """Return a record's id as text, and its former type."""
    if isinstance(name, str):
        return {"id": str(name), "id_kind": "str"}
    if isinstance(name, int | np.integer):
        return {"id": str(int(name)), "id_kind": "int"}
    raise TypeError(
        f"ids of records must be text or whole numbers to be stored in a database; got {name!r}. "
        "Change the ids, and fit the cleaner again."
    )


def given_id(text, kind):
    """Return an id in the cleaner's type."""
    return int(text) if kind == "int" else text


def save_cleaner(cleaner, asked):
    """Return a cleaner as bytes, with only the parts that `with_answers` needs.

    The queue's answers are removed, since readers may take them back.

    Parameters
    ----------
    cleaner : fitted label cleaner
    asked : DataFrame
        Columns id and label, of the questions of the queue.

    Returns
    -------
    bytes, or None if a file cannot hold it, or loading it would run untrusted code
    """
    kept = cleaner._of_same_input()
    kept._answers = cleaner._answers.copy()
    rows = pd.Index(cleaner._ids).get_indexer(asked["id"])
    columns = pd.Index(cleaner.label_names_).get_indexer(asked["label"])
    kept._answers[rows, columns] = -1
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cleaner.skops"
        try:
            kept.save(path)
            BaseLabelCleaner.load(path)
        except (TypeError, ValueError):
            return None
        return path.read_bytes()


def load_cleaner(content):
    """Return a cleaner of `save_cleaner`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cleaner.skops"
        path.write_bytes(content)
        return BaseLabelCleaner.load(path)


def _age(value):
    value = pd.to_numeric(value, errors="coerce")
    return float(value) if np.isfinite(value) else None


def _text(value):
    return None if value is None or pd.isna(value) else str(value)
