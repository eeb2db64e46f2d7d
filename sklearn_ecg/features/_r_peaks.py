"""R peaks of one record, found from all of its leads at once."""

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

_SHORTEST_S = 0.36  # in which a beat can be told from other things

_REFRACTORY = round(0.2 * RATE)
# A beat that is surely there is a bump of known area, however uncertain its exact place is: what
# the network sees around is summed, in units of that area. The narrow sum tells beats apart; the
# wide one tells how sure a beat is, also where a wide QRS complex leaves its place open.
_BUMP_AREA = 2.5 * np.sqrt(2 * np.pi)
_SUM = np.hanning(27)[1:-1] / _BUMP_AREA
_WIDE_REACH = 25
_PLACE = np.hanning(7)[1:-1]
_NEAR = 12  # samples around the largest sum in which the likeliest place is looked for
_LEAST = 0.2  # of one beat
_QRS_REACH = 10  # samples around the R peak
# Beats are believed where those around are sure on average: of a heart's, hardly any stretch lies
# below 0.8; of noise, hardly any above 0.7, and the less the more leads there are.
_LEAST_AROUND, _LEAST_AROUND_IN_TWO = 0.5, 0.65
_LEAST_ALONE = 0.9  # with nothing else around: an end of a record that waves slowly looks like one
_SUREST = 1.3
_AROUND = 5 * RATE
# Of 36,000 beats of MIT-BIH, 3 rise by less than a fifth of what those around do in one lead, and
# none in two; blocked P waves rise by a tenth.
_LEAST_STEEP = 0.18
_RISE, _STEEP_REACH = 4, 14  # samples
_NEIGHBOURS, _FEWEST_COMPARED = 31, 3
_TINY = float(np.finfo(np.float32).tiny)


def detect_r_peaks(signal, sampling_rate, method="network", *, between_samples=False) -> np.ndarray:
    """Find the R peak of every heart beat of one record.

    A small convolutional network looks at all leads together, four seconds wide, and marks where
    beats are; see the user guide for how it was trained and validated. Any number of leads in any
    order will do. Stretches of ten seconds in which no beat is sure, as in noise or ventricular
    flutter, have none.

    Parameters
    ----------
    signal : array-like of shape (n_leads, n_times) or (n_times,)
        One record in mV; NaN marks what was not recorded. Flat leads have no vote, nor have those
        that lack a fifth of what the others have.
    sampling_rate : float
        Hz.
    method : str, default="network"
        Or, for comparison, one of NeuroKit's: "neurokit", "pantompkins1985", "hamilton2002",
        "zong2003", "martinez2004", "christov2004", "gamboa2008", "elgendi2010", "engzeemod2012",
        "manikandan2012", "khamis2016", "kalidas2017", "nabian2018", "rodrigues2021", "promac". It
        sees the first lead that is neither flat nor short of a fifth of what the others have,
        cleaned by the method that belongs to it; for another lead pass that lead alone.
    between_samples : bool, default=False
        Whether to return when beats are to fractions of a sample, as heart rate variability needs;
        NeuroKit's methods know whole samples alone.

    Returns
    -------
    ndarray of int of shape (n_beats,)
        Samples of the R peaks in ascending order; empty for a record without beats. Of float with
        `between_samples`.

    Raises
    ------
    ValueError
        If the signal is not one record, has more leads than samples, the rate is no rate, or there
        is no such method.
    RuntimeError
        If NeuroKit raises an error, as it does for leads that are too short for its filters.

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
    """Find the beats of the first usable lead that lie where it was recorded."""
    if not checked.usable.any():
        return np.empty(0, np.intp)
    lead = checked.usable.argmax()
    try:
        r_peaks = detect_in_lead(signal[lead], checked.sampling_rate, method)
    except RuntimeError as error:
        raise RuntimeError(
            f"NeuroKit's method {method!r} broke down on lead {lead} of the signal: {error}. Pass "
            "another lead, or another method such as 'network'."
        ) from error
    if checked.recorded is not None:
        r_peaks = r_peaks[checked.recorded[lead, r_peaks]]
    return r_peaks


@dataclasses.dataclass
class Beats:
    """What is seen in the usable leads of a record, at 250 Hz.

    Attributes
    ----------
    filtered : ndarray of float32 of shape (n_usable_leads, n_times)
        From `filter_leads`.
    waves, peaks : ndarray
        From `look_at`.
    r_times : ndarray of float64 of shape (n_beats,)
        In samples, to fractions of them.
    """

    filtered: np.ndarray
    waves: np.ndarray
    peaks: np.ndarray
    r_times: np.ndarray

    @property
    def r_peaks(self):
        """The samples nearest to the beats, ndarray of int of shape (n_beats,)."""
        return np.round(self.r_times).astype(np.intp)


def find_beats(checked, network=None):
    """Find the beats of a `CheckedSignal` that lie where some lead was recorded."""
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
    """Whether beats are as steep as QRS complexes around them: P waves are far from that."""
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
    """Return times in samples at 250 Hz as times in samples of the record, in which they lie."""
    return np.clip(r_times * (checked.sampling_rate / RATE), 0, checked.signal.shape[1] - 1)


def to_samples(r_times, checked):
    """Return times in samples at 250 Hz as whole samples of the record."""
    return np.round(at_own_rate(r_times, checked)).astype(np.intp)


def to_working_rate(r_peaks, sampling_rate, n_times):
    """Return samples of a record as samples of what is seen of it at 250 Hz."""
    samples = np.round(np.asarray(r_peaks) * (RATE / sampling_rate)).astype(np.intp)
    return np.minimum(samples, n_times - 1)


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
    around = r_peaks[:, np.newaxis] + np.arange(-_QRS_REACH, _QRS_REACH + 1)
    shows_qrs = waves[2].take(around, axis=1, mode="clip").max(axis=(0, 2), initial=0) > 0.5
    least = _LEAST_AROUND if waves.shape[1] > 2 else _LEAST_AROUND_IN_TWO
    gaps = np.diff(r_peaks, prepend=-np.inf, append=np.inf)
    is_alone = np.minimum(gaps[:-1], gaps[1:]) > _AROUND
    least = np.where(is_alone, _LEAST_ALONE, least)
    is_beat = shows_qrs & (mean_around(r_peaks, _sureness(beats, r_peaks), _AROUND) > least)
    return np.unique(r_peaks[is_beat])


def _sureness(beats, r_peaks):
    """Return the wide sum around each beat, cut off where another beat comes into it."""
    total = np.append(0, np.cumsum(beats, dtype=float))
    first = np.maximum(r_peaks - _WIDE_REACH, 0)
    stop = np.minimum(r_peaks + _WIDE_REACH + 1, len(beats))
    return np.minimum((total[stop] - total[first]) / _BUMP_AREA, _SUREST)
