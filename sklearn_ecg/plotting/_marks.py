"""Mark the waves of a delineation on a drawn lead."""

import numpy as np
import pandas as pd

# Readers with red-green blindness can tell these colours apart, also from the paper.
COLORS = {"P": "#1f6fb4", "QRS": "#c8540a", "T": "#00806a"}
_COLUMNS = {
    "P": ("p_onset", "p_peak", "p_offset"),
    "QRS": ("qrs_onset", "r_peak", "qrs_offset"),
    "T": ("t_onset", "t_peak", "t_offset"),
}
_MARGIN_MV = 0.08
_AROUND_S = 0.06


def check_waves(waves):
    """Check that waves is a table."""
    if not isinstance(waves, pd.DataFrame):
        raise TypeError(
            "waves must be a DataFrame as sklearn_ecg.features.delineate returns it, or a bool in "
            f"ECGDisplay.from_records; got {type(waves).__name__} {waves!r}."
        )


def shift_waves(waves, n_samples):
    """Return a delineation shifted by a number of samples."""
    columns = [column for triple in _COLUMNS.values() for column in triple if column in waves]
    return waves.assign(**{column: waves[column] + n_samples for column in columns})


def waves_in_seconds(waves, lead_names, sampling_rate):
    """Return a delineation with times in s, and names of leads.

    Parameters
    ----------
    waves : DataFrame
        As `sklearn_ecg.features.delineate` returns it; ``lead`` may also hold names.
    lead_names : sequence of str
    sampling_rate : float
        Hz.

    Returns
    -------
    DataFrame
    """
    columns = [column for triple in _COLUMNS.values() for column in triple]
    missing = [column for column in ["lead", *columns] if column not in waves]
    if missing:
        raise ValueError(
            f"waves lacks the columns {missing}; it must be a DataFrame as "
            "sklearn_ecg.features.delineate returns it."
        )
    lead = waves["lead"]
    if pd.api.types.is_integer_dtype(lead):
        lead = np.take(np.asarray(lead_names, dtype=object), lead)
    unknown = sorted(set(lead) - set(lead_names))
    if unknown:
        raise ValueError(f"waves holds the leads {unknown}; the record has {list(lead_names)}.")
    return (waves[columns] / sampling_rate).assign(lead=np.asarray(lead))


def mark_waves(ax, lead, waves, time, drawn):
    """Shade the waves of one lead and mark their peaks, within the drawn time.

    Parameters
    ----------
    ax : matplotlib Axes
    lead : str
    waves : DataFrame
        From `waves_in_seconds`.
    time, drawn : ndarray of shape (n_times,)
        The drawn line: time in s, and height in mV.
    """
    own = waves[waves["lead"] == lead]
    for wave, (onset, peak, offset) in _COLUMNS.items():
        spans = own[[onset, offset]].dropna().to_numpy()
        boxes = [_box(time, drawn, *span) for span in spans]
        for left, bottom, width, height in filter(None, boxes):
            ax.add_patch(_rectangle(left, bottom, width, height, wave))
        peaks = own[peak]
        if wave == "QRS":
            # A beat has an R peak in every lead, also in a lead that shows no complex.
            peaks = peaks[own[[onset, offset]].notna().any(axis=1)]
        peaks = peaks[peaks.between(time[0], time[-1])].to_numpy()
        heights = np.interp(peaks, time, drawn)
        marker, size = ".", 4
        if wave == "QRS":
            # All leads share the R peak, so the marker goes above the complex of this lead.
            heights = [_highest(time, drawn, peak) for peak in peaks]
            marker, size = "v", 3
        style = {"color": COLORS[wave], "markersize": size, "zorder": 3}
        if len(peaks):
            ax.plot(peaks, heights, marker, label=f"{lead} {wave}", **style)


def add_legend(ax):
    """Add a legend of the waves' colours below the leads, at the right."""
    handles = [_rectangle(0, 0, 1, 1, wave) for wave in COLORS]
    ax.legend(
        handles,
        COLORS,
        loc="lower right",
        ncols=3,
        fontsize=8,
        frameon=False,
        handlelength=1.2,
        borderaxespad=0.2,
    )


def _box(time, drawn, onset, offset):
    """Return left, bottom, width and height of a drawn wave, or None."""
    inside = (time >= onset) & (time <= offset) & np.isfinite(drawn)
    if not inside.any():
        return None
    low, high = drawn[inside].min() - _MARGIN_MV, drawn[inside].max() + _MARGIN_MV
    left, right = max(onset, time[0]), min(offset, time[-1])
    return left, low, right - left, high - low


def _highest(time, drawn, peak):
    """Return a height just above the line around a peak."""
    around = (np.abs(time - peak) <= _AROUND_S) & np.isfinite(drawn)
    return drawn[around].max() + 2 * _MARGIN_MV if around.any() else np.nan


def _rectangle(left, bottom, width, height, wave):
    from matplotlib.patches import Rectangle

    color = COLORS[wave]
    return Rectangle(
        (left, bottom), width, height, facecolor=color, alpha=0.28, linewidth=0, label=wave
    )
