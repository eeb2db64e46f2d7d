"""Draw the label correlation matrix."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_ecg.plotting._matplotlib import import_pyplot

# Cells of matrices up to this size show numbers.
_MOST_NUMBERS = 15


class LabelCorrelationDisplay:
    """The label correlation matrix as an image.

    It is recommended to use :meth:`from_estimator` or :meth:`from_labels` to create a display.

    Parameters
    ----------
    correlation : ndarray of shape (n_labels, n_labels)
        Entry (i, j) is the share of records with label i among the records with label j.
    label_names : sequence of str
        Names of the labels.
    n_present : sequence of int, default=None
        Number of records with each label, written after the names.

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
    sklearn_ecg.network.label_correlation : Compute the matrix.

    Examples
    --------
    >>> from sklearn_ecg.plotting import LabelCorrelationDisplay
    >>> labels = [[1, 1], [1, 0], [1, 0], [0, 0]]
    >>> display = LabelCorrelationDisplay.from_labels(labels, label_names=["AF", "PVC"])
    >>> [text.get_text() for text in display.ax_.texts]
    ['1.00', '1.00', '0.33', '1.00']
    """

    def __init__(self, correlation, label_names, *, n_present=None):
        self.correlation = correlation
        self.label_names = label_names
        self.n_present = n_present

    @classmethod
    def from_estimator(cls, estimator, *, ax=None):
        """Show the label correlation of the training records of a classifier.

        Parameters
        ----------
        estimator : LabelCorrelationECGClassifier
            A fitted classifier.
        ax : matplotlib Axes, default=None
            By default a new figure.

        Returns
        -------
        LabelCorrelationDisplay
        """
        check_is_fitted(estimator)
        return cls(estimator.label_correlation_, estimator.label_names_).plot(ax=ax)

    @classmethod
    def from_labels(cls, labels, *, label_names=None, ax=None):
        """Show the label correlation of records.

        Parameters
        ----------
        labels : ECGRecords, or array-like of shape (n_records, n_labels)
            1 present, 0 absent, -1 unknown.
        label_names : sequence of str, default=None
            By default the names of the records, else numbers.
        ax : matplotlib Axes, default=None
            By default a new figure.

        Returns
        -------
        LabelCorrelationDisplay
        """
        # torch is slow to import.
        from sklearn_ecg.network import label_correlation

        if hasattr(labels, "label_names"):
            if labels.labels is None:
                raise ValueError(
                    "The records have no labels; add them with records.with_labels(labels)."
                )
            label_names = labels.label_names if label_names is None else label_names
            labels = labels.labels
        labels = np.asarray(labels)
        correlation = label_correlation(labels)
        if label_names is None:
            label_names = np.arange(len(correlation))
        if len(label_names) != len(correlation):
            raise ValueError(
                f"label_names holds {len(label_names)} names for {len(correlation)} labels."
            )
        return cls(correlation, label_names, n_present=(labels == 1).sum(axis=0)).plot(ax=ax)

    def plot(self, ax=None):
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            By default a new figure.

        Returns
        -------
        self : LabelCorrelationDisplay
        """
        n_labels = len(self.correlation)
        if ax is None:
            size = 2.5 + 0.4 * min(n_labels, 30)
            _, ax = import_pyplot().subplots(figsize=(size + 1, size), layout="constrained")
        self.ax_, self.figure_ = ax, ax.figure
        self.im_ = ax.imshow(self.correlation, vmin=0, vmax=1, cmap="Blues")
        names = [str(name) for name in self.label_names]
        ax.set_xticks(range(n_labels), self._with_counts(names), rotation=45, ha="right")
        ax.set_yticks(range(n_labels), names)
        ax.set_xlabel("of the records with this label \N{HORIZONTAL ELLIPSIS}")
        ax.set_ylabel("\N{HORIZONTAL ELLIPSIS} this share has this label")
        if n_labels <= _MOST_NUMBERS:
            for (i, j), share in np.ndenumerate(self.correlation):
                color = "white" if share > 0.6 else "black"
                ax.text(j, i, f"{share:.2f}", ha="center", va="center", color=color, fontsize=8)
        self.figure_.colorbar(self.im_, ax=ax, label="share of records")
        return self

    def _with_counts(self, names):
        if self.n_present is None:
            return names
        return [f"{name} ({n})" for name, n in zip(names, self.n_present, strict=True)]
