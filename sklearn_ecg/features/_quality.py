"""What is wrong with a signal: gaps, flat and saturated stretches, drift, noise, mixed-up leads."""

import functools

import numpy as np

from sklearn_ecg.preprocessing._gaps import fill_gaps, recorded_or_short

#: A lead with more noise than this share of its QRS, peak to peak, is noisy.
NOISY = 0.05

#: Limb leads that misfit by more than this contradict each other.
CONTRADICTING = 0.5

#: A lead that changes by less than this (mV) is flat.
FLAT_MV = 1e-6

#: A lead is measured if it has at least this share of the samples that any lead has.
LEAST_RECORDED = 0.8

_BLOCK_S = 0.2  # what does not change for this long is flat
_BLOCKS_PER_S = 5
_SPIKE_S = 0.004  # longer than a pacing spike, shorter than the flank of a QRS complex
_SPIKE_RATE = 250  # Hz; below, spikes are lost between samples
# Of the QRS: half of the beats or more have spikes in 7 of the 10 paced records of LUDB, and in
# none of the 190 others.
_SPIKE_SHARE = 0.18
_SPIKE_LEADS = 6

# Standard deviation of white noise from 0.5 to 40 Hz, over the median absolute second difference
# of its samples at 250 Hz.
_NOISE_PER_STEP = 2.95

_MAINS_HZ = (50.0, 60.0)
_BESIDE_MAINS_HZ = 4.0  # where a second's spectrum holds nothing of the hum any more

#: What the augmented leads and III must be, as weights of I and II.
_LIMB_LEADS = {"III": (-1, 1), "aVR": (-0.5, -0.5), "aVL": (1, -0.5), "aVF": (-0.5, 1)}


class CheckedSignal:
    """One record without its gaps, and what was found out about it.

    Parameters
    ----------
    signal : ndarray of shape (n_leads, n_times)
        In mV; NaN and infinity mark what was not recorded.
    sampling_rate : float

    Attributes
    ----------
    signal : ndarray of float32 of shape (n_leads, n_times)
        Without its mean; straight lines stand across gaps.
    recorded : ndarray of bool of shape (n_leads, n_times), or None
        Where there are samples, or a gap too short to matter; None for a record without gaps.
    usable : ndarray of bool of shape (n_leads,)
        Which leads can be measured.
    record_features : dict of float
    lead_features : dict of ndarray of shape (n_leads,)
        The part of the features of quality that needs no beats.
    """

    def __init__(self, signal, sampling_rate):
        self.sampling_rate = sampling_rate
        finite = np.isfinite(signal)
        has_gaps = not finite.all()
        self.recorded = recorded_or_short(finite, sampling_rate) if has_gaps else None
        missing = 1 - finite.mean(axis=1) if has_gaps else np.zeros(len(signal))
        self.record_features = {"infinite_fraction": np.isinf(signal).mean() if has_gaps else 0.0}
        self.signal = _centre(fill_gaps(signal, finite) if has_gaps else signal)
        highest, lowest = self.signal.max(axis=1), self.signal.min(axis=1)
        self.usable = highest - lowest > FLAT_MV
        if has_gaps:
            covered = finite.any(axis=0).sum()
            self.usable &= finite.sum(axis=1) >= max(1, LEAST_RECORDED * covered)
        flat, drift = _blocks(self.signal, self.recorded, sampling_rate)
        self.lead_features = {
            "missing_fraction": missing,
            "flat_fraction": np.where(highest - lowest > FLAT_MV, flat, 1 - missing),
            "saturated_fraction": _saturated(self.signal, finite, highest, lowest),
            "baseline_drift_mV": np.where(missing < 1, drift, np.nan),
        }
        self.record_features["usable_leads"] = float(self.usable.sum())


def _centre(signal):
    # Centred before its precision is reduced: an offset would cost the last bits.
    return (signal - signal.mean(axis=1, keepdims=True)).astype(np.float32, copy=False)


def _blocks(signal, recorded, sampling_rate):
    """Return the share of flat time, and the range of the means of seconds."""
    n_leads, n_times = signal.shape
    length = min(n_times, max(1, int(_BLOCK_S * sampling_rate)))
    starts = np.arange(0, n_times - length + 1, length)
    whole = signal[:, : starts[-1] + length]
    highest, lowest = (f.reduceat(whole, starts, axis=1) for f in (np.maximum, np.minimum))
    flat = highest - lowest <= FLAT_MV
    # Time between two beats may be without any change for less than a second.
    stretch = np.zeros(n_leads)
    if flat.any():
        if recorded is not None:
            flat &= np.logical_and.reduceat(recorded[:, : whole.shape[1]], starts, axis=1)
        stretch = np.array([_in_runs(lead, _BLOCKS_PER_S) for lead in flat])
    seconds = starts[:: min(_BLOCKS_PER_S, len(starts))]
    counts = np.diff(np.append(seconds, whole.shape[1]))
    means = np.add.reduceat(whole, seconds, axis=1) / counts
    return stretch, np.ptp(means[:, counts == counts[0]], axis=1)


def _in_runs(flags, shortest):
    """Return the share of flags that stand in runs of at least `shortest`."""
    edges = np.flatnonzero(np.diff(np.r_[0, flags.astype(np.int8), 0]))
    runs = edges[1::2] - edges[::2]
    return runs[runs >= shortest].sum() / len(flags)


def _saturated(signal, finite, highest, lowest):
    """Return the share of samples that stay, for three or more, at an extreme far from 0."""
    share = np.zeros(len(signal))
    for extreme in (highest, lowest):
        there = signal == extreme[:, np.newaxis]
        far = np.abs(extreme) > 0.3 * (highest - lowest)
        # Only a lead that is there often can have stayed: the others cost no second look.
        for lead in np.flatnonzero(far & (np.count_nonzero(there, axis=1) > 2)):
            stays = there[lead] & finite[lead]
            if (stays[2:] & stays[1:-1] & stays[:-2]).any():
                share[lead] += stays.mean()
    return share


def noise(filtered):
    """Return the size of each lead's noise from its second differences: waves bend slowly.

    Parameters
    ----------
    filtered : ndarray of shape (n_leads, n_times)
        From 0.5 to 40 Hz, at 250 Hz.
    """
    n_times = filtered.shape[1] // 5 * 5
    steps = filtered[:, :n_times].reshape(len(filtered), -1, 5)
    bends = np.sort(np.abs(steps[..., 1] - 2 * steps[..., 2] + steps[..., 3]), axis=-1)
    if not bends.shape[1]:
        return np.full(len(filtered), np.nan)
    return _NOISE_PER_STEP * bends[:, bends.shape[1] // 2]


def mains_hum(signal, sampling_rate):
    """Measure the hum of the mains, at 50 or 60 Hz, whichever is more.

    In stretches of a second the mains keep their phase, however they wander; what the neighbouring
    frequencies hold there is the ECG's own.

    Parameters
    ----------
    signal : ndarray of float32 of shape (n_leads, n_times)
        Unfiltered.
    sampling_rate : float

    Returns
    -------
    frequency : float
        Hz; NaN where the sampling rate or the length allows none.
    amplitudes : ndarray of shape (n_leads,)
        In mV.
    """
    n_leads, n_times = signal.shape
    length = round(sampling_rate)
    basis = _mains_basis(length, sampling_rate)
    if n_times < length or not basis.size:
        return np.nan, np.full(n_leads, np.nan)
    seconds = signal[:, : n_times // length * length].reshape(n_leads, -1, length)
    parts = (seconds @ basis).reshape(n_leads, seconds.shape[1], -1, 3, 2)
    # The median over the seconds: a movement in one of them is no hum.
    power = np.median(np.square(parts).sum(axis=-1), axis=1)
    hum = np.sqrt(np.maximum(power[..., 1] - power[..., [0, 2]].mean(axis=-1), 0))
    which = hum.sum(axis=0).argmax()
    return _MAINS_HZ[which], hum[:, which].astype(np.float64)


@functools.lru_cache(maxsize=16)
def _mains_basis(length, sampling_rate):
    """Return waves of the mains' frequencies and their neighbours, of shape (length, n_waves)."""
    near = np.array([-_BESIDE_MAINS_HZ, 0.0, _BESIDE_MAINS_HZ])
    allowed = [f for f in _MAINS_HZ if f + near[-1] < sampling_rate / 2]
    frequencies = np.add.outer(allowed, near).ravel()
    angles = np.outer(np.arange(length), 2 * np.pi / sampling_rate * frequencies)
    waves = np.stack([np.cos(angles), np.sin(angles)], axis=-1).reshape(length, -1)
    # A window keeps slow waves out; its mean of one half is made up for.
    return (waves * np.hanning(length)[:, np.newaxis] * (4 / length)).astype(np.float32)


def lead_relations(filtered, lead_names):
    """Compare leads with each other.

    Parameters
    ----------
    filtered : ndarray of shape (n_leads, n_times)
    lead_names : list of str

    Returns
    -------
    dict of float
        The number of leads that repeat one before them, and how far the limb leads are from what
        the laws of Einthoven and Goldberger want.
    """
    products = (filtered @ filtered.T).astype(np.float64)
    energy = products.diagonal()
    apart = energy[:, np.newaxis] + energy - 2 * products
    same = (apart <= 1e-5 * np.minimum(energy[:, np.newaxis], energy)) & (energy > 0)
    misfit = _limb_lead_misfit(products, lead_names)
    return {
        "identical_leads": float(np.tril(same, k=-1).any(axis=1).sum()),
        "limb_lead_misfit": misfit,
    }


def _limb_lead_misfit(products, names):
    present = [name for name in _LIMB_LEADS if name in names]
    if not {"I", "II"} <= set(names) or not present:
        return np.nan
    places = [names.index(name) for name in ("I", "II", *present)]
    products = products[np.ix_(places, places)]
    worst = 0.0
    for place, name in enumerate(present, start=2):
        weights = np.zeros(len(places))
        weights[[0, 1, place]] = *_LIMB_LEADS[name], -1
        size = max(products[place, place], products[0, 0] / 4, products[1, 1] / 4)
        worst = max(worst, weights @ products @ weights / size)
    return np.sqrt(worst)


def pacing_spikes(signal, sampling_rate, qrs_sizes, noise):
    """Count spikes of a few milliseconds that stand out in the mean over the leads.

    Parameters
    ----------
    signal : ndarray of float32 of shape (n_leads, n_times)
        Unfiltered. Some leads without much noise are enough, and are all that is looked at.
    sampling_rate : float
    qrs_sizes, noise : ndarray of shape (n_leads,)
        Usual size of a QRS complex, peak to peak, and of the noise.
    """
    chosen = np.flatnonzero(noise < NOISY * qrs_sizes)[::2][:_SPIKE_LEADS]
    if sampling_rate < _SPIKE_RATE or not len(chosen):
        return np.nan
    signal = signal[chosen]
    reach = max(1, round(_SPIKE_S * sampling_rate))
    rise = signal[:, reach:] - signal[:, :-reach]
    # A spike stands out from the samples on both sides: the lower of its flanks counts.
    before, after = rise[:, :-reach], -rise[:, reach:]
    up, down = np.minimum(before, after), -np.maximum(before, after)
    height = np.maximum(np.maximum(up, down), 0).mean(axis=0)
    spikes = np.flatnonzero(height > _SPIKE_SHARE * qrs_sizes[chosen].mean())
    return np.count_nonzero(np.diff(spikes, prepend=-np.inf) > 0.02 * sampling_rate)
