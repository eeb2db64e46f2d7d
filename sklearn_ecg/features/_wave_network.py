"""The convolutional network that finds beats and waves in all leads of a record together."""

import functools
from importlib import resources

import numpy as np
from safetensors.numpy import load_file
from scipy import special

from sklearn_ecg.features._statistics import nan_median
from sklearn_ecg.preprocessing import bandpass

#: Sampling rate of the network's input in Hz.
RATE = 250

_STEP = 16  # samples per step of the coarsest layer; pieces start at multiples of it
_PIECE = 30 * RATE // _STEP * _STEP
_MARGIN = 850 // _STEP * _STEP  # more than the network sees to either side
_LEADS_AT_ONCE = 4  # a larger matrix does not stay in the processor's cache
_SEEN_BY_GLIBC = 2**24
_N_KINDS = 6  # no wave, P, QRS, T, peak of P, peak of T
_SCALE_REACH = 5  # blocks of a second before and after that define a lead's usual size
_RAMP = np.linspace(0, 1, RATE, endpoint=False, dtype=np.float32)
_TINY = float(np.finfo(np.float32).tiny)
_LARGEST = 3.0  # times the usual size: larger artefacts are clipped
_LEAST_SHARE = 0.3  # of the lead's median: the scale of quieter stretches is not smaller
_SILENT = 0.02  # of the largest second: a quieter second is silent
_LOUD_SHARE = 0.25


def filter_leads(signal, sampling_rate):
    """Bring one record to the form that the network takes: 250 Hz, from 0.5 to 40 Hz."""
    return np.ascontiguousarray(bandpass(signal, sampling_rate, 0.5, 40, new_rate=RATE))


def look_at(filtered, network=None):
    """Compute how likely each sample belongs to a beat or a wave.

    Parameters
    ----------
    filtered : ndarray of shape (n_leads, n_times)
        From `filter_leads`, without flat or missing leads.
    network : WaveNetwork, default=None
        By default the network of the package.

    Returns
    -------
    beats : ndarray of float32 of shape (n_times,)
        Likelihood of an R peak at each sample; a certain beat is a bump of height 1.
    waves : ndarray of float32 of shape (4, n_leads, n_times)
        Probabilities that a sample belongs to no wave, a P wave, a QRS complex or a T wave.
    peaks : ndarray of float32 of shape (2, n_leads, n_times)
        Logits of a P or a T peak at a sample.
    """
    beats, waves = (network or default_network())(scale_leads(filtered))
    return special.expit(beats), special.softmax(waves[:4], axis=0), waves[4:]


def scale_leads(filtered):
    """Divide each lead by its usual peak-to-peak size within a second, which may change over time.

    Parameters
    ----------
    filtered : ndarray of shape (n_leads, n_times)
        Signals at 250 Hz.

    Returns
    -------
    ndarray of float32 of shape (n_leads, n_times)
        Clipped at three times the usual size.
    """
    n_leads, n_times = filtered.shape
    n_blocks = max(1, n_times // RATE)
    blocks = filtered[:, : n_blocks * RATE].reshape(n_leads, n_blocks, -1)
    sizes = np.ptp(blocks, axis=-1)
    around = np.arange(n_blocks)[:, np.newaxis] + np.arange(-_SCALE_REACH, _SCALE_REACH + 1)
    usual = np.sort(sizes.take(around, axis=1, mode="clip"))[..., _SCALE_REACH]
    usual = np.maximum(usual, np.maximum(_least_sizes(sizes), _TINY)).astype(np.float32)
    # Between the middles of two blocks the size is interpolated linearly.
    usual = usual.take(np.arange(-1, n_blocks + 2), axis=1, mode="clip")
    ramps = (usual[:, 1:] - usual[:, :-1])[..., np.newaxis] * _RAMP
    ramps += usual[:, :-1, np.newaxis]
    scaled = filtered / ramps.reshape(n_leads, -1)[:, RATE // 2 : RATE // 2 + n_times]
    return np.clip(scaled, -_LARGEST, _LARGEST, out=scaled).astype(np.float32, copy=False)


def _least_sizes(sizes):
    """Return the least scale of each lead, so that quiet stretches stay quiet.

    If most of a record is silent (padding, or asystole), the loud part defines the usual size,
    unless it is so short that it may be an artefact.
    """
    loud = sizes > _SILENT * sizes.max(axis=-1, keepdims=True)
    known = np.where(loud, sizes, np.nan)
    known[loud.mean(axis=-1) < _LOUD_SHARE] = 0.0
    return _LEAST_SHARE * nan_median(known)[:, np.newaxis]


@functools.lru_cache(maxsize=1)
def default_network():
    """Return the network of the package, read once."""
    # glibc returns freed memory to the system until it has seen a large array freed. Every layer
    # would then request its pages again, which takes a quarter of the time.
    np.empty(_SEEN_BY_GLIBC, np.uint8)
    with resources.as_file(resources.files("sklearn_ecg.features") / "waves.safetensors") as file:
        return WaveNetwork(load_file(file))


class WaveNetwork:
    """The network in NumPy, so that features need no deep-learning library.

    An encoder reduces each lead alone to steps of 32 ms. Their mean and maximum over the leads are
    the input of the trunk, which sees four seconds and finds the beats of the record. A decoder for
    each lead combines the lead with the trunk, and gives each sample its wave. So the network takes
    any number of leads in any order.

    `benchmarks.wave_network` holds the same network in PyTorch, trains it and scores it.

    Parameters
    ----------
    weights : dict of ndarray
        Weights of convolutions with their normalisation folded in: ``<layer>.weight`` of shape
        (n_out, n_in, width) and ``<layer>.bias`` of shape (n_out,).
    """

    def __init__(self, weights):
        self._layers = {}
        for name, weight in weights.items():
            layer, kind = name.rsplit(".", 1)
            if kind == "weight":
                n_out, _, width = weight.shape
                matrix = weight.astype(np.float32).transpose(2, 1, 0).reshape(-1, n_out)
                bias = weights[f"{layer}.bias"].astype(np.float32)
                if layer == "waves":  # order by kind first, then by the eight steps
                    order = np.arange(n_out).reshape(-1, _N_KINDS).T.ravel()
                    matrix, bias = matrix[:, order], bias[order]
                self._layers[layer] = np.ascontiguousarray(matrix), bias, width
        self._n_contexts = sum(layer.startswith("context.") for layer in self._layers)

    def __call__(self, scaled):
        """Process signals of any length, piece by piece.

        Parameters
        ----------
        scaled : ndarray of float32 of shape (n_leads, n_times)
            From `scale_leads`.

        Returns
        -------
        beats : ndarray of float32 of shape (n_times,)
            Logits of R peaks.
        waves : ndarray of float32 of shape (6, n_leads, n_times)
            Logits of no wave, P, QRS and T, and of the peaks of P and T.
        """
        n_leads, n_times = scaled.shape
        beats = np.empty(n_times, np.float32)
        waves = np.empty((_N_KINDS, n_leads, n_times), np.float32)
        for start in range(0, n_times, _PIECE):
            first, stop = max(0, start - _MARGIN), min(start + _PIECE, n_times)
            last = min(stop + _MARGIN, n_times)
            piece = np.pad(scaled[:, first:last], ((0, 0), (0, (first - last) % _STEP)))
            inside = slice(start - first, stop - first)
            encoded = [self._encode(leads[..., np.newaxis]) for leads in _split(piece)]
            trunk = self._join(np.concatenate(encoded))
            beats[start:stop] = self._linear(trunk, "beats").ravel()[inside]
            trunk = self._convolve(trunk, "decode.trunk", rectify=False)
            for at, leads in enumerate(encoded):
                place = slice(at * _LEADS_AT_ONCE, (at + 1) * _LEADS_AT_ONCE)
                waves[:, place, start:stop] = self._decode(leads, trunk)[..., inside]
        return beats, waves

    def _encode(self, piece):
        encoded = self._convolve(self._convolve(piece, "stem", stride=4), "encode.0", stride=2)
        encoded += self._convolve(encoded, "encode.1")
        return encoded

    def _join(self, encoded):
        pooled = np.concatenate([encoded.mean(axis=0), encoded.max(axis=0)], axis=-1)
        fine = self._convolve(pooled[np.newaxis], "trunk.0")
        coarse = self._convolve(fine, "trunk.1", stride=2)
        for i in range(self._n_contexts):
            coarse += self._convolve(coarse, f"context.{i}", dilation=2**i)
        fine += self._linear(coarse, "up").reshape(fine.shape)
        fine += self._convolve(fine, "trunk.2")
        return fine

    def _decode(self, encoded, trunk):
        decoded = self._convolve(encoded, "decode.lead", rectify=False)
        decoded += trunk
        np.maximum(decoded, 0, out=decoded)
        decoded += self._convolve(decoded, "decode.1")
        waves = self._linear(decoded, "waves").reshape(*decoded.shape[:2], _N_KINDS, -1)
        return waves.transpose(2, 0, 1, 3).reshape(_N_KINDS, len(encoded), -1)

    def _convolve(self, x, layer, *, stride=1, dilation=1, rectify=True):
        """Convolve x of shape (n, n_times, n_in) along time as one matrix product."""
        matrix, bias, width = self._layers[layer]
        n, n_times, n_in = x.shape
        n_pad = (width - 1) * dilation + 1 - stride
        padded = np.zeros((n, n_times + n_pad, n_in), np.float32)
        padded[:, n_pad // 2 : n_pad // 2 + n_times] = x
        # NumPy's helpers for strided views would take longer than a small layer.
        along, step, channel = padded.strides
        windows = np.ndarray(
            (n, n_times // stride, width, n_in),
            np.float32,
            padded,
            strides=(along, step * stride, step * dilation, channel),
        )
        result = windows.reshape(-1, width * n_in) @ matrix
        result += bias
        if rectify:
            np.maximum(result, 0, out=result)
        return result.reshape(n, n_times // stride, -1)

    def _linear(self, x, layer):
        matrix, bias, _ = self._layers[layer]
        return x @ matrix + bias


def _split(leads):
    return [leads[i : i + _LEADS_AT_ONCE] for i in range(0, len(leads), _LEADS_AT_ONCE)]
