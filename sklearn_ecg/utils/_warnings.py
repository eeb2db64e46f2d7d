"""Warnings that point at the line of the user's that caused them."""

import os
import sys
import warnings
from pathlib import Path

import joblib
import sklearn

# Whoever calls the package through a Pipeline or a cache did not write these lines.
_PASSED_OVER = tuple(
    f"{folder}{os.sep}"
    for folder in (
        Path(__file__).parents[1],
        Path(sklearn.__file__).parent,
        Path(joblib.__file__).parent,
    )
)


def warn_user(message, category=UserWarning):
    """Warn at the innermost line that is neither this package's, scikit-learn's nor joblib's.

    Parameters
    ----------
    message : str
    category : type of Warning, default=UserWarning
    """
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PASSED_OVER):
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)
