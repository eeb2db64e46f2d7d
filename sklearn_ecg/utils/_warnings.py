"""Warnings at the line of the user's, however many calls lie between."""

import inspect
import warnings

# Whose lines are not the user's.
_LIBRARIES = {"sklearn_ecg", "sklearn", "skorch", "joblib"}


def warn(message, category=UserWarning):
    """Warn, at the line outside of this package and of those that call it.

    Parameters
    ----------
    message : str
    category : type, default=UserWarning
    """
    level, frame = 1, inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__", "").split(".")[0] in _LIBRARIES:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)
