"""Find the R peaks of one record from all of its leads together."""

import dataclasses

import numpy as np
from scipy import ndimage
from scipy.signal import find_peaks

from sklearn_ecg.features._checks import check_signal
from sklearn_ecg.features._neurokit import R_PEAK_METHODS, detect_in_lead
from sklearn_ecg.features._quality import CheckedSignal
from sklearn_ecg.features._r_times import find_r_times
from sklearn_ecg.features._statistics import mean_around, nan_quantile
from sklearn_ecg.features._wave_network import RATE, filter_leads, look_at
from sklearn_ecg.utils import check_option

_SHORTEST_S = 0.36  # in a shorter record, beats cannot be found

_REFRACTORY = round(0.2 * RATE)
# A certain beat is a bump of known area in the network's output, even if its exact place is
# uncertain. So outputs are summed around a place, in units of that area. The narrow sum separates
# beats; the wide sum measures certainty, also of a wide QRS complex.
_BUMP_AREA = 2.5 * np.sqrt(2 * np.pi)
_SUM = np.hanning(27)[1:-1] / _BUMP_AREA
_WIDE_REACH = 25
_PLACE = np.hanning(7)[1:-1]
_NEAR = 12  # samples around the largest sum to search for the most probable place
_LEAST = 0.2  # of one beat
_QRS_REACH = 10  # samples around the R peak
# Least mean certainty of the beats around a beat. Beats of a heart hardly ever have less than 0.8,
# noise hardly ever more than 0.7, and less if there are more leads.
_LEAST_AROUND, _LEAST_AROUND_IN_TWO = 0.5, 0.65
_LEAST_ALONE = (
    0.9  # of a beat without others around: slow waves at an end of a record look like one
)
_SUREST = 1.3
_AROUND = 5 * RATE
# Least slope relative to the beats around. In 36,000 beats of MIT-BIH, 3 have less than a fifth in
# one lead, and none in two leads; blocked P waves have a tenth.
_LEAST_STEEP = 0.18
_RISE, _STEEP_REACH = 4, 14  # samples
_NEIGHBOURS, _FEWEST_COMPARED = 31, 3
_TINY = float(np.finfo(np.float32).tiny)


def detect_r_peaks(signal, sampling_rate, method="network", *, between_samples=False) -> np.ndarray:
    """Find the R peak of every heart beat of one record.

    A small convolutional network sees all leads together, in windows of four seconds, and marks
    beats; the user guide says how it was trained and validated. It takes any number of leads in any
    order. Stretches of ten seconds without a certain beat, such as noise or ventricular flutter,
    get no beats.

    Parameters
    ----------
    signal : array-like of shape (n_leads, n_times) or (n_times,)
        One record in mV; NaN is not recorded. Leads that are flat, or lack a fifth of the time of
        the other leads, are ignored.
    sampling_rate : float
        Samples per second (Hz).
    method : str, default="network"
        The network, or, for comparison, a method of NeuroKit: "neurokit", "pantompkins1985",
        "hamilton2002", "zong2003", "martinez2004", "christov2004", "gamboa2008", "elgendi2010",
        "engzeemod2012", "manikandan2012", "khamis2016", "kalidas2017", "nabian2018",
        "rodrigues2021", "promac". These use the first lead that is not ignored, with NeuroKit's
        cleaning; to use another lead, pass only that lead.
    between_samples : bool, default=False
        Whether to return fractions of a sample, which heart rate variability needs. NeuroKit's
        methods find whole samples only.

    Returns
    -------
    ndarray of int of shape (n_beats,)
        Samples of the R peaks in ascending order; empty for a record without beats. The type is
        float with `between_samples`.

    Raises
    ------
    ValueError
        If the signal is not one record or has more leads than samples, or the rate or the method
        is invalid.
    RuntimeError
        If NeuroKit raises an error, for example for leads that are too short for its filters.

    See Also
    --------
    delineate : Bounds and peaks of the P, QRS and T waves of each beat.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.features import detect_r_peaks
    >>> signal = np.zeros(1250)
    >>> signal[120::250] = 1.0
    >>> signal = np.convolve(signal, np.hanning(21), mode="same")
    >>> detect_r_peaks(signal, sampling_rate=250).round(-1)
    array([ 120,  370,  620,  870, 1120])
    """
    check_option(method, ("network", *R_PEAK_METHODS), "method")
    signal = check_signal(signal, sampling_rate)
    checked = CheckedSignal(signal, sampling_rate)
    if method != "network":
        r_peaks = _detect_by_neurokit(signal, checked, method)
        return r_peaks.astype(float) if between_samples else r_peaks
    r_times = find_beats(checked).r_times
    return at_own_rate(r_times, checked) if between_samples else to_samples(r_times, checked)


def _detect_by_neurokit(signal, checked, method):
    """Find the beats of the first usable lead, without those in its gaps."""
    if not checked.usable.any():
        return np.empty(0, np.intp)
    lead = checked.usable.argmax()
    try:
        r_peaks = detect_in_lead(signal[lead], checked.sampling_rate, method)
    except RuntimeError as error:
        raise RuntimeError(
            f"NeuroKit's method {method!r} raised an error on lead {lead} of the signal: {error}. "
            "Pass another lead, or another method such as 'network'."
        ) from error
    if checked.recorded is not None:
        r_peaks = r_peaks[checked.recorded[lead, r_peaks]]
    return r_peaks


@dataclasses.dataclass
class Beats:
    """Beats and waves in the usable leads of a record, at 250 Hz.

    Attributes
    ----------
    filtered : ndarray of float32 of shape (n_usable_leads, n_times)
        From `filter_leads`.
    waves, peaks : ndarray
        From `look_at`.
    r_times : ndarray of float64 of shape (n_beats,)
        Times of the beats in samples, also fractions.
    """

    filtered: np.ndarray
    waves: np.ndarray
    peaks: np.ndarray
    r_times: np.ndarray

    @property
    def r_peaks(self):
        """The nearest samples, ndarray of int of shape (n_beats,)."""
        return np.round(self.r_times).astype(np.intp)


def find_beats(checked, network=None):
    """Find the beats of a `CheckedSignal`, without those in gaps of all leads."""
    usable = checked.signal[checked.usable]
    if not len(usable) or usable.shape[1] < _SHORTEST_S * checked.sampling_rate:
        nothing = np.empty((0, 0), np.float32)
        return Beats(nothing, nothing, nothing, np.empty(0))
    filtered = filter_leads(usable, checked.sampling_rate)
    beats, waves, peaks = look_at(filtered, network)
    r_peaks = pick_r_peaks(beats, waves)
    r_peaks = r_peaks[_are_steep(filtered, r_peaks)]
    if checked.recorded is not None:
        covered = checked.recorded[checked.usable].any(axis=0)
        r_peaks = r_peaks[covered[to_samples(r_peaks, checked)]]
    return Beats(filtered, waves, peaks, find_r_times(filtered, r_peaks))


def _are_steep(filtered, r_peaks):
    """Whether beats are as steep as those around them; P waves are much less steep."""
    if len(r_peaks) < _FEWEST_COMPARED:
        return np.ones(len(r_peaks), dtype=bool)
    places = r_peaks[:, np.newaxis] + np.arange(-_STEEP_REACH, _STEEP_REACH + 1)
    around = filtered.take(places, axis=1, mode="clip")
    steepest = np.abs(around[..., _RISE:] - around[..., :-_RISE]).max(axis=-1)
    if len(r_peaks) > _NEIGHBOURS:
        usual = ndimage.percentile_filter(steepest, 75, size=(1, _NEIGHBOURS))
    else:
        usual = nan_quantile(steepest, 0.75)[:, np.newaxis]
    return np.median(steepest / (usual + _TINY), axis=0) > _LEAST_STEEP


def at_own_rate(r_times, checked):
    """Convert times from samples at 250 Hz to samples of the record, within its ends."""
    return np.clip(r_times * (checked.sampling_rate / RATE), 0, checked.signal.shape[1] - 1)


def to_samples(r_times, checked):
    """Convert times from samples at 250 Hz to whole samples of the record."""
    return np.round(at_own_rate(r_times, checked)).astype(np.intp)


def to_working_rate(r_peaks, sampling_rate, n_times):
    """Convert samples of a record to whole samples at 250 Hz."""
    samples = np.round(np.asarray(r_peaks) * (RATE / sampling_rate)).astype(np.intp)
    return np.minimum(samples, n_times - 1)


def pick_r_peaks(beats, waves):
    """Return the samples of the beats.

    Parameters
    ----------
    beats : ndarray of shape (n_times,)
        Likelihood of an R peak at each sample (250 Hz), from `look_at`.
    waves : ndarray of shape (4, n_leads, n_times)
        Probabilities of no wave, P, QRS and T. A beat must show a QRS complex in at least one lead.

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
    around = r_peaks[:, np.newaxis] + np.arange(-_QRS_REACH, _QRS_REACH + 1)
    shows_qrs = waves[2].take(around, axis=1, mode="clip").max(axis=(0, 2), initial=0) > 0.5
    least = _LEAST_AROUND if waves.shape[1] > 2 else _LEAST_AROUND_IN_TWO
    gaps = np.diff(r_peaks, prepend=-np.inf, append=np.inf)
    is_alone = np.minimum(gaps[:-1], gaps[1:]) > _AROUND
    least = np.where(is_alone, _LEAST_ALONE, least)
    is_beat = shows_qrs & (mean_around(r_peaks, _sureness(beats, r_peaks), _AROUND) > least)
    return np.unique(r_peaks[is_beat])


def _sureness(beats, r_peaks):
    """Return the wide sum around each beat, limited because it may include another beat."""
    total = np.append(0, np.cumsum(beats, dtype=float))
    first = np.maximum(r_peaks - _WIDE_REACH, 0)
    stop = np.minimum(r_peaks + _WIDE_REACH + 1, len(beats))
    return np.minimum((total[stop] - total[first]) / _BUMP_AREA, _SUREST)
