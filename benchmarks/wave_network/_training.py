"""How the network is trained."""

import numpy as np
import torch
from torch.nn import functional
from tqdm import trange

from benchmarks.wave_network._batches import Batches
from benchmarks.wave_network._model import TrainableWaveNetwork

_AVERAGED = 0.01  # share of each step in the running mean of the weights
_P = 1  # the class of P waves
_OF_TWO = 0.7  # weight of batches of one or two leads
_SHORTEST = 11  # samples of a P wave, 44 ms
_UNSURE = 0.02  # probability of a P wave below which the rhythm's word is doubted


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
        loss = _loss(network, batches.of_twelve_leads())
        loss = loss + _OF_TWO * _loss(network, batches.of_two_leads())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 2.0)
        optimizer.step()
        schedule.step()
        average.update_parameters(network)
        bar.set_postfix(loss=f"{loss.item():.3f}", refresh=False)
    return average.module.eval().folded_weights()


def _loss(network, batch):
    # Half the precision makes a step a third shorter, and the network no worse.
    with torch.autocast("cpu", dtype=torch.bfloat16):
        beats, found = network(batch.signals)
    beats, found = beats.float(), found.float()
    waves, peaks = found[:, :4], found[:, 4:]
    wave_loss = functional.cross_entropy(waves, batch.waves, ignore_index=-1, reduction="none")
    peak_loss = functional.binary_cross_entropy_with_logits(
        peaks, batch.peaks.nan_to_num(), reduction="none"
    )
    peak_loss = peak_loss.where(~batch.peaks.isnan(), 0)
    known = (batch.waves >= 0) * batch.weight[:, None, None]
    weights = known * _lead_weights(wave_loss.detach(), known, batch.is_joint)[..., None]
    loss = ((wave_loss + 2 * peak_loss.mean(1)) * weights).sum() / weights.sum().clamp(min=1e-6)
    looked = (~batch.beats.isnan()) * batch.weight[:, None]
    beat_loss = functional.binary_cross_entropy_with_logits(
        beats, batch.beats.nan_to_num(), reduction="none"
    )
    beat_loss = (beat_loss * looked).sum() / looked.sum().clamp(min=1e-6)
    no_p = _log_no_p_wave(waves)
    loss = loss + 4 * beat_loss
    without_p = batch.without_p[:, None].expand_as(no_p)
    loss = loss - 0.06 * (no_p * without_p).sum() / without_p.sum().clamp(min=1)
    return loss + 0.2 * _missing_p_wave_loss(1 - no_p.exp(), batch.with_p)


def _lead_weights(loss, known, is_joint):
    """Weigh the leads of records that were marked together: the one that shows the marks counts.

    Parameters
    ----------
    loss, known : Tensor of shape (b, l, t)
    is_joint : Tensor of bool of shape (b,)
    """
    of_lead = (loss * known).sum(2) / known.sum(2).clamp(min=1e-6)  # (b, l)
    share = torch.softmax(-2 * of_lead / of_lead.mean(1, keepdim=True).clamp(min=1e-6), dim=1)
    return torch.where(is_joint[:, None], share * of_lead.shape[1], 1.0)


def _log_no_p_wave(waves):
    """Return the logarithm of the probability that there is no P wave, (b, l, t)."""
    others = torch.cat([waves[:, :_P], waves[:, _P + 1 :]], dim=1)
    return others.logsumexp(1) - waves.logsumexp(1)


def _missing_p_wave_loss(p_wave, stretch):
    """Minus the logarithm of the likeliest P wave in each numbered stretch.

    Parameters
    ----------
    p_wave : Tensor of shape (b, l, t)
        Probability of a P wave.
    stretch : Tensor of int of shape (b, t)
        The stretches' numbers; 0 outside.
    """
    if not (stretch > 0).any():
        return p_wave.sum() * 0
    usual = functional.avg_pool1d(p_wave.mean(1, keepdim=True), _SHORTEST, 1, _SHORTEST // 2)
    record, time = torch.nonzero(stretch, as_tuple=True)
    keys, place = torch.unique(
        record * (stretch.max() + 1) + stretch[record, time], return_inverse=True
    )
    likeliest = torch.zeros(len(keys)).scatter_reduce(0, place, usual[record, 0, time], "amax")
    return -torch.log(likeliest + _UNSURE).mean()
