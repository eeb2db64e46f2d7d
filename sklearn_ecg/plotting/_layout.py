"""Arrange the leads of a record in rows and columns."""

from typing import NamedTuple

import numpy as np

from sklearn_ecg.utils import canonical_lead, check_option

LAYOUTS = ("auto", "stacked", "12x1", "6x2", "3x4")

_COLUMNS = {"12x1": 1, "6x2": 2, "3x4": 4}
_LIMB = ("I", "II", "III", "aVR", "aVL", "aVF")
_CABRERA = ("aVL", "I", "-aVR", "II", "aVF", "III")
_PRECORDIAL = ("V1", "V2", "V3", "V4", "V5", "V6")
_RHYTHM_LEAD = "II"
# Share of the time that a record must fill, or the last column of "3x4" would be nearly empty.
_LEAST_FOR_COLUMNS = 7 / 8


class Trace(NamedTuple):
    """A lead, or a part of it, at its place in a row.

    Attributes
    ----------
    name : str
        The printed name.
    lead : str or None
        The name in the record; None if the record lacks the lead, and nothing is drawn.
    start_s : float
        Start of the part, in s.
    values : ndarray of shape (n_times,)
        The part in mV.
    """

    name: str
    lead: str | None
    start_s: float
    values: np.ndarray


def arrange(leads, sampling_rate, layout, *, cabrera, rhythm_strip):
    """Return rows of traces, from the top.

    Parameters
    ----------
    leads : dict of ndarray of shape (n_times,)
        The name of each lead in the record, and its values.
    sampling_rate : float
    layout : str
        One of `LAYOUTS`.
    cabrera : bool
    rhythm_strip : bool or str

    Returns
    -------
    list of list of Trace
    """
    check_option(layout, LAYOUTS, "layout")
    whole = _Leads(leads, sampling_rate)
    if layout == "auto":
        layout = "3x4" if whole.fill_columns() else "stacked"
    if layout == "stacked":
        order = list(leads)
        if cabrera:
            limb = [lead for lead in _CABRERA if whole.has(lead)]
            order = limb + [lead for lead in leads if not _is_one_of(lead, _LIMB)]
        rows = [[whole.trace(lead)] for lead in order]
    else:
        rows = whole.grid((_CABRERA if cabrera else _LIMB) + _PRECORDIAL, _COLUMNS[layout])
        if not any(trace.lead for row in rows for trace in row):
            raise ValueError(
                f"layout={layout!r} is for the twelve standard leads, but the record has only "
                f"{', '.join(leads)}. Use layout='stacked'."
            )
    if rhythm_strip is True:
        has_columns = _COLUMNS.get(layout, 1) > 1
        rhythm_strip = _RHYTHM_LEAD if has_columns and whole.has(_RHYTHM_LEAD) else None
    if rhythm_strip:
        if not (isinstance(rhythm_strip, str) and whole.has(rhythm_strip)):
            raise ValueError(
                f"rhythm_strip must be True, False or one of the leads {list(leads)}; got "
                f"{rhythm_strip!r}."
            )
        rows.append([whole.trace(rhythm_strip)])
    return rows


class _Leads:
    """The leads of a record, found by name in any spelling.

    A lead such as -aVR is made from aVR, and the reverse, if the record has only the other.
    """

    def __init__(self, leads, sampling_rate):
        self.sampling_rate = sampling_rate
        self.n_times = len(next(iter(leads.values())))
        self._values = leads
        self._names = {_key(lead): lead for lead in leads}

    def has(self, name):
        return self._find(name)[0] is not None

    def _find(self, name):
        """Return the record's name of a lead, and 1, or -1 if the record has the inverted lead."""
        if name in self._values:
            return name, 1
        folded = _key(name)
        inverted = folded[1:] if folded.startswith("-") else f"-{folded}"
        for key, sign in ((folded, 1), (inverted, -1)):
            if key in self._names:
                return self._names[key], sign
        return None, 1

    def fill_columns(self):
        """Whether these are the twelve standard leads, and fill most of the time."""
        standard = _LIMB + _PRECORDIAL
        if not all(map(self.has, standard)) or len(self._values) != len(standard):
            return False
        recorded = np.isfinite(np.stack(list(self._values.values()))).any(axis=0)
        return not recorded.any() or (
            np.flatnonzero(recorded)[-1] + 1 >= _LEAST_FOR_COLUMNS * self.n_times
        )

    def trace(self, name, start=0, stop=None):
        """Return a part of a lead; NaN if the record lacks the lead."""
        lead, sign = self._find(name)
        values = np.full(self.n_times, np.nan) if lead is None else sign * self._values[lead]
        return Trace(name, lead, start / self.sampling_rate, values[start:stop])

    def grid(self, order, n_columns):
        """Place leads down the columns, each with the part of the time of its column."""
        edges = np.linspace(0, self.n_times, n_columns + 1).round().astype(int)
        n_rows = len(order) // n_columns
        return [
            [
                self.trace(order[column * n_rows + row], edges[column], edges[column + 1])
                for column in range(n_columns)
            ]
            for row in range(n_rows)
        ]


def _is_one_of(lead, names):
    """Whether a lead, or its inverse, has one of the names, in any spelling."""
    return _key(lead.removeprefix("-")) in {_key(name) for name in names}


def _key(name):
    """Return the same key for all spellings of a lead, also of an inverted lead."""
    lead = canonical_lead(name.removeprefix("-")).casefold()
    return f"-{lead}" if name.startswith("-") else lead
