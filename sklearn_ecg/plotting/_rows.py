"""Place rows of traces on paper: heights of their zero lines, ends of the paper, lead names."""

import numpy as np

# Margins in mm above the signal and below it.
_ABOVE_MM, _BELOW_MM = 9, 8
_ROUND_MM = 5
_CLOSEST_ROWS_MM, _FARTHEST_ROWS_MV = 20, 8.0
# Higher spikes, for example of loose electrodes, may cross other rows, to save paper.
_HIGHEST_MV = 5.0
# Height of a lead's name, its possible places (the first where it does not cover the signal is
# taken), and its size.
NAME_MM, _NAME_STARTS_MM, _NAME_SIZE_MM = 7.5, np.arange(1.5, 25, 1.5), (10, 3.5)


def about_median(values):
    # An electrode's offset would move the lead out of its row.
    return values - np.nanmedian(values) if np.isfinite(values).any() else values


def zero_lines(rows, paper):
    """Return the height of each row's zero line, such that waves of neighbours do not overlap."""
    heights = [0.0]
    step, closest = paper.millivolts(_ROUND_MM), paper.millivolts(_CLOSEST_ROWS_MM)
    for upper, lower in zip(rows[-2::-1], rows[:0:-1], strict=True):
        needed = [
            _extreme(below, np.nanmax) - _extreme(above, np.nanmin)
            for above, below in zip(_stretches(upper), _stretches(lower), strict=True)
        ]
        gap = step * np.ceil((max(needed) + paper.millivolts(1)) / step)
        heights.append(heights[-1] + np.clip(gap, closest, max(closest, _FARTHEST_ROWS_MV)))
    return heights[::-1]


def lowest_and_highest(rows, heights, paper):
    """Return the lower and upper end of the paper, on grid lines."""
    step = paper.millivolts(_ROUND_MM)
    lowest = min(_extreme(part, np.nanmin) for part in _stretches(rows[-1]))
    highest = max(_extreme(part, np.nanmax) for part in _stretches(rows[0]))
    bottom = np.clip(lowest, -_HIGHEST_MV, 0.0) - paper.millivolts(_BELOW_MM)
    # The calibration pulse of 1 mV needs room too.
    top = heights[0] + np.clip(highest, 1.0, _HIGHEST_MV) + paper.millivolts(_ABOVE_MM)
    return step * np.floor(bottom / step), step * np.ceil(top / step)


def free_start(values, sampling_rate, paper):
    """Return the time in s after the start at which a lead's name does not cover its signal."""
    width, height = _NAME_SIZE_MM
    lowest, highest = paper.millivolts(NAME_MM - 2.5), paper.millivolts(NAME_MM + height)
    # The line between two samples may cross the name even if neither sample lies in it.
    following = np.append(values[1:], values[-1:])
    covered = (np.fmax(values, following) > lowest) & (np.fmin(values, following) < highest)
    n_covered = round(paper.seconds(width) * sampling_rate)
    for start_mm in _NAME_STARTS_MM:
        first = round(paper.seconds(start_mm - 1) * sampling_rate)
        if not covered[first : first + n_covered].any():
            return paper.seconds(start_mm)
    return paper.seconds(_NAME_STARTS_MM[0])


def why_blank(values, whole):
    """Say why a part of a lead shows nothing; empty if it shows something."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        elsewhere = np.isfinite(whole).any()
        return " (not recorded at this time)" if elsewhere else " (not recorded)"
    return " (flat)" if np.ptp(finite) == 0 else ""


def _stretches(row):
    """Cut a row into stretches of time in which waves of two rows could overlap."""
    return np.array_split(np.concatenate([trace.values for trace in row]), 20)


def _extreme(values, function):
    return function(values) if np.isfinite(values).any() else 0.0
