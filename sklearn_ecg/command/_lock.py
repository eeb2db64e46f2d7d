"""A folder that only one run at a time writes into."""

import errno
from contextlib import contextmanager

import click

_NAME = ".lock"
_BUSY = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}


class FolderBusy(click.ClickException):
    """Another run is using the folder."""

    exit_code = 4


@contextmanager
def locked(folder):
    """Make a folder if it is missing, and lock it for this process until the block ends.

    The system releases the lock if the process is killed.
    Parameters
    ----------
    folder : Path

    Raises
    ------
    FolderBusy
    OSError
        If it cannot be written.
    """
    from sklearn_ecg.utils import warn_user, writing

    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _NAME).touch()
    with open(folder / _NAME, "a+b") as file:
        try:
            _lock(file)
        except OSError as error:
            if error.errno in _BUSY:
                raise FolderBusy(
                    f"Another run is using {folder}. Wait until it is over, or name another "
                    "folder by --out."
                ) from error
            warn_user(  # some network drives
                f"{folder} cannot be locked ({error.strerror}). Make sure that no two runs write "
                "into it at the same time.",
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
