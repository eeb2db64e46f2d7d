"""How likely T waves are where every sample was looked at."""

import numpy as np
from scipy import optimize

from sklearn_ecg.features._wave_network import WaveNetwork

_T, _KINDS, _STEPS = 3, 6, 8
_EVERY = 4  # records are enough
_RANGE = (-2.0, 2.0)


def calibrate_t_waves(weights, examples):
    """Return the weights with the bias of T waves that suits LUDB, and all else as it is.

    Of other records, the middles of T waves count in training and not their bounds, so that T waves
    seem to be rarer near their bounds than they are, and come out too short.

    Parameters
    ----------
    weights : dict of ndarray
        As `WaveNetwork` takes them.
    examples : list of Example

    Returns
    -------
    dict of ndarray
    """
    network = WaveNetwork(weights)
    own, others, is_t = [], [], []
    for example in [example for example in examples if example.source == "ludb"][::_EVERY]:
        logits = network(example.signal)[1][:4]
        known = example.waves >= 0
        own.append(logits[_T][known])
        others.append(np.logaddexp.reduce(np.delete(logits, _T, axis=0), axis=0)[known])
        is_t.append(example.waves[known] == _T)
    odds = np.concatenate(own) - np.concatenate(others)
    sign = np.where(np.concatenate(is_t), -1, 1)
    best = optimize.minimize_scalar(
        lambda shift: np.logaddexp(0, sign * (odds + shift)).mean(), bounds=_RANGE, method="bounded"
    )
    bias = weights["waves.bias"].copy()
    bias.reshape(_STEPS, _KINDS)[:, _T] += best.x
    return weights | {"waves.bias": bias}
