"""Results of records in a folder, a file for each shard, so that whoever is interrupted goes on.

Of a folder ``FOLDER/KIND`` a file ``manifest.json`` says what made the results, and which records
each shard holds, by their keys. It is written before the work begins. A shard ``NAME.npz`` is there
as a whole or not at all; it follows from its records alone, and whoever makes it writes the same
file. So a kill at any moment costs the shards that were being made, and processes that work side by
side do not harm each other: where two have made one record, one of both results is taken. Records
that come later make new shards.
"""

import contextlib
import json
import zipfile
import zlib
from concurrent.futures import BrokenExecutor
from hashlib import blake2b
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from joblib.parallel import get_active_backend
from sklearn.utils.parallel import delayed
from threadpoolctl import threadpool_limits

from sklearn_ecg._version import __version__
from sklearn_ecg.utils import in_parallel, progress, warn_user, whole_file, writing

_FORMAT, _FORMAT_VERSION = "sklearn_ecg.shards", 1
_MANIFEST = "manifest.json"
# So many shards share out the records, as long as they are neither too small nor too large.
_N_SHARDS, _SMALLEST, _LARGEST = 64, 16, 512
# What reading a damaged file raises.
_DAMAGED = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error)


class ShardFolder:
    """Shards of results of one kind.

    Parameters
    ----------
    folder : path-like
        Made where it is missing; results of several kinds lie in it side by side.
    settings : dict
        What JSON can hold: all that results depend on beside the records.
    """

    def __init__(self, folder, settings):
        self.settings = {"sklearn_ecg": __version__, **settings}
        try:
            kind = _digest(json.dumps(self.settings, sort_keys=True))
        except TypeError as error:
            raise TypeError(
                f"The settings of a step must be what JSON can hold; got {settings!r}: {error}."
            ) from error
        self.path = Path(folder).expanduser().absolute() / kind

    def results(self, step, take, keys, *, shard_size=None, n_jobs=None, verbose=0):
        """Make the shards that are missing, and yield what each of the wanted ones holds.

        What went wrong with a record before is tried again.

        Parameters
        ----------
        step : callable
            Takes what `take` returns, and returns a DataFrame with a row for each record. Its
            column "problem" says what went wrong, and is empty where nothing did. If its attribute
            `by_record` is true, a row depends on its record alone. Its attribute `doing` stands
            before the progress bar, which counts records.
        take : callable
            ``take(rows)`` returns those records in a form that travels to workers.
        keys : list of length n_records of str or None
            Of the records; see `record_keys`. What has none is worked on and not kept.
        shard_size : int, default=None
            By default about 64 shards, of 16 to 512 records each.
        n_jobs, verbose : int

        Yields
        ------
        rows : ndarray of int
            The records that the shard holds, among those given.
        frame : DataFrame
            Their results.
        """
        rows_of = {}
        for row, key in enumerate(keys):
            rows_of.setdefault(key, []).append(row)
        without_key = np.array(rows_of.pop(None, []), dtype=int)
        plan = self._plan(rows_of, shard_size)
        todo = [name for name in plan if not self._file(name).exists()]
        bar = progress(
            description=getattr(step, "doing", "Working on records"),
            total=sum(len(plan[name]) for name in todo),
            verbose=verbose if todo else 0,
        )
        # Workers side by side have a thread each: more would wait for each other. Threads share
        # one limit, which is set here.
        is_shared = joblib.effective_n_jobs(n_jobs) > 1
        in_threads = getattr(get_active_backend()[0], "uses_threads", False)
        try:
            with bar, _one_thread(is_shared and in_threads):
                made = in_parallel(
                    (
                        delayed(_make_shard)(
                            step,
                            take(_first(rows_of, plan[name])),
                            plan[name],
                            self._file(name),
                            is_shared and not in_threads,
                        )
                        for name in todo
                    ),
                    n_jobs=n_jobs,
                )
                for name, _ in zip(todo, made, strict=True):
                    bar.update(len(plan[name]))
        except BrokenExecutor as error:
            n_made = sum(self._file(name).exists() for name in plan)
            raise RuntimeError(
                f"A worker process was killed, perhaps since memory ran out. {n_made} of "
                f"{len(plan)} shards are made and kept in {self.path}: call again, with fewer "
                "workers or smaller shards if this comes back."
            ) from error
        for name, own in plan.items():
            frame = _read_shard(self._file(name), own)
            if frame is None:
                own, frame = self._make_anew(step, take, rows_of, name, own)
            elif name not in todo:
                frame = self._try_again(step, take, rows_of, name, own, frame)
            # Two processes may have made one record in two shards.
            wanted = [(r, place) for place, key in enumerate(own) for r in rows_of.pop(key, [])]
            if wanted:
                rows, places = np.array(wanted, dtype=int).T
                yield rows, frame.iloc[places].reset_index(drop=True)
        for start in range(0, len(without_key), _SMALLEST):
            rows = without_key[start : start + _SMALLEST]
            yield rows, step(take(rows)).reset_index(drop=True)

    def _plan(self, rows_of, shard_size):
        """Return the keys of each wanted shard by its name, and write down those that are new."""
        planned = self._read_manifest()
        for path in self.path.glob("*.npz"):
            # Of another process that wrote its manifest at the same time, or of one that is lost.
            if path.stem not in planned and (own := _read_keys(path)):
                planned[path.stem] = own
        # What was planned and not made is planned anew where it cannot be made as planned, as of a
        # record that is gone, or is too much at once.
        most = len(rows_of) if shard_size is None else shard_size
        planned = {
            name: own
            for name, own in planned.items()
            if self._file(name).exists()
            or (len(own) <= most and all(key in rows_of for key in own))
        }
        known = {key for own in planned.values() for key in own}
        new = [key for key in rows_of if key not in known]
        if shard_size is None:
            shard_size = min(max(len(new) // _N_SHARDS, _SMALLEST), _LARGEST)
        for start in range(0, len(new), shard_size):
            own = new[start : start + shard_size]
            planned[_digest(*own)] = own
        if new:
            self._write_manifest(planned)
        # Those that are there come first: what they hold is not made again.
        wanted, left = {}, set(rows_of)
        for name in sorted(planned, key=lambda name: not self._file(name).exists()):
            if not left.isdisjoint(planned[name]):
                wanted[name] = planned[name]
                left.difference_update(planned[name])
        return wanted

    def _file(self, name):
        return self.path / f"{name}.npz"

    def _read_manifest(self):
        try:
            manifest = json.loads((self.path / _MANIFEST).read_text(encoding="utf-8"))
            if manifest["format_version"] != _FORMAT_VERSION:
                return {}
            return {str(name): list(map(str, own)) for name, own in manifest["shards"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}  # The shards themselves tell what they hold.

    def _write_manifest(self, planned):
        manifest = {
            "format": _FORMAT,
            "format_version": _FORMAT_VERSION,
            "made_by": self.settings,
            "shards": planned,
        }
        with writing(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
        with whole_file(self.path / _MANIFEST) as file:
            file.write(json.dumps(manifest).encode())

    def _make_anew(self, step, take, rows_of, name, own):
        """Replace a damaged shard; records of it that are gone are left out."""
        warn_user(f"{self._file(name)} is damaged; it is made anew.")
        self._file(name).unlink(missing_ok=True)
        own = [key for key in own if key in rows_of]
        path = self._file(_digest(*own))
        _make_shard(step, take(_first(rows_of, own)), own, path, False)
        return own, _read_shard(path, own)

    def _try_again(self, step, take, rows_of, name, own, frame):
        """Return a shard in which what went wrong before, and goes right now, is right."""
        is_wrong = (frame["problem"] != "").to_numpy()
        places = [place for place in np.flatnonzero(is_wrong) if own[place] in rows_of]
        if not places:
            return frame
        found = step(take(_first(rows_of, [own[place] for place in places])))
        is_right = (found["problem"] == "").to_numpy()
        if not is_right.any():
            return frame
        if not getattr(step, "by_record", False) and all(key in rows_of for key in own):
            frame = step(take(_first(rows_of, own)))
        else:
            found.index = places
            frame = pd.concat([frame.drop(index=found.index[is_right]), found[is_right]])
            frame = frame.sort_index()
        try:
            _write_shard(self._file(name), own, frame)
        except OSError as error:
            warn_user(f"{error}. What was found is right, and will be looked for again.")
        return frame


def _digest(*texts):
    digest = blake2b(digest_size=8)
    for text in texts:
        digest.update(text.encode())
    return digest.hexdigest()


def _first(rows_of, keys):
    """Return a row of each key; of a record that is there several times, the first."""
    return np.array([rows_of[key][0] for key in keys])


def _make_shard(step, items, keys, path, is_shared):
    with _one_thread(is_shared):
        frame = step(items)
    _write_shard(path, keys, frame)


def _one_thread(is_wanted):
    return threadpool_limits(1) if is_wanted else contextlib.nullcontext()


def _write_shard(path, keys, frame):
    columns = np.array(frame.columns, dtype=str)
    arrays = {"keys": np.array(keys), "columns": columns}
    # Columns of one type make one array: a thousand arrays would be slow to read.
    kinds = frame.dtypes.astype(str).to_numpy()
    for number, kind in enumerate(dict.fromkeys(kinds)):
        values = frame.loc[:, kinds == kind].to_numpy()
        values = values if values.dtype.kind in "fiub" else values.astype(str)
        arrays[f"values_{number}"], arrays[f"columns_{number}"] = values, columns[kinds == kind]
    with whole_file(path) as file:
        np.savez(file, **arrays)


def _read_shard(path, keys):
    """Return the table of a shard; None where it is not whole."""
    try:
        with np.load(path) as stored:
            arrays = {name: stored[name] for name in stored}
        if arrays["keys"].tolist() != keys:
            return None
        numbers = [name.removeprefix("values_") for name in arrays if name.startswith("values_")]
        blocks = [_block(arrays, number) for number in numbers]
        return pd.concat(blocks, axis=1)[arrays["columns"].tolist()]
    except _DAMAGED:
        return None


def _block(arrays, number):
    values = arrays[f"values_{number}"]
    values = values.astype(object) if values.dtype.kind == "U" else values
    return pd.DataFrame(values, columns=arrays[f"columns_{number}"])


def _read_keys(path):
    try:
        with np.load(path) as stored:
            return stored["keys"].tolist()
    except _DAMAGED:
        return None
