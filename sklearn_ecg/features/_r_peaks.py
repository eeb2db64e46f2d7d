"""R peaks of one record, found from all of its leads at once."""

import numpy as np
from scipy import ndimage
from scipy.signal import find_peaks

from sklearn_ecg.features._checks import check_signal
from sklearn_ecg.features._wave_network import RATE, look_at
from sklearn_ecg.preprocessing import bandpass

_FLAT_MV = 1e-6
#: Seconds of signal in which a beat can be told from other things.
SHORTEST_S = 0.36

_REFRACTORY = round(0.2 * RATE)
# A beat that is surely there is a bump of known area, however uncertain its exact place is: what
# the network sees within 100 ms is summed, in units of that area.
_SUM = np.hanning(27)[1:-1] / (2.5 * np.sqrt(2 * np.pi))
_PLACE = np.hanning(7)[1:-1]
_NEAR = 12  # samples around the largest sum in which the likeliest place is looked for
_LEAST = 0.2
_QRS_REACH = 10  # samples around the R peak


def detect_r_peaks(signal, sampling_rate):
    """Find the R peak of every heart beat of one record.

    A small convolutional network looks at all leads together, two seconds wide, and marks where
    beats are; see the user guide for how it was trained and validated. Any number of leads in any
    order will do. Ventricular flutter has no beats, but its waves may be taken for some.

    Parameters
    ----------
    signal : array-like of shape (n_leads, n_times) or (n_times,)
        One record in mV. Leads that are flat or contain NaN have no vote.
    sampling_rate : float
        Hz.

    Returns
    -------
    ndarray of int of shape (n_beats,)
        Samples of the R peaks in ascending order; empty for a record without beats.

    Raises
    ------
    ValueError
        If the signal is not one record, has more leads than samples, or the rate is no rate.

    See Also
    --------
    delineate : Bounds and peaks of the P, QRS and T waves of each beat.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.features import detect_r_peaks
    >>> signal = np.zeros(1250)
    >>> signal[125::250] = 1.0
    >>> signal = np.convolve(signal, np.hanning(20), mode="same")
    >>> detect_r_peaks(signal, sampling_rate=250).round(-1)
    array([ 120,  380,  620,  880, 1120])
    """
    signal = check_signal(signal, sampling_rate)
    signal = signal[usable_leads(signal)]
    if not len(signal) or signal.shape[1] < SHORTEST_S * sampling_rate:
        return np.empty(0, dtype=np.intp)
    beats, waves, _ = look_at(bandpass(signal, sampling_rate, 0.5, 40, new_rate=RATE))
    r_peaks = np.round(pick_r_peaks(beats, waves) * (sampling_rate / RATE)).astype(np.intp)
    return np.minimum(r_peaks, signal.shape[1] - 1)


def usable_leads(signal):
    """Return which leads of one record have no NaN and are not flat."""
    with np.errstate(invalid="ignore"):
        return np.isfinite(signal).all(axis=1) & (np.ptp(signal, axis=1) > _FLAT_MV)


def pick_r_peaks(beats, waves):
    """Return the samples of the beats.

    Parameters
    ----------
    beats : ndarray of shape (n_times,)
        Likelihood of an R peak at each sample (250 Hz), from `look_at`.
    waves : ndarray of shape (4, n_leads, n_times)
        Probabilities of no wave, P, QRS and T: a beat shows a QRS complex in one lead at least.

    Returns
    -------
    ndarray of int of shape (n_beats,)
    """
    near = np.convolve(beats, _SUM, mode="same")[: len(beats)]
    r_peaks, _ = find_peaks(np.r_[0, near, 0], distance=_REFRACTORY, height=_LEAST)
    places = r_peaks[:, np.newaxis] - 1 + np.arange(-_NEAR, _NEAR + 1)
    places = np.clip(places, 0, len(beats) - 1)
    likely = np.convolve(beats, _PLACE, mode="same")[places]
    r_peaks = np.take_along_axis(places, likely.argmax(axis=1)[:, np.newaxis], 1)[:, 0]
    shows_qrs = ndimage.maximum_filter1d(waves[2].max(axis=0), 2 * _QRS_REACH + 1) > 0.5
    return np.unique(r_peaks[shows_qrs[r_peaks]])
