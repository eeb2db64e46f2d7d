"""Common parts of the binary formats: errors, dates, and channels with equal names."""

import contextlib

import numpy as np

from sklearn_ecg.records._report import RecordError, naming
from sklearn_ecg.utils import is_known_lead

_EXPORT_AGAIN = "Export it again, or move it out of the folder to go on without it."


class DamagedError(Exception):
    """A problem of a file: a phrase that follows its name."""


@contextlib.contextmanager
def naming_damage(name):
    """Turn every error in the block into a `RecordError`."""
    with naming(name, _EXPORT_AGAIN):
        try:
            yield
        except DamagedError as error:
            raise RecordError(name, str(error), _EXPORT_AGAIN) from None


def date_of(year, month, day):
    """Return a date, also before 1900, or None if it is not valid."""
    try:
        return np.datetime64(f"{year:04d}-{month:02d}-{day:02d}", "D") if year > 0 else None
    except ValueError:
        return None


def time_on(date, hour, minute, second):
    """Return a time of a day, or midnight if it is not valid."""
    is_time = 0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60
    seconds = 3600 * hour + 60 * minute + second if is_time else 0
    return date.astype("datetime64[s]") + seconds


def each_once(names, ranks, remarks):
    """Choose channels so that each name occurs once.

    If a known lead occurs several times, the channel of the highest rank is chosen; if several have
    that rank, none is, since it would be a guess. Other channels with equal names are numbered.

    Parameters
    ----------
    names : list of str
    ranks : list
        Such as the length of each.
    remarks : list of (str, str)
        Gets a remark for each choice.

    Returns
    -------
    list of (int, str)
        Positions of the chosen channels, and their names.
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
