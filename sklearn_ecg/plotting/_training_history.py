"""Draw the losses of a network during training."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_ecg.plotting._matplotlib import import_pyplot

_TRAIN, _VALID, _BEST = "#767676", "#1f6fb4", "#c8540a"


class TrainingHistoryDisplay:
    """Training and validation loss of each epoch of a network.

    It is recommended to use :meth:`from_estimator` to create a display. scikit-learn's
    `LearningCurveDisplay` shows scores against the number of training records instead.

    Parameters
    ----------
    train_loss : sequence of float of length n_epochs
        Loss on the training records.
    valid_loss : sequence of float of length n_epochs, default=None
        Loss on the held-out records.

    Attributes
    ----------
    lines_ : list of matplotlib Line2D
        The training loss and, if there is one, the validation loss.
    best_epoch_ : int or None
        The epoch with the smallest validation loss, whose weights the classifier kept; counted
        from 1.
    ax_ : matplotlib Axes
        The axes.
    figure_ : matplotlib Figure
        The figure.

    Examples
    --------
    >>> from sklearn_ecg.plotting import TrainingHistoryDisplay
    >>> display = TrainingHistoryDisplay([0.9, 0.5, 0.3], [0.8, 0.6, 0.7]).plot()
    >>> display.best_epoch_
    2
    """

    def __init__(self, train_loss, valid_loss=None):
        self.train_loss = train_loss
        self.valid_loss = valid_loss

    @classmethod
    def from_estimator(cls, classifier, *, ax=None):
        """Show the epochs of the last `fit` and of later calls of `partial_fit`.

        Parameters
        ----------
        classifier : LabelCorrelationECGClassifier
            A fitted classifier.
        ax : matplotlib Axes, default=None
            By default a new figure.

        Returns
        -------
        TrainingHistoryDisplay
        """
        check_is_fitted(classifier)
        history = classifier.history
        valid_loss = None
        if all("valid_loss" in epoch for epoch in history):
            valid_loss = [epoch["valid_loss"] for epoch in history]
        return cls([epoch["train_loss"] for epoch in history], valid_loss).plot(ax=ax)

    def plot(self, ax=None):
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            By default a new figure.

        Returns
        -------
        self : TrainingHistoryDisplay
        """
        if ax is None:
            _, ax = import_pyplot().subplots(figsize=(5, 3.2), layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        epochs = np.arange(1, len(self.train_loss) + 1)
        style = {"marker": ".", "markersize": 5, "linewidth": 1.2}
        self.lines_ = ax.plot(epochs, self.train_loss, color=_TRAIN, label="training", **style)
        self.best_epoch_ = None
        if self.valid_loss is not None:
            valid_loss = np.asarray(self.valid_loss, dtype=float)
            self.lines_ += ax.plot(epochs, valid_loss, color=_VALID, label="held out", **style)
            best = int(np.nanargmin(valid_loss))
            self.best_epoch_ = best + 1
            label = f"kept: epoch {self.best_epoch_}"
            ax.plot(epochs[best], valid_loss[best], "o", color=_BEST, fillstyle="none", label=label)
        ax.set(xlabel="epoch", ylabel="loss", xlim=(0.5, len(epochs) + 0.5))
        ax.xaxis.get_major_locator().set_params(integer=True)
        ax.spines[["top", "right"]].set_visible(False)
        ax.legend(frameon=False)
        return self
