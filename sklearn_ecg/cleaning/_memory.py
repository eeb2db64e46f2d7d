"""Results that are kept between fits."""

import functools

from sklearn.utils.validation import check_memory

from sklearn_ecg.utils import writing


def remembered(memory, function, *, ignore):
    """Return a function that keeps its results in a folder, and says so if that is full.

    Parameters
    ----------
    memory : str, joblib.Memory or None
    function : callable
        Reads and writes no files.
    ignore : list of str
        Arguments on which the result does not depend.
    """

    @functools.wraps(function)
    def call(*arguments, **options):
        with writing(str(getattr(memory, "location", memory))):
            remembering = check_memory(memory).cache(function, ignore=ignore)
            return remembering(*arguments, **options)

    return call
