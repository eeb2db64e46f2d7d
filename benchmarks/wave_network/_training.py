"""How the network is trained."""

import numpy as np
import torch
from torch.nn import functional
from tqdm import trange

from benchmarks.wave_network._batches import Batches
from benchmarks.wave_network._model import TrainableWaveNetwork

_N_DELINEATED, _N_BEATS, _N_FIBRILLATING = 16, 24, 6  # records in each step
_MOST_LEADS_FIBRILLATING = 6
_AVERAGED = 0.01  # share of each step in the running mean of the weights
_P = 1  # the class of P waves


def train(examples, *, n_steps, seed, description):
    """Train a network; return its weights, averaged over the last steps.

    Parameters
    ----------
    examples : list of Example
    n_steps, seed : int
    description : str
        For the progress bar.

    Returns
    -------
    dict of ndarray
        As `WaveNetwork` takes them.
    """
    torch.manual_seed(seed)
    network = TrainableWaveNetwork()
    batches = Batches(examples, np.random.default_rng(seed))
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 4e-3, total_steps=n_steps, pct_start=0.15
    )
    average = torch.optim.swa_utils.AveragedModel(
        network,
        avg_fn=lambda mean, new, n: mean + (new - mean) * max(_AVERAGED, 1 / (n + 1)),
        use_buffers=True,
    )
    bar = trange(n_steps, desc=description)
    for _ in bar:
        loss = _loss(network, batches)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 2.0)
        optimizer.step()
        schedule.step()
        average.update_parameters(network)
        bar.set_postfix(loss=f"{loss.item():.3f}", refresh=False)
    return average.module.eval().folded_weights()


def _loss(network, batches):
    n_leads = batches.draw_n_leads()
    signals, beats, waves, peaks = map(torch.from_numpy, batches.delineated(_N_DELINEATED, n_leads))
    found_beats, found = network(signals)
    looked = waves >= 0
    loss = functional.cross_entropy(found[:, :4], waves.long(), ignore_index=-1)
    loss = loss + 2 * _binary(found[:, 4:], peaks, looked[:, None].expand_as(peaks))
    loss = loss + 3 * _binary(found_beats, beats, ~beats.isnan())
    signals, beats, without_p = map(torch.from_numpy, batches.beats(_N_BEATS))
    found_beats, found = network(signals)
    loss = loss + 3 * _binary(found_beats, beats, ~beats.isnan())
    loss = loss + 0.2 * (_p_wave_loss(found) * without_p[:, None]).mean()
    n_leads = min(n_leads, _MOST_LEADS_FIBRILLATING)
    (signals,) = map(torch.from_numpy, batches.fibrillating(_N_FIBRILLATING, n_leads))
    return loss + 0.1 * _p_wave_loss(network(signals)[1]).mean()


def _binary(logits, targets, known):
    return functional.binary_cross_entropy_with_logits(logits[known], targets[known])


def _p_wave_loss(waves):
    """Minus the logarithm of the probability that there is no P wave, (b, l, t)."""
    others = torch.cat([waves[:, :_P], waves[:, _P + 1 : 4]], dim=1)
    return waves[:, :4].logsumexp(1) - others.logsumexp(1)
