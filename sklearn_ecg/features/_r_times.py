"""Find R peaks between samples, by comparing beats of the same shape."""

import numpy as np

_REACH = 20  # samples to compare before and after R: 80 ms hold most QRS complexes
_LAGS = 5  # largest shift of a beat in samples
_ALIKE = 0.8  # least correlation of beats of one shape
_MOST_COMPARED = 64
_MOST_SHAPES = 4
_RESIDUE = 0.02  # of a lead's energy: a smaller residue does not raise the lead's weight
_TINY = float(np.finfo(np.float32).tiny)


def find_r_times(filtered, r_peaks):
    """Find the times of beats to fractions of a sample.

    Each beat is shifted until it fits best to the mean beat of its shape, over all leads; leads
    with more similar beats weigh more. The mean shift of a shape is 0. So the intervals between
    beats of one shape have errors far below a sample, and the marked point is still the R peak. A
    beat without others of its shape is shifted to the nearest maximum of its energy, by at most
    half a sample.

    Parameters
    ----------
    filtered : ndarray of float32 of shape (n_leads, n_times)
        Signals at 250 Hz without frequencies above 40 Hz, so that values between samples are known.
    r_peaks : ndarray of int of shape (n_beats,)

    Returns
    -------
    ndarray of float64 of shape (n_beats,)
        Times in samples.
    """
    times = r_peaks.astype(np.float64)
    reach = _REACH + _LAGS
    inside = (r_peaks >= reach) & (r_peaks < filtered.shape[1] - reach)
    whole = np.flatnonzero(inside)
    if not len(whole):
        return times
    index = r_peaks[whole, np.newaxis] + np.arange(-reach, reach + 1)
    beats = np.ascontiguousarray(filtered[:, index].transpose(1, 0, 2))  # by beat, lead and time
    left, alone = np.arange(len(whole)), np.empty(0, np.intp)
    for _ in range(_MOST_SHAPES):
        if len(left) < 2:
            break
        own, moved = _match(beats[left])
        if len(own) > 1:
            times[whole[left[own]]] += moved
        else:
            alone = np.append(alone, left[own])
        left = np.delete(left, own)
    alone = np.append(alone, left)
    if len(alone):
        near = beats[alone][..., reach - 1 : reach + 2]
        times[whole[alone]] += _summits(np.einsum("blt,blt->bt", near, near)) - 1
    return times


def _match(beats):
    """Return the beats of the most common shape, and the shift of each."""
    middle = beats[..., _LAGS:-_LAGS]
    middle = middle - middle.mean(axis=-1, keepdims=True)
    sample = np.linspace(0, len(beats) - 1, min(len(beats), _MOST_COMPARED)).round().astype(np.intp)
    weights = 1 / (np.einsum("blt,blt->l", middle, middle) + _TINY)
    compared = _directions(middle[sample], weights)
    likeness = compared @ compared.T
    leader = sample[((likeness > _ALIKE).sum(axis=1) + likeness.mean(axis=1)).argmax()]
    template, own = middle[leader], np.arange(len(beats))
    for _ in range(2):
        lags = _products(beats[own], template * weights[:, np.newaxis]).argmax(axis=1)
        aligned = _unmoved(beats[own], lags)
        is_own = _directions(aligned, weights) @ _directions(template[np.newaxis], weights)[0] > (
            _ALIKE
        )
        is_own &= (lags > 0) & (lags < 2 * _LAGS)
        if np.count_nonzero(is_own) < 2:
            return np.array([leader]), np.zeros(1)
        own, aligned = own[is_own], aligned[is_own]
        template = aligned.mean(axis=0)
        apart = aligned - template
        residue = np.einsum("blt,blt->l", apart, apart)
        weights = 1 / (residue + _RESIDUE * np.einsum("blt,blt->l", aligned, aligned) + _TINY)
        if is_own.all():
            break  # otherwise, the mean may find more beats than the single beat did
    moved = _summits(_products(beats[own], template * weights[:, np.newaxis])) - _LAGS
    return own, moved - moved.mean()


def _unmoved(beats, lags):
    """Return the beats shifted back by whole samples, each lead without its mean."""
    aligned = np.stack(
        [beat[:, lag : lag + 2 * _REACH + 1] for beat, lag in zip(beats, lags, strict=True)]
    )
    return aligned - aligned.mean(axis=-1, keepdims=True)


def _directions(beats, weights):
    """Return beats with weighted leads as unit vectors, of shape (n_beats, n_leads * n_times)."""
    flat = (beats * np.sqrt(weights)[:, np.newaxis]).reshape(len(beats), -1)
    sizes = np.sqrt(np.einsum("bt,bt->b", flat, flat))[:, np.newaxis]
    return flat / np.maximum(sizes, _TINY)


def _products(beats, template):
    """Multiply beats with a template at every lag, (n_beats, n_lags)."""
    moved = np.zeros((2 * _LAGS + 1, *beats.shape[1:]), template.dtype)
    for lag, place in enumerate(moved):
        place[:, lag : lag + template.shape[1]] = template
    return beats.reshape(len(beats), -1) @ moved.reshape(len(moved), -1).T


def _summits(values):
    """Return the place of each row's maximum, by a parabola through three values."""
    n_rows, n_values = values.shape
    row, top = np.arange(n_rows), np.clip(values.argmax(axis=1), 1, n_values - 2)
    before, here, after = (values[row, top + step].astype(np.float64) for step in (-1, 0, 1))
    bend = before - 2 * here + after
    shift = np.where(bend < 0, (before - after) / np.where(bend < 0, 2 * bend, 1), 0)
    return top + np.clip(shift, -0.5, 0.5)
