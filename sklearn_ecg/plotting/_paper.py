"""ECG paper: its grid, its scale, and the pulse that shows it."""

from typing import NamedTuple

import numpy as np

INK = "#1a1a1a"
_PAPER, _FINE, _BOLD = "#fffaf8", "#f7d9d4", "#eeb0a8"
_PULSE_S = 0.2


class Paper(NamedTuple):
    """The scale at which a record is drawn; at 25 mm/s and 10 mm/mV a millimetre is 40 ms, 0.1 mV.

    Attributes
    ----------
    speed : float
        mm/s.
    gain : float
        mm/mV.
    """

    speed: float
    gain: float

    #: What cardiologists print.
    SPEEDS = (25, 50)  # type: ignore[misc]
    GAINS = (5, 10, 20)  # type: ignore[misc]

    @property
    def scale(self):
        """What is printed below a record."""
        return f"{self.speed:g} mm/s   {self.gain:g} mm/mV"

    @property
    def left_s(self):
        """Room for the calibration pulse, ahead of the signal."""
        return _PULSE_S + self.seconds(10)

    def seconds(self, mm):
        return mm / self.speed

    def millivolts(self, mm):
        return mm / self.gain

    def draw_grid(self, ax, left, right, bottom, top):
        """Draw thin lines every millimetre, bold ones every five."""
        ax.set_facecolor(_PAPER)
        for step_mm, color, width in ((1, _FINE, 0.4), (5, _BOLD, 0.6)):
            across, up = self.seconds(step_mm), self.millivolts(step_mm)
            times = np.arange(np.ceil(left / across - 1e-9), right / across + 1e-9) * across
            levels = np.arange(np.ceil(bottom / up - 1e-9), top / up + 1e-9) * up
            ax.vlines(times, bottom, top, color=color, linewidth=width, zorder=0)
            ax.hlines(levels, left, right, color=color, linewidth=width, zorder=0)
        ax.set(xlim=(left, right), ylim=(bottom, top), xticks=[], yticks=[])
        # A millimetre is as high as wide.
        ax.set_aspect(self.gain / self.speed)

    def draw_calibration(self, ax, baseline):
        """Draw the pulse of 1 mV and 0.2 s with which a recorder shows its scale."""
        foot, end = self.seconds(2), -self.seconds(3)
        fall = end - foot
        rise = fall - _PULSE_S
        time = np.array([rise - foot, rise, rise, fall, fall, end])
        pulse = np.array([0, 0, 1, 1, 0, 0])
        ax.plot(time, baseline + pulse, color=INK, linewidth=0.8, label="1 mV")
