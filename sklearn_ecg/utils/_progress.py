"""Show progress bars and the names of stages."""

import sys

from tqdm.asyncio import tqdm as tqdm_of_terminals
from tqdm.auto import tqdm

_LOG_EVERY_S = 10.0


class _Lines:
    """A file for tqdm that writes each state of a bar as a line of standard error."""

    def write(self, text):
        if text := text.strip():
            sys.stderr.write(f"{text}\n")

    def flush(self):
        sys.stderr.flush()


def progress(iterable=None, *, description, total=None, verbose=0):
    """Iterate with a progress bar when ``verbose`` is positive.

    A notebook shows a bar of its own. In a log, where standard error is not a terminal, the bar is
    a line at the start, a line every ten seconds, and a line at the end.

    Parameters
    ----------
    iterable : iterable, default=None
        With None, the caller moves the bar by its ``update``.
    description : str
        The text before the bar.
    total : int, default=None
        Number of items, needed if ``iterable`` has no length.
    verbose : int, default=0
        No bar when 0.

    Returns
    -------
    tqdm.tqdm
    """
    options = {"desc": description, "total": total, "disable": not verbose}
    is_notebook = tqdm is not tqdm_of_terminals
    if verbose and not is_notebook and not sys.stderr.isatty():
        # A bar would write to a log several times a second.
        options |= {"file": _Lines(), "mininterval": _LOG_EVERY_S}
    return tqdm(iterable, **options)


def announce(stage, verbose):
    """Write to standard error which stage begins, when ``verbose`` is positive.

    Parameters
    ----------
    stage : str
    verbose : int
    """
    if verbose:
        tqdm.write(stage, file=sys.stderr)  # above a bar that is open
