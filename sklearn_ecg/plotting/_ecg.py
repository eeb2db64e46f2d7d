"""Draw a record on ECG paper."""

import numbers

import numpy as np

from sklearn_ecg.features import delineate
from sklearn_ecg.plotting._layout import arrange
from sklearn_ecg.plotting._marks import (
    add_legend,
    check_waves,
    mark_waves,
    shift_waves,
    waves_in_seconds,
)
from sklearn_ecg.plotting._matplotlib import import_pyplot
from sklearn_ecg.plotting._paper import INK, Paper
from sklearn_ecg.plotting._rows import (
    NAME_MM,
    about_median,
    free_start,
    lowest_and_highest,
    why_blank,
    zero_lines,
)
from sklearn_ecg.records import ECGRecords
from sklearn_ecg.records._readers import as_lazy
from sklearn_ecg.utils import check_option

_MM_PER_INCH = 25.4
_STRIP_S = 10.0  # as machines print; shorter records get the same width

# Margins in mm: right of the signal, and for the title.
_RIGHT_MM, _TITLE_MM = 5, 8


class ECGDisplay:
    """One ECG record drawn on ECG paper, at true scale.

    It is recommended to use :meth:`from_records` to create a display.

    Parameters
    ----------
    signal : array-like of shape (n_leads, n_times) or (n_times,)
        Signal in mV; NaN is not recorded.
    sampling_rate : float
        Samples per second (Hz).
    lead_names : sequence of str of length n_leads, default=None
        By default the leads are numbered.
    title : str, default=""
        Text above the paper.
    waves : DataFrame, default=None
        The waves to mark, as `sklearn_ecg.features.delineate` returns them for this signal. The
        column ``lead`` may also hold names of leads.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The figure.
    axes_ : ndarray of shape (1,) of matplotlib Axes
        The paper; x in s from the left edge of the signal, y in mV from the lowest row.

    See Also
    --------
    sklearn_ecg.features.delineate : The waves as a table.
    LabelCleaningDisplay : A record with its cleaned labels.

    Examples
    --------
    >>> from sklearn_ecg.datasets import make_ecg_records
    >>> from sklearn_ecg.plotting import ECGDisplay
    >>> records = make_ecg_records(1, random_state=0)
    >>> display = ECGDisplay.from_records(records)
    >>> display.figure_.savefig("record.pdf")  # doctest: +SKIP

    Mark the P, QRS and T waves that `delineate` finds:

    >>> display = ECGDisplay.from_records(records, waves=True)

    Draw limb leads in Cabrera's order, at 50 mm/s, as in many countries:

    >>> display = ECGDisplay.from_records(records, layout="6x2", cabrera=True, speed=50)
    """

    def __init__(self, signal, sampling_rate, *, lead_names=None, title="", waves=None):
        self.signal = signal
        self.sampling_rate = sampling_rate
        self.lead_names = lead_names
        self.title = title
        self.waves = waves

    @classmethod
    def from_records(
        cls,
        records,
        record=0,
        *,
        start_s=0.0,
        duration_s=10.0,
        layout="auto",
        cabrera=False,
        rhythm_strip=True,
        speed=25,
        gain=10,
        waves=False,
        ax=None,
    ):
        """Draw one record of a collection.

        Parameters
        ----------
        records : ECGRecords
            Records with a sampling rate.
        record : int or str, default=0
            The record's position, or its id.
        start_s : float, default=0.0
            Start of the part to draw, in s.
        duration_s : float, default=10.0
            Length of the part to draw, in s. If the record ends earlier, the paper stays blank up
            to ten seconds.
        layout : {"auto", "stacked", "12x1", "6x2", "3x4"}, default="auto"
            See :meth:`plot`.
        cabrera : bool, default=False
            See :meth:`plot`.
        rhythm_strip : bool or str, default=True
            See :meth:`plot`.
        speed : {25, 50}, default=25
            Paper speed in mm/s.
        gain : {5, 10, 20}, default=10
            Gain in mm/mV.
        waves : bool or DataFrame, default=False
            Whether to mark the waves that `sklearn_ecg.features.delineate` finds, each from onset
            to offset with its peak; or a table of that function, in samples of the whole record.
        ax : matplotlib Axes, default=None
            By default a new figure, which has true scale when printed.

        Returns
        -------
        ECGDisplay

        Raises
        ------
        ValueError
            If there is no such record, the part lies outside of it, or the records have no
            sampling rate.
        """
        position, signal = read_record(records, record)
        if not (np.isfinite(start_s) and np.isfinite(duration_s)):
            raise ValueError(
                f"start_s and duration_s must be finite; got {start_s!r} and {duration_s!r}."
            )
        start = round(start_s * records.sampling_rate)
        stop = start + round(duration_s * records.sampling_rate)
        if not 0 <= start < signal.shape[1] or stop <= start:
            raise ValueError(
                f"start_s={start_s:g} and duration_s={duration_s:g} select nothing of record "
                f"{records.ids[position]}, which lasts "
                f"{signal.shape[1] / records.sampling_rate:g} s."
            )
        if waves is True:
            waves = delineate(signal, records.sampling_rate)
        if waves is not False:
            check_waves(waves)
            waves = shift_waves(waves, -start)
        display = cls(
            _padded(signal[:, start:stop], min(stop - start, _STRIP_S * records.sampling_rate)),
            records.sampling_rate,
            lead_names=records.lead_names,
            title=_title(records, position),
            waves=None if waves is False else waves,
        )
        return display.plot(
            layout=layout,
            cabrera=cabrera,
            rhythm_strip=rhythm_strip,
            speed=speed,
            gain=gain,
            ax=ax,
        )

    def plot(
        self,
        layout="auto",
        *,
        cabrera=False,
        rhythm_strip=True,
        speed=25,
        gain=10,
        ax=None,
    ):
        """Draw the record.

        Parameters
        ----------
        layout : {"auto", "stacked", "12x1", "6x2", "3x4"}, default="auto"
            ``"stacked"`` draws each lead in its own row, in the order of the record. The others
            draw the twelve standard leads in rows and columns, by name; missing leads stay blank,
            and other leads are left out. Columns show successive times, as machines print them: of
            ten seconds, ``"3x4"`` shows 2.5 s of each lead, from I, II, III to V4, V5, V6.
            ``"auto"`` is ``"3x4"`` if the record has exactly the twelve standard leads and fills
            most of the time, else ``"stacked"``.
        cabrera : bool, default=False
            Whether limb leads are in Cabrera's order: aVL, I, -aVR, II, aVF, III.
        rhythm_strip : bool or str, default=True
            A lead that is drawn over the whole time in a row below the others. True means lead II
            for layouts with columns, and none for the others.
        speed : {25, 50}, default=25
            Paper speed in mm/s.
        gain : {5, 10, 20}, default=10
            Gain in mm/mV.
        ax : matplotlib Axes, default=None
            By default a new figure, which has true scale when printed or saved.

        Returns
        -------
        self : ECGDisplay
        """
        check_option(speed, Paper.SPEEDS, "speed")
        check_option(gain, Paper.GAINS, "gain")
        paper = Paper(speed, gain)
        rows = arrange(
            {
                name: about_median(lead)
                for name, lead in zip(self._names(), self._leads(), strict=True)
            },
            self.sampling_rate,
            layout,
            cabrera=cabrera,
            rhythm_strip=rhythm_strip,
        )
        waves = self.waves
        if waves is not None:
            check_waves(waves)
            waves = waves_in_seconds(waves, self._names(), self.sampling_rate)
        baselines = zero_lines(rows, paper)
        duration_s = self._leads().shape[1] / self.sampling_rate
        left, right = -paper.left_s, duration_s + paper.seconds(_RIGHT_MM)
        bottom, top = lowest_and_highest(rows, baselines, paper)
        if ax is None:
            ax = _new_axes((right - left) * speed, (top - bottom) * gain)
        paper.draw_grid(ax, left, right, bottom, top)
        for row, baseline in zip(rows, baselines, strict=True):
            paper.draw_calibration(ax, baseline)
            for trace in row:
                if trace.lead is not None and trace.values.size:
                    self._draw(ax, trace, baseline, paper, waves)
        footer = {"fontsize": 8, "color": INK, "va": "bottom"}
        height = bottom + paper.millivolts(2)
        ax.text(left + paper.seconds(2.5), height, paper.scale, **footer)
        if len(rows[0]) > 1:
            slot = f"{duration_s / len(rows[0]):.3g} s of each lead, columns in sequence"
            ax.text(left + paper.seconds(42), height, slot, **footer)
        if self.waves is not None:
            add_legend(ax)
        ax.set_title(self.title, fontsize=10, loc="left", x=0.01)
        self.figure_ = ax.figure
        self.axes_ = np.array([ax])
        return self

    def _leads(self):
        if not self.sampling_rate > 0:
            raise ValueError(f"sampling_rate must be positive; got {self.sampling_rate!r}.")
        signal = np.atleast_2d(self.signal)
        if signal.ndim != 2 or not signal.size or signal.dtype.kind not in "biuf":
            raise ValueError(
                "signal must be numbers in mV of shape (n_leads, n_times); got an array of "
                f"{signal.dtype} of shape {signal.shape}."
            )
        return signal.astype(float)

    def _names(self):
        n_leads = len(self._leads())
        names = [f"lead {i}" for i in range(n_leads)]
        if self.lead_names is not None:
            names = [str(name) for name in self.lead_names]
        if len(names) != n_leads:
            raise ValueError(f"lead_names holds {len(names)} names for {n_leads} leads.")
        return names

    def _draw(self, ax, trace, baseline, paper, waves):
        values, start_s = trace.values, trace.start_s
        whole = self._leads()[self._names().index(trace.lead)]
        time = start_s + np.arange(len(values)) / self.sampling_rate
        label = trace.lead if trace.name.casefold() == trace.lead.casefold() else trace.name
        ax.plot(time, baseline + values, color=INK, linewidth=0.8, label=label)
        if start_s > 0:
            mark = paper.millivolts(2.5)
            ax.vlines(start_s, baseline - mark, baseline + mark, color=INK, linewidth=0.8)
        if waves is not None:
            mark_waves(ax, trace.lead, waves, time, baseline + values)
        ax.text(
            start_s + free_start(values, self.sampling_rate, paper),
            baseline + paper.millivolts(NAME_MM),
            trace.name + why_blank(trace.values, whole),
            fontsize=9,
            fontweight="bold",
            color=INK,
            zorder=1,
        )


def read_record(records, record):
    """Return the position of a record, given by position or id, and its signal.

    Parameters
    ----------
    records : ECGRecords
    record : int or str

    Returns
    -------
    position : int
    signal : ndarray of float of shape (n_leads, n_times)
    """
    if not isinstance(records, ECGRecords):
        raise TypeError(f"records must be ECGRecords; got {type(records).__name__}.")
    position = find_record(records, record)
    if records.sampling_rate is None:
        raise ValueError(
            "records have no sampling_rate, which the time axis needs; make them with one: "
            "ECGRecords(signals, sampling_rate=...)."
        )
    (signal,) = as_lazy(records.signals).read_or_nan([position], records.ids)
    return position, np.asarray(signal, dtype=float)


def find_record(records, record):
    """Return the position of a record, given by position or id."""
    if isinstance(record, numbers.Integral):
        if not -len(records) <= record < len(records):
            raise ValueError(f"record={record} is out of range for {len(records)} records.")
        return int(record) % len(records)
    found = np.flatnonzero(np.asarray(records.ids) == record)
    if not len(found):
        raise ValueError(
            f"There is no record with id {record!r}; ids are such as {str(records.ids[0])!r}."
        )
    return int(found[0])


def _title(records, position):
    if records.labels is None:
        return str(records.ids[position])
    present = records.label_names[records.labels[position] == 1]
    return f"{records.ids[position]}    {', '.join(present) or 'no label'}"


def _padded(signal, n_times):
    """Return a signal with NaN after its end, up to a length."""
    missing = max(round(n_times) - signal.shape[1], 0)
    return np.pad(signal, ((0, 0), (0, missing)), constant_values=np.nan)


def _new_axes(width_mm, height_mm):
    """Return axes at true scale that fill a figure below its title."""
    size = width_mm, height_mm + _TITLE_MM
    _, ax = import_pyplot().subplots(figsize=[length / _MM_PER_INCH for length in size])
    ax.set_position([0, 0, 1, height_mm / size[1]])
    return ax
