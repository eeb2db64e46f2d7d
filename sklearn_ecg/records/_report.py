"""What could not be loaded, and why."""

import contextlib
import re

import pandas as pd

# Problems of files that lie beside ECGs; those of unknown content may have been some.
NO_ECG, UNKNOWN, EMPTY = "is no ECG in a format that is read, but ", "of unknown content", "empty"
HIDDEN = "is hidden: its name or a folder's begins with a dot"
# A file of such a name that is of no such format was an ECG once.
_OF_ECGS = re.compile(r"\.(hea|dcm|scp|edf|bdf|ecg|ishne|xml)(\.gz)?$", re.IGNORECASE)

REPORT_COLUMNS = ("id", "file", "problem", "what_to_do", "kept")


class RecordError(ValueError):
    """A record that cannot be read: which file, what is wrong with it, what to do.

    Parameters
    ----------
    file : path-like
    problem, what_to_do : str
        A phrase that goes on after the file's name, and a sentence of advice.
    """

    def __init__(self, file, problem, what_to_do):
        super().__init__(file, problem, what_to_do)
        self.file = str(file)
        self.problem = problem
        self.what_to_do = what_to_do

    def __str__(self):
        return f"{self.file} {self.problem}. {self.what_to_do}"


class MissingFileError(RecordError, FileNotFoundError):
    """A file that a record needs and that is not there."""

    # OSError prints its arguments in a form of its own.
    __str__ = RecordError.__str__


class ChecksumError(RecordError):
    """Samples that do not agree with the checksum beside them."""


class NothingReadError(ValueError):
    """None of many files can be read; why, says `report`.

    Parameters
    ----------
    message : str
    report : Report
    """

    def __init__(self, message, report):
        super().__init__(message)
        self.report = report.to_frame()


class NoECGError(NothingReadError, FileNotFoundError):
    """None of many files is an ECG."""

    __str__ = ValueError.__str__


@contextlib.contextmanager
def naming(file, what_to_do):
    """Make a `RecordError` that names the file of whatever goes wrong as it is read."""
    try:
        yield
    except RecordError:
        raise
    except Exception as error:
        # Libraries raise errors of a dozen kinds on damaged files, and memory may not suffice.
        problem = f"cannot be read: {type(error).__name__} {error}".rstrip()
        raise RecordError(file, problem, what_to_do) from error


class Report:
    """Collects what happens to records while a data set is opened.

    Examples
    --------
    >>> from sklearn_ecg.records._report import Report
    >>> report = Report()
    >>> report.add("A0007", "A0007.mat", "is missing", "Download it again.")
    >>> report.to_frame()[["id", "problem", "kept"]]
          id     problem   kept
    0  A0007  is missing  False
    """

    def __init__(self):
        self.rows = []

    def __len__(self):
        return len(self.rows)

    def add(self, id, file, problem, what_to_do, kept=False):
        """Name a record that is left out, or one that is kept in spite of a problem."""
        self.rows.append((id, str(file), problem, what_to_do, kept))

    def add_error(self, id, error):
        """Name the record that a `RecordError` left out."""
        self.add(id, error.file, error.problem, error.what_to_do)

    def to_frame(self):
        """Return the table that `ECGRecords.report` shows."""
        frame = pd.DataFrame(self.rows, columns=list(REPORT_COLUMNS))
        return frame.astype({"kept": bool})


def is_lost(name):
    """Return whether a file that is no ECG was one to judge by its name."""
    return _OF_ECGS.search(str(name)) is not None


def lost_ecgs(report):
    """Return the rows of a report about ECGs that are left out, not about files beside them."""
    problem = report["problem"].astype(str)
    is_other = problem.str.startswith((NO_ECG, HIDDEN))
    is_other &= ~problem.str.startswith((NO_ECG + UNKNOWN, NO_ECG + EMPTY))
    is_other &= ~report["file"].map(is_lost).astype(bool)
    return report[~report["kept"].astype(bool) & ~is_other]
