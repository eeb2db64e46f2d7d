"""Find electrodes that were swapped on the patient.

The limb leads of swapped electrodes still obey Einthoven's law, but the beat has an unusual shape.
In each part of the beat (P, three parts of the QRS, ST with T) the eight independent leads lie
mostly along a few directions, which are similar in all adults. The usual scatter M of the leads
describes them (Tyler's estimate of shape, not of size). The misfit of leads with the scatter S is
``log(trace(inv(M) @ S))``. The evidence for a swap is how much the misfit falls if the two
electrodes are exchanged, summed over the parts.

References
----------
Kors JA, van Herpen G. Accurate automatic detection of electrode interchange in the
electrocardiogram. Am J Cardiol 88:396-399 (2001).
Tyler DE. A distribution-free M-estimator of multivariate scatter. Ann Stat 15:234-251 (1987).
"""

import csv
import functools
import itertools
from importlib import resources

import numpy as np

from sklearn_ecg.features._heart_beats import BEFORE, P_REGION
from sklearn_ecg.features._quality import CONTRADICTING
from sklearn_ecg.utils import LEADS_12

#: The eight leads that determine all twelve.
INDEPENDENT = (*LEADS_12[:2], *LEADS_12[6:])

#: Parts of the beat, in samples of its window at 250 Hz, and their weights.
PARTS = {
    "P": (P_REGION, 1.0),
    "early QRS": (slice(BEFORE - 14, BEFORE - 4), 0.5),
    "R": (slice(BEFORE - 4, BEFORE + 5), 0.5),
    "late QRS": (slice(BEFORE + 5, BEFORE + 18), 0.5),
    "ST and T": (slice(BEFORE + 30, BEFORE + 101), 0.5),
}

#: I and II after a swap, as rows of weights of the true I and II.
LIMB_SWAPS = {
    "LA_RA": ((-1, 0), (-1, 1)),
    "LA_LL": ((0, 1), (1, 0)),
    "RA_LL": ((1, -1), (0, -1)),
}
CHEST_SWAPS = tuple(itertools.combinations(range(1, 7), 2))

_LEVEL = slice(BEFORE - 22, BEFORE - 15)  # PR segment: 88 to 64 ms before R
_FOOT = 3  # samples at both ends of the P wave's part that define its baseline


def swap_features(main_beat, lead_names, limb_lead_misfit):
    """Compute the evidence that two electrodes were swapped, for each pair.

    Parameters
    ----------
    main_beat : ndarray of shape (n_leads, n_window)
    lead_names : sequence of str of length n_leads
    limb_lead_misfit : float
        From `lead_relations`.

    Returns
    -------
    dict of float
        Features that need other leads are left out.
    """
    place = {name: lead for lead, name in enumerate(lead_names)}
    # A swap of electrodes cannot make limb leads contradict each other.
    agree = not limb_lead_misfit > CONTRADICTING
    features = {}
    if agree and {"I", "II"} <= place.keys():
        features |= _smallest_limb_lead(main_beat[[place["I"], place["II"]]])
    if not place.keys() >= set(INDEPENDENT):
        return features
    scatter = scatter_of_parts(main_beat[[place[name] for name in INDEPENDENT]])
    evidence = _evidence(scatter)
    limb, chest = evidence[: len(LIMB_SWAPS)], evidence[len(LIMB_SWAPS) :]
    if agree:
        features |= dict(zip((f"{pair}_swap_evidence" for pair in LIMB_SWAPS), limb, strict=True))
    best = int(np.argmax(chest))
    first, second = CHEST_SWAPS[best]
    return features | {
        "chest_swap_evidence": chest[best],
        "chest_swap_leads": 10.0 * first + second,
    }


def _smallest_limb_lead(one_and_two):
    """Compare I, II and III: one is flat if the right leg's electrode was swapped with another."""
    three = np.vstack([one_and_two, one_and_two[1] - one_and_two[0]])
    sizes = three.std(axis=1)
    return {
        "smallest_limb_lead": 1.0 + np.argmin(sizes),
        "smallest_limb_lead_ratio": sizes.min() / sizes.max(),
    }


def scatter_of_parts(leads):
    """Return the scatter of the independent leads in each part of the beat.

    Parameters
    ----------
    leads : ndarray of shape (..., 8, n_window)

    Returns
    -------
    ndarray of shape (..., n_parts, 8, 8)
    """
    leads = leads - leads[..., _LEVEL].mean(axis=-1, keepdims=True)
    parts = [leads[..., where] for where, _ in PARTS.values()]
    # The P wave has its own baseline, because the T wave before it may not have ended.
    first = parts[0][..., :_FOOT].mean(axis=-1, keepdims=True)
    last = parts[0][..., -_FOOT:].mean(axis=-1, keepdims=True)
    parts[0] = parts[0] - first - np.linspace(0, 1, parts[0].shape[-1]) * (last - first)
    return np.stack([part @ np.swapaxes(part, -1, -2) for part in parts], axis=-3)


def swap_matrices():
    """Return the matrix of each swap for the independent leads, of shape (n_swaps, 8, 8)."""
    matrices = np.repeat(np.eye(8)[np.newaxis], len(LIMB_SWAPS) + len(CHEST_SWAPS), axis=0)
    for matrix, weights in zip(matrices, LIMB_SWAPS.values(), strict=False):
        matrix[:2, :2] = weights
    for matrix, (first, second) in zip(matrices[len(LIMB_SWAPS) :], CHEST_SWAPS, strict=True):
        # V1 is the third lead.
        matrix[[first + 1, second + 1]] = matrix[[second + 1, first + 1]]
    return matrices


def _evidence(scatter):
    """Return the evidence of each swap, of shape (n_swaps,)."""
    inverses, weights = _inverse_scatters()
    fits = np.log(np.einsum("hpk,pk->hp", inverses, scatter.reshape(len(scatter), -1)))
    return (fits[0] - fits[1:]) @ weights


@functools.cache
def _inverse_scatters():
    """Return the usual inverse scatter, and the same after each swap.

    Returns
    -------
    inverses : ndarray of shape (1 + n_swaps, n_parts, 64)
    weights : ndarray of shape (n_parts,)
        Weights of the parts.
    """
    text = resources.files("sklearn_ecg.features").joinpath("lead_scatter.csv").read_text("utf-8")
    rows = [[float(row[name]) for name in INDEPENDENT] for row in csv.DictReader(text.splitlines())]
    inverse = np.linalg.inv(np.reshape(rows, (len(PARTS), 8, 8)))
    # Each swap is its own inverse.
    matrices = np.concatenate([np.eye(8)[np.newaxis], swap_matrices()])[:, np.newaxis]
    inverses = np.swapaxes(matrices, -1, -2) @ inverse @ matrices
    return inverses.reshape(*inverses.shape[:2], -1), np.array([w for _, w in PARTS.values()])
