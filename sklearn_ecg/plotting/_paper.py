"""ECG paper: grid, scale and calibration pulse."""

from typing import NamedTuple

import numpy as np

INK = "#1a1a1a"
PAPER, FINE, BOLD = "#fffaf8", "#f7d9d4", "#eeb0a8"
_PULSE_S = 0.2


class Paper(NamedTuple):
    """The scale of a drawing; at 25 mm/s and 10 mm/mV, 1 mm is 40 ms and 0.1 mV.

    Attributes
    ----------
    speed : float
        Paper speed in mm/s.
    gain : float
        Gain in mm/mV.
    """

    speed: float
    gain: float

    #: The usual speeds and gains.
    SPEEDS = (25, 50)  # type: ignore[misc]
    GAINS = (5, 10, 20)  # type: ignore[misc]

    @property
    def scale(self):
        """The scale as text, printed below a record."""
        return f"{self.speed:g} mm/s   {self.gain:g} mm/mV"

    @property
    def left_s(self):
        """Room for the calibration pulse before the signal, in s."""
        return _PULSE_S + self.seconds(10)

    def seconds(self, mm):
        return mm / self.speed

    def millivolts(self, mm):
        return mm / self.gain

    def draw_grid(self, ax, left, right, bottom, top):
        """Draw a thin line every millimetre, and a bold one every five."""
        ax.set_facecolor(PAPER)
        for step_mm, color, width in ((1, FINE, 0.4), (5, BOLD, 0.6)):
            across, up = self.seconds(step_mm), self.millivolts(step_mm)
            times = np.arange(np.ceil(left / across - 1e-9), right / across + 1e-9) * across
            levels = np.arange(np.ceil(bottom / up - 1e-9), top / up + 1e-9) * up
            ax.vlines(times, bottom, top, color=color, linewidth=width, zorder=0)
            ax.hlines(levels, left, right, color=color, linewidth=width, zorder=0)
        ax.set(xlim=(left, right), ylim=(bottom, top), xticks=[], yticks=[])
        # Grid squares must be square.
        ax.set_aspect(self.gain / self.speed)

    def draw_calibration(self, ax, baseline):
        """Draw the calibration pulse."""
        times, pulse = self.calibration_pulse()
        ax.plot(times, baseline + pulse, color=INK, linewidth=0.8, label="1 mV")

    def calibration_pulse(self):
        """Return times in s before the signal, and values in mV, of a pulse of 1 mV and 0.2 s."""
        foot, end = self.seconds(2), -self.seconds(3)
        fall = end - foot
        rise = fall - _PULSE_S
        return np.array([rise - foot, rise, rise, fall, fall, end]), np.array([0, 0, 1, 1, 0, 0])
