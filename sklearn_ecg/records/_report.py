"""Errors and reports of records that cannot be loaded."""

import contextlib
import re

import pandas as pd

# Problems of files beside ECGs. A file of unknown content may have been an ECG.
NO_ECG, UNKNOWN, EMPTY = "is no ECG in a format that is read, but ", "of unknown content", "empty"
HIDDEN = "is hidden: its name or a folder's begins with a dot"
# A file with such a name but no such format is probably a damaged ECG.
_OF_ECGS = re.compile(r"\.(hea|dcm|scp|edf|bdf|ecg|ishne|xml)(\.gz)?$", re.IGNORECASE)

REPORT_COLUMNS = ("id", "file", "problem", "what_to_do", "kept")


class RecordError(ValueError):
    """A record cannot be read; the text says which file, the problem and what to do.

    Parameters
    ----------
    file : path-like
        The file.
    problem : str
        A verb phrase that continues the file's name, such as "is missing".
    what_to_do : str
        A sentence of advice.
    """

    def __init__(self, file, problem, what_to_do):
        super().__init__(file, problem, what_to_do)
        self.file = str(file)
        self.problem = problem
        self.what_to_do = what_to_do

    def __str__(self):
        return f"{self.file} {self.problem}. {self.what_to_do}"


class MissingFileError(RecordError, FileNotFoundError):
    """A file that a record needs is missing."""

    # Otherwise OSError would format the arguments.
    __str__ = RecordError.__str__


class ChecksumError(RecordError):
    """The samples do not agree with their checksum."""


class NothingReadError(ValueError):
    """None of many files can be read; the attribute `report` says why.

    Parameters
    ----------
    message : str
    report : Report
        The problem of each file.
    """

    def __init__(self, message, report):
        super().__init__(message)
        self.report = report.to_frame()


class NoECGError(NothingReadError, FileNotFoundError):
    """None of many files is an ECG."""

    __str__ = ValueError.__str__


@contextlib.contextmanager
def naming(file, what_to_do):
    """Turn every error in the block into a `RecordError` that names the file."""
    try:
        yield
    except RecordError:
        raise
    except Exception as error:
        # Libraries raise a dozen types of errors on damaged files, also MemoryError.
        problem = f"cannot be read: {type(error).__name__} {error}".rstrip()
        raise RecordError(file, problem, what_to_do) from error


class Report:
    """Collects the problems of records while a data set is opened.

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
        """Add a record that is left out, or that is kept in spite of a problem."""
        self.rows.append((id, str(file), problem, what_to_do, kept))

    def add_error(self, id, error):
        """Add a record that is left out because of a `RecordError`."""
        self.add(id, error.file, error.problem, error.what_to_do)

    def to_frame(self):
        """Return the table for `ECGRecords.report`."""
        frame = pd.DataFrame(self.rows, columns=list(REPORT_COLUMNS))
        return frame.astype({"kept": bool})


def is_lost(name):
    """Return whether the name of a file says that it is an ECG."""
    return _OF_ECGS.search(str(name)) is not None


def lost_ecgs(report):
    """Return the rows of a report about ECGs that are left out, without rows of other files."""
    problem = report["problem"].astype(str)
    is_other = problem.str.startswith((NO_ECG, HIDDEN))
    is_other &= ~problem.str.startswith((NO_ECG + UNKNOWN, NO_ECG + EMPTY))
    is_other &= ~report["file"].map(is_lost).astype(bool)
    return report[~report["kept"].astype(bool) & ~is_other]
