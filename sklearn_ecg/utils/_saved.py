"""Save estimators into files that run no code when they are loaded.

A file holds one line of JSON that says how it was made, then the estimator as skops packs it.
"""

import json
import platform
from copy import deepcopy
from datetime import UTC, datetime
from hashlib import sha256
from io import BytesIO
from numbers import Integral
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

import numpy as np
import sklearn

from sklearn_ecg._version import __version__
from sklearn_ecg.utils._params import check_params
from sklearn_ecg.utils._validation import check_path
from sklearn_ecg.utils._whole_file import whole_file

FORMAT = "sklearn_ecg.estimator"
# Raise it by one with each change after which older files cannot be read. Then keep the code that
# reads the old version, and a file of it in `tests/golden`.
FORMAT_VERSION = 1
_LONGEST_LINE = 10_000
# Largest ratio of unpacked to packed size: a small file must not fill the memory.
_MOST_UNPACKED = 200
# Packages whose classes a file may name, besides the classes that skops trusts.
_OWN = ("sklearn_ecg.cleaning.", "sklearn_ecg.features.", "sklearn_ecg.mixture.")


def made_by(**others):
    """Return the versions of the packages that write a file, of others too, and the time."""
    return {
        "sklearn_ecg": __version__,
        **others,
        "scikit-learn": sklearn.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def writer_of(head):
    """Return the version of sklearn_ecg that wrote a file, or None if its head lacks it."""
    made = head.get("made_by")
    return made.get("sklearn_ecg") if isinstance(made, dict) else None


class Saved:
    """An estimator that can be saved into a file and loaded from it without a pickle."""

    def save(self, path):
        """Write the estimator into a file.

        An existing file is replaced when the new one is complete. `memory` is not saved, because
        it names a folder of this machine.

        Parameters
        ----------
        path : path
            The file to write.

        Raises
        ------
        ImportError
            If the extra ``[skops]`` is not installed.
        TypeError
            If the estimator holds an object that only a pickle can save.
        """
        io, path = _skops(), check_path(path, "path")
        estimator = deepcopy(self)
        for part in _parts(estimator):
            if getattr(part, "memory", None) is not None:
                part.memory = None
        try:
            packed = io.dumps(estimator, compression=ZIP_DEFLATED, compresslevel=1)
        except Exception as error:
            raise TypeError(
                f"{type(self).__name__} holds an object that only a pickle can save: {error}"
            ) from error
        head = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "estimator": type(self).__name__,
            "made_by": made_by(),
            "sha256": sha256(packed).hexdigest(),
        }
        with whole_file(path) as file:
            file.write(json.dumps(head).encode() + b"\n" + packed)

    @classmethod
    def load(cls, path, *, trusted=()):
        """Load an estimator from a file that `save` has written.

        Loading runs no code of the file. It makes objects of these classes only: those of this
        package, those of scikit-learn, NumPy and SciPy that skops trusts, and those in `trusted`.

        Parameters
        ----------
        path : path
            The file to read.
        trusted : sequence of str, default=()
            Full names of other classes that the file may hold, such as a classifier of your own.

        Returns
        -------
        estimator of this class

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If the file is damaged, has another format, or names a class that is not trusted; if
            it holds parameters that `fit` would refuse, or arrays that do not fit together.
        """
        io, path = _skops(), check_path(path, "path")
        packed = _read(path)
        try:
            named = io.get_untrusted_types(data=packed)
        except Exception as error:
            raise ValueError(f"{path} cannot be read as an estimator: {error!r}") from error
        unknown = [name for name in named if not name.startswith(_OWN) and name not in trusted]
        if unknown:
            raise ValueError(
                f"{path} holds {', '.join(unknown)}, which is not trusted. If you trust the writer "
                f"of the file, load it with trusted={unknown}."
            )
        try:
            estimator = io.loads(packed, trusted=named)
        except Exception as error:
            raise ValueError(f"{path} cannot be read as an estimator: {error!r}") from error
        if not isinstance(estimator, cls):
            raise ValueError(f"{path} holds a {type(estimator).__name__}, not a {cls.__name__}.")
        for part in _parts(estimator):
            if getattr(part, "memory", None) is not None:
                raise ValueError(
                    f"{path} names a cache in the folder {part.memory!r}. The cache may hold "
                    "pickles, which can run code. Save it anew, or unpack it by skops.io."
                )
            if type(part).__module__.startswith(_OWN):
                _check_own(part, path)
        return estimator

    def _check_learned(self):
        """Raise an error if the learned attributes do not fit together."""


def _read(path):
    """Return the packed estimator in a file, after checking that the file is complete."""
    if path.exists() and not path.is_file():
        what = "a folder" if path.is_dir() else "not a file"
        raise ValueError(f"{path} is {what}. Name the file that save has written.")
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"There is no file {path}. Name the file that save has written."
        ) from error
    line, _, packed = content[:_LONGEST_LINE].partition(b"\n")
    packed = content[len(line) + 1 :]
    try:
        head = json.loads(line)
    except (ValueError, RecursionError):
        head = None
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise ValueError(f"{path} was not written by the save of a sklearn_ecg estimator.")
    if head.get("format_version") != FORMAT_VERSION:
        raise ValueError(
            f"{path} has format version {head.get('format_version')!r}, written by sklearn_ecg "
            f"{writer_of(head)}; this is sklearn_ecg {__version__}, which reads version "
            f"{FORMAT_VERSION}. Load it with that version, or save it anew."
        )
    if head.get("sha256") != sha256(packed).hexdigest():
        raise ValueError(
            f"{path} is damaged, or was changed after it was saved: its checksum differs."
        )
    try:
        size = sum(entry.file_size for entry in ZipFile(BytesIO(packed)).infolist())
    except BadZipFile as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    if size > _MOST_UNPACKED * len(packed):
        raise ValueError(
            f"{path} would unpack to {size / 1e9:.3g} GB, more than {_MOST_UNPACKED} times its "
            "size: save does not write such files."
        )
    return packed


def _check_own(part, path):
    """Check an object of this package that was read from a file, as `fit` would check it."""
    try:
        for name in vars(part):
            if callable(getattr(type(part), name, None)) or name == "_parameter_constraints":
                raise ValueError(f"{name} belongs to the class")
        if hasattr(type(part), "_parameter_constraints"):
            check_params(part)
            n_features = getattr(part, "n_features_in_", 1)
            if not isinstance(n_features, Integral) or n_features < 1:
                raise ValueError(f"n_features_in_ must be a positive integer; got {n_features!r}")
        if isinstance(part, Saved):
            part._check_learned()
    except Exception as error:
        raise ValueError(
            f"{path} holds a {type(part).__name__} that fit cannot have made: "
            f"{str(error).removesuffix('.')}. Save it anew."
        ) from error


def _parts(value):
    """Yield an estimator and all objects that it holds."""
    met, waiting = set(), [value]
    while waiting:
        value = waiting.pop()
        if id(value) in met:
            continue
        met.add(id(value))
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list | tuple):
            waiting.extend(value)
        elif hasattr(value, "__dict__") and not isinstance(value, type):
            waiting.extend(vars(value).values())
            yield value


def _skops():
    try:
        import skops.io
    except ImportError as error:
        raise ImportError(
            "save and load of estimators need skops: pip install sklearn_ecg[skops]."
        ) from error
    return skops.io
