"""Draw a record on ECG paper as SVG, without matplotlib: small, and as sharp at any zoom."""

import math
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from sklearn_ecg.plotting._layout import arrange
from sklearn_ecg.plotting._paper import BOLD, FINE, INK, PAPER, Paper
from sklearn_ecg.plotting._rows import (
    NAME_MM,
    about_median,
    free_start,
    lowest_and_highest,
    why_blank,
    zero_lines,
)

# A unit of the drawing in mm: 2 ms and 5 µV on usual paper, the step of many devices.
_UNIT_MM = 0.05
_RIGHT_MM = 5
# A strip is as long as the record up to this, in s; a longer record is cut into shorter strips.
_LONGEST_STRIP_S, _STRIP_S = 15.0, 10.0
_MOST_ROWS = 24
# Values beyond are cut off: they are no signal of a heart.
_FARTHEST_MV = 50.0


def draw_svg(signal, sampling_rate, lead_names, *, title="", scale=1):
    """Return a drawing of a record at 25 mm/s and 10 mm/mV.

    Twelve standard leads of about ten seconds are drawn as three rows of four leads with a rhythm
    strip, others in a row per lead. Records of more than 15 s are cut into strips of 10 s, of which
    those that fit on a page are drawn.

    Parameters
    ----------
    signal : ndarray of shape (n_leads, n_times)
        In mV; NaN is not recorded.
    sampling_rate : float
        In Hz.
    lead_names : sequence of str of length n_leads
    title : str, default=""
        What a screen reader says.
    scale : int, default=1
        Length on the screen by length on paper.

    Returns
    -------
    str
        An ``svg`` element.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.plotting._svg import draw_svg
    >>> svg = draw_svg(np.zeros((1, 500)), 250, ["I"])
    >>> svg.startswith('<svg xmlns="http://www.w3.org/2000/svg" width="270mm"')
    True
    """
    paper = Paper(25, 10)
    signal = np.asarray(signal, dtype=float)
    duration_s = signal.shape[1] / sampling_rate
    strips = _cut_strips(signal, sampling_rate)
    layout = "auto" if duration_s <= _LONGEST_STRIP_S else "stacked"
    rows, starts_s = [], []
    for start_s, strip in strips:
        leads = {n: about_median(v) for n, v in zip(lead_names, strip, strict=True)}
        found = arrange(leads, sampling_rate, layout, cabrera=False, rhythm_strip=True)
        rows += found
        starts_s += [start_s] * len(found)
    heights = zero_lines(rows, paper)
    bottom, top = lowest_and_highest(rows, heights, paper)
    strip_s = strips[0][1].shape[1] / sampling_rate
    sheet = _Sheet(paper, strip_s, bottom, top)
    whole = dict(zip(lead_names, signal, strict=True))
    for row, height, start_s in zip(rows, heights, starts_s, strict=True):
        sheet.draw_pulse(height)
        for trace in row:
            if trace.lead is not None and trace.values.size:
                note = why_blank(trace.values, whole[trace.lead])
                at = f" {start_s:g} s" if start_s else ""
                sheet.draw_trace(trace, height, sampling_rate, note + at)
    said = [paper.scale]
    if len(rows[0]) > 1:
        said.append(f"{strip_s / len(rows[0]):.3g} s of each lead, columns in sequence")
    if len(strips) * strip_s < duration_s:
        said.append(f"the first {len(strips) * strip_s:g} s of {duration_s:.0f} s")
    return sheet.finish("   ".join(said), title, scale)


def _cut_strips(signal, sampling_rate):
    """Return the start in s and the signals of each strip; a short one ends with NaN."""
    n_leads, n_times = signal.shape
    length = max(n_times, round(_STRIP_S * sampling_rate))
    if n_times > _LONGEST_STRIP_S * sampling_rate:
        length = round(_STRIP_S * sampling_rate)
    n_strips = min(math.ceil(n_times / length), max(1, _MOST_ROWS // n_leads))
    shown = signal[:, : n_strips * length]
    missing = n_strips * length - shown.shape[1]
    shown = np.pad(shown, ((0, 0), (0, missing)), constant_values=np.nan)
    parts = np.split(shown, n_strips, axis=1)
    return [(place * length / sampling_rate, part) for place, part in enumerate(parts)]


class _Sheet:
    """A drawing in the making; places are in s from the strip's start, and in mV."""

    def __init__(self, paper, strip_s, bottom, top):
        self._paper, self._top = paper, top
        self._width = math.ceil((paper.left_s + strip_s) * paper.speed + _RIGHT_MM)
        self._height = round((top - bottom) * paper.gain)
        self._lines, self._texts = [], []

    def draw_pulse(self, height):
        times, pulse = self._paper.calibration_pulse()
        self._lines.append(_path(self._x(times), self._y(height + pulse)))

    def draw_trace(self, trace, height, sampling_rate, note):
        times = trace.start_s + np.arange(len(trace.values)) / sampling_rate
        values = np.clip(trace.values, -_FARTHEST_MV, _FARTHEST_MV)
        is_known = np.isfinite(values)
        edges = np.flatnonzero(np.diff(is_known, prepend=False, append=False))
        x, y = self._x(times), self._y(height + np.where(is_known, values, 0))
        for start, stop in zip(edges[::2], edges[1::2], strict=True):
            self._lines.append(_path(x[start:stop], y[start:stop]))
        if trace.start_s > 0:
            mark = self._paper.millivolts(2.5)
            at = np.array([trace.start_s, trace.start_s])
            self._lines.append(_path(self._x(at), self._y(height + np.array([-mark, mark]))))
        start_s = trace.start_s + free_start(trace.values, sampling_rate, self._paper)
        level = height + self._paper.millivolts(NAME_MM)
        self._texts.append((self._x(start_s), self._y(level), trace.name + note, 3.2))

    def finish(self, footer, title, scale):
        wide, high = (round(mm / _UNIT_MM) for mm in (self._width, self._height))
        self._texts.append((round(2.5 / _UNIT_MM), high - round(2 / _UNIT_MM), footer, 2.8))
        one, five, line = (round(mm / _UNIT_MM) for mm in (1, 5, 0.3))
        texts = "".join(
            f'<text x="{x}" y="{y}" font-size="{size / _UNIT_MM:g}">{escape(text)}</text>'
            for x, y, text, size in self._texts
        )
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{scale * self._width}mm" '
            f'height="{scale * self._height}mm" viewBox="0 0 {wide} {high}" role="img" '
            f"aria-label={quoteattr(title or footer)}>"
            f'<rect width="{wide}" height="{high}" fill="{PAPER}"/>'
            f'<path d="{_grid(wide, high, one)}" stroke="{FINE}" stroke-width="{line // 2}"/>'
            f'<path d="{_grid(wide, high, five)}" stroke="{BOLD}" stroke-width="{line // 2 + 1}"/>'
            f'<path d="{"".join(self._lines)}" fill="none" stroke="{INK}" stroke-width="{line}" '
            f'stroke-linejoin="round"/><g fill="{INK}" font-family="sans-serif">{texts}</g></svg>'
        )

    def _x(self, seconds):
        return np.rint((self._paper.left_s + seconds) * self._paper.speed / _UNIT_MM).astype(int)

    def _y(self, millivolts):
        return np.rint((self._top - millivolts) * self._paper.gain / _UNIT_MM).astype(int)


def _path(x, y):
    """Return a line as SVG writes it: its start, then steps.

    Samples within half a unit of the line between their neighbours are left out: not seen, and more
    than half of the bytes.
    """
    kept = np.arange(len(y))
    for first in (1, 2):  # every other sample, so that one of two neighbours stays
        places = np.arange(first, len(kept) - 1, 2)
        before, at, after = kept[places - 1], kept[places], kept[places + 1]
        between = y[before] + (y[after] - y[before]) * (at - before) / (after - before)
        kept = np.delete(kept, places[np.abs(y[at] - between) <= 0.5])
    x, y = x[kept], y[kept]
    steps = np.column_stack([np.diff(x), np.diff(y)]).ravel().tolist() or [0, 0]
    return f"M{x[0]} {y[0]}l" + " ".join(map(str, steps)).replace(" -", "-")


def _grid(wide, high, step):
    across = "".join(f"M{x} 0v{high}" for x in range(0, wide + 1, step))
    return across + "".join(f"M0 {y}h{wide}" for y in range(0, high + 1, step))
