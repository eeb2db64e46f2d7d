"""Draw a record on ECG paper, coloured by a classifier's attribution."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_ecg.plotting._ecg import ECGDisplay, find_record
from sklearn_ecg.plotting._paper import INK

# Blue is for the label, orange against it; readers with red-green blindness can tell them apart.
_FOR, _AGAINST = "#1f6fb4", "#e06c00"
# Smaller shares of the largest value have no colour.
_FAINTEST = 0.05
# Gradients vary from sample to sample, so their mean over about this time is drawn.
_SMOOTH_S = 0.06


class ECGAttributionDisplay:
    """One record on ECG paper; colours mark the parts for and against a label.

    It is recommended to use :meth:`from_estimator` to create a display.

    Parameters
    ----------
    ecg : ECGDisplay
        The record.
    values : ndarray of shape (n_leads, n_times)
        The attribution: positive for the label, negative against it.
    sampling_rate : float
        Samples per second (Hz) of `values`.
    lead_names : sequence of str of length n_leads
        The leads of `values`, all or some of those of the record.
    label : str
        Name of the label.
    start_s : float, default=0.0
        Start of the drawn part in `values`, in s.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The figure.
    axes_ : ndarray of shape (1,) of matplotlib Axes
        The paper.
    highlights_ : list of matplotlib LineCollection
        The coloured parts of each stretch of a lead.
    scale_ : float
        The absolute value with the full colour, the largest that is drawn.

    See Also
    --------
    sklearn_ecg.network.attribute : Compute the values.
    ECGDisplay : Draw a record without colours.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.plotting import ECGAttributionDisplay, ECGDisplay
    >>> times = np.arange(300) / 100
    >>> ecg = ECGDisplay(np.exp(-(((times % 1) - 0.5) ** 2) / 5e-4), 100, lead_names=["V1"])
    >>> values = ((times > 1.4) & (times < 1.6)).astype(float)[np.newaxis]
    >>> display = ECGAttributionDisplay(
    ...     ecg, values, sampling_rate=100, lead_names=["V1"], label="PVC"
    ... ).plot()
    >>> len(display.highlights_)
    1
    """

    def __init__(self, ecg, values, *, sampling_rate, lead_names, label, start_s=0.0):
        self.ecg = ecg
        self.values = values
        self.sampling_rate = sampling_rate
        self.lead_names = lead_names
        self.label = label
        self.start_s = start_s

    @classmethod
    def from_estimator(
        cls,
        classifier,
        records,
        record=0,
        *,
        label=None,
        method="occlusion",
        start_s=0.0,
        duration_s=10.0,
        layout="auto",
        ax=None,
    ):
        """Show which parts of a record a classifier uses for a label, and against it.

        Parameters
        ----------
        classifier : LabelCorrelationECGClassifier
            A classifier fitted on records with a sampling rate.
        records : ECGRecords
            Records with a sampling rate.
        record : int or str, default=0
            The record's position, or its id.
        label : str, default=None
            By default the label with the highest probability.
        method : {"occlusion", "integrated_gradients"}, default="occlusion"
            See `sklearn_ecg.network.attribute`.
        start_s : float, default=0.0
            Start of the part to draw, in s.
        duration_s : float, default=10.0
            Length of the part to draw, in s. Parts that the classifier does not read have no
            colour.
        layout : {"auto", "stacked", "12x1", "6x2", "3x4"}, default="auto"
            See `ECGDisplay.plot`. In "3x4" each lead shows a quarter of its time, in "6x2" a half.
        ax : matplotlib Axes, default=None
            By default a new figure, which has true scale when printed.

        Returns
        -------
        ECGAttributionDisplay

        Raises
        ------
        ValueError
            If a sampling rate is missing, or the part lies outside of the record.
        """
        # torch is slow to import.
        from sklearn_ecg.network import attribute

        check_is_fitted(classifier)
        position = find_record(records, record)
        one = records[[position]]
        probabilities = dict(
            zip(map(str, classifier.label_names_), _probabilities(classifier, one), strict=True)
        )
        label = max(probabilities, key=probabilities.get) if label is None else label
        found = attribute(classifier, one, label, method=method)
        if records.sampling_rate is None or found.sampling_rate is None:
            raise ValueError(
                "The time axis needs a sampling rate of records and of the records that the "
                "classifier was fitted on; make them with ECGRecords(signals, sampling_rate=...)."
            )
        values = found.values[0, 0]
        if method == "integrated_gradients":
            values = _smoothed(values, round(_SMOOTH_S * found.sampling_rate))
        start = round(start_s * records.sampling_rate)
        stop = start + round(duration_s * records.sampling_rate)
        signal = np.asarray(one.signals[0], dtype=float)
        if not 0 <= start < signal.shape[1] or stop <= start:
            raise ValueError(
                f"start_s={start_s:g} and duration_s={duration_s:g} select nothing of record "
                f"{records.ids[position]}, which lasts "
                f"{signal.shape[1] / records.sampling_rate:g} s."
            )
        ecg = ECGDisplay(
            signal[:, start:stop],
            records.sampling_rate,
            lead_names=records.lead_names,
            title=f"{records.ids[position]}    {label}: probability {probabilities[label]:.2f}",
        )
        lead_names = found.lead_names
        if lead_names is None or records.lead_names is None:
            lead_names = ecg._names()
        display = cls(
            ecg,
            values,
            sampling_rate=found.sampling_rate,
            lead_names=lead_names,
            label=label,
            start_s=start_s,
        )
        return display.plot(layout=layout, ax=ax)

    def plot(self, layout="auto", ax=None):
        """Draw the display.

        Parameters
        ----------
        layout : {"auto", "stacked", "12x1", "6x2", "3x4"}, default="auto"
            See `ECGDisplay.plot`.
        ax : matplotlib Axes, default=None
            By default a new figure.

        Returns
        -------
        self : ECGAttributionDisplay
        """
        values = dict(zip(self.lead_names, np.asarray(self.values, dtype=float), strict=True))
        self.ecg.plot(layout=layout, ax=ax)
        self.figure_, self.axes_ = self.ecg.figure_, self.ecg.axes_
        (ax,) = self.axes_
        lines = [line for line in ax.lines if line.get_label() in values]
        drawn = [self._drawn_values(line.get_xdata(), values[line.get_label()]) for line in lines]
        self.scale_ = float(max((np.abs(part).max() for part in drawn), default=0.0))
        self.highlights_ = []
        if self.scale_ > 0:
            for line, part in zip(lines, drawn, strict=True):
                highlight = _highlight(*line.get_data(), part / self.scale_)
                self.highlights_.append(ax.add_collection(highlight))
        words = f"blue speaks for {self.label}, orange against"
        corner = {"x": ax.get_xlim()[1] - 0.1, "y": ax.get_ylim()[0] + 0.2}
        ax.text(s=words, fontsize=8, color=INK, ha="right", va="bottom", **corner)
        return self

    def _drawn_values(self, time, values):
        """Return the values at the middles between the points of a line."""
        middle = (time[1:] + time[:-1]) / 2 + self.start_s
        return np.interp(middle, np.arange(values.size) / self.sampling_rate, values, right=0.0)


def _highlight(time, height, strength):
    """Return a broad line under a lead; values from -1 to 1 define its colour."""
    from matplotlib.collections import LineCollection
    from matplotlib.colors import to_rgba

    points = np.stack([time, height], axis=1)
    segments = np.stack([points[:-1], points[1:]], axis=1)
    colors = np.where(strength[:, np.newaxis] > 0, to_rgba(_FOR), to_rgba(_AGAINST))
    colors[:, 3] = np.abs(strength) * 0.8
    shown = np.abs(strength) > _FAINTEST
    return LineCollection(
        segments[shown], colors=colors[shown], linewidths=6, capstyle="butt", zorder=1.5
    )


def _probabilities(classifier, record):
    probabilities = classifier.predict_proba(record)[0]
    # A single label has two columns, as in scikit-learn.
    return probabilities[-len(classifier.label_names_) :]


def _smoothed(values, n_samples):
    if n_samples < 2:
        return values
    weights = np.hanning(n_samples + 2)[1:-1]
    return np.array([np.convolve(lead, weights / weights.sum(), mode="same") for lead in values])
