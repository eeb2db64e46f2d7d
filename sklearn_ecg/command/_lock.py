"""A folder that one run at a time writes into."""

import errno
import warnings
from contextlib import contextmanager

import click

_NAME = ".lock"
_BUSY = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}


class FolderBusy(click.ClickException):
    """Another run is at work in the folder."""

    exit_code = 4


@contextmanager
def locked(folder):
    """Make a folder where it is missing, and keep it for this process until the block ends.

    The system lets go of the lock of a process that was killed.

    Parameters
    ----------
    folder : Path

    Raises
    ------
    FolderBusy
    OSError
        If it cannot be written.
    """
    from sklearn_ecg.utils import writing

    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _NAME).touch()
    with open(folder / _NAME, "a+b") as file:
        try:
            _lock(file)
        except OSError as error:
            if error.errno in _BUSY:
                raise FolderBusy(
                    f"Another run is at work in {folder}. Wait until it is over, or name another "
                    "folder by --out."
                ) from error
            warnings.warn(  # some network drives
                f"{folder} cannot be locked ({error.strerror}): see to it that no two runs write "
                "into it at a time.",
                stacklevel=2,
            )
        yield


def _lock(file):
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
