"""delineate: the waves of every beat in every lead, as a table."""

import numpy as np
import pandas as pd

from sklearn_ecg.features._checks import check_r_peaks, check_signal
from sklearn_ecg.features._r_peaks import find_r_peaks, usable_leads
from sklearn_ecg.features._waves import WAVES, find_waves
from sklearn_ecg.preprocessing import bandpass

_RATE = 250


def delineate(signal, sampling_rate, r_peaks=None):
    """Find the bounds and peaks of the P wave, the QRS complex and the T wave.

    The QRS reaches from where the slope rises to a tenth of its greatest to where it has fallen
    there again. A P or T wave is the largest deflection of its search window from the line through
    the window's ends; it begins and ends where the steepest tangents of its flanks meet that
    line. A wave that stands out neither from the noise nor to 3 % of the QRS is absent.

    Parameters
    ----------
    signal : array-like of shape (n_leads, n_times) or (n_times,)
        One record in mV.
    sampling_rate : float
        Hz.
    r_peaks : array-like of int of shape (n_beats,), default=None
        Samples of the R peaks in ascending order; by default those of `detect_r_peaks`.

    Returns
    -------
    DataFrame
        A row per lead and beat, with the columns lead, beat (both counted from 0), p_onset,
        p_peak, p_offset, qrs_onset, r_peak, qrs_offset, t_onset, t_peak and t_offset in samples
        (found to about 4 ms, not rounded); NaN where a wave is absent, or the lead is flat or
        contains NaN. r_peak is the beat's own, the same in all leads.

    See Also
    --------
    detect_r_peaks : The beats.
    ECGFeatureExtractor : Measurements that rest on these bounds.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.features import delineate
    >>> times = np.arange(2500) % 250
    >>> signal = np.exp(-(((times - 100) / 4.0) ** 2)) + 0.3 * np.exp(
    ...     -(((times - 175) / 15.0) ** 2)
    ... )
    >>> waves = delineate(signal, sampling_rate=250)
    >>> waves.loc[3, ["r_peak", "t_peak"]].tolist()
    [850.0, 925.0]
    >>> bool(waves["p_peak"].isna().all())
    True
    """
    signal = check_signal(signal, sampling_rate)
    if r_peaks is None:
        r_peaks = find_r_peaks(signal, sampling_rate)
    r_peaks = check_r_peaks(r_peaks, n_times=signal.shape[1])
    n_leads, n_beats = len(signal), len(r_peaks)
    found = {wave: np.full((n_leads, n_beats), np.nan) for wave in WAVES}
    usable = usable_leads(signal)
    if n_beats and usable.any():
        filtered = bandpass(signal[usable], sampling_rate, 0.5, 40, new_rate=_RATE)
        at_rate = np.round(r_peaks * (_RATE / sampling_rate)).astype(np.intp)
        at_rate = np.minimum(at_rate, filtered.shape[1] - 1)
        for wave, samples in find_waves(filtered, at_rate, _RATE).items():
            found[wave][usable] = samples * (sampling_rate / _RATE)
    found["r_peak"][:] = r_peaks
    lead, beat = np.divmod(np.arange(n_leads * n_beats), max(n_beats, 1))
    return pd.DataFrame(
        {"lead": lead, "beat": beat, **{wave: values.ravel() for wave, values in found.items()}}
    )
