"""Messages of a run: one-line warnings, and a log for programs."""

import json
import re
import warnings
from contextlib import contextmanager
from datetime import UTC, datetime

import click

# Names of functions' parameters, and of the command's options for them.
_OPTIONS = {
    "id_column": "--id-column",
    "label_columns": "--label-columns",
    "label_column": "--label-column",
    "label_names": "--label-names",
    "separator": "--separator",
    "group_column": "--patient-column",
    "trusted_column": "--trusted-column",
    "sampling_rate": "--sampling-rate",
    "leads": "--leads",
    "missing_leads": "--missing-leads",
    "waveform": "--waveform",
    "checksums=False": "--no-checksums",
}
_QUALITY = "ECGFeatureExtractor.quality_report(records) says"
# Words of everyday use count as parameters only if a value follows.
_PARAMETER = re.compile(
    rf"\b(?:({'|'.join(n for n in _OPTIONS if not n.isalpha())})\b=?|(separator|leads|waveform)=)"
)
_OF_CSV = {"sampling_rate": "--csv-rate", "units": "--csv-units", "lead_names": "--csv-leads"}
_CSV = re.compile(r'csv=\{"(\w+)": ([^}]*)\}')
_QUOTES = re.compile(r'[][" ]')
# Warnings of libraries that are meant for programmers.
_NOT_FOR_USERS = (DeprecationWarning, PendingDeprecationWarning, FutureWarning, ImportWarning)


def with_options(text):
    """Return a message with options in place of functions' parameters.

    Examples
    --------
    >>> from sklearn_ecg.command._messages import with_options
    >>> with_options("if these are several labels, give separator=';'")
    "if these are several labels, give --separator ';'"
    >>> with_options('Give them: csv={"units": "mV"}.')
    'Give them: --csv-units mV.'
    >>> with_options('Name them by csv={"lead_names": ["I", "II"]}.')
    'Name them by --csv-leads I,II.'
    """
    text = text.replace(_QUALITY, "quality.csv, which `sklearn-ecg clean` writes, says")
    text = _CSV.sub(lambda found: f"{_OF_CSV[found[1]]} {_QUOTES.sub('', found[2])}", text)
    return _PARAMETER.sub(
        lambda found: _OPTIONS[found[1] or found[2]] + " " * found[0].endswith("="), text
    )


@contextmanager
def warnings_in_one_line():
    """Show each warning once, in one line on standard error."""
    shown = set()

    def show(message, category, filename, lineno, file=None, line=None):
        text = with_options(" ".join(str(message).split()))
        if text not in shown:
            shown.add(text)
            click.echo(f"Warning: {text}", err=True)

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        for category in _NOT_FOR_USERS:
            warnings.simplefilter("ignore", category)
        warnings.showwarning = show
        yield


class Log:
    """A file of JSON lines, one for each event; new lines are appended.

    Parameters
    ----------
    path : path, or None
        With None nothing is written.
    """

    def __init__(self, path):
        self.path = path

    def __call__(self, event, **about):
        """Add a line: the time in UTC, the event, and details."""
        if self.path is None:
            return
        line = {"time": datetime.now(UTC).isoformat(timespec="seconds"), "event": event, **about}
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")

    @contextmanager
    def of_run(self, **about):
        """Log the start of a run, its warnings, and its end."""
        started = datetime.now(UTC)
        self("start", **about)
        show, outcome = warnings.showwarning, {"outcome": "done", "exit_code": 0}

        def show_and_log(message, *others, **options):
            self("warning", message=str(message))
            show(message, *others, **options)

        warnings.showwarning = show_and_log
        try:
            yield
        except KeyboardInterrupt:
            outcome = {"outcome": "interrupted", "exit_code": 130}
            raise
        except (click.exceptions.Exit, click.ClickException) as error:
            message = {"message": error.message} if hasattr(error, "message") else {}
            outcome = {"outcome": "done", "exit_code": error.exit_code, **message}
            raise
        except Exception as error:
            outcome = {"outcome": "error", "exit_code": 1, "message": str(error)}
            raise
        finally:
            warnings.showwarning = show
            seconds = (datetime.now(UTC) - started).total_seconds()
            self("end", **outcome, seconds=round(seconds, 1))
