"""Run a step over shards of records, and return its results as a table."""

import functools
from collections.abc import Iterator
from numbers import Integral

import numpy as np
import pandas as pd

from sklearn_ecg.records import ECGRecords
from sklearn_ecg.records._record_keys import record_keys, rows_changed
from sklearn_ecg.records._shard_folder import ShardFolder
from sklearn_ecg.utils import check_path, warn_of_unread

# Fields of records that a step may read, besides signals, rates and leads.
FIELDS = ("ids", "groups", "split", "labels", "trusted", "metadata")
# Values of a record without a result, by kind of column.
_NOTHING = {"f": np.nan, "i": -1, "u": 0, "b": False, "O": ""}


def run_shards(step, records, folder, *, shard_size=None, n_jobs=None, verbose=0) -> pd.DataFrame:
    """Run a step over records, and store its results in a folder, shard by shard.

    If a run is interrupted, the same call goes on; the result is the same, bit for bit, as without
    the interruption. A later call works only on records that are new or whose files have changed.
    Every record has a row in the result. A record that cannot be read has a row with a problem; the
    next call tries it again, and other records are not affected.

    Parameters
    ----------
    step : MeasureFeatures, PredictLabels or CleanLabels
        Or any picklable callable with `ECGRecords` that returns a DataFrame: one row per record, in
        their order, of numbers, booleans and texts, with a column ``problem`` that is empty where
        there is none. An exception ends the run, so the step must catch the errors of single
        records. Its ``settings``, a dict of JSON values, must hold everything that changes the
        result, besides the records. Signals, rate and leads of the records always count; ``reads``
        names the other fields that count, by default ids, groups, split, labels, trusted and
        metadata.
    records : ECGRecords
        Records to work on.
    folder : path-like
        Is made if it is missing. Several steps may share it. Workers on other machines must see it.
    shard_size : int, default=None
        Records in a shard. An interruption loses the shards in progress. By default there are about
        64 shards, of 16 to 512 records each.
    n_jobs : int, default=None
        Number of joblib workers with one thread each: processes of this machine, or the backend of
        ``joblib.parallel_config``, such as Dask or Ray.
    verbose : int, default=0
        A progress bar if positive.
        A progress bar if positive.

    Returns
    -------
    DataFrame
        A row for each record, indexed by its id.

    Warns
    -----
    UserWarning
        If some records have a problem; the message names some of them.

    Raises
    ------
    ValueError
        If all records have a problem.
    OSError
        If the folder cannot be written to. Finished shards are kept.
    RuntimeError
        If a worker was killed, for example because memory ran out. The same call goes on.

    See Also
    --------
    iter_shards : The same, for results that do not fit into memory.

    Notes
    -----
    A step is a pure function of a shard, so any engine can run it. Within Spark's ``mapInPandas``,
    call the step with the records of each part, as ``examples/distributed`` shows.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn_ecg.datasets import make_ecg_records
    >>> from sklearn_ecg.shards import MeasureFeatures, run_shards
    >>> records = make_ecg_records(20, duration_s=5, random_state=0)
    >>> step = MeasureFeatures()
    >>> with TemporaryDirectory() as folder:
    ...     table = run_shards(step, records, folder)
    >>> table.shape, table["problem"].eq("").all()
    ((20, 904), np.True_)
    """
    frames = list(
        iter_shards(step, records, folder, shard_size=shard_size, n_jobs=n_jobs, verbose=verbose)
    )
    table = pd.concat(frames).loc[pd.Index(records.ids)]
    is_wrong = np.flatnonzero(table["problem"] != "")
    reasons = dict(zip(is_wrong.tolist(), table["problem"].iloc[is_wrong], strict=True))
    if len(reasons) == len(records):
        raise ValueError(
            f"All {len(records)} records have a problem, for example {records.ids[0]}: {reasons[0]}"
        )
    warn_of_unread(reasons, records.ids, "have a problem")
    return table


def iter_shards(
    step, records, folder, *, shard_size=None, n_jobs=None, verbose=0
) -> Iterator[pd.DataFrame]:
    """Run a step over records as `run_shards` does, and yield the result shard by shard.

    The first table comes when all shards are done.

    Parameters
    ----------
    step : MeasureFeatures, PredictLabels or CleanLabels
        As for `run_shards`; so are the other parameters.
    records : ECGRecords
        Records to work on.
    folder : path-like
        Is made if it is missing.
    shard_size : int, default=None
        Records in a shard; by default 16 to 512.
    n_jobs : int, default=None
        Number of joblib workers.
    verbose : int, default=0
        A progress bar if positive.

    Yields
    ------
    DataFrame
        Rows of some records, indexed by their ids. Each record is in one of the tables.
    """
    if not isinstance(records, ECGRecords):
        raise TypeError(
            f"records must be ECGRecords; got {type(records).__name__}. Convert arrays by "
            "ECGRecords(signals, sampling_rate)."
        )
    if not len(records):
        raise ValueError("records is empty: pass at least one record.")
    if not callable(step) or not (hasattr(step, "settings") or hasattr(step, "_shards")):
        raise TypeError(f"step must be a step such as MeasureFeatures(); got {step!r}.")
    for name, value in (("shard_size", shard_size), ("n_jobs", n_jobs)):
        if value is not None and (not isinstance(value, Integral) or value == 0):
            raise ValueError(f"{name} must be None or a whole number other than 0; got {value!r}.")
    if shard_size is not None and shard_size < 0:
        raise ValueError(f"shard_size must be positive; got {shard_size!r}.")
    options = {"shard_size": shard_size, "n_jobs": n_jobs, "verbose": verbose}
    own = step._shards if hasattr(step, "_shards") else functools.partial(_results, step)
    for rows, frame in own(records, check_path(folder, "folder"), **options):
        yield frame.set_index(pd.Index(records.ids[rows], name="id"))


def _results(step, records, folder, **options):
    about = list(zip(*_read_by(step, records), strict=True))
    keys = record_keys(records.signals, about)

    def take(rows):
        return records[rows], [keys[row] for row in rows], [about[row] for row in rows]

    kind, settings = f"{type(step).__module__}.{type(step).__qualname__}", step.settings
    work = ShardFolder(folder, {"step": kind, **settings})
    yield from work.results(_Watched(step, settings), take, keys, **options)


def _read_by(step, records):
    """Return the fields that a step reads besides signals, as lists of one value per record."""
    reads = getattr(step, "reads", FIELDS)
    if "labels" in reads and reads != FIELDS and records.labels is None:
        raise ValueError("This step reads labels, but records have none.")
    names = None if records.label_names is None else tuple(map(str, records.label_names))
    shared = (records.sampling_rate, records.lead_names, names if "labels" in reads else None)
    fields = [getattr(records, name) for name in FIELDS if name in reads]
    return [[shared] * len(records), *(_by_record(f) for f in fields if f is not None)]


def _by_record(field):
    return field.to_dict("records") if isinstance(field, pd.DataFrame) else field.tolist()


class _Watched:
    """A step whose results are checked, also for files or a model that changed meanwhile."""

    def __init__(self, step, settings):
        self.step = step
        self.settings = settings
        self.by_record = getattr(step, "by_record", False)
        self.doing = getattr(step, "doing", f"{type(step).__name__}: records")

    def __call__(self, items):
        records, keys, about = items
        self._check_settings()
        frame = self._checked(self.step(records), len(records))
        self._check_settings()
        for row in rows_changed(records.signals, keys, about):
            if not frame.loc[row, "problem"]:
                frame.loc[row, "problem"] = "its file was changed while it was read"
                for name in frame.columns.drop("problem"):
                    frame.loc[row, name] = _NOTHING[frame[name].dtype.kind]
        return frame

    def _check_settings(self):
        if self.step.settings != self.settings:
            raise RuntimeError(
                f"The settings of {type(self.step).__name__} were changed during the run: "
                f"{self.step.settings} instead of {self.settings}. Call again."
            )

    def _checked(self, frame, n_records):
        name = type(self.step).__name__
        if not isinstance(frame, pd.DataFrame) or len(frame) != n_records:
            found = f"{len(frame)} rows" if isinstance(frame, pd.DataFrame) else type(frame)
            raise TypeError(
                f"The step {name} must return a DataFrame with one row for each of {n_records} "
                f"records; got {found}."
            )
        if "problem" not in frame or not frame.columns.is_unique:
            raise ValueError(
                f"The step {name} must return columns with different names, one of them 'problem' "
                f"(empty text where there is none); got {list(frame.columns)}."
            )
        for column, values in frame.items():
            is_text = all(isinstance(value, str) for value in values)
            if not is_text and (column == "problem" or values.dtype.kind not in "fiub"):
                raise ValueError(
                    f"The step {name} must return numbers, truth values or text without gaps; its "
                    f"column {column!r} is of {values.dtype}, with values such as "
                    f"{values.tolist()[0]!r}."
                )
        return frame.reset_index(drop=True)
