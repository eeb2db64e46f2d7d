"""The review desk: readers settle the labels that a cleaner cannot decide.

`ReviewQueue` holds questions, answers and their readers; ``sklearn-ecg review`` shows them.
`ECGWidget` shows the same drawing of an ECG in notebooks. Four folders, each of which needs only
those before it: ``readers`` (statistics), ``queue`` (the database), ``paper`` (an ECG drawn) and
``desk`` (server and page).
"""

import importlib

from sklearn_ecg.review.queue._states import ANSWERS
from sklearn_ecg.review.readers._errors_left import Stopping, errors_left, stopping
from sklearn_ecg.review.readers._kappa import Kappa, cohen_kappa, fleiss_kappa
from sklearn_ecg.review.readers._reader_model import ReaderModel

__all__ = [
    "ANSWERS",
    "ECGWidget",
    "Kappa",
    "ReaderModel",
    "ReviewQueue",
    "Stopping",
    "cohen_kappa",
    "create_app",
    "errors_left",
    "fleiss_kappa",
    "from_label_studio",
    "serve",
    "stopping",
    "to_label_studio",
]

# These need an extra; the rest does not.
_HOME = {
    "ECGWidget": "paper._widget",
    "ReviewQueue": "queue._queue",
    "create_app": "desk._app",
    "from_label_studio": "queue._exchange",
    "serve": "desk._server",
    "to_label_studio": "queue._exchange",
}
_EXTRAS = {
    "notebook": ("anywidget", "traitlets"),
    "review": ("itsdangerous", "jinja2", "sqlalchemy", "starlette", "uvicorn"),
}


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = importlib.import_module(f"sklearn_ecg.review.{_HOME[name]}")
    except ModuleNotFoundError as error:
        for extra, libraries in _EXTRAS.items():
            if error.name in libraries:
                raise ImportError(
                    f"{name} needs {error.name}: pip install sklearn_ecg[{extra}]."
                ) from error
        raise
    return getattr(module, name)


def __dir__():
    return sorted(__all__)
