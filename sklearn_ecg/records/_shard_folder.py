"""Store results of records in a folder, one file per shard, so that interrupted work can go on.

``FOLDER/KIND/manifest.json`` says which settings made the results, and which records each shard
holds, by their keys. It is written before the work begins. A shard ``NAME.npz`` is either complete
or absent, and depends on its records only, so every process writes the same file. A kill loses only
the shards in work. Processes can work side by side: if two have made the same record, one of the
two results is taken. New records make new shards.
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
# Number of shards, unless a shard would have fewer or more records than the limits.
_N_SHARDS, _SMALLEST, _LARGEST = 64, 16, 512
# The errors that reading a damaged file raises.
_DAMAGED = (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error)


class ShardFolder:
    """Shards of results of one kind.

    Parameters
    ----------
    folder : path-like
        It is made if it is missing. It can hold results of several kinds.
    settings : dict
        All settings on which the results depend, in types that JSON can hold.
    """

    def __init__(self, folder, settings):
        self.settings = {"sklearn_ecg": __version__, **settings}
        try:
            kind = _digest(json.dumps(self.settings, sort_keys=True))
        except TypeError as error:
            raise TypeError(
                f"The settings of a step must be of types that JSON can hold; got {settings!r}: "
                f"{error}."
            ) from error
        self.path = Path(folder).expanduser().absolute() / kind

    def results(self, step, take, keys, *, shard_size=None, n_jobs=None, verbose=0):
        """Make the missing shards, and yield the results of each wanted shard.

        Records that failed before are tried again.

        Parameters
        ----------
        step : callable
            Takes the output of `take`, and returns a DataFrame with a row per record. Its column
            "problem" says why a record failed, and is empty for success. If its attribute
            `by_record` is true, a row depends on its record only. Its attribute `doing` is the
            text before the progress bar, which counts records.
        take : callable
            ``take(rows)`` returns those records in a form that workers can take.
        keys : list of length n_records of str or None
            Keys of the records; see `record_keys`. Results of a record without a key are not
            stored.
        shard_size : int, default=None
            Records per shard; by default about 64 shards of 16 to 512 records.
        n_jobs, verbose : int

        Yields
        ------
        rows : ndarray of int
            The rows of the shard's records.
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
        # Each parallel worker gets one thread: more threads than cores would slow each other down.
        # Workers that are threads share one limit, which is set here.
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
                f"A worker process was killed, perhaps because memory ran out. {n_made} of "
                f"{len(plan)} shards are made and kept in {self.path}: call again to go on. If a "
                "worker is killed again, use fewer workers or smaller shards."
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
        """Return the keys of each wanted shard by its name, and store new ones in the manifest."""
        planned = self._read_manifest()
        for path in self.path.glob("*.npz"):
            # Another process may have replaced the manifest, or it may be lost.
            if path.stem not in planned and (own := _read_keys(path)):
                planned[path.stem] = own
        # A shard that was planned but not made is planned again if one of its records is gone or
        # it is too large.
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
        # Existing shards come first, so that their records are not made again.
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
            return {}  # `_plan` reads the keys from the shards themselves.

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
        """Replace a damaged shard, without records that are gone."""
        warn_user(f"{self._file(name)} is damaged; it is made anew.")
        self._file(name).unlink(missing_ok=True)
        own = [key for key in own if key in rows_of]
        path = self._file(_digest(*own))
        _make_shard(step, take(_first(rows_of, own)), own, path, False)
        return own, _read_shard(path, own)

    def _try_again(self, step, take, rows_of, name, own, frame):
        """Try the failed records of a shard again, and return its results."""
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
            warn_user(f"{error}. The results are right, but the next call will make them again.")
        return frame


def _digest(*texts):
    digest = blake2b(digest_size=8)
    for text in texts:
        digest.update(text.encode())
    return digest.hexdigest()


def _first(rows_of, keys):
    """Return the row of each key, the first one if a record occurs several times."""
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
    # Columns of one type make one array, because a thousand arrays are slow to read.
    kinds = frame.dtypes.astype(str).to_numpy()
    for number, kind in enumerate(dict.fromkeys(kinds)):
        values = frame.loc[:, kinds == kind].to_numpy()
        values = values if values.dtype.kind in "fiub" else values.astype(str)
        arrays[f"values_{number}"], arrays[f"columns_{number}"] = values, columns[kinds == kind]
    with whole_file(path) as file:
        np.savez(file, **arrays)


def _read_shard(path, keys):
    """Return the table of a shard, or None if it is damaged."""
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
