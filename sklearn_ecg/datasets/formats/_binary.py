"""What the binary formats share: errors, dates, and channels of one name."""

import contextlib

import numpy as np

from sklearn_ecg.records._report import RecordError, naming
from sklearn_ecg.utils import is_known_lead

_EXPORT_AGAIN = "Export it again, or move it out of the folder to go on without it."


class DamagedError(Exception):
    """What is wrong with a file: a phrase that goes on after its name."""


@contextlib.contextmanager
def naming_damage(name):
    """Make a `RecordError` of whatever is wrong with a file."""
    with naming(name, _EXPORT_AGAIN):
        try:
            yield
        except DamagedError as error:
            raise RecordError(name, str(error), _EXPORT_AGAIN) from None


def date_of(year, month, day):
    """Return a date, or None where there is none such; it may lie before 1900."""
    try:
        return np.datetime64(f"{year:04d}-{month:02d}-{day:02d}", "D") if year > 0 else None
    except ValueError:
        return None


def time_on(date, hour, minute, second):
    """Return a time of a day, which is midnight where there is none such."""
    is_time = 0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60
    seconds = 3600 * hour + 60 * minute + second if is_time else 0
    return date.astype("datetime64[s]") + seconds


def each_once(names, ranks, remarks):
    """Choose channels so that each name stands for one.

    Of a known lead that is there several times, the one of highest rank is chosen, or none where
    several are: it would be a guess. Other channels of one name are numbered.

    Parameters
    ----------
    names : list of str
    ranks : list
        Such as the length of each.
    remarks : list of (str, str)
        To which is added what had to be chosen.

    Returns
    -------
    list of (int, str)
        Places of the channels chosen, and their names.
    """
    places = {}
    for place, name in enumerate(names):
        places.setdefault(name, []).append(place)
    chosen = []
    for name, several in places.items():
        if len(several) == 1:
            chosen.append((several[0], name))
        elif not is_known_lead(name):
            chosen += [(place, f"{name} {i}") for i, place in enumerate(several, start=1)]
        else:
            best = [place for place in several if ranks[place] == max(ranks[p] for p in several)]
            used = "the longest" if len(best) == 1 else "none"
            chosen += [(place, name) for place in best if len(best) == 1]
            remarks.append((f"holds lead {name} {len(several)} times", f"Of these {used} is used."))
    if not chosen:
        raise DamagedError(f"holds each of its leads several times: {', '.join(places)}")
    return chosen
