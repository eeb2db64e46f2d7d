"""Signal quality: gaps, flat and saturated stretches, drift, noise, mixed-up leads."""

import functools

import numpy as np

from sklearn_ecg.features._artefacts import (
    SPIKE_RATE,
    count_spikes,
    find_held,
    sharp_bends,
    take_out_spikes,
    take_out_steps,
)
from sklearn_ecg.features._statistics import nan_median
from sklearn_ecg.preprocessing._gaps import fill_gaps, recorded_or_short

#: A lead is noisy if its noise exceeds this share of its QRS, peak to peak.
NOISY = 0.05

#: Limb leads contradict each other if their misfit is larger.
CONTRADICTING = 0.5

#: A lead that changes by less than this (mV) is flat.
FLAT_MV = 1e-6

#: A lead is measured if it has at least this share of the samples that any lead has.
LEAST_RECORDED = 0.8

_BLOCK_S = 0.2  # a signal that is constant for this time is flat
_BLOCKS_PER_S = 5

# Ratio of the standard deviation of white noise, from 0.5 to 40 Hz, to the median absolute second
# difference of its samples at 250 Hz.
_NOISE_PER_STEP = 2.95

_MAINS_HZ = (50.0, 60.0)
_BESIDE_MAINS_HZ = 4.0  # at this distance, the spectrum of a second is free of hum

#: III and the augmented leads, as weights of I and II.
_LIMB_LEADS = {"III": (-1, 1), "aVR": (-0.5, -0.5), "aVL": (1, -0.5), "aVF": (-0.5, 1)}


class CheckedSignal:
    """One record without gaps, spikes and steps, and its features of quality.

    Parameters
    ----------
    signal : ndarray of shape (n_leads, n_times)
        One record in mV. NaN and infinity are not recorded. Neither are values that are repeated
        too long to be a true signal, see `find_held`.
    sampling_rate : float
        Samples per second (Hz).

    Attributes
    ----------
    signal : ndarray of float32 of shape (n_leads, n_times)
        The signal without its mean, pacing spikes and steps; gaps are filled with straight lines.
    recorded : ndarray of bool of shape (n_leads, n_times), or None
        Mask of samples, and of gaps too short to matter; None for a record without gaps.
    usable : ndarray of bool of shape (n_leads,)
        Mask of the leads that can be measured.
    n_spikes : float
        Number of times with a pacing spike; NaN below 250 Hz, where spikes cannot be seen.
    record_features : dict of float
        Features of quality of the record that need no beats.
    lead_features : dict of ndarray of shape (n_leads,)
        Features of quality of the leads that need no beats.
    """

    def __init__(self, signal, sampling_rate):
        self.sampling_rate = sampling_rate
        finite = np.isfinite(signal)
        has_gaps = not finite.all()
        known = finite if has_gaps else None
        missing = 1 - finite.mean(axis=1) if has_gaps else np.zeros(len(signal))
        self.signal = _centre(fill_gaps(signal, finite) if has_gaps else signal)
        highest, lowest, means = _blocks(self.signal, sampling_rate)
        top, bottom = highest.max(axis=1), lowest.min(axis=1)
        is_flat = top - bottom <= FLAT_MV
        flat = _flat_share(highest - lowest <= FLAT_MV, known, self.signal.shape[1])
        mains_hz, hum = mains_hum(self.signal, sampling_rate)
        self.lead_features = {
            "missing_fraction": missing,
            "mains_hum_mV": hum,
            "saturated_fraction": _saturated(self.signal, finite, top, bottom),
            "baseline_drift_mV": np.where(
                missing < 1, np.ptp(_seconds(means).mean(axis=-1), axis=1), np.nan
            ),
        }
        heights = _seconds(highest).max(axis=-1) - _seconds(lowest).min(axis=-1)
        heights = nan_median(np.where(heights > FLAT_MV, heights, np.nan))
        heights = np.fmax(heights, nan_median(heights))
        bends = sharp_bends(self.signal, sampling_rate, heights)
        spikes = take_out_spikes(self.signal, sampling_rate, heights, bends)
        held = np.empty(0)
        if (highest == lowest).any():
            # The line across a gap at an end of the record is constant too.
            own = self.signal if known is None else np.where(known, self.signal, np.nan)
            held = find_held(own, sampling_rate)
        if held.any():
            flat = np.maximum(flat, held.mean(axis=1))
            known = finite & ~held
            self.signal = _centre(fill_gaps(self.signal, known))
            bends = sharp_bends(self.signal, sampling_rate, heights)
        take_out_steps(self.signal, sampling_rate, heights, bends)
        self.usable = ~is_flat
        self.recorded = None
        if known is not None:
            self.recorded = recorded_or_short(known, sampling_rate)
            covered = known[self.usable].any(axis=0).sum()
            self.usable &= known.sum(axis=1) >= max(1, LEAST_RECORDED * covered)
        self.lead_features["flat_fraction"] = np.where(is_flat, 1 - missing, flat)
        self.n_spikes = np.nan
        if sampling_rate >= SPIKE_RATE:
            self.n_spikes = count_spikes(spikes, np.count_nonzero(self.usable), sampling_rate)
        self.record_features = {
            "infinite_fraction": np.isinf(signal).mean() if has_gaps else 0.0,
            "dropout_fraction": _dropout(signal, finite, held) if held.any() else 0.0,
            "usable_leads": float(self.usable.sum()),
            "mains_frequency_Hz": mains_hz,
        }


def _centre(signal):
    # Centre before converting to float32, because an offset would cost digits.
    return (signal - signal.mean(axis=1, keepdims=True)).astype(np.float32, copy=False)


def _blocks(signal, sampling_rate):
    """Return the highest values, lowest values and means of blocks, (n_leads, n_blocks) each."""
    n_times = signal.shape[1]
    length = min(n_times, max(1, int(_BLOCK_S * sampling_rate)))
    starts = np.arange(0, n_times - length + 1, length)  # the last block goes on to the end
    highest, lowest, means = (
        part.reduceat(signal, starts, axis=1) for part in (np.maximum, np.minimum, np.add)
    )
    means /= np.diff(starts, append=n_times)
    return highest, lowest, means


def _seconds(blocks):
    """Group blocks into seconds, (n_leads, n_seconds, n_blocks), without an incomplete last one."""
    n_leads, n_blocks = blocks.shape
    length = min(_BLOCKS_PER_S, n_blocks)
    n_groups = n_blocks // length
    return blocks[:, : n_groups * length].reshape(n_leads, n_groups, length)


def _flat_share(flat, known, n_times):
    """Return each lead's share of flat time, in runs of 1 s, because diastole may be flat."""
    if not flat.any():
        return np.zeros(len(flat))
    if known is not None:
        length = n_times // flat.shape[1]
        blocks = known[:, : flat.shape[1] * length].reshape(*flat.shape, -1)
        flat = flat & blocks.all(axis=-1)
    return np.array([_in_runs(lead, _BLOCKS_PER_S) for lead in flat])


def _in_runs(flags, shortest):
    """Return the share of flags in runs of at least `shortest`."""
    edges = np.flatnonzero(np.diff(np.r_[0, flags.astype(np.int8), 0]))
    runs = edges[1::2] - edges[::2]
    return runs[runs >= shortest].sum() / len(flags)


def _dropout(signal, finite, held):
    """Return the share of the time in which no lead was recorded and some repeat a value.

    Zeros at both ends of the record are padding, and not counted.
    """
    changes = np.ptp(np.where(finite, signal, 0), axis=1) > 0
    lost = (held | ~finite)[changes].all(axis=0) & held.any(axis=0)
    inside = np.flatnonzero((signal != 0).any(axis=0))
    return lost[inside[0] : inside[-1] + 1].sum() / len(lost) if len(inside) else 0.0


def _saturated(signal, finite, highest, lowest):
    """Return the share of samples at an extreme far from 0, if three successive samples are."""
    share = np.zeros(len(signal))
    n_times = signal.shape[1]
    for extreme in (highest, lowest):
        far = np.abs(extreme) > 0.3 * (highest - lowest)
        places = np.flatnonzero(signal == np.where(far, extreme, np.nan)[:, np.newaxis])
        # Leads with fewer samples at the extreme need no closer look.
        often = np.bincount(places // n_times, minlength=len(signal)) > 2
        for lead in np.flatnonzero(often):
            stays = (signal[lead] == extreme[lead]) & finite[lead]
            if (stays[2:] & stays[1:-1] & stays[:-2]).any():
                share[lead] += stays.mean()
    return share


def noise(filtered):
    """Estimate the standard deviation of each lead's noise from second differences.

    The second differences of waves are small in comparison.

    Parameters
    ----------
    filtered : ndarray of shape (n_leads, n_times)
        Signals from 0.5 to 40 Hz, at 250 Hz.
    """
    n_times = filtered.shape[1] // 5 * 5
    steps = filtered[:, :n_times].reshape(len(filtered), -1, 5)
    bends = np.sort(np.abs(steps[..., 1] - 2 * steps[..., 2] + steps[..., 3]), axis=-1)
    if not bends.shape[1]:
        return np.full(len(filtered), np.nan)
    return _NOISE_PER_STEP * bends[:, bends.shape[1] // 2]


def mains_hum(signal, sampling_rate):
    """Return the frequency of mains hum, 50 or 60 Hz, and its amplitude in each lead.

    Within a second the mains hardly change their phase. The power at the neighbouring frequencies
    is that of the ECG, and is subtracted.

    Parameters
    ----------
    signal : ndarray of float32 of shape (n_leads, n_times)
        Signals in mV, without mean and gaps.
    sampling_rate : float

    Returns
    -------
    frequency : float
        The frequency with the larger hum, in Hz; NaN if the sampling rate or the length is too
        small.
    amplitudes : ndarray of shape (n_leads,)
        Amplitudes of the hum in mV.
    """
    n_leads, n_times = signal.shape
    length = round(sampling_rate)
    basis = _mains_basis(length, sampling_rate)
    if n_times < length or not basis.size:
        return np.nan, np.full(n_leads, np.nan)
    seconds = signal[:, : n_times // length * length].reshape(n_leads, n_times // length, length)
    parts = (seconds @ basis).reshape(n_leads, seconds.shape[1], basis.shape[1] // 6, 3, 2)
    # The median over the seconds ignores a movement in one of them.
    power = nan_median(np.square(parts).sum(axis=-1), axis=1)
    hum = np.sqrt(np.maximum(power[..., 1] - power[..., [0, 2]].mean(axis=-1), 0))
    which = hum.sum(axis=0).argmax()
    return _MAINS_HZ[which], hum[:, which].astype(np.float64)


@functools.lru_cache(maxsize=16)
def _mains_basis(length, sampling_rate):
    """Return waves of the mains frequencies and their neighbours, of shape (length, n_waves)."""
    near = np.array([-_BESIDE_MAINS_HZ, 0.0, _BESIDE_MAINS_HZ])
    allowed = [f for f in _MAINS_HZ if f + near[-1] < sampling_rate / 2]
    frequencies = np.add.outer(allowed, near).ravel()
    angles = np.outer(np.arange(length), 2 * np.pi / sampling_rate * frequencies)
    waves = np.stack([np.cos(angles), np.sin(angles)], axis=-1).reshape(length, -1)
    # The window keeps slow waves out; the factor corrects for its mean of one half.
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
        The number of leads that repeat an earlier lead, and the misfit of the limb leads to the
        laws of Einthoven and Goldberger.
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
    weights = np.hstack([[_LIMB_LEADS[name] for name in present], -np.eye(len(present))])
    misfit = np.einsum("lp,pq,lq->l", weights, products, weights)
    energy = products.diagonal()
    size = np.maximum(energy[2:], energy[:2].max() / 4)
    return np.sqrt(np.fmax(misfit / size, 0).max())
