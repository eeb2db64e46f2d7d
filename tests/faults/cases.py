"""Kinds of bad input, and the judgement of what comes of each.

A case is right if its call ends in one of the ways that were expected of it:

- ``error``: an error that was raised on purpose, by us or by the checks of scikit-learn or skorch,
  whose text tells what is wrong;
- ``skip``: the bad record is left out and stands in the report, and all others are right;
- ``nan``: the bad record alone has no answer, and one warning names it;
- ``right``: the answer is that of an independent computation, in the case itself.

All else is a failure: ``obscure`` errors, ``wrong`` answers, ``memory``, and a process that hangs
or dies.
"""

import linecache
import os
import shutil
import tempfile
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from faults.child import in_child

GOOD = ("error", "skip", "nan", "right")
_CHECKS = ("/sklearn_ecg/", "/sklearn/utils/", "/sklearn/base.py", "/skorch/")
# What a text must hold at least to name what was found, and what is to be done.
_SHORTEST = 25


@dataclass(frozen=True)
class Case:
    """A bad input for a public function."""

    area: str
    function: str
    name: str
    expected: tuple
    run: Callable
    prepare: Callable

    def __str__(self):
        return f"{self.function}: {self.name}"


class Area:
    """Cases of one area.

    Parameters
    ----------
    name : str
    prepare : callable, default=None
        Makes what the cases share, once, before they run in processes of their own.
    """

    cases = []

    def __init__(self, name, prepare=lambda: None):
        self.name = name
        self.prepare = prepare

    def case(self, function, name, *expected):
        """Add the decorated function, which returns one of `GOOD` or raises."""

        def add(run):
            self.cases.append(Case(self.name, function, name, expected, run, self.prepare))
            return run

        return add

    def errors(self, function, calls):
        """Add calls, by the names of what is wrong with them, which must end in clear errors."""
        for name, call in calls.items():
            self.case(function, name, "error")(call)


def verdict(case):
    """Run a case in a folder and process of its own; return what came of it, and in what words."""
    case.prepare()
    folder = tempfile.mkdtemp()
    try:
        found, end = in_child(lambda: _judge(case.run, folder))
    finally:
        os.chmod(folder, 0o700)
        shutil.rmtree(folder, ignore_errors=True)
    return found if end == "done" else (end, f"the process ended by {end}")


def _judge(run, folder):
    os.chdir(folder)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = run()
    except AssertionError as error:
        return "wrong", traceback.format_exc(limit=-1) if not str(error) else str(error)
    except MemoryError as error:
        return "memory", str(error)
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        text = f"{type(error).__name__}: {error} ({place.filename}:{place.lineno})"
        return ("error" if is_clear(error) else "obscure"), text
    if isinstance(found, str) and found in GOOD:
        return found, ""
    return "wrong", f"accepted, and answered by {found!r:.300}"


def is_clear(error):
    """Tell whether an error was raised on purpose, by a check, with a text."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    line = linecache.getline(place.filename, place.lineno).strip()
    is_checked = any(part in place.filename for part in _CHECKS)
    return is_checked and line.startswith("raise") and len(str(error)) >= _SHORTEST


def skipped(records, good, bad="bad"):
    """Assert that records hold all good signals, and that the report alone tells of the bad one.

    Parameters
    ----------
    records : ECGRecords
    good : dict of str to ndarray
        Signals in mV by id.
    bad : str
    """
    ids = [str(id) for id in records.ids]
    for name, signal in good.items():
        assert name in ids, f"{name} is lost; the report says {records.report.to_dict('records')}"
        found = np.asarray(records.signals[ids.index(name)])
        np.testing.assert_allclose(found, signal, atol=1e-3)
    assert bad not in ids, f"{bad} is taken for a record"
    told = records.report[["id", "file"]].astype(str).to_numpy().ravel()
    assert any(bad in text for text in told), f"the report does not name {bad}"
    return "skip"


def as_nobody(folder, read):
    """Become a user to whom permissions apply, once whatever is imported late has been.

    Parameters
    ----------
    folder : str
    read : callable
        Takes the folder.
    """
    read(folder)
    if os.geteuid() == 0:
        for path in [Path("."), Path(folder), *Path(folder).rglob("*")]:
            os.chown(path, 65534, 65534, follow_symlinks=False)
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)


def unanswered(call, row, name):
    """Assert that of all records that a call answers one has NaN, and one warning names it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        values = np.asarray(call())
    assert np.isnan(values).all(axis=1).nonzero()[0].tolist() == [row], values
    said = [str(warning.message) for warning in caught if name in str(warning.message)]
    assert len(said) == 1, [str(warning.message) for warning in caught]
    return "nan"
