"""Runs the queue in threads for the server, with errors that a reader can act on."""

import asyncio
import errno
import sqlite3
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import sqlalchemy.exc

from sklearn_ecg.features import delineate
from sklearn_ecg.review.desk._guard import LOG
from sklearn_ecg.review.desk._refusal import Refusal
from sklearn_ecg.review.paper._waves import list_waves
from sklearn_ecg.review.queue._records import find_record

# One thread writes at a time, the others wait their turn: more would not be faster.
_N_WRITERS = 8
_N_READERS = 4
_MOST_WAVES = 256  # records
_KEPT = "Answers stay in this page until they are stored."
# Without the queue's address: readers need only the next step.
_CAUSES = {
    "locked": ("Others keep the queue locked.", "Wait a moment."),
    "full": ("The disk that the queue is on is full.", "Free some space on it."),
    "readonly": ("The queue may not be written.", "Allow writing its file and folder."),
    "server": ("The database of the queue does not answer.", "Look whether its server runs."),
    "gone": ("The queue was moved or replaced.", "Put it back, and start the desk again."),
    "damaged": ("The queue is damaged.", "Go on with an earlier copy of it."),
    "other": ("The queue cannot be read or written.", "Look at its disk and its rights."),
}


class Work:
    """Calls the queue in threads, so that readers do not wait for each other's database calls.

    Parameters
    ----------
    queue : ReviewQueue
    refit_every : int
        The cleaner is fitted again after this many answers; 0 for never.
    """

    def __init__(self, queue, refit_every):
        self.queue = queue
        self.refit_every = refit_every
        self._is_starting = False
        # Separate threads, so that reading never waits for a locked database.
        self._reading = ThreadPoolExecutor(_N_READERS, "review-reading")
        self._writing = ThreadPoolExecutor(_N_WRITERS, "review-writing")
        # Separate threads, so that questions and answers never wait for slow work.
        self._slow_thread = ThreadPoolExecutor(1, "review-slow")
        self._waves = OrderedDict()

    async def read(self, function, *args):
        """Return the result of a function of the queue; `Refusal` if the database fails."""
        return await self._in(self._reading, function, *args)

    async def write(self, function, *args):
        """Like `read`, for functions that change the queue."""
        return await self._in(self._writing, function, *args)

    async def read_slow(self, function, *args):
        """Like `read`, for slow functions."""
        return await self._in(self._slow_thread, function, *args)

    async def every(self, seconds, function):
        """Call a function again and again, even if the database fails at times."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(seconds)
            # Readers' own requests tell of it; said here, it would fill the log.
            with suppress(sqlalchemy.exc.SQLAlchemyError, OSError, ValueError):
                await loop.run_in_executor(self._writing, function)

    async def waves(self, record):
        """Return the waves of a record, as from `list_waves`."""
        return await self.read_slow(self._find_waves, record)

    def signals(self, record):
        """Return the signals of a record, as from `unpack_signals`."""
        with self.queue._database.reading() as connection:
            return find_record(connection, record)[1]

    def progress(self, reader=None):
        """Return the progress of the reading; errors are shortened, since they may name records."""
        progress = dict(self.queue.progress(reader))
        # Of a double's two readers, the second must not see whether they agree.
        progress["n_settled"] += progress.pop("n_disputed")
        last = progress["refit"]["last"]
        if last is not None and last["error"]:
            last = last | {"error": last["error"].partition(":")[0]}
        return progress | {"refit": progress["refit"] | {"last": last}}

    def refit_if_due(self, progress):
        """Start a refit if enough answers have come since the last one."""
        refit = progress["refit"]
        is_due = self.refit_every and refit["n_answers_since"] >= self.refit_every
        if is_due and not refit["running"] and not self._is_starting:
            self._is_starting = True
            # The reader must not wait for its start.
            self._writing.submit(self._refit)

    def close(self):
        for threads in (self._reading, self._writing, self._slow_thread):
            threads.shutdown(wait=True, cancel_futures=True)

    async def _in(self, threads, function, *args):
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(threads, function, *args)
        except Exception as error:
            if not is_of_database(error):
                raise
            raise unavailable(error) from error

    def _refit(self):
        try:
            self.queue.refit()
        except Exception as error:  # reading goes on without a refit
            LOG.error("The cleaner cannot be fitted again: %s", type(error).__name__)
            if not is_of_database(error):
                self.refit_every = 0  # the next refit would fail like this one
        finally:
            self._is_starting = False

    def _find_waves(self, record):
        if record in self._waves:
            self._waves.move_to_end(record)
            return self._waves[record]
        found = self.queue.record(record)
        table = delineate(found.signals[0], found.sampling_rate)
        waves = self._waves[record] = list_waves(table, found.lead_names)
        if len(self._waves) > _MOST_WAVES:
            self._waves.popitem(last=False)
        return waves


def unavailable(error):
    """Return the temporary refusal for an error of a database or a disk."""
    if isinstance(error, TimeoutError):
        cause = "locked"
    elif getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
        cause = "full"
    elif isinstance(error, PermissionError):
        cause = "readonly"
    elif isinstance(error, FileNotFoundError):
        cause = "gone"
    elif isinstance(error, ConnectionError):
        cause = "server"
    else:
        cause = "damaged" if isinstance(error, ValueError) else "other"
    said, what_to_do = _CAUSES[cause]
    LOG.error("%s %s", said, what_to_do)
    return Refusal(503, said, f"{_KEPT} {what_to_do}", headers={"Retry-After": "2"})


def is_of_database(error):
    """Whether an error comes from a database or a disk, and not from the request."""
    if isinstance(error, sqlalchemy.exc.SQLAlchemyError | OSError):
        return True
    # A damaged file, or one that is not a queue.
    return isinstance(error.__cause__, sqlalchemy.exc.SQLAlchemyError | sqlite3.Error)
