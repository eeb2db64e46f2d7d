"""Draw ``docs/images/mended.png``: a simulated record whose wrong label was mended, and why.

The records, their noise and the cleaner are those of the README's ten lines. The words and numbers
are those of ``cleaner.changes(reasons=True)``; nothing on the picture is written by hand.

    python tools/draw_mended.py
"""

import io
import math
import re
from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import FancyBboxPatch
from PIL import Image

from sklearn_ecg import AFPLabelCleaner
from sklearn_ecg.datasets import corrupt_labels, make_ecg_records
from sklearn_ecg.features import delineate
from sklearn_ecg.plotting import ECGDisplay

PICTURE = Path(__file__).parents[1] / "docs" / "images" / "mended.png"
RECORD = "P0043-0"
# Of the three reasons that each change has, those that can be seen in lead II.
SHOWN = ("NN SD", "PR segment", "P duration in II")
SIZE = (10, 6.35)
INK, GREY, PALE = "#1a1a1a", "#6b6b6b", "#b9b2ae"
GIVES, TAKES, PAPER = "#1f6fb4", "#c8540a", "#fffaf8"
_REASON = re.compile(
    r"(?P<name>.+) (?P<value>\S+) (?P<unit>ms|mV) "
    r"\(records with .+? (?P<with_low>\S+) to (?P<with_high>\S+), "
    r"without (?P<without_low>\S+) to (?P<without_high>[^ ,)]+)"
)


def main():
    cleaned, changes = clean()
    figure = plt.figure(figsize=SIZE, facecolor="none")
    card = FancyBboxPatch(
        (0.004, 0.006),
        0.992,
        0.988,
        boxstyle="round,pad=0,rounding_size=0.012",
        transform=figure.transFigure,
        facecolor=PAPER,
        edgecolor="#d8cfca",
        mutation_aspect=SIZE[0] / SIZE[1],
        zorder=-1,
    )
    figure.add_artist(card)
    draw_record(figure.add_axes([0.014, 0.378, 0.972, 0.6]), cleaned)
    panel = figure.add_axes([0.03, 0.02, 0.94, 0.35], xlim=(0, 1), ylim=(0, 1))
    panel.set_axis_off()
    draw_labels(panel, changes)
    for line, reason in enumerate(reasons_of(changes)):
        draw_reason(panel, 0.52 - 0.23 * line, *reason)
    save(figure)


def clean():
    """Return the cleaned records, and the changes of the one that is drawn."""
    truth = make_ecg_records(300, random_state=0)
    trusted = np.arange(300) % 3 == 0
    noisy = corrupt_labels(truth.labels, 0.2, random_state=0)
    labels = np.where(trusted[:, None], truth.labels, noisy)
    cleaner = AFPLabelCleaner(random_state=0)
    cleaned = cleaner.fit_transform(truth.with_labels(labels, trusted=trusted))
    return cleaned, cleaner.changes(reasons=True).query("id == @RECORD").set_index("label")


def draw_record(ax, cleaned):
    """Draw the record on paper, and mark in lead II what the reasons measure."""
    display = ECGDisplay.from_records(cleaned, RECORD, ax=ax)
    ax.set_title("", loc="left")
    ax.spines[:].set_visible(False)
    ax.set_ylim(top=ax.get_ylim()[1] - 0.5)
    for line in ax.lines:
        line.set_linewidth(1.3)
    *names, _scale, columns = ax.texts
    columns.remove()
    for name in names:
        name.set_fontsize(11)
    waves = delineate(display.signal, display.sampling_rate)
    waves = waves[waves["lead"] == list(cleaned.lead_names).index("II")] / display.sampling_rate
    for bounds, alpha in ((["p_onset", "p_offset"], 0.2), (["p_offset", "qrs_onset"], 0.45)):
        for start, stop in waves[bounds].dropna().to_numpy():
            ax.fill_between([start, stop], -0.3, 0.5, color=GIVES, alpha=alpha, linewidth=0)
    peaks = waves["r_peak"].to_numpy()
    for start, stop in pairwise(peaks):
        arrow = {"arrowstyle": "<->", "color": TAKES, "shrinkA": 0, "shrinkB": 0}
        ax.annotate("", (start, -0.55), (stop, -0.55), arrowprops=arrow)


def draw_labels(ax, changes):
    """Write the label that was given, crossed out, and the one in its place."""
    (removed,) = changes.index[changes["clean"] == 0]
    (added,) = changes.index[changes["clean"] == 1]
    # Rounded down: no label is certain.
    probability = math.floor(changes.loc[added, "confidence"] * 1000) / 1000
    style = {"fontsize": 24, "va": "baseline", "fontweight": "bold"}
    words = [
        ("given", INK, {"fontweight": "normal"}),
        (removed, TAKES, {}),
        (" \N{RIGHTWARDS ARROW}  mended", INK, {"fontweight": "normal"}),
        (added, GIVES, {}),
        (f"  probability {probability:g}", GREY, {"fontsize": 17, "fontweight": "normal"}),
    ]
    x, renderer = 0, ax.figure.canvas.get_renderer()
    for word, color, more in words:
        text = ax.text(x, 0.79, word, color=color, **(style | more))
        box = ax.transData.inverted().transform(text.get_window_extent(renderer))
        if word == removed:
            ax.plot(box[:, 0] + [-0.006, 0.006], [0.855, 0.855], color=TAKES, linewidth=3.5)
        x = box[1, 0] + 0.016


def reasons_of(changes):
    """Yield each reason that is shown: its words, taken apart, and the color of its change."""
    for label, change in changes.iterrows():
        for words in change["measurements"].split("; "):
            found = _REASON.match(words)
            if found and found["name"] in SHOWN:
                yield found, label, GIVES if change["clean"] == 1 else TAKES


def draw_reason(ax, y, reason, label, color):
    """Draw where the record lies among trusted records with the label and without it."""
    ends = {
        name: float(reason[name])
        for name in ("with_low", "with_high", "without_low", "without_high", "value")
    }
    lowest, highest = min(ends.values()), max(ends.values())
    left, right, middle = 0.36, 0.65, y + 0.05

    def place(value):
        return left + (right - left) * (value - lowest) / (highest - lowest)

    ax.text(0, y, f"{reason['name']} {reason['value']} {reason['unit']}", fontsize=17, color=INK)
    ax.plot([left, right], [middle] * 2, color="#e3dad5", linewidth=2, zorder=0)
    for which, shade in (("without", PALE), ("with", color)):
        low, high = place(ends[f"{which}_low"]), place(ends[f"{which}_high"])
        ax.plot([low, high], [middle] * 2, color=shade, linewidth=13, solid_capstyle="butt")
    ax.plot(place(ends["value"]), middle, "o", color=INK, markersize=13, markeredgecolor=PAPER)
    with_label = f"with {label} {reason['with_low']} to {reason['with_high']}"
    without = f"without {reason['without_low']} to {reason['without_high']}"
    ax.text(0.68, y + 0.07, with_label, fontsize=15, color=color)
    ax.text(0.68, y - 0.035, without, fontsize=15, color=GREY)


def save(figure):
    """Write the figure as a PNG of few colors."""
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=160, transparent=True)
    Image.open(buffer).quantize(128).save(PICTURE, optimize=True)
    print(f"{PICTURE}: {PICTURE.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
