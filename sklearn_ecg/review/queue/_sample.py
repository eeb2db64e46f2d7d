"""A random sample of records, read before there is a cleaner, which trusts the answers."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import sqlalchemy as sa

from sklearn_ecg.records import ECGRecords
from sklearn_ecg.review.queue._candidates import draw_doubles
from sklearn_ecg.review.queue._schema import questions
from sklearn_ecg.utils import trusted_labels

#: Value of the column origin of these questions.
SAMPLE = "sample"


@dataclass(frozen=True)
class Unjudged:
    """Records that no cleaner has seen, with what a queue takes of a cleaner."""

    records: ECGRecords

    def __post_init__(self):
        if not isinstance(self.records, ECGRecords):
            raise TypeError(f"records must be ECGRecords; got {type(self.records).__name__}.")
        if self.records.labels is None:
            raise ValueError(
                "records have no labels, so it is not known what to ask: pass records.with_labels("
                "labels, label_names), with -1 for unknown labels."
            )

    @property
    def label_names_(self):
        return self.records.label_names

    @property
    def labels_(self):
        # Readers of a fair sample must not be told what the records' labels say.
        return np.full_like(self._weak, -1)

    @property
    def _ids(self):
        return self.records.ids

    @property
    def _weak(self):
        return self.records.labels

    @property
    def _answers(self):
        return np.full_like(self._weak, -1)

    @cached_property
    def _trusted(self):
        trusted = np.zeros(self._weak.shape, dtype=bool)
        if self.records.trusted is not None:
            trusted |= trusted_labels(self.records.trusted, self._weak.shape[1])
        return trusted


def draw_sample(unjudged, n_records, settings):
    """Return questions about all labels of random records that are not trusted already.

    Patients are drawn, with all of their records: these are no independent examples.

    Parameters
    ----------
    unjudged : Unjudged
    n_records : int
    settings : Settings

    Returns
    -------
    DataFrame
        In the form of `choose_questions`. A double is a record whose labels two readers answer.
    """
    rng = np.random.default_rng(settings.seed)
    is_open = ~unjudged._trusted
    rows = np.flatnonzero(is_open.any(axis=1))
    groups = unjudged.records.groups
    patients, patient = np.unique(rows if groups is None else groups[rows], return_inverse=True)
    drawn = rng.permutation(len(patients))[patient]
    rows = rows[np.argsort(drawn, kind="stable")][:n_records]
    if not len(rows):
        raise ValueError("All labels of the records are trusted: there is nothing to ask.")
    place, column = np.nonzero(is_open[rows])
    weak = unjudged._weak[rows[place], column]
    nothing = [[] for _ in place]
    return pd.DataFrame(
        {
            "id": unjudged._ids[rows[place]],
            "label": unjudged.label_names_[column],
            "weak": weak,
            "presumed": (weak == 1).astype(int),
            "probability": _shares(unjudged._weak)[column],
            "wrong": np.nan,
            "place": place,
            "n_needed": draw_doubles(len(rows), settings, rng)[place],
            "is_control": False,
            "origin": SAMPLE,
            # No evidence, and not the given label: they would sway the readers.
            "evidence": nothing,
            "similar": nothing,
        }
    )


def _shares(weak):
    """Return how often each label is given: the only prior before anything is known."""
    n_present, n_absent = ((weak == value).sum(axis=0) for value in (1, 0))
    return (n_present + 0.5) / (n_present + n_absent + 1)


def is_only_sample(work):
    """Whether no cleaner has asked yet."""
    return not work.scalar(sa.select(sa.exists().where(questions.c.origin == "cleaner")))
