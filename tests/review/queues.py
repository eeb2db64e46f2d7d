"""Queues for tests: of noise with much to ask about, and of ECGs for pages to draw."""

import functools
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sklearn_ecg import AFPLabelCleaner, ECGRecords
from sklearn_ecg.datasets import make_ecg_records
from sklearn_ecg.review import ReviewQueue
from sklearn_ecg.review.queue import _schema
from sklearn_ecg.review.queue._database import Database

LABELS = ["SR", "AF", "LBBB"]
N_RECORDS, N_TRUSTED = 90, 45
#: A database of PostgreSQL that tests may empty.
POSTGRESQL = os.environ.get("SKLEARN_ECG_POSTGRESQL")
#: Parameters of tests of both kinds of databases.
DATABASES = [
    "sqlite",
    pytest.param(
        "postgresql",
        marks=pytest.mark.skipif(
            POSTGRESQL is None,
            reason="SKLEARN_ECG_POSTGRESQL names no database that tests may empty",
        ),
    ),
]
N_ECG_QUESTIONS = 20


@functools.cache
def cleaner_and_records():
    """Return a fitted cleaner, and the records with their signals."""
    rng = np.random.default_rng(0)
    ids = [f"r{number:02d}" for number in range(N_RECORDS)]
    has_af, has_lbbb = rng.integers(0, 2, (2, N_RECORDS))
    truth = np.column_stack([1 - has_af, has_af, has_lbbb])
    features = pd.DataFrame(
        {
            "P_per_QRS": 1 - has_af + rng.normal(0, 0.4, N_RECORDS),
            "QRS_duration_ms": 90 + 50 * has_lbbb + rng.normal(0, 20, N_RECORDS),
        },
        index=ids,
    )
    trusted = np.arange(N_RECORDS) < N_TRUSTED
    wrong = (rng.random(truth.shape) < 0.2) & ~trusted[:, np.newaxis]
    weak = pd.DataFrame(np.where(wrong, 1 - truth, truth), ids, LABELS)
    cleaner = AFPLabelCleaner(max_iter=1, random_state=0).fit(features, weak, trusted=trusted)
    records = ECGRecords(
        np.round(rng.normal(0, 0.5, (N_RECORDS, 2, 250)), 3),
        100,
        lead_names=["I", "II"],
        ids=ids,
        labels=weak,
        metadata=pd.DataFrame({"age_years": np.arange(N_RECORDS) * 1.0, "sex": "male"}, ids),
    )
    return cleaner, records


def new_queue(url, **options):
    """Return a queue of the cleaner, by default of all that it could ask, each answered once."""
    defaults = {"n_questions": None, "double_share": 0, "control_share": 0, "random_state": 0}
    return ReviewQueue.from_cleaner(*cleaner_and_records(), url, **(defaults | options))


@functools.cache
def _made_once(**options):
    path = Path(tempfile.mkdtemp()) / "queue.sqlite"
    new_queue(path, **options).close()
    return path


def queue_at(path, **options):
    """Return what `new_queue` does, copied from one that was made before."""
    shutil.copy(_made_once(**options), path)
    return ReviewQueue(path)


def empty_postgresql():
    """Remove what a test before has left; return the URL."""
    database = Database(POSTGRESQL)
    with database.writing() as work:
        _schema._metadata.drop_all(work)
    database.close()
    return POSTGRESQL


@functools.cache
def _ecgs_made_once(double_share):
    rng = np.random.default_rng(0)
    n_records, n_trusted, names = 60, 50, ["AF", "LBBB"]
    records = make_ecg_records(
        n_records, labels=("Normal", "AF"), leads=("I", "II", "V1"), sampling_rate=100,
        random_state=0,
    )  # fmt: skip
    about = {"age_years": np.arange(20.0, 20 + n_records), "sex": "female"}
    records = records.with_metadata(pd.DataFrame(about, index=records.ids))
    labels = rng.integers(0, 2, size=(n_records, len(names)))
    features = pd.DataFrame(rng.normal(labels, 0.5), index=records.ids)
    trusted = np.arange(n_records) < n_trusted
    cleaner = AFPLabelCleaner(max_iter=1, random_state=0)
    cleaner.fit(features, pd.DataFrame(labels, records.ids, names), trusted=trusted)
    path = Path(tempfile.mkdtemp()) / "queue.sqlite"
    ReviewQueue.from_cleaner(
        cleaner, records, path, n_questions=None, double_share=double_share, control_share=0,
        random_state=0,
    ).close()  # fmt: skip
    return path


def ecg_queue_at(path, double_share=0):
    """Return a queue of `N_ECG_QUESTIONS` about ECGs, by default each answered once."""
    shutil.copy(_ecgs_made_once(double_share), path)
    return ReviewQueue(path)


def asked(queue, reader, n=1, **options):
    """Return the numbers of the next questions."""
    return [question["question"] for question in queue.next_questions(reader, n, **options)]


def state(queue, question, answers):
    """Give answers, by reader, and return the state of the question."""
    for reader, answer in answers.items():
        found = queue.answer(question, reader, answer)["state"]
    return found
