"""Where in a record, and on which lead, the network sees a label."""

from dataclasses import dataclass
from numbers import Real

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch.autograd.functional import jacobian

from sklearn_ecg.network._features import measure
from sklearn_ecg.network.explain._explained import explained, record_inputs

_METHODS = ("occlusion", "integrated_gradients")


@dataclass(frozen=True)
class Attribution:
    """Contribution of each sample of each lead to each label, from `attribute`.

    Attributes
    ----------
    values : ndarray of shape (n_records, n_labels, n_leads, n_times)
        In units of the decision function; positive where the signal supports the label. Times are
        those of the network's input, at its own rate. 0 beyond the end of a shorter record.
    sampling_rate : float or None
        Hz. None if it is unknown.
    lead_names : tuple of str, or None
        Names of the leads, in the order of `values`.
    label_names : ndarray of str of shape (n_labels,)
        Names of the labels, in the order of `values`.
    decision : ndarray of shape (n_records, n_labels)
        The classifier's decision function.
    flat_decision : ndarray of shape (n_records, n_labels)
        The decision function of a flat line on all leads, with which the signals are compared.
    method : str
        "occlusion" or "integrated_gradients".
    """

    values: np.ndarray
    sampling_rate: float | None
    lead_names: tuple | None
    label_names: np.ndarray
    decision: np.ndarray
    flat_decision: np.ndarray
    method: str


def attribute(
    classifier, X, labels=None, *, method="occlusion", window_s=0.2, n_steps=64
) -> Attribution:
    """Find where in records, and on which leads, a classifier sees labels.

    Parameters
    ----------
    classifier : LabelCorrelationECGClassifier
        Fitted.
    X : CleanedRecords, ECGRecords or array-like
        Records to explain, as for the classifier's ``predict``.
    labels : str or sequence of str, default=None
        Names of labels; by default all labels of the classifier.
    method : {"occlusion", "integrated_gradients"}, default="occlusion"
        "occlusion" smoothly flattens about `window_s` of one lead at a time. A value is the fall of
        the decision, as mean over the windows around the sample. The network sees only signals that
        hardly differ from the record. It takes one prediction per lead and window.
        "integrated_gradients" [1]_ adds up gradients on the path from a flat line to the record.
        Its values sum to the difference between the decisions of record and flat line. It divides
        the whole decision among single samples, and is therefore rougher.
    window_s : float, default=0.2
        For "occlusion": width in s of the flattened part, at half height.
    n_steps : int, default=64
        For "integrated_gradients": number of points on the path.

    Returns
    -------
    Attribution
        With ``values`` of shape (n_records, n_labels, n_leads, n_times).

    Raises
    ------
    ValueError
        If a label or the method is unknown, or a record cannot be read.

    See Also
    --------
    sklearn_ecg.plotting.ECGAttributionDisplay : Draws it on the ECG.

    Notes
    -----
    The explained number is the decision function, which is the calibrated logit. A flat line keeps
    each lead at its usual level. Both methods show what the *network* uses. A physician may see the
    label by something else; and if the network is often wrong, attributions explain its errors.
    Measured features are not changed: only signals are attributed, and the flat line gets the
    record's features.

    References
    ----------
    .. [1] Sundararajan M, Taly A, Yan Q. Axiomatic attribution for deep networks. ICML (2017).

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg import ECGRecords, LabelCorrelationECGClassifier
    >>> from sklearn_ecg.network import attribute
    >>> rng = np.random.default_rng(0)
    >>> labels = rng.integers(0, 2, size=(64, 2))
    >>> signals = rng.normal(scale=0.1, size=(64, 2, 100))
    >>> signals[:, 1, 40:60] += labels[:, :1]  # the first label is a bump on the second lead
    >>> records = ECGRecords(signals, 100, labels=labels, label_names=["bump", "none"])
    >>> classifier = LabelCorrelationECGClassifier(
    ...     backbone="residual", duration_s=1.0, random_state=0
    ... ).fit(records)
    >>> found = attribute(classifier, records[labels[:, 0] == 1][:1], "bump")
    >>> lead, time = np.unravel_index(found.values[0, 0].argmax(), found.values.shape[2:])
    >>> int(lead), bool(0.3 < time / found.sampling_rate < 0.7)
    (1, True)
    """
    check_is_fitted(classifier)
    if method not in _METHODS:
        raise ValueError(f"method must be {' or '.join(map(repr, _METHODS))}; got {method!r}.")
    names, columns = _columns(classifier, labels)
    n_window = _n_window(classifier, window_s) if method == "occlusion" else None
    signals, lengths = record_inputs(classifier, X)
    with explained(classifier) as net:
        decide = _Decision(net, classifier.decisions_, columns)
        decision = decide(signals, lengths)
        flat_decision = decide(torch.zeros_like(signals), lengths)
        if method == "occlusion":
            values = _occlusion(decide, signals, lengths, decision, n_window)
        else:
            values = _integrated_gradients(decide, signals, lengths, n_steps)
    of_features = _of_features(classifier, X)[:, columns]
    return Attribution(
        values=values,
        sampling_rate=classifier.sampling_rate_,
        lead_names=classifier.lead_names_in_,
        label_names=names,
        decision=decision.numpy() + of_features,
        flat_decision=flat_decision.numpy() + of_features,
        method=method,
    )


class _Decision:
    """The share of standardised signals in the decision function."""

    def __init__(self, net, decisions, columns):
        self.net = net
        self.columns = columns
        slope = decisions.slope[columns] * decisions.share
        self.slope = torch.as_tensor(slope, dtype=torch.float32)
        self.offset = torch.as_tensor(decisions.offset[columns], dtype=torch.float32)

    def __call__(self, signals, lengths):
        parts = zip(*(part.split(self.net.batch_size) for part in (signals, lengths)), strict=True)
        with torch.no_grad():
            return torch.cat([self.with_gradient(*part) for part in parts])

    def with_gradient(self, signals, lengths):
        """Return a decision with gradients, for a single batch."""
        logits = self.net.infer((signals, lengths)).cpu()
        return logits[:, self.columns] * self.slope + self.offset


def _of_features(classifier, X):
    """Return the share of features in the decision function, of shape (n_records, n_labels)."""
    answers, decisions = classifier.answers_, classifier.decisions_
    if answers is None:
        return np.zeros((1, len(classifier.label_names_)), dtype=np.float32)
    records = classifier.reader_.check(X, type(classifier).__name__)
    of_features = answers.logits(measure(answers.extractor, records))
    added = (1 - decisions.share) * of_features
    return (added * decisions.slope).astype(np.float32)


# Not captum's Occlusion, whose rectangles have edges that the network would see.
def _occlusion(decide, signals, lengths, decision, n_window):
    n_records, n_leads, n_times = signals.shape
    windows = _windows(n_times, n_window)  # (n_windows, n_times)
    share = (windows / windows.sum(dim=0)).numpy()
    values = np.zeros((n_records, decision.shape[1], n_leads, n_times), dtype=np.float32)
    for record, signal in enumerate(signals):
        for lead in np.flatnonzero(signal.any(dim=1)):
            occluded = signal.repeat(len(windows), 1, 1)
            occluded[:, lead] *= 1 - windows
            falls = decision[record] - decide(occluded, lengths[record].expand(len(windows)))
            values[record, :, lead] = falls.numpy().T @ share
        # Where nothing was recorded, there is nothing to flatten.
        values[record] *= (signal != 0).any(dim=0).numpy()
    return values


def _windows(n_times, n_window):
    """Return raised cosines with flanks of half a window, which together cover all times."""
    centers = torch.arange(0, n_times + n_window, n_window)[:, None]
    distance = (torch.arange(n_times) - centers).abs() / n_window
    return torch.where(distance < 1, (1 + torch.cos(torch.pi * distance)) / 2, 0.0)


# Not captum's IntegratedGradients: its values are the same, but it runs the network for each label
# again, and takes 1.9 times as long for 26 labels.
def _integrated_gradients(decide, signals, lengths, n_steps):
    if not isinstance(n_steps, int | np.integer) or n_steps < 1:
        raise ValueError(f"n_steps must be a positive integer; got {n_steps!r}.")
    steps = (torch.arange(n_steps)[:, None, None] + 0.5) / n_steps
    values = []
    for signal, length in zip(signals, lengths, strict=True):
        gradients = sum(
            _gradients(decide, part * signal, length.expand(len(part)))
            for part in steps.split(decide.net.batch_size)
        )
        values.append((gradients / n_steps * signal).numpy())
    return np.stack(values)


def _gradients(decide, signals, lengths):
    """Return each label's gradient, summed over signals, (n_labels, n_leads, n_times)."""
    return jacobian(
        lambda shift: decide.with_gradient(signals + shift, lengths).sum(dim=0),
        torch.zeros_like(signals[0]),
    )


def _columns(classifier, labels):
    """Return the names of the wanted labels, and their columns."""
    known = list(map(str, classifier.label_names_))
    if labels is None:
        return np.asarray(known), np.arange(len(known))
    wanted = [labels] if isinstance(labels, str) else list(map(str, labels))
    unknown = [name for name in wanted if name not in known]
    if unknown or not wanted:
        raise ValueError(
            f"labels must name some of the classifier's labels {', '.join(known)}; got "
            f"{', '.join(unknown) or 'none'}."
        )
    return np.asarray(wanted), np.array([known.index(name) for name in wanted])


def _n_window(classifier, window_s):
    if classifier.sampling_rate_ is None:
        raise ValueError(
            "window_s is in seconds, but the classifier was fitted on records of unknown sampling "
            "rate. Fit it on ECGRecords with one, or use method='integrated_gradients'."
        )
    is_finite = isinstance(window_s, Real) and np.isfinite(window_s)
    n_window = round(window_s * classifier.sampling_rate_) if is_finite else 0
    if not 1 <= n_window <= classifier.n_times_:
        raise ValueError(
            f"window_s must be at least one sample and at most the "
            f"{classifier.n_times_ / classifier.sampling_rate_:g} s that the network reads at a "
            f"time; got {window_s!r}."
        )
    return n_window
