"""delineate: the waves of every beat in every lead, as a table."""

import numpy as np
import pandas as pd

from sklearn_ecg.features._checks import check_r_peaks, check_signal
from sklearn_ecg.features._quality import CheckedSignal
from sklearn_ecg.features._r_peaks import find_beats, to_samples
from sklearn_ecg.features._wave_network import RATE
from sklearn_ecg.features._waves import WAVES, find_blocked_p_waves, find_waves


def delineate(signal, sampling_rate, r_peaks=None):
    """Find the bounds and peaks of the P wave, the QRS complex and the T wave.

    A small convolutional network sees all leads together and gives each sample of each lead its
    wave. The bounds are where a wave becomes likelier than not, the peaks of P and T the likeliest
    place between them, whether the wave is upright, inverted or biphasic. A P or T wave that is
    not seen is absent. P waves that no QRS complex follows are blocked ones; they are believed
    where a third of the leads shows them, and two of three or more. The user guide tells how the
    network was trained and validated.

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
        flat. r_peak is the beat's own, the same in all leads. A blocked P wave has a row in each
        lead that shows it, with beat -1 and NaN in all columns but its own. Rows are in the order
        of leads, and of time within a lead.

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

    The beats alone, without blocked P waves:

    >>> beats = waves[waves["beat"] >= 0]
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
    places = np.full((len(WAVES), n_leads, len(r_peaks)), np.nan)
    blocked = np.full((len(WAVES), n_leads, 0), np.nan)
    if beats.filtered.size and len(r_peaks):
        found = find_waves(beats.waves, beats.peaks, at_rate)
        places[:, checked.usable] = np.stack(list(found.values())) * (sampling_rate / RATE)
        found = find_blocked_p_waves(beats.waves, beats.peaks, found)
        blocked = np.full((len(WAVES), n_leads, found["p_peak"].shape[1]), np.nan)
        for name, samples in found.items():
            blocked[WAVES.index(name), checked.usable] = samples * (sampling_rate / RATE)
        if checked.recorded is not None:
            _leave_out_gaps(places, checked.recorded)
            _leave_out_gaps(blocked, checked.recorded)
    places[WAVES.index("r_peak")] = r_peaks
    return _table(places, blocked)


def _table(places, blocked):
    """Return rows of beats and of the blocked P waves that a lead shows, by lead and time."""
    _, n_leads, n_beats = places.shape
    number = np.append(np.arange(n_beats), np.full(blocked.shape[2], -1))
    lead, beat = np.repeat(np.arange(n_leads), len(number)), np.tile(number, n_leads)
    waves = np.concatenate([places, blocked], axis=2).reshape(len(WAVES), -1)
    p_peak, r_peak = waves[WAVES.index("p_peak")], waves[WAVES.index("r_peak")]
    order = np.lexsort([np.where(beat < 0, p_peak, r_peak), lead])
    order = order[(beat[order] >= 0) | ~np.isnan(p_peak[order])]
    columns = dict(zip(WAVES, waves[:, order], strict=True))
    return pd.DataFrame({"lead": lead[order], "beat": beat[order], **columns})


def _leave_out_gaps(places, recorded):
    """Make waves NaN, in place, of which a point lies where the lead was not recorded."""
    samples = np.clip(np.nan_to_num(places), 0, recorded.shape[1] - 1).round().astype(np.intp)
    lost = ~np.take_along_axis(recorded, samples.swapaxes(0, 1).reshape(len(recorded), -1), 1)
    lost = lost.reshape(len(recorded), *places.shape[::2]).swapaxes(0, 1)
    for wave in "pqt":
        own = [i for i, name in enumerate(WAVES) if name.startswith(wave)]
        places[own] = np.where(lost[own].any(axis=0), np.nan, places[own])
