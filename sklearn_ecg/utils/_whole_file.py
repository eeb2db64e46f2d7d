"""Write files completely or not at all."""

import os
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def whole_file(path):
    """Yield a binary file to write, which replaces `path` when the block ends without an error.

    The file is written under another name and is on the disk before it is moved, so no other
    thread or process sees half a file. A killed process leaves a file ``*.part``, which nothing
    reads.

    Parameters
    ----------
    path : path

    Raises
    ------
    OSError
        If the file cannot be written; see `writing`.

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
    """Add to an error of the file system which path cannot be written, and what to do.

    Parameters
    ----------
    path : path
        The file or folder.
    """
    try:
        yield
    except OSError as error:
        raise type(error)(
            error.errno,
            f"{error.strerror or error}: {os.fspath(path)} cannot be written. An existing file is "
            "unchanged; free some space, or give another path, and call again",
        ) from error
