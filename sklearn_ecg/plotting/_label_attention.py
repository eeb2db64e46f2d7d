"""What the decoder attends to for each label, as an image."""

import numpy as np

from sklearn_ecg.plotting._matplotlib import import_pyplot

_AXES = {
    "channels": "channel of the backbone",
    "labels": "features of label",
    "moments": "moment",
}


class LabelAttentionDisplay:
    """Attention of each label's query over what the decoder looks at.

    It is recommended to use :meth:`from_estimator` to create a display.

    Parameters
    ----------
    weights : ndarray of shape (n_labels, n_tokens)
        Shares of attention; rows sum to 1.
    label_names : sequence of str
    kind : {"channels", "moments", "labels"}, default="channels"
        What tokens are.
    times_s : ndarray of shape (n_tokens,), default=None
        Of moments, in s.

    Attributes
    ----------
    im_ : matplotlib AxesImage
    ax_ : matplotlib Axes
    figure_ : matplotlib Figure

    See Also
    --------
    sklearn_ecg.network.label_attention : Computes the weights.
    ECGAttributionDisplay : What a decision rests on.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.plotting import LabelAttentionDisplay
    >>> display = LabelAttentionDisplay(np.eye(2), ["AF", "PVC"], kind="labels").plot()
    >>> display.ax_.get_xlabel()
    'features of label'
    """

    def __init__(self, weights, label_names, *, kind="channels", times_s=None):
        self.weights = weights
        self.label_names = label_names
        self.kind = kind
        self.times_s = times_s

    @classmethod
    def from_estimator(cls, classifier, X, *, ax=None):
        """Show what a classifier attends to, on average over records.

        Parameters
        ----------
        classifier : LabelCorrelationECGClassifier
            Fitted, with a decoder.
        X : ECGRecords or array-like
            One record, or several.
        ax : matplotlib Axes, default=None
            By default a new figure.

        Returns
        -------
        LabelAttentionDisplay
        """
        # torch is slow to import.
        from sklearn_ecg.network import label_attention

        found = label_attention(classifier, X)
        weights = np.nanmean(found.weights, axis=0)
        return cls(weights, found.label_names, kind=found.kind, times_s=found.times_s).plot(ax=ax)

    def plot(self, ax=None):
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes, default=None

        Returns
        -------
        self : LabelAttentionDisplay
        """
        n_labels, n_tokens = np.shape(self.weights)
        if ax is None:
            size = (6.5, 1.4 + 0.3 * min(n_labels, 30))
            _, ax = import_pyplot().subplots(figsize=size, layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        extent = None
        if self.times_s is not None:
            half = (self.times_s[-1] - self.times_s[0]) / max(n_tokens - 1, 1) / 2
            ends = self.times_s[0] - half, self.times_s[-1] + half
            extent = (*ends, n_labels - 0.5, -0.5)
        self.im_ = ax.imshow(
            self.weights, vmin=0, cmap="Blues", aspect="auto", interpolation="none", extent=extent
        )
        ax.set_yticks(range(n_labels), [str(name) for name in self.label_names])
        ax.set_xlabel(_AXES[self.kind] + (" (s)" if self.times_s is not None else ""))
        if self.kind == "labels":
            names = [str(name) for name in self.label_names]
            ax.set_xticks(range(n_tokens), names, rotation=45, ha="right")
        self.figure_.colorbar(self.im_, ax=ax, label="share of attention")
        return self
