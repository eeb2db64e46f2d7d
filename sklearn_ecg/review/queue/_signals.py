"""Signals of a record packed into few bytes, and unpacked."""

import zlib

import numpy as np

_GAP = -32768
_FINEST_STEP_MV = 0.001
_LARGEST = 32767


def pack_signals(signals):
    """Return signals as bytes, and the step of their values.

    Parameters
    ----------
    signals : ndarray of shape (n_leads, n_times)
        In mV; NaN where nothing was recorded.

    Returns
    -------
    content : bytes
        Packed.
    step_mv : float
        mV of one count: 1 µV, or more if the highest value would not fit.

    Examples
    --------
    >>> import numpy as np
    >>> content, step_mv = pack_signals(np.array([[0.5, np.nan, -1.25]]))
    >>> np.frombuffer(unpack_signals(content, 3), "<i2") * step_mv
    array([  0.5  , -32.768,  -1.25 ])
    """
    signals = np.asarray(signals, dtype=np.float64)
    finite = np.isfinite(signals)
    highest = np.abs(signals, where=finite, out=np.zeros_like(signals)).max(initial=0)
    step_mv = max(_FINEST_STEP_MV, float(highest) / _LARGEST)
    counts = np.full(signals.shape, _GAP, dtype="<i2")
    np.copyto(counts, np.rint(signals / step_mv), where=finite, casting="unsafe")
    # Differences of neighbouring samples are small, and compress better; they wrap around.
    differences = np.diff(counts, axis=1, prepend=counts.dtype.type(0))
    return zlib.compress(differences.astype("<i2").tobytes(), 1), step_mv


def unpack_signals(content, n_times):
    """Return the signals of `pack_signals` as int16, little-endian, lead by lead.

    Parameters
    ----------
    content : bytes
    n_times : int

    Returns
    -------
    bytes
        Counts of `step_mv`; -32768 where nothing was recorded.
    """
    differences = np.frombuffer(zlib.decompress(content), "<i2").reshape(-1, n_times)
    return np.cumsum(differences, axis=1, dtype="<i2").tobytes()


def as_millivolt(content, n_leads, n_times, step_mv):
    """Return signals in mV, NaN where nothing was recorded.

    Parameters
    ----------
    content : bytes
        What `unpack_signals` returns.
    n_leads, n_times : int
    step_mv : float

    Returns
    -------
    ndarray of shape (n_leads, n_times)
    """
    counts = np.frombuffer(content, "<i2").reshape(n_leads, n_times)
    return np.where(counts == _GAP, np.nan, counts * step_mv)
