"""Files that are there as a whole, or as they were before, and what is said of a full disk."""

import os
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def whole_file(path):
    """Yield a binary file to write, which takes its place when the block ends without an error.

    It is written aside, by a name of its own, and is on the disk before it is moved: neither an
    interruption nor another thread or process meets half a file. Whoever is killed leaves a file
    ``*.part``, which nothing reads.

    Parameters
    ----------
    path : path

    Raises
    ------
    OSError
        If it cannot be written, with what is safe and what to do; see `writing`.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     with whole_file(Path(folder) / "model.json") as file:
    ...         _ = file.write(b"{}")
    ...     [path.name for path in Path(folder).iterdir()]
    ['model.json']
    """
    path = Path(path)
    aside = path.with_name(f"{path.name}.{uuid.uuid4().hex[:12]}.part")
    with writing(path):
        try:
            with open(aside, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            os.replace(aside, path)
        except BaseException:
            with suppress(OSError):
                aside.unlink(missing_ok=True)
            raise


@contextmanager
def writing(path):
    """Say of an error of the file system what cannot be written, what is safe, and what to do.

    Parameters
    ----------
    path : path
        Of the file or folder.
    """
    try:
        yield
    except OSError as error:
        raise type(error)(
            error.errno,
            f"{error.strerror or error}: {os.fspath(path)} cannot be written. What was there "
            "before is kept; free some space, or give another path, and call again",
        ) from error
