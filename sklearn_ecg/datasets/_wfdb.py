"""Reading WFDB files, with errors that name the file and the cure.

wfdb is imported where it is used: it takes a second to load, which whoever only simulates records
need not wait for.
"""

import math
from pathlib import Path

import numpy as np

# By WFDB's names of storage formats; compressed ones have no fixed size.
_BYTES_PER_SAMPLE = {"8": 1, "80": 1, "16": 2, "61": 2, "160": 2, "212": 1.5, "24": 3, "32": 4}

_CURE = "Download it again, or move the record's files out of the folder to go on without it."


def list_headers(folder, *, dataset, fetch):
    """Return the paths of all WFDB headers in a folder, without suffix, in order.

    Parameters
    ----------
    folder : path-like
    dataset, fetch : str
        What should be there and the function that downloads it, for the error message.

    Returns
    -------
    list of Path
    """
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise FileNotFoundError(
            f"There is no folder {str(folder)!r}. Give the folder that holds {dataset}, or "
            f"download it: {fetch}."
        )
    headers = sorted(folder.glob("*.hea"))
    if not headers:
        inner = sorted({path.parent.name for path in folder.glob("*/*.hea")})
        hint = f" There are some in its folders {inner}: did you mean one of these?" * bool(inner)
        raise FileNotFoundError(
            f"The folder {str(folder)!r} holds no WFDB headers (*.hea).{hint} Give the folder that "
            f"holds {dataset}, or download it: {fetch}."
        )
    return [path.with_suffix("") for path in headers]


def read_header(record):
    """Read the header of a record.

    Parameters
    ----------
    record : Path
        The record's path without suffix.

    Returns
    -------
    wfdb.Record
    """
    import wfdb

    try:
        header = wfdb.rdheader(str(record))
    except Exception as error:
        raise ValueError(
            f"{record}.hea cannot be read as a WFDB header: {error}. {_CURE}"
        ) from error
    described = [name for name in header.sig_name or [] if name is not None]
    if not described or len(described) != header.n_sig:
        raise ValueError(
            f"{record}.hea is cut short: it announces {header.n_sig} signals and names "
            f"{len(described)}. {_CURE}"
        )
    return header


def read_signals(record, leads):
    """Read leads of a record in mV, and check them against the header.

    Parameters
    ----------
    record : Path
        The record's path without suffix.
    leads : sequence of str
        Names of the leads, in the order wanted; the header must hold them.

    Returns
    -------
    ndarray of float32 of shape (n_leads, n_times)
    """
    import wfdb

    header = read_header(record)
    channels = [header.sig_name.index(lead) for lead in leads]
    for name in {header.file_name[channel] for channel in channels}:
        _check_size(record, header, name)
    try:
        signals = wfdb.rdrecord(str(record), channels=channels, physical=False)
    except Exception as error:
        raise ValueError(
            f"The signals of {record} cannot be read as {record.name}.hea describes them: "
            f"{error}. {_CURE}"
        ) from error
    _check_sums(record, header, channels, signals.d_signal)
    units = {header.units[channel] for channel in channels}
    if units != {"mV"}:
        raise ValueError(f"{record}.hea gives its signals in {sorted(units)}; only mV is read.")
    return signals.dac(return_res=32).T


def _check_size(record, header, name):
    """Check that a signal file is there and whole, since wfdb tells neither in plain words."""
    path = record.with_name(name)
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing, though {record.name}.hea asks for it. {_CURE}")
    inside = [i for i, file_name in enumerate(header.file_name) if file_name == name]
    if any(header.fmt[i] not in _BYTES_PER_SAMPLE for i in inside) or not header.sig_len:
        return
    per_frame = sum(_BYTES_PER_SAMPLE[header.fmt[i]] * header.samps_per_frame[i] for i in inside)
    needed = math.ceil(per_frame * header.sig_len) + (header.byte_offset[inside[0]] or 0)
    found = path.stat().st_size
    if found < needed:
        raise ValueError(
            f"{path} is cut short: it holds {found} bytes, {record.name}.hea asks for {needed}. "
            f"{_CURE}"
        )


def _check_sums(record, header, channels, digital):
    """Check the samples' sums: a file that was overwritten in part reads without an error."""
    found = digital.sum(axis=0, dtype=np.int64).astype(np.int16)
    for channel, checksum in zip(channels, found, strict=True):
        expected = header.checksum[channel]
        if expected is not None and np.int64(expected).astype(np.int16) != checksum:
            path = record.with_name(header.file_name[channel])
            raise ValueError(
                f"{path} is damaged: the samples of lead {header.sig_name[channel]} do not agree "
                f"with the checksum in {record.name}.hea. {_CURE}"
            )


def read_annotations(record, extension):
    """Read the annotations of a record.

    Parameters
    ----------
    record : Path
        The record's path without suffix.
    extension : str
        The annotator, for example "atr".

    Returns
    -------
    samples : ndarray of int of shape (n_annotations,)
    symbols : ndarray of str of shape (n_annotations,)
    """
    import wfdb

    path = Path(f"{record}.{extension}")
    if not path.is_file():
        raise FileNotFoundError(f"{path} is missing: without it the record has no labels. {_CURE}")
    # Annotations end with two zero bytes; a file that lost its end would only seem to hold fewer.
    if path.read_bytes()[-2:] != b"\0\0":
        raise ValueError(f"{path} is cut short: it lacks the mark of its end. {_CURE}")
    try:
        annotations = wfdb.rdann(str(record), extension)
    except Exception as error:
        raise ValueError(f"{path} cannot be read as WFDB annotations: {error}. {_CURE}") from error
    return np.asarray(annotations.sample), np.asarray(annotations.symbol, dtype=str)
