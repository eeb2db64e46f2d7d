"""An ECG on paper in a browser, for tests of what is drawn and measured there."""

import base64
from pathlib import Path

import numpy as np

import sklearn_ecg
from sklearn_ecg.review.paper._modules import join_modules

FOLDER = Path(sklearn_ecg.__file__).parent / "review" / "paper"
LEADS = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]
PX_PER_MM = 96 / 25.4
WAVES = [
    {"lead": "II", "wave": "P", "onset": 400, "peak": 425, "offset": 450},
    {"lead": "II", "wave": "QRS", "onset": 480, "peak": 500, "offset": 520},
    {"lead": "II", "wave": "T", "onset": 600, "peak": None, "offset": 700},
    {"lead": "II", "wave": "T", "onset": None, "peak": 4000, "offset": None},
]
PAGE = """<!doctype html><html lang="en"><title>ECG</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<div id="host"></div><script type="module" src="/page.js"></script></html>"""
# `ink` returns where traces, names and pulses are in columns of CSS pixels of the canvas: from the
# highest dark pixel to the lowest, or null.
SCRIPT = """
import { ECGPaper } from "/ecg_paper.js";
import { decodeSignals } from "/recording.js";
import { ENGLISH } from "/strings.js";
window.ENGLISH = ENGLISH;
window.decode = (header, text) =>
  decodeSignals(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer, header);
window.show = (header, text, options) => {
  window.paper?.destroy();
  window.paper = new ECGPaper(
    document.getElementById("host"), { ...decode(header, text), ...options });
};
window.ink = (from, to, top = 0, bottom = Infinity) => {
  const canvas = document.querySelector("canvas");
  const ratio = canvas.width / canvas.clientWidth;
  const x = Math.round(from * ratio);
  const width = Math.max(Math.round((to - from) * ratio), 1);
  const { data } = canvas.getContext("2d").getImageData(x, 0, width, canvas.height);
  const found = [];
  for (let y = Math.ceil(top * ratio); y < Math.min(canvas.height, bottom * ratio); y++) {
    for (let x = 0; x < width; x++) {
      const at = 4 * (y * width + x);
      if (Math.max(data[at], data[at + 1], data[at + 2]) < 110) found.push(y / ratio);
    }
  }
  return found.length ? [found[0], found.at(-1)] : null;
};
window.isReady = true;
"""
# What the desk allows its pages.
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:"


def open_page(browser, **options):
    page = browser.new_page(**options)
    replies = {
        "/": ("text/html", PAGE),
        "/page.js": ("text/javascript", SCRIPT),
        "/in_one.js": ("text/javascript", join_modules(FOLDER / "notebook.js")),
    }
    for path in FOLDER.glob("*.js"):
        replies[f"/{path.name}"] = ("text/javascript", path.read_text(encoding="utf-8"))

    def reply(route):
        path = "/" + route.request.url.split("/", 3)[3]
        kind, body = replies.get(path, ("text/plain", ""))
        headers = {"Content-Security-Policy": POLICY}
        route.fulfill(body=body, content_type=kind, headers=headers)

    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("console", lambda said: said.type == "error" and page.problems.append(said.text))
    page.route("**/*", reply)
    page.goto("http://paper.test/")
    wait_until(page, "window.isReady")
    return page


def wait_until(page, condition):
    # Playwright's own way would need a policy that lets the page make code of text.
    for _ in range(200):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(20)
    raise AssertionError(f"{condition} did not come true")


def show(page, signals, leads=LEADS, sampling_rate=500, **options):
    """Draw signals in mV; return the state of the paper."""
    signals = np.atleast_2d(signals)
    steps = np.where(np.isfinite(signals), np.round(signals / 0.001), -32768)
    header = {
        "leads": list(leads),
        "sampling_rate": sampling_rate,
        "n_times": signals.shape[1],
        "step_mv": 0.001,
    }
    text = base64.b64encode(steps.astype("<i2").tobytes()).decode()
    page.evaluate("(given) => show(...given)", [header, text, options])
    return page.evaluate("paper.state")


def flat_with_peak(mv=1.0, seconds=10, at=1.0, lead=1, n_leads=12, sampling_rate=500):
    """Leads at 0 mV but for a peak of 20 ms in one of them."""
    signals = np.zeros((n_leads, round(seconds * sampling_rate)))
    # A flat lead is another thing than a quiet one.
    signals[:, ::50] = 0.001
    peak = round(at * sampling_rate)
    half = max(round(0.01 * sampling_rate), 1)
    ramp = np.abs(np.arange(-half, half + 1)) / half
    signals[lead, peak - half : peak + half + 1] = mv * (1 - ramp)
    return signals


def names(state):
    return [[trace["name"] for trace in row["traces"]] for row in state["rows"]]


def color_at(page, time, mv):
    return page.evaluate(
        """([time, mv]) => {
          const { x, y } = paper.position("II", time, mv);
          const canvas = document.querySelector("canvas");
          return Array.from(canvas.getContext("2d").getImageData(x, y, 1, 1).data.slice(0, 3));
        }""",
        [time, mv],
    )


def reading(page):
    return " ".join(page.get_by_test_id("caliper-reading").inner_text().split())
