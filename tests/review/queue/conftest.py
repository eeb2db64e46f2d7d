"""Queues of the same questions, in SQLite and in PostgreSQL, and a clock."""

import pytest

from sklearn_ecg.review.queue import _queue as queue_module
from tests.review.queues import (
    DATABASES,
    empty_postgresql,
    new_queue,
    queue_at,
)


@pytest.fixture(params=DATABASES)
def make(request, tmp_path):
    """Make queues of the same questions, one after the other."""
    made = []

    def make(**options):
        if request.param == "sqlite":
            queue = queue_at(tmp_path / f"queue_{len(made)}.sqlite", **options)
        else:
            queue = new_queue(empty_postgresql(), **options)
        made.append(queue)
        return queue

    yield make
    for queue in made:
        queue.close()


@pytest.fixture
def queue(make):
    return make()


@pytest.fixture
def doubles(make):
    return make(double_share=1)


@pytest.fixture
def clock(monkeypatch):
    """Let time pass when it is told to."""
    now = [1e9]
    monkeypatch.setattr(queue_module.time, "time", lambda: now[0])
    return now
