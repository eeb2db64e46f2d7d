"""delineate: a table of the waves of every beat in every lead."""

import numpy as np
import pandas as pd

from sklearn_ecg.features._checks import check_r_peaks, check_signal
from sklearn_ecg.features._neurokit import WAVE_METHODS, delineate_lead
from sklearn_ecg.features._quality import CheckedSignal
from sklearn_ecg.features._r_peaks import find_beats, to_samples, to_working_rate
from sklearn_ecg.features._wave_network import RATE
from sklearn_ecg.features._waves import WAVES, find_blocked_p_waves, find_stretches, find_waves
from sklearn_ecg.utils import check_option, warn_user


def delineate(signal, sampling_rate, r_peaks=None, method="network") -> pd.DataFrame:
    """Find the bounds and peaks of the P wave, the QRS complex and the T wave.

    A small convolutional network sees all leads together and assigns a wave to each sample of each
    lead. A bound is the place where the probability of a wave crosses one half. The peak of a P or
    T wave, upright, inverted or biphasic, is the most probable place between its bounds. A blocked
    P wave has no QRS complex behind it; it is reported if a third of the leads, and at least two of
    three or more leads, show it. The user guide says how the network was trained and validated.

    Parameters
    ----------
    signal : array-like of shape (n_leads, n_times) or (n_times,)
        One record in mV.
    sampling_rate : float
        Samples per second (Hz).
    r_peaks : array-like of shape (n_beats,), default=None
        R peaks in samples (also fractions), in ascending order; by default those of
        `detect_r_peaks`.
    method : {"network", "peak", "prominence", "dwt", "cwt"}, default="network"
        The network, or, for comparison, a method of NeuroKit. These see each lead alone, cleaned by
        NeuroKit, with the same R peaks in all leads, and find no blocked P waves. "peak" finds no
        bounds of QRS complexes.

    Returns
    -------
    DataFrame
        A row per lead and beat, sorted by lead and time. Columns: lead and beat, both counted from
        0; p_onset, p_peak, p_offset, qrs_onset, r_peak, qrs_offset, t_onset, t_peak and t_offset
        in samples, also fractions. NaN if the wave is absent, lies in a gap, or the lead is flat.
        All leads of a beat have the same r_peak. A blocked P wave has beat -1, a row in each lead
        that shows it, and NaN for QRS and T.

    Raises
    ------
    ValueError
        If the signal is not one record, `r_peaks` are not ascending samples of it, or the method
        is unknown.

    Warns
    -----
    UserWarning
        If NeuroKit raises an error on a lead; the waves of this lead are NaN.

    See Also
    --------
    detect_r_peaks : Find the beats.
    to_neurokit : The waves of one lead in NeuroKit's format.
    ECGFeatureExtractor : Measurements from these bounds.

    Examples
    --------
    >>> from sklearn_ecg.datasets import make_ecg_records
    >>> from sklearn_ecg.features import delineate
    >>> record = make_ecg_records(1, random_state=0)
    >>> waves = delineate(record.signals[0], record.sampling_rate)
    >>> bool((waves["qrs_onset"] < waves["r_peak"]).mean() > 0.95)
    True

    Leave out blocked P waves:

    >>> beats = waves[waves["beat"] >= 0]
    """
    check_option(method, ("network", *WAVE_METHODS), "method")
    if method == "network":
        return delineate_with(signal, sampling_rate, r_peaks)
    signal = check_signal(signal, sampling_rate)
    checked = CheckedSignal(signal, sampling_rate)
    if r_peaks is None:
        r_peaks = to_samples(find_beats(checked).r_times, checked)
    else:
        r_peaks = check_r_peaks(r_peaks, signal.shape[1])
    return _as_table(_places_by_neurokit(signal, checked, r_peaks, method), r_peaks, checked)


def delineate_with(signal, sampling_rate, r_peaks=None, network=None):
    """Find waves as `delineate`, with any `WaveNetwork`."""
    checked = CheckedSignal(check_signal(signal, sampling_rate), sampling_rate)
    beats = find_beats(checked, network)
    if r_peaks is None:
        r_peaks, at_rate = to_samples(beats.r_times, checked), beats.r_peaks
    else:
        r_peaks = check_r_peaks(r_peaks, checked.signal.shape[1])
        at_rate = to_working_rate(r_peaks, sampling_rate, beats.filtered.shape[1])
    places = np.full((len(WAVES), len(checked.signal), len(r_peaks)), np.nan)
    if beats.filtered.size and len(r_peaks):
        stretches = find_stretches(beats.waves)
        found = find_waves(stretches, beats.waves, beats.peaks, at_rate)
        blocked = find_blocked_p_waves(stretches, beats.waves, beats.peaks, found)
        n_blocked = blocked["p_peak"].shape[1]
        places = np.pad(places, ((0, 0), (0, 0), (0, n_blocked)), constant_values=np.nan)
        for i, name in enumerate(WAVES):
            own = [found[name], blocked.get(name, np.full_like(blocked["p_peak"], np.nan))]
            places[i, checked.usable] = np.concatenate(own, axis=1) * (sampling_rate / RATE)
    return _as_table(places, r_peaks, checked)


def _places_by_neurokit(signal, checked, r_peaks, method):
    places = np.full((len(WAVES), len(signal), len(r_peaks)), np.nan)
    failed = {}
    for lead in np.flatnonzero(checked.usable):
        try:
            found = delineate_lead(signal[lead], checked.sampling_rate, r_peaks, method)
        except RuntimeError as error:
            failed[int(lead)] = error
        else:
            places[:, lead] = [found[name] for name in WAVES]
    if failed:
        first, said = next(iter(failed.items()))
        warn_user(
            f"NeuroKit's method {method!r} raised errors on the leads {list(failed)}, counted from "
            f"0, and their waves are NaN. On lead {first} the error was: {said}."
        )
    return places


def _as_table(places, r_peaks, checked):
    """Return a row per lead and beat, and per lead and blocked P wave, sorted by lead and time.

    Parameters
    ----------
    places : ndarray of shape (n_waves, n_leads, n_beats + n_blocked)
        The waves of the beats, then the blocked P waves.
    r_peaks : ndarray of shape (n_beats,)
    checked : CheckedSignal
    """
    if checked.recorded is not None and places.size:
        _leave_out_gaps(places, checked.recorded)
    # If an end of the record cuts off a wave, that end is its bound.
    np.clip(places, 0, checked.signal.shape[1] - 1, out=places)
    places[WAVES.index("r_peak"), :, : len(r_peaks)] = r_peaks
    _, n_leads, n_rows = places.shape
    number = np.full(n_rows, -1)
    number[: len(r_peaks)] = np.arange(len(r_peaks))
    lead, beat = np.repeat(np.arange(n_leads), n_rows), np.tile(number, n_leads)
    waves = places.reshape(len(WAVES), -1)
    p_peak, r_peak = waves[WAVES.index("p_peak")], waves[WAVES.index("r_peak")]
    order = np.lexsort([np.where(beat < 0, p_peak, r_peak), lead])
    order = order[(beat[order] >= 0) | ~np.isnan(p_peak[order])]
    columns = dict(zip(WAVES, waves[:, order], strict=True))
    return pd.DataFrame({"lead": lead[order], "beat": beat[order], **columns})


def _leave_out_gaps(places, recorded):
    """Set waves to NaN, in place, if one of their points lies in a gap of the lead."""
    samples = np.clip(np.nan_to_num(places), 0, recorded.shape[1] - 1).round().astype(np.intp)
    lost = ~np.take_along_axis(recorded, samples.swapaxes(0, 1).reshape(len(recorded), -1), 1)
    lost = lost.reshape(len(recorded), *places.shape[::2]).swapaxes(0, 1)
    for wave in "pqt":
        own = [i for i, name in enumerate(WAVES) if name.startswith(wave)]
        places[own] = np.where(lost[own].any(axis=0), np.nan, places[own])
