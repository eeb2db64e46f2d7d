"""Draw the attention of the decoder for each label."""

import numpy as np

from sklearn_ecg.plotting._matplotlib import import_pyplot

_AXES = {
    "channels": "channel of the backbone",
    "labels": "features of label",
    "moments": "moment",
}


class LabelAttentionDisplay:
    """Attention of each label's query over the decoder's tokens.

    It is recommended to use :meth:`from_estimator` to create a display.

    Parameters
    ----------
    weights : ndarray of shape (n_labels, n_tokens)
        Shares of attention; the sum of each row is 1.
    label_names : sequence of str
        Names of the labels.
    kind : {"channels", "moments", "labels"}, default="channels"
        Meaning of the tokens.
    times_s : ndarray of shape (n_tokens,), default=None
        Times of the moments in s, for ``kind="moments"``.

    Attributes
    ----------
    im_ : matplotlib AxesImage
        The image.
    ax_ : matplotlib Axes
        The axes.
    figure_ : matplotlib Figure
        The figure.

    See Also
    --------
    sklearn_ecg.network.label_attention : Compute the weights.
    ECGAttributionDisplay : The parts of a record for and against a label.

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
        """Show the attention of a classifier, averaged over records.

        Parameters
        ----------
        classifier : LabelCorrelationECGClassifier
            A fitted classifier with a decoder.
        X : ECGRecords or array-like
            One or several records.
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
            By default a new figure.

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
