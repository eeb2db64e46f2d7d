"""Annotations of WFDB records (MIT format): the sample and the kind of each beat or wave.

A file is a sequence of 16-bit words: the upper six bits are a code, the lower ten a number
(https://wfdb.io/spec/annotation-files.html). Codes up to 49 are annotations; the number is the
distance from the one before. SKIP is a distance of more than ten bits. AUX is a note, and its
number is the length in bytes. The last word is 0.
"""

from pathlib import Path

import numpy as np

from sklearn_ecg.datasets._files import open_file
from sklearn_ecg.datasets._header import CURE
from sklearn_ecg.records._report import MissingFileError, RecordError

_SKIP, _AUX = 59, 63
_LAST_ANNOTATION = 49
# Symbols by code, from 0 on. "?" of code 30 is a beat that was not classified.
_SYMBOLS = np.array(list(' NLRaVFJASEj/Q~\0|\0sT*D"=pB^t+u?![]en@xf()r'))


def read_annotations(record, extension):
    """Read the annotations of a record.

    Parameters
    ----------
    record : path-like
        The record's path without suffix.
    extension : str
        The annotator, for example "atr".

    Returns
    -------
    samples : ndarray of int of shape (n_annotations,)
        Sample of each annotation.
    symbols : ndarray of str of shape (n_annotations,)
        Symbol of each annotation.

    Raises
    ------
    RecordError
        If the file is missing (then it is also a `FileNotFoundError`), cut short or not readable.
    """
    path = Path(f"{record}.{extension}")
    try:
        with open_file(path) as file:
            content = file.read()
    except FileNotFoundError:
        raise MissingFileError(
            path, "is missing: without it the record has no labels", CURE
        ) from None
    except OSError as error:
        raise RecordError(path, f"cannot be read: {error.strerror}", CURE) from error
    # A file that was cut would only seem to hold fewer annotations.
    if content[-2:] != b"\0\0" or len(content) % 2:
        raise RecordError(path, "is cut short: its end mark is missing", CURE)
    words = np.frombuffer(content, dtype="<u2")
    codes, numbers = words >> 10, (words & 1023).astype(np.int64)
    codes, numbers = _settle_data(codes, numbers, words, path)
    end = np.flatnonzero((codes == 0) & (numbers == 0))[0]
    codes, numbers = codes[:end], numbers[:end]

    moves = (codes <= _LAST_ANNOTATION) | (codes == _SKIP)
    samples = np.cumsum(np.where(moves, numbers, 0))
    annotated = codes <= _LAST_ANNOTATION
    unknown = np.setdiff1d(codes[annotated], np.flatnonzero(_SYMBOLS != ""))
    if len(unknown):
        raise RecordError(
            path, f"holds annotations of the codes {unknown.tolist()}, which WFDB leaves open", CURE
        )
    return samples[annotated], _SYMBOLS[codes[annotated]]


# Not a code: marks words that belong to the word before.
_DATA = 62


def _settle_data(codes, numbers, words, path):
    """Add the distance of each SKIP to its annotation, and mark words that are not codes."""
    data_until = 0
    for i in np.flatnonzero((codes == _SKIP) | (codes == _AUX)).tolist():
        if i < data_until:
            continue
        if codes[i] == _SKIP:
            data_until = i + 3
            high, low = (int(word) for word in words[i + 1 : i + 3])
            numbers[i] = np.int32(np.uint32((high << 16) | low).view(np.int32))
        else:
            data_until = i + 1 + (int(numbers[i]) + 1) // 2
        if data_until > len(codes) - 1:
            raise RecordError(path, "is damaged: a note or distance goes beyond its end", CURE)
        codes[i + 1 : data_until] = _DATA
    return codes, numbers
