"""Warnings that point at the user's line, however many calls lie between."""

import sys
import warnings

# Whose lines are not the user's.
_LIBRARIES = {"sklearn_ecg", "sklearn", "skorch", "joblib"}


class UnreadRecordsWarning(UserWarning):
    """Some records cannot be read, and are NaN: how many, which, and why.

    Who wants an error of it makes it one.

    Examples
    --------
    >>> import warnings
    >>> from sklearn_ecg.records import UnreadRecordsWarning
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("error", UnreadRecordsWarning)
    """


def warn_user(message, category=UserWarning):
    """Warn at the innermost line outside of this package and of the libraries that call it.

    Parameters
    ----------
    message : str
    category : type of Warning, default=UserWarning
    """
    level, frame = 1, sys._getframe()
    while frame is not None and frame.f_globals.get("__name__", "").split(".")[0] in _LIBRARIES:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def warn_of_unread(reasons, ids, consequence):
    """Warn of records of which there is nothing to read, in one warning.

    Parameters
    ----------
    reasons : dict of int to str
        By row, what follows "of the first," in a sentence.
    ids : ndarray of shape (n_records,)
    consequence : str
        What becomes of them.
    """
    if not reasons:
        return
    named = "; ".join(f"{ids[row]}: {reasons[row]}" for row in list(reasons)[:3])
    more = f" And {len(reasons) - 3} more." if len(reasons) > 3 else ""
    message = f"{len(reasons)} of {len(ids)} records {consequence}. {named}{more}"
    warn_user(message, UnreadRecordsWarning)
