"""ECG paper: its grid, its scale, and the pulse that shows it."""

import numpy as np

#: 25 mm/s and 10 mm/mV: a millimetre is 40 ms wide and 0.1 mV high.
MM_PER_S, MM_PER_MV = 25.0, 10.0
_PAPER, _FINE, _BOLD, INK = "#fffaf8", "#f7d9d4", "#eeb0a8", "#1a1a1a"


def draw_paper(ax, left, right, bottom, top):
    """Draw the grid: thin lines every millimetre, bold ones every five."""
    ax.set_facecolor(_PAPER)
    for step_mm, color, width in ((1, _FINE, 0.4), (5, _BOLD, 0.6)):
        across, up = step_mm / MM_PER_S, step_mm / MM_PER_MV
        times = np.arange(np.ceil(left / across - 1e-9), right / across + 1e-9) * across
        levels = np.arange(np.ceil(bottom / up - 1e-9), top / up + 1e-9) * up
        ax.vlines(times, bottom, top, color=color, linewidth=width, zorder=0)
        ax.hlines(levels, left, right, color=color, linewidth=width, zorder=0)
    ax.set(xlim=(left, right), ylim=(bottom, top), xticks=[], yticks=[])
    # A millimetre is as high as wide.
    ax.set_aspect(MM_PER_MV / MM_PER_S)


def draw_calibration(ax, baseline):
    """Draw the pulse of 1 mV and 0.2 s with which a recorder shows its scale."""
    pulse = np.array([0, 0, 1, 1, 0, 0])
    time = np.array([-0.48, -0.4, -0.4, -0.2, -0.2, -0.12])
    ax.plot(time, baseline + pulse, color=INK, linewidth=0.8, label="1 mV")
