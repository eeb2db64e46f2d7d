"""Store results between fits."""

import functools

from sklearn.utils.validation import check_memory

from sklearn_ecg.utils import writing


def remembered(memory, function, *, ignore):
    """Return a function that stores its results in a folder, with a clear error if that fails.

    Parameters
    ----------
    memory : str, joblib.Memory or None
    function : callable
        It must not read or write files itself: their errors would look like errors of the folder.
    ignore : list of str
        Arguments that do not change the result.
    """
    if memory is None:
        return function

    @functools.wraps(function)
    def call(*arguments, **options):
        with writing(str(getattr(memory, "location", memory))):
            remembering = check_memory(memory).cache(function, ignore=ignore)
            return remembering(*arguments, **options)

    return call
