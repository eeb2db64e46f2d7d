"""Where in a record, and on which lead, the network sees a label."""

from copy import copy
from dataclasses import dataclass

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted

from sklearn_ecg.network._device import half_the_cores
from sklearn_ecg.network._signals import LeadScaler, valid_lengths

_METHODS = ("occlusion", "integrated_gradients")


@dataclass(frozen=True)
class Attribution:
    """What each sample of each lead did for each label, from `attribute`.

    Attributes
    ----------
    values : ndarray of shape (n_records, n_labels, n_leads, n_times)
        In units of the decision function: positive where the signal speaks for the label. Times
        are those of what the network reads, at its own rate; where a record is shorter, 0.
    sampling_rate : float or None
        Hz.
    lead_names : tuple of str, or None
    label_names : ndarray of str of shape (n_labels,)
    decision : ndarray of shape (n_records, n_labels)
        The classifier's decision function.
    flat_decision : ndarray of shape (n_records, n_labels)
        The same for a flat line on all leads, which is what the signals are compared with.
    method : str
    """

    values: np.ndarray
    sampling_rate: float | None
    lead_names: tuple | None
    label_names: np.ndarray
    decision: np.ndarray
    flat_decision: np.ndarray
    method: str


def attribute(classifier, X, labels=None, *, method="occlusion", window_s=0.2, n_steps=64):
    """Say where in records, and on which leads, a classifier sees labels.

    Parameters
    ----------
    classifier : LabelCorrelationECGClassifier
        Fitted.
    X : ECGRecords or array-like, as for the classifier's ``predict``
    labels : str or sequence of str, default=None
        By default all labels of the classifier.
    method : {"occlusion", "integrated_gradients"}, default="occlusion"
        "occlusion" flattens about `window_s` of one lead at a time, smoothly, and sees by how much
        the decision falls: at each time the mean over the windows around it. It asks the network
        about signals that hardly differ from the record, and takes one prediction per lead and
        window. "integrated_gradients" [1]_ adds up gradients on the way from a flat line to the
        record: values sum to the decision's distance from that for a flat line. It shares out
        the whole decision, sample by sample, and is therefore rougher.
    window_s : float, default=0.2
        For "occlusion": the width at half height of what is flattened.
    n_steps : int, default=64
        For "integrated_gradients": points on the way.

    Returns
    -------
    Attribution
        With ``values`` of shape (n_records, n_labels, n_leads, n_times), and what belongs to them.

    See Also
    --------
    sklearn_ecg.plotting.ECGAttributionDisplay : Draws it on the ECG.

    Notes
    -----
    What is explained is the decision function, the calibrated logit. The flat line is each lead
    at its usual level. Both methods say what the *network* makes use of, which need not be what
    makes a physician see the label; attributions of a network that is often wrong explain its
    errors.

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
    >>> classifier = LabelCorrelationECGClassifier(duration_s=1.0, random_state=0).fit(records)
    >>> found = attribute(classifier, records[labels[:, 0] == 1][:1], "bump")
    >>> lead, time = np.unravel_index(found.values[0, 0].argmax(), found.values.shape[2:])
    >>> int(lead), bool(0.3 < time / found.sampling_rate < 0.7)
    (1, True)
    """
    check_is_fitted(classifier)
    if method not in _METHODS:
        raise ValueError(f"method must be {' or '.join(map(repr, _METHODS))}; got {method!r}.")
    if getattr(classifier, "features", None) is not None:
        raise ValueError(
            "Attribution is of signals alone, and the classifier also reads features, which change "
            "with them. Explain a classifier with features=None."
        )
    names, columns = _columns(classifier, labels)
    decide = _Decision(classifier, columns)
    signals, lengths = _signals_of(classifier, X)
    with half_the_cores(classifier.device_):
        flat = decide(torch.zeros_like(signals[:1]), lengths.new_full((1,), signals.shape[-1]))
        decision = decide(signals, lengths)
        if method == "occlusion":
            values = _occlusion(decide, signals, lengths, decision, _n_window(classifier, window_s))
        else:
            values = _integrated_gradients(decide, signals, lengths, n_steps)
    return Attribution(
        values=values,
        sampling_rate=classifier.sampling_rate_,
        lead_names=classifier.lead_names_in_,
        label_names=names,
        decision=decision.numpy(),
        flat_decision=flat.repeat(len(signals), 1).numpy(),
        method=method,
    )


class _Decision:
    """The classifier's decision function of standardised signals, with gradients."""

    def __init__(self, classifier, columns):
        # In full precision, whatever it predicts in; the classifier itself stays as it is.
        self.net = copy(classifier)
        if "precision" in self.net.get_params():
            self.net.precision = "float32"
        self.net.module_.eval()
        self.columns = columns
        self.slope = torch.as_tensor(classifier.calibration_slope_[columns], dtype=torch.float32)
        self.offset = torch.as_tensor(classifier.calibration_offset_[columns], dtype=torch.float32)

    @property
    def batch_size(self):
        return self.net.batch_size

    def __call__(self, signals, lengths):
        with torch.no_grad():
            parts = zip(signals.split(self.batch_size), lengths.split(self.batch_size), strict=True)
            return torch.cat([self.with_gradient(*part) for part in parts])

    def with_gradient(self, signals, lengths):
        logits = self.net.infer((signals, lengths)).cpu()
        return logits[:, self.columns] * self.slope + self.offset


def _occlusion(decide, signals, lengths, decision, n_window):
    n_records, n_leads, n_times = signals.shape
    windows = _windows(n_times, n_window)  # (n_windows, n_times)
    kept = 1 - windows
    share = (windows / windows.sum(dim=0)).numpy()
    values = np.zeros((n_records, decision.shape[1], n_leads, n_times), dtype=np.float32)
    for record, (signal, length) in enumerate(zip(signals, lengths, strict=True)):
        for lead in range(n_leads):
            if not signal[lead].any():
                # A flat lead cannot be flattened.
                continue
            occluded = signal.repeat(len(kept), 1, 1)
            occluded[:, lead] *= kept
            falls = decision[record] - decide(occluded, length.repeat(len(kept)))
            values[record, :, lead, :length] = (falls.numpy().T @ share)[:, :length]
    return values


def _windows(n_times, n_window):
    """Return raised cosines, half a window of flanks each, that together cover all times."""
    centers = torch.arange(0, n_times + n_window, n_window)[:, None]
    distance = (torch.arange(n_times) - centers).abs() / n_window
    return torch.where(distance < 1, (1 + torch.cos(torch.pi * distance)) / 2, 0.0)


def _integrated_gradients(decide, signals, lengths, n_steps):
    if not isinstance(n_steps, int | np.integer) or n_steps < 1:
        raise ValueError(f"n_steps must be a positive integer; got {n_steps!r}.")
    steps = (torch.arange(n_steps) + 0.5) / n_steps
    values = []
    for signal, length in zip(signals, lengths, strict=True):
        gradients = 0.0
        for part in steps.split(decide.batch_size):
            on_the_way = (part[:, None, None] * signal).requires_grad_()
            totals = decide.with_gradient(on_the_way, length.repeat(len(part))).sum(dim=0)
            gradients = gradients + torch.stack(
                [
                    torch.autograd.grad(total, on_the_way, retain_graph=True)[0].sum(dim=0)
                    for total in totals
                ]
            )
        values.append((gradients / n_steps * signal).numpy())
    return np.stack(values)


def _signals_of(classifier, X):
    """Return standardised signals as the classifier reads them, and their lengths, as tensors."""
    signals = classifier._prepare(classifier._check_input(X))
    lengths = valid_lengths(signals)
    LeadScaler(classifier.lead_center_, classifier.lead_scale_).transform(signals)
    return torch.from_numpy(signals), torch.from_numpy(lengths)


def _columns(classifier, labels):
    """Return the names of the labels wanted, and their columns."""
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
    n_window = round(window_s * classifier.sampling_rate_)
    if not 1 <= n_window <= classifier.n_times_:
        raise ValueError(
            f"window_s must be at least one sample and at most the "
            f"{classifier.n_times_ / classifier.sampling_rate_:g} s that the network reads at a "
            f"time; got {window_s!r}."
        )
    return n_window
