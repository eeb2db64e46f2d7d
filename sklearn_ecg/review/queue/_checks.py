"""Checks of arguments of a queue; each returns the value in the form of the tables."""

import numbers
import unicodedata
import uuid

import numpy as np
from sklearn.utils import check_random_state

LONGEST_NAME, LONGEST_NOTE = 60, 5000
_LONGEST_KEY = _LONGEST_SOFTWARE = 100
LARGEST_NUMBER = 2**31 - 1


def check_share(value, name):
    """Return a share as float."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not 0 <= value <= 1:
        raise ValueError(f"{name} must be a number from 0 to 1; got {value!r}.")
    return float(value)


def draw_seed(random_state):
    """Return a seed as int, drawn from a random state of scikit-learn."""
    try:
        return int(check_random_state(random_state).randint(2**31 - 1))
    except ValueError as error:
        raise ValueError(
            "random_state must be a whole number from 0 to 4294967295, a RandomState or None; got "
            f"{random_state!r}."
        ) from error


def check_number(value, name):
    """Return the number of a row as int."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} must be a whole number of the queue; got {value!r}.")
    if not 0 < value <= LARGEST_NUMBER:
        raise LookupError(f"{name} {value} is not in the queue, whose numbers begin at 1.")
    return int(value)


def check_text(value, name, longest):
    """Return text that a database can hold, without spaces around it."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be text; got {value!r}.")
    value = value.strip()
    if len(value) > longest:
        raise ValueError(f"{name} has {len(value)} characters; at most {longest} are kept.")
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError(f"{name} holds characters that are no text: {value!r}.")
    return value


def check_reader(reader):
    """Return the name of a reader as the queue keeps it.

    Parameters
    ----------
    reader : str

    Returns
    -------
    str
        With one space between words, and letters in one form of Unicode.

    Examples
    --------
    >>> check_reader(" Anna  Ek ")
    'Anna Ek'
    """
    if not isinstance(reader, str):
        raise TypeError(f"reader must be text, the name of a reader; got {reader!r}.")
    name = " ".join(unicodedata.normalize("NFC", reader).split())
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise ValueError(
            f"The name of a reader must be 1 to {LONGEST_NAME} characters that can be printed; got "
            f"{reader[: LONGEST_NAME + 1]!r}."
        )
    return name


def check_key(key):
    """Return a key; a new one for None."""
    if key is None:
        return uuid.uuid4().hex
    key = check_text(key, "key", _LONGEST_KEY)
    if not key:
        raise ValueError("key must be text that no other answer has, such as a UUID; got ''.")
    return key


def check_software(software):
    """Return the name of the program that sent an answer, or None."""
    return None if software is None else check_text(software, "software", _LONGEST_SOFTWARE)


def check_seconds(seconds):
    """Return a duration as float, or None."""
    if seconds is None:
        return None
    if isinstance(seconds, bool) or not isinstance(seconds, numbers.Real):
        raise TypeError(f"seconds must be a number; got {seconds!r}.")
    if not 0 <= seconds < np.inf:
        raise ValueError(f"seconds must not be negative, nor infinite or NaN; got {seconds!r}.")
    return float(seconds)
