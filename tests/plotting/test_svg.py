"""The drawing without matplotlib: true to scale, nothing of the signal lost, small."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from sklearn_ecg.plotting._svg import draw_svg

TWELVE = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
SVG = "{http://www.w3.org/2000/svg}"


def read(drawing):
    """Return the drawing, the lines of its ink in mm, and its texts."""
    svg = ET.fromstring(drawing)
    unit = float(svg.get("viewBox").split()[2]) / float(svg.get("width").removesuffix("mm"))
    lines = []
    for line in svg.findall(f"{SVG}path")[-1].get("d").split("M")[1:]:
        start, steps = line.split("l")
        points = np.array([int(number) for number in re.findall(r"-?\d+", f"{start} {steps}")])
        lines.append(points.reshape(-1, 2).cumsum(axis=0) / unit)
    return svg, lines, [text.text for text in svg.iter(f"{SVG}text")]


@pytest.mark.parametrize("rate", [100, 360, 500, 2000])
def test_the_signal_is_drawn_true_to_scale(rate):
    time = np.arange(10 * rate) / rate
    values = np.sin(2 * np.pi * time) + 0.05 * np.sin(2 * np.pi * 17 * time)
    _, (pulse, trace), (name, scale) = read(draw_svg(values[np.newaxis], rate, ["I"]))
    assert np.ptp(pulse[:, 1]) == pytest.approx(10) and (name, scale[:7]) == ("I", "25 mm/s")
    x, y = trace.T
    assert x[-1] - x[0] == pytest.approx(25 * time[-1], abs=0.06)
    drawn = np.interp(x[0] + 25 * time, x, -y)
    # Within the width of the line.
    assert np.abs(drawn - drawn[0] - 10 * (values - values[0])).max() < 0.3
    assert len(x) < len(time)


def test_twelve_leads_are_drawn_as_machines_do():
    signal = np.random.default_rng(0).normal(0, 0.1, (12, 5000))
    svg, _, texts = read(draw_svg(signal, 500, TWELVE))
    rows = ["I aVR V1 V4", "II aVL V2 V5", "III aVF V3 V6", "II"]
    assert " ".join(texts[:-1]) == " ".join(rows)
    assert svg.get("width") == "270mm"
    assert float(svg.get("height").removesuffix("mm")) < 150


def test_gaps_and_leads_without_a_signal_are_told():
    signal = np.zeros((3, 1000))
    signal[0, 400:600] = signal[1] = np.nan
    signal[0, 700] = 1e300
    _, lines, texts = read(draw_svg(signal, 100, ["I", "<&>", "V1"]))
    assert texts[:3] == ["I", "<&> (not recorded)", "V1 (flat)"]
    # A pulse in each row, two parts of the first lead, none of the second.
    assert len(lines) == 3 + 2 + 1
    assert lines[1][-1, 0] < lines[2][0, 0]


@pytest.mark.parametrize(
    ("leads", "seconds", "n_rows", "said"),
    [
        (TWELVE[:1], 60, 6, "25 mm/s   10 mm/mV"),
        (TWELVE[:1], 86400, 24, "the first 240 s of 86400 s"),
        (TWELVE, 30, 24, "the first 20 s of 30 s"),
        (TWELVE[:2], 12, 2, "25 mm/s   10 mm/mV"),
    ],
)
def test_long_records_are_cut_into_strips(leads, seconds, n_rows, said):
    signal = np.zeros((len(leads), 10 * seconds))
    signal[:, ::7] = 0.5
    svg, _, texts = read(draw_svg(signal, 10, leads))
    assert len(texts) == n_rows + 1
    assert texts[-1].endswith(said)
    assert float(svg.get("width").removesuffix("mm")) == (320 if seconds == 12 else 270)
    if seconds == 60:
        assert texts[:3] == ["I", "I 10 s", "I 20 s"]


def test_it_may_be_shown_larger_and_says_what_it_is():
    drawing = draw_svg(np.zeros((1, 100)), 100, ["I"], title="ECG 5", scale=2)
    svg, _, _ = read(drawing.replace('width="540mm"', 'width="270mm"'))
    assert (svg.get("aria-label"), svg.get("role")) == ("ECG 5", "img")
