"""Attention of each label's query in the decoder."""

from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch import nn

from sklearn_ecg.network._windows import window_starts
from sklearn_ecg.network.explain._explained import explained, record_inputs


@dataclass(frozen=True)
class LabelAttention:
    """Attention of the decoder for each label, from `label_attention`.

    Attributes
    ----------
    weights : ndarray of shape (n_records, n_labels, n_tokens)
        Sum to 1 over tokens. They are the mean over heads and layers of the decoder.
    kind : {"channels", "moments", "labels"}
        Kind of tokens: channels of the backbone, moments in time of an xresnet, or features of
        labels.
    label_names : ndarray of str of shape (n_labels,)
        Names of the labels.
    times_s : ndarray of shape (n_tokens,), or None
        Centres of moments, in s from the start of the record.
    """

    weights: np.ndarray
    kind: str
    label_names: np.ndarray
    times_s: np.ndarray | None


def label_attention(classifier, X) -> LabelAttention:
    """Return the decoder's attention weights for each label.

    Parameters
    ----------
    classifier : LabelCorrelationECGClassifier
        Fitted, with a decoder.
    X : CleanedRecords, ECGRecords or array-like
        Records to explain, as for the classifier's ``predict``.

    Returns
    -------
    LabelAttention
        With ``weights`` of shape (n_records, n_labels, n_tokens).

    Raises
    ------
    ValueError
        If the network has no decoder, or a record cannot be read.

    See Also
    --------
    attribute : Shows which samples the decision depends on.
    sklearn_ecg.plotting.LabelAttentionDisplay : Draws it.

    Notes
    -----
    Attention is a step of the network, not an explanation of its decision. A token with much
    attention may change nothing, and the decoder's shortcut (``shortcut``) has no attention. A
    moment of an xresnet depends on about a second around it. In records longer than the network
    reads at a time, each moment has the mean over the windows that hold it, and channels have the
    mean over all windows. Where records differ in length, moments beyond a record's last window are
    NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.network import LabelCorrelationECGClassifier, label_attention
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.normal(size=(16, 2, 100)), rng.integers(0, 2, size=(16, 3))
    >>> classifier = LabelCorrelationECGClassifier(
    ...     backbone="residual", features=None, max_epochs=1, random_state=0
    ... ).fit(X, y)
    >>> found = label_attention(classifier, X[:4])
    >>> found.kind, found.weights.shape
    ('channels', (4, 3, 32))
    """
    check_is_fitted(classifier)
    inputs = record_inputs(classifier, X)
    kind = _kind(classifier.module_)
    with torch.no_grad(), explained(classifier) as net:
        records = zip(*(part.split(1) for part in inputs), strict=True)
        windows = [_of_windows(net, record) for record in records]
    n_read, n_tokens = classifier.n_times_, windows[0].shape[2]
    weights = [record.mean(axis=0) for record in windows]
    if kind == "moments" and inputs[0].shape[-1] > n_read:
        starts = [window_starts(length, n_read) for length in inputs[1].tolist()]
        weights = [_along_time(*record, n_read) for record in zip(windows, starts, strict=True)]
    times_s = None
    filled = np.full((len(weights), *np.max([found.shape for found in weights], axis=0)), np.nan)
    for record, found in zip(filled, weights, strict=True):
        record[:, : found.shape[1]] = found
    if kind == "moments" and classifier.sampling_rate_ is not None:
        times_s = np.arange(filled.shape[2]) * n_read / n_tokens / classifier.sampling_rate_
    return LabelAttention(filled, kind, np.asarray(classifier.label_names_, dtype=str), times_s)


def _of_windows(net, inputs):
    """Return the weights in the windows of one record, (n_windows, n_labels, n_tokens)."""
    with _recorded(net.module_) as layers:
        net.infer(inputs)
    # Windows are inferred in batches, one after the other.
    return torch.stack([torch.cat(batches) for batches in layers.values()]).mean(dim=0).numpy()


def _along_time(windows, starts, n_read):
    """Return the mean over the windows that hold each moment, (n_labels, n_moments)."""
    _, n_labels, n_tokens = windows.shape
    # Rounded to the nearest moment, halves always up: otherwise a moment could get no window.
    first = [(2 * start * n_tokens + n_read) // (2 * n_read) for start in starts]
    sums, counts = np.zeros((n_labels, first[-1] + n_tokens)), np.zeros(first[-1] + n_tokens)
    for window, start in zip(windows, first, strict=True):
        sums[:, start : start + n_tokens] += window
        counts[start : start + n_tokens] += 1
    means = sums / counts
    return means / means.sum(axis=1, keepdims=True)


@contextmanager
def _recorded(module):
    """Collect the weights of all attention layers within the block, by layer and call."""
    layers = {
        name: part
        for name, part in module.named_modules()
        if isinstance(part, nn.MultiheadAttention)
    }
    if not layers:
        raise ValueError(
            "The classifier's network has no attention: it was made with network__decoder=False."
        )
    found = {name: [] for name in layers}

    def hook_of(name):
        def hook(layer, arguments, keywords):
            # The layer itself computes without weights, which is faster.
            calculate = layer.forward
            _, weights = calculate(*arguments, **{**keywords, "need_weights": True})
            found[name].append(weights.float().cpu())

        return hook

    handles = [
        layer.register_forward_pre_hook(hook_of(name), with_kwargs=True)
        for name, layer in layers.items()
    ]
    try:
        yield found
    finally:
        for handle in handles:
            handle.remove()


def _kind(module):
    if module.attend_to == "labels" and module.embedding is not None:
        return "labels"
    return getattr(module.backbone, "tokens", "moments")
