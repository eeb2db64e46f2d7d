"""Files that are there as a whole, or as they were before."""

import os
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(path):
    """Yield a binary file to write, which takes its place when the block ends without an error.

    It is written aside, by a name of this process's own, and is on the disk before it is moved:
    neither an interruption nor another process that reads meets half a file.

    Parameters
    ----------
    path : path

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
    aside = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with open(aside, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(aside, path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise
