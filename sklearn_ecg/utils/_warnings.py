"""Warnings that point at the user's line."""

import sys
import warnings

# A warning does not point at lines of these packages: they are between the user and this package.
_LIBRARIES = {"sklearn_ecg", "sklearn", "skorch", "joblib", "numpy", "pandas", "torch", "click"}
_LIBRARIES |= sys.stdlib_module_names


class UnreadRecordsWarning(UserWarning):
    """Some records cannot be read, and are NaN; the text says how many, which, and why.

    The example turns the warning into an error.

    Examples
    --------
    >>> import warnings
    >>> from sklearn_ecg.records import UnreadRecordsWarning
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("error", UnreadRecordsWarning)
    """


def warn_user(message, category=UserWarning):
    """Warn at the innermost line outside of this package and of the libraries that call it.

    In a thread, the user's line is unknown; the warning points at the caller of this function.

    Parameters
    ----------
    message : str
    category : type of Warning, default=UserWarning
    """
    level, frame = 1, sys._getframe()
    while frame is not None and frame.f_globals.get("__name__", "").split(".")[0] in _LIBRARIES:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=2 if frame is None else level)


def warn_of_unread(reasons, ids, consequence):
    """Warn once of all records that cannot be read.

    Parameters
    ----------
    reasons : dict of int to str
        Row of each such record, and the reason.
    ids : ndarray of shape (n_records,)
        Names of all records.
    consequence : str
        The verb phrase of the warning, such as "cannot be read, and are NaN".
    """
    if not reasons:
        return
    named = "; ".join(f"{ids[row]}: {reasons[row]}" for row in list(reasons)[:3])
    more = f" And {len(reasons) - 3} more." if len(reasons) > 3 else ""
    message = f"{len(reasons)} of {len(ids)} records {consequence}. {named}{more}"
    warn_user(message, UnreadRecordsWarning)
