"""A record on ECG paper."""

import numbers

import numpy as np

from sklearn_ecg.features import delineate
from sklearn_ecg.plotting._marks import (
    add_legend,
    check_waves,
    mark_waves,
    shift_waves,
    waves_in_seconds,
)
from sklearn_ecg.plotting._matplotlib import import_pyplot
from sklearn_ecg.plotting._paper import INK, MM_PER_MV, MM_PER_S, draw_calibration, draw_paper

_MM_PER_INCH = 25.4

_STANDARD = (
    ("I", "aVR", "V1", "V4"),
    ("II", "aVL", "V2", "V5"),
    ("III", "aVF", "V3", "V6"),
)
_RHYTHM_LEAD = "II"

# Room in s on the left for the calibration pulse, and right of the signal; in mV around the rows.
_LEFT_S, _RIGHT_S, _ABOVE_MV, _BELOW_MV = 0.6, 0.2, 0.9, 0.8
_CLOSEST_ROWS_MV, _FARTHEST_ROWS_MV = 2.0, 8.0
# Spikes and loose electrodes beyond this height may cross other rows: they are not worth the paper.
_HIGHEST_MV = 5.0
# A lead's name stands at this height, and starts at the first of these times at which it covers
# nothing of the signal.
_NAME_MV, _NAME_STARTS_S, _NAME_SIZE = 0.75, np.arange(0.06, 1.0, 0.06), (0.4, 0.35)


class ECGDisplay:
    """One ECG record drawn on ECG paper, at 25 mm/s and 10 mm/mV.

    It is recommended to use :meth:`from_records` to create a display.

    Parameters
    ----------
    signal : array-like of shape (n_leads, n_times) or (n_times,)
        mV; NaN where nothing was recorded.
    sampling_rate : float
        Hz.
    lead_names : sequence of str of length n_leads, default=None
        By default the leads are numbered.
    title : str, default=""
        What stands above the paper.
    waves : DataFrame, default=None
        The waves to mark, as `sklearn_ecg.features.delineate` returns them for this signal; or
        with the names of leads in the column ``lead``.

    Attributes
    ----------
    figure_ : matplotlib Figure
    axes_ : ndarray of shape (1,) of matplotlib Axes
        The paper; x in s from the left edge of the signal, y in mV from the lowest row.

    See Also
    --------
    sklearn_ecg.features.delineate : The waves as a table.
    LabelCleaningDisplay : A record with what cleaning did to its labels.

    Examples
    --------
    >>> from sklearn_ecg.datasets import make_ecg_records
    >>> from sklearn_ecg.plotting import ECGDisplay
    >>> records = make_ecg_records(1, random_state=0)
    >>> display = ECGDisplay.from_records(records)
    >>> display.figure_.savefig("record.pdf")  # doctest: +SKIP

    With the P, QRS and T waves that `delineate` finds:

    >>> display = ECGDisplay.from_records(records, waves=True)
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
        waves=False,
        ax=None,
    ):
        """Draw one record of a collection.

        Parameters
        ----------
        records : ECGRecords
            With a sampling rate.
        record : int or str, default=0
            The record's position, or its id.
        start_s, duration_s : float, default=0 and 10
            The part to draw; it ends where the record ends.
        layout : {"auto", "stacked", "3x4"}, default="auto"
            See :meth:`plot`.
        waves : bool or DataFrame, default=False
            Whether to mark the waves that `sklearn_ecg.features.delineate` finds, each from onset
            to offset with its peak; or the waves themselves, as that function returns them, in
            samples of the whole record. What is absent is not marked.
        ax : matplotlib Axes, default=None
            By default a new figure, which has true scale when printed.

        Returns
        -------
        ECGDisplay
        """
        position = find_record(records, record)
        if records.sampling_rate is None:
            raise ValueError(
                "records have no sampling_rate, so there is no scale of time; make them with one: "
                "ECGRecords(signals, sampling_rate=...)."
            )
        signal = np.asarray(records.signals[position], dtype=float)
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
            signal[:, start:stop],
            records.sampling_rate,
            lead_names=records.lead_names,
            title=_title(records, position),
            waves=None if waves is False else waves,
        )
        return display.plot(layout=layout, ax=ax)

    def plot(self, layout="auto", ax=None):
        """Draw the record.

        Parameters
        ----------
        layout : {"auto", "stacked", "3x4"}, default="auto"
            ``"stacked"`` draws each lead in a row of its own; ``"3x4"`` is the usual print of
            twelve leads, a quarter of the time each in four columns, with lead II throughout
            below. ``"auto"`` is ``"3x4"`` for records of the twelve standard leads.
        ax : matplotlib Axes, default=None

        Returns
        -------
        self : ECGDisplay
        """
        plt = import_pyplot()
        rows = self._rows(layout)
        waves = self.waves
        if waves is not None:
            check_waves(waves)
            waves = waves_in_seconds(waves, self._names(), self.sampling_rate)
        baselines = _baselines(rows)
        duration_s = self._leads().shape[1] / self.sampling_rate
        left, right = -_LEFT_S, duration_s + _RIGHT_S
        lowest = min(_extreme(part, np.nanmin) for part in _stretches(rows[-1]))
        highest = max(_extreme(part, np.nanmax) for part in _stretches(rows[0]))
        bottom = np.floor(2 * (np.clip(lowest, -_HIGHEST_MV, 0.0) - _BELOW_MV)) / 2
        top = np.ceil(2 * (baselines[0] + np.clip(highest, 1.0, _HIGHEST_MV) + _ABOVE_MV)) / 2
        if ax is None:
            size = (right - left) * MM_PER_S, (top - bottom) * MM_PER_MV + 8
            _, ax = plt.subplots(figsize=[length / _MM_PER_INCH for length in size])
            ax.set_position([0, 0, 1, 1 - 8 / size[1]])
        draw_paper(ax, left, right, bottom, top)
        for row, baseline in zip(rows, baselines, strict=True):
            draw_calibration(ax, baseline)
            for lead, (start_s, values) in row:
                self._draw_lead(ax, lead, start_s, values, baseline, waves)
        ax.text(left + 0.1, bottom + 0.2, "25 mm/s   10 mm/mV", fontsize=8, color=INK, va="bottom")
        if self.waves is not None:
            add_legend(ax)
        ax.set_title(self.title, fontsize=10, loc="left", x=0.01)
        self.figure_ = ax.figure
        self.axes_ = np.array([ax])
        return self

    def _rows(self, layout):
        """Return rows of (lead, (start in s, values about their median))."""
        leads = {
            name: _about_median(lead)
            for name, lead in zip(self._names(), self._leads(), strict=True)
        }
        standard = {lead for row in _STANDARD for lead in row}
        if layout not in ("auto", "stacked", "3x4"):
            raise ValueError(f"layout must be 'auto', 'stacked' or '3x4'; got {layout!r}.")
        if layout == "3x4" and not standard <= set(leads):
            missing = ", ".join(sorted(standard - set(leads)))
            raise ValueError(
                f"layout='3x4' needs the twelve standard leads; missing: {missing}. Use 'stacked'."
            )
        if layout == "stacked" or (layout == "auto" and set(leads) != standard):
            return [[(lead, (0.0, values))] for lead, values in leads.items()]
        edges = np.linspace(0, self._leads().shape[1], 5).round().astype(int)
        rows = [
            [
                (lead, (start / self.sampling_rate, leads[lead][start:stop]))
                for lead, start, stop in zip(row, edges[:-1], edges[1:], strict=True)
            ]
            for row in _STANDARD
        ]
        return [*rows, [(_RHYTHM_LEAD, (0.0, leads[_RHYTHM_LEAD]))]]

    def _leads(self):
        return np.atleast_2d(np.asarray(self.signal, dtype=float))

    def _names(self):
        n_leads = len(self._leads())
        names = [f"lead {i}" for i in range(n_leads)]
        if self.lead_names is not None:
            names = [str(name) for name in self.lead_names]
        if len(names) != n_leads:
            raise ValueError(f"lead_names holds {len(names)} names for {n_leads} leads.")
        return names

    def _draw_lead(self, ax, lead, start_s, values, baseline, waves):
        time = start_s + np.arange(len(values)) / self.sampling_rate
        ax.plot(time, baseline + values, color=INK, linewidth=0.8, label=lead)
        if start_s > 0:
            ax.vlines(start_s, baseline - 0.25, baseline + 0.25, color=INK, linewidth=0.8)
        if waves is not None:
            mark_waves(ax, lead, waves, time, baseline + values)
        note = " (not recorded)" if np.isnan(values).all() else ""
        note = " (flat)" if np.ptp(values) == 0 else note
        ax.text(
            start_s + _free_start(values, self.sampling_rate),
            baseline + _NAME_MV,
            lead + note,
            fontsize=9,
            fontweight="bold",
            color=INK,
            zorder=1,
        )


def find_record(records, record):
    """Return the position of a record given by position or id, or say that there is none."""
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


def _free_start(values, sampling_rate):
    """Return how many s after its start a lead's name does not cover its signal."""
    covered = (values > _NAME_MV - 0.25) & (values < _NAME_MV + _NAME_SIZE[1])
    for start_s in _NAME_STARTS_S:
        first = round((start_s - 0.04) * sampling_rate)
        if not covered[first : first + round(_NAME_SIZE[0] * sampling_rate)].any():
            return start_s
    return _NAME_STARTS_S[0]


def _about_median(values):
    # An electrode's offset is no finding, and would push the lead off its row.
    return values - np.nanmedian(values) if np.isfinite(values).any() else values


def _baselines(rows):
    """Return the height of each row's zero, so far apart that waves of neighbours do not meet."""
    heights = [0.0]
    for upper, lower in zip(rows[-2::-1], rows[:0:-1], strict=True):
        needed = [
            _extreme(below, np.nanmax) - _extreme(above, np.nanmin)
            for above, below in zip(_stretches(upper), _stretches(lower), strict=True)
        ]
        gap = np.ceil(2 * (max(needed) + 0.1)) / 2
        heights.append(heights[-1] + np.clip(gap, _CLOSEST_ROWS_MV, _FARTHEST_ROWS_MV))
    return heights[::-1]


def _stretches(row):
    """Cut a row into stretches of time within which waves of two rows could meet."""
    return np.array_split(np.concatenate([values for _, (_, values) in row]), 20)


def _extreme(values, function):
    return function(values) if np.isfinite(values).any() else 0.0
