"""delineate: the waves of every beat in every lead, as a table."""

import numpy as np
import pandas as pd

from sklearn_ecg.features._checks import check_r_peaks, check_signal
from sklearn_ecg.features._quality import CheckedSignal
from sklearn_ecg.features._r_peaks import find_beats, to_samples
from sklearn_ecg.features._wave_network import RATE
from sklearn_ecg.features._waves import WAVES, find_waves


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
        (bounds lie between samples); NaN where a wave is absent, or lies in a gap, or the lead is
        flat. r_peak is the beat's own, the same in all leads.

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
    checked = CheckedSignal(check_signal(signal, sampling_rate), sampling_rate)
    n_leads, n_times = checked.signal.shape
    beats = find_beats(checked, network)
    if r_peaks is None:
        r_peaks, at_rate = to_samples(beats.r_times, checked), beats.r_peaks
    else:
        r_peaks = check_r_peaks(r_peaks, n_times=n_times)
        at_rate = np.round(r_peaks * (RATE / sampling_rate))
        at_rate = np.minimum(at_rate, beats.filtered.shape[1] - 1)
    lead, beat = np.divmod(np.arange(n_leads * len(r_peaks)), max(len(r_peaks), 1))
    places = np.full((len(WAVES), n_leads, len(r_peaks)), np.nan)
    if beats.filtered.size and len(r_peaks):
        found = find_waves(beats.waves, beats.peaks, at_rate)
        places[:, checked.usable] = np.stack(list(found.values())) * (sampling_rate / RATE)
        if checked.recorded is not None:
            _leave_out_gaps(places, checked.recorded)
    places[WAVES.index("r_peak")] = r_peaks
    columns = dict(zip(WAVES, places.reshape(len(WAVES), -1), strict=True))
    return pd.DataFrame({"lead": lead, "beat": beat, **columns})


def _leave_out_gaps(places, recorded):
    """Make waves NaN, in place, of which a point lies where the lead was not recorded."""
    samples = np.clip(np.nan_to_num(places), 0, recorded.shape[1] - 1).round().astype(np.intp)
    lost = ~np.take_along_axis(recorded, samples.swapaxes(0, 1).reshape(len(recorded), -1), 1)
    lost = lost.reshape(len(recorded), *places.shape[::2]).swapaxes(0, 1)
    for wave in "pqt":
        own = [i for i, name in enumerate(WAVES) if name.startswith(wave)]
        places[own] = np.where(lost[own].any(axis=0), np.nan, places[own])
