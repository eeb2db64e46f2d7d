"""Progress bars and the names of stages, in one form everywhere."""

import sys

from tqdm.auto import tqdm


def progress(iterable=None, *, description, total=None, verbose=0):
    """Iterate with a progress bar when ``verbose`` is positive.

    Parameters
    ----------
    iterable : iterable, default=None
        By default the bar is moved by its ``update``, where items come several at a time.
    description : str
        What is being counted, as it stands before the bar.
    total : int, default=None
        Number of items, where ``iterable`` has no length.
    verbose : int, default=0
        No bar when 0.

    Returns
    -------
    tqdm.tqdm
    """
    return tqdm(iterable, desc=description, total=total, disable=not verbose)


def announce(stage, verbose):
    """Say on standard error which stage of the work begins, when ``verbose`` is positive.

    Parameters
    ----------
    stage : str
    verbose : int
    """
    if verbose:
        tqdm.write(stage, file=sys.stderr)  # above a bar that is open
