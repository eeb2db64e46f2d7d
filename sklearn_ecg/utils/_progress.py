"""Progress bars, in one form everywhere."""

from tqdm.auto import tqdm


def progress(iterable, *, description, total=None, verbose=0):
    """Iterate with a progress bar when ``verbose`` is positive.

    Parameters
    ----------
    iterable : iterable
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
