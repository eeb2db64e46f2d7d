"""The queue as the server uses it: beside the event loop, with errors that a reader can mend."""

import asyncio
import errno
import logging
import sqlite3
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

import sqlalchemy.exc

from sklearn_ecg.review._refusal import Refusal

LOG = logging.getLogger("sklearn_ecg.review")
# A database has one writer at a time; more threads than these would only wait for each other.
_N_WRITERS = 8
_N_READERS = 4
_MOST_WAVES = 256  # records
_KEPT = "Answers stay in this page until they are stored."
# The queue says which file or server; who reads needs what to do alone.
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
    """Calls the queue in threads, so that no reader waits for the database of another.

    Parameters
    ----------
    queue : ReviewQueue
    refit_every : int
        After so many answers the cleaner is fitted again; 0 for never.
    """

    def __init__(self, queue, refit_every):
        self.queue = queue
        self.refit_every = refit_every
        self._is_starting = False
        # Those who only look never wait for a database that others keep locked.
        self._reading = ThreadPoolExecutor(_N_READERS, "review-reading")
        self._writing = ThreadPoolExecutor(_N_WRITERS, "review-writing")
        # Of its own, so that questions and answers never wait for what takes long.
        self._slow_thread = ThreadPoolExecutor(1, "review-slow")
        self._waves = OrderedDict()

    async def read(self, function, *args):
        """Return what a function of the queue returns; `Refusal` where the database fails."""
        return await self._in(self._reading, function, *args)

    async def write(self, function, *args):
        """As `read`, for what changes the queue."""
        return await self._in(self._writing, function, *args)

    async def read_slow(self, function, *args):
        """As `read`, for what takes long."""
        return await self._in(self._slow_thread, function, *args)

    async def waves(self, record):
        """Return the waves of a record in each of its leads, as JSON has them."""
        return await self.read_slow(self._find_waves, record)

    def progress(self, reader=None):
        """Return how far reading has come, without what an error may tell of records."""
        progress = self.queue.progress(reader)
        last = progress["refit"]["last"]
        if last is not None and last["error"]:
            last = last | {"error": last["error"].partition(":")[0]}
        return progress | {"refit": progress["refit"] | {"last": last}}

    def refit_if_due(self, progress):
        """Let the cleaner be fitted again when answers enough have come since it was."""
        refit = progress["refit"]
        is_due = self.refit_every and refit["n_answers_since"] >= self.refit_every
        if is_due and not refit["running"] and not self._is_starting:
            self._is_starting = True
            # The reader need not wait till it has begun.
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
        except Exception as error:  # reading goes on whatever becomes of the cleaner
            LOG.error("The cleaner cannot be fitted again: %s", type(error).__name__)
            if not is_of_database(error):
                self.refit_every = 0  # next time it would be the same
        finally:
            self._is_starting = False

    def _find_waves(self, record):
        if record in self._waves:
            self._waves.move_to_end(record)
            return self._waves[record]
        waves = find_waves(self.queue.record(record))
        self._waves[record] = waves
        if len(self._waves) > _MOST_WAVES:
            self._waves.popitem(last=False)
        return waves


def find_waves(records):
    """Return the waves of the first of some records.

    Parameters
    ----------
    records : ECGRecords

    Returns
    -------
    list of dict
        With lead, wave ("P", "QRS" or "T"), onset, peak and offset in samples, None where there is
        none.
    """
    from sklearn_ecg.features import delineate
    from sklearn_ecg.review._waves import list_waves

    table = delineate(records.signals[0], records.sampling_rate)
    return list_waves(table, records.lead_names)


def unavailable(error):
    """Return the refusal, for now, of what a database or a disk did not let through."""
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
    """Whether an error is of a database or a disk, and not of what was asked."""
    if isinstance(error, sqlalchemy.exc.SQLAlchemyError | OSError):
        return True
    # A file that is damaged, or none of a queue.
    return isinstance(error.__cause__, sqlalchemy.exc.SQLAlchemyError | sqlite3.Error)
