"""delineate: the waves of every beat in every lead, as a table."""

import numpy as np
import pandas as pd

from sklearn_ecg.features._checks import check_r_peaks, check_signal
from sklearn_ecg.features._r_peaks import SHORTEST_S, pick_r_peaks, usable_leads
from sklearn_ecg.features._wave_network import RATE, look_at
from sklearn_ecg.features._waves import WAVES, find_waves
from sklearn_ecg.preprocessing import bandpass


def delineate(signal, sampling_rate, r_peaks=None):
    """Find the bounds and peaks of the P wave, the QRS complex and the T wave.

    A small convolutional network sees all leads together and gives each sample of each lead its
    wave. The bounds are where a wave becomes likelier than not, the peaks of P and T the likeliest
    place between them, whether the wave is upright, inverted or biphasic. A P or T wave that is
    not seen is absent, and so are P waves that no QRS complex follows. The user guide tells how
    the network was trained and validated.

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
        (bounds lie between samples); NaN where a wave is absent, or the lead is flat or contains
        NaN. r_peak is the beat's own, the same in all leads.

    Raises
    ------
    ValueError
        If the signal is not one record, or `r_peaks` are not ascending samples of it.

    See Also
    --------
    detect_r_peaks : The beats.
    ECGFeatureExtractor : Measurements that rest on these bounds.

    Examples
    --------
    >>> from sklearn_ecg.datasets import make_ecg_records
    >>> from sklearn_ecg.features import delineate
    >>> record = make_ecg_records(1, random_state=0)
    >>> waves = delineate(record.signals[0], record.sampling_rate)
    >>> bool((waves["qrs_onset"] < waves["r_peak"]).mean() > 0.95)
    True
    """
    return delineate_with(signal, sampling_rate, r_peaks)


def delineate_with(signal, sampling_rate, r_peaks=None, network=None):
    """As `delineate`, with any `WaveNetwork`."""
    signal = check_signal(signal, sampling_rate)
    given = None if r_peaks is None else check_r_peaks(r_peaks, n_times=signal.shape[1])
    usable = usable_leads(signal)
    r_peaks = np.empty(0, dtype=np.intp) if given is None else given
    found = {}
    if usable.any() and signal.shape[1] >= SHORTEST_S * sampling_rate:
        filtered = bandpass(signal[usable], sampling_rate, 0.5, 40, new_rate=RATE)
        beats, likely_waves, likely_peaks = look_at(filtered, network)
        if given is None:
            at_rate = pick_r_peaks(beats, likely_waves)
            r_peaks = np.round(at_rate * (sampling_rate / RATE)).astype(np.intp)
            r_peaks = np.minimum(r_peaks, signal.shape[1] - 1)
        else:
            at_rate = np.minimum(np.round(given * (RATE / sampling_rate)), len(beats) - 1)
        found = find_waves(likely_waves, likely_peaks, at_rate)
    lead, beat = np.divmod(np.arange(len(signal) * len(r_peaks)), max(len(r_peaks), 1))
    table = {"lead": lead, "beat": beat}
    for wave in WAVES:
        samples = np.full((len(signal), len(r_peaks)), np.nan)
        if wave in found:
            samples[usable] = found[wave] * (sampling_rate / RATE)
        table[wave] = samples.ravel()
    table["r_peak"] = np.tile(r_peaks.astype(float), len(signal))
    return pd.DataFrame(table)
