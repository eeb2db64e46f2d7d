"""Draw the changes of labels by cleaning, for one record or for all."""

import numpy as np
import pandas as pd

from sklearn_ecg.plotting._ecg import ECGDisplay, find_record
from sklearn_ecg.plotting._matplotlib import import_pyplot
from sklearn_ecg.records._readers import as_lazy

# Readers with red-green blindness can tell these colours apart.
_COLORS = {"added": "#1f6fb4", "removed": "#c8540a", "undecided": "#767676", "kept": "#1a1a1a"}
_SIGNS = {"added": "+", "removed": "\N{MINUS SIGN}", "undecided": "?", "kept": "="}
_WORDS = {1: "present", 0: "absent", -1: "unknown"}

_ROW_INCHES = 0.24


class LabelCleaningDisplay:
    """The labels of a record before and after cleaning, or all changes of a collection.

    It is recommended to use :meth:`from_cleaned` to create a display.

    Parameters
    ----------
    labels : DataFrame
        A row per label of one record or of all records: columns id, label, weak, clean,
        provenance, confidence and change.
    ecg : ECGDisplay, default=None
        The record's signal, for ``kind="record"``.
    kind : {"record", "overview"}, default="record"
        Whether to draw the table of one record, or the bars of all.

    Attributes
    ----------
    figure_ : matplotlib Figure
        The figure.
    axes_ : ndarray of matplotlib Axes
        The axes of the signal (if there is one) and of the table, or of the bars.

    See Also
    --------
    ECGDisplay : Draw a record without its labels.
    sklearn_ecg.CleanedRecords.changes : The changes as a table.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg import CleanedRecords
    >>> from sklearn_ecg.datasets import make_ecg_records
    >>> from sklearn_ecg.plotting import LabelCleaningDisplay
    >>> records = make_ecg_records(1, labels=("Normal", "AF"), random_state=0)
    >>> cleaned = CleanedRecords(
    ...     records.signals,
    ...     records.sampling_rate,
    ...     lead_names=records.lead_names,
    ...     labels=[[0, 1]],
    ...     weak_labels=[[1, 0]],
    ...     label_names=["Normal", "AF"],
    ...     provenance=[["excluded", "added"]],
    ...     confidence=[[0.97, 0.92]],
    ... )
    >>> display = LabelCleaningDisplay.from_cleaned(cleaned)
    >>> [text.get_text() for text in display.axes_[1].texts if "AF" in text.get_text()]
    ['+ AF']
    """

    def __init__(self, labels, *, ecg=None, kind="record"):
        self.labels = labels
        self.ecg = ecg
        self.kind = kind

    @classmethod
    def from_cleaned(cls, cleaned, *, kind="record", record=None, ax=None):
        """Show cleaned records.

        Parameters
        ----------
        cleaned : CleanedRecords
            The output of a cleaner.
        kind : {"record", "overview"}, default="record"
            ``"record"`` draws one record on ECG paper above a table of its labels that are present
            before or after cleaning, or undecided. ``"overview"`` draws, per label, the numbers of
            added, removed and undecided labels, by provenance.
        record : int or str, default=None
            For ``kind="record"``: position or id; by default the record with most changes.
        ax : matplotlib Axes, default=None
            By default a new figure.

        Returns
        -------
        LabelCleaningDisplay
        """
        if kind not in ("record", "overview"):
            raise ValueError(f"kind must be 'record' or 'overview'; got {kind!r}.")
        if not len(cleaned):
            raise ValueError("cleaned holds no records; pass at least one.")
        if kind == "overview":
            return cls(_label_table(cleaned, slice(None)), kind=kind).plot(ax=ax)
        if record is None:
            record = int((cleaned.labels != cleaned.weak_labels).sum(axis=1).argmax())
        position = find_record(cleaned, record)
        labels = _label_table(cleaned, [position])
        ecg = None
        if not cleaned.is_table and cleaned.sampling_rate is not None:
            (signal,) = as_lazy(cleaned.signals).read_or_nan([position], cleaned.ids)
            signal = np.asarray(signal, dtype=float)[:, : round(10 * cleaned.sampling_rate)]
            ecg = ECGDisplay(
                signal,
                cleaned.sampling_rate,
                lead_names=cleaned.lead_names,
                title=str(cleaned.ids[position]),
            )
        return cls(labels, ecg=ecg, kind=kind).plot(ax=ax)

    def plot(self, ax=None):
        """Draw the display.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            By default a new figure.

        Returns
        -------
        self : LabelCleaningDisplay
        """
        axes = self._plot_overview(ax) if self.kind == "overview" else self._plot_record(ax)
        self.axes_ = np.array(axes)
        self.figure_ = axes[0].figure
        return self

    def _plot_record(self, ax):
        shown = self.labels.query("weak == 1 or clean != 0 or change != 'kept'")
        table_height = _ROW_INCHES * (len(shown) + 2)
        if self.ecg is None:
            ax = _new_axes(ax, (6, table_height + 0.3))
            ax.set_title(str(self.labels["id"].iloc[0]), fontsize=10, loc="left")
            _draw_table(ax, shown)
            return [ax]
        if ax is None:
            # The paper keeps its true scale; the table goes below it.
            self.ecg.plot()
            paper, figure = self.ecg.axes_[0], self.ecg.figure_
            width, height = figure.get_size_inches()
            total = height + table_height
            box = paper.get_position()
            figure.set_size_inches(width, total)
            paper.set_position(
                [box.x0, table_height / total, box.width, box.height * height / total]
            )
            table = figure.add_axes([0.01, 0, 0.98, table_height / total])
        else:
            ax.set_axis_off()
            paper = ax.inset_axes([0, 0.3, 1, 0.7])
            table = ax.inset_axes([0, 0, 1, 0.28])
            self.ecg.plot(ax=paper)
        _draw_table(table, shown)
        return [paper, table]

    def _plot_overview(self, ax):
        names = list(pd.unique(self.labels["label"]))
        changed = self.labels.query("change != 'kept'")
        kept = self.labels.query("change == 'kept' and clean == 1").groupby("label").size()
        ax = _new_axes(ax, (8, 1.4 + 0.4 * len(names)))
        counts = changed.groupby(["change", "provenance", "label"]).size()
        counts = counts.unstack("label", fill_value=0).reindex(columns=names, fill_value=0)
        _draw_bars(ax, counts)
        ax.axvline(0, color=_COLORS["kept"], linewidth=0.8)
        ax.set_yticks(range(len(names)), [f"{name}  (kept {kept.get(name, 0)})" for name in names])
        ax.invert_yaxis()
        ax.xaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
        ax.set_xlabel("labels removed  \N{LEFTWARDS ARROW}  \N{RIGHTWARDS ARROW}  added, undecided")
        ax.set_title(f"Label changes in {self.labels['id'].nunique()} records", fontsize=10)
        ax.spines[["top", "right", "left"]].set_visible(False)
        ax.tick_params(axis="y", length=0)
        return [ax]


def _label_table(cleaned, index):
    """Return a row per record and label, with the kind of change."""
    part = cleaned[index]
    shape = part.labels.shape
    table = pd.DataFrame(
        {
            "id": np.repeat(part.ids, shape[1]),
            "label": np.tile(part.label_names, shape[0]),
            "weak": part.weak_labels.ravel(),
            "clean": part.labels.ravel(),
            "provenance": part.provenance.ravel(),
            "confidence": part.confidence.ravel(),
        }
    )
    changed = table["clean"] != table["weak"]
    conditions = [table["clean"] == -1, changed & (table["clean"] == 1), changed]
    table["change"] = np.select(conditions, ["undecided", "added", "removed"], default="kept")
    return table


def _new_axes(ax, size):
    if ax is None:
        _, ax = import_pyplot().subplots(figsize=size, layout="constrained")
    return ax


def _draw_table(ax, labels):
    """Write a line per label: its name, weak and clean value, provenance and confidence."""
    ax.set_axis_off()
    n_lines = len(labels) + 2
    columns = {"label": 0.02, "weak": 0.24, "cleaned": 0.38, "how": 0.54, "confidence": 0.72}

    def write(line, column, text, **style):
        height = 1 - (line + 0.7) / n_lines
        ax.text(
            columns[column], height, text, fontsize=9, va="center", transform=ax.transAxes, **style
        )

    for column in columns:
        write(0, column, column, color=_COLORS["undecided"])
    for line, row in enumerate(labels.itertuples(), start=1):
        style = {"color": _COLORS[row.change]}
        if row.change != "kept":
            style["fontweight"] = "bold"
        write(line, "label", f"{_SIGNS[row.change]} {row.label}", **style)
        write(line, "weak", _WORDS[row.weak], **style)
        write(line, "cleaned", _WORDS[row.clean], **style)
        write(line, "how", row.provenance, **style)
        write(line, "confidence", f"{row.confidence:.2f}", **style)
    if labels.empty:
        write(1, "label", "no labels, before or after")


def _draw_bars(ax, counts):
    """Stack bars per label: removed labels to the left, added and undecided ones to the right."""
    positions = np.arange(counts.shape[1])
    ends = {-1: np.zeros(len(positions)), 1: np.zeros(len(positions))}
    for change in ("removed", "added", "undecided"):
        rows = counts[counts.index.get_level_values("change") == change]
        side = -1 if change == "removed" else 1
        for shade, ((_, provenance), numbers) in enumerate(rows.iterrows()):
            ax.barh(
                positions,
                side * numbers,
                left=ends[side],
                height=0.6,
                color=_COLORS[change],
                # Further provenances of the same change are lighter.
                alpha=1 - 0.4 * shade / max(len(rows) - 1, 1),
                edgecolor="white",
                label=f"{provenance}: {numbers.sum()}",
            )
            ends[side] = ends[side] + side * numbers.to_numpy()
    for side, alignment in ((-1, "right"), (1, "left")):
        for position, end in zip(positions, ends[side], strict=True):
            if end:
                ax.annotate(
                    f"{abs(end):g}",
                    (end, position),
                    xytext=(3 * side, 0),
                    textcoords="offset points",
                    ha=alignment,
                    va="center",
                    fontsize=8,
                )
    # Room for the numbers at the ends.
    room = 0.1 * max(ends[1].max() - ends[-1].min(), 1)
    ax.set_xlim(ends[-1].min() - room, ends[1].max() + room)
    if len(counts):
        ax.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    else:
        ax.text(0.52, 0.5, "no changes", transform=ax.transAxes, fontsize=9)
