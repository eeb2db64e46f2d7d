"""ecg_paper.js in a browser: what is drawn where, what is measured, and by what means."""

import base64
from pathlib import Path

import numpy as np
import pytest

import sklearn_ecg

MODULE = Path(sklearn_ecg.__file__).parent / "review" / "static" / "ecg_paper.js"
LEADS = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]
PX_PER_MM = 96 / 25.4
PAGE = """<!doctype html><html lang="en"><title>ECG</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<div id="host"></div><script type="module" src="/page.js"></script></html>"""
# `ink` returns where traces, names and pulses are in columns of CSS pixels of the canvas: from the
# highest dark pixel to the lowest, or null.
SCRIPT = """
import * as module from "/ecg_paper.js";
window.module = module;
window.decode = (header, text) =>
  module.decodeSignals(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer, header);
window.show = (header, text, options) => {
  window.paper?.destroy();
  window.paper = new module.ECGPaper(
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
        "/ecg_paper.js": ("text/javascript", MODULE.read_text(encoding="utf-8")),
    }

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


@pytest.fixture(scope="module")
def desktop(browser):
    page = open_page(browser, viewport={"width": 2300, "height": 1400})
    yield page
    page.close()


@pytest.fixture
def page(desktop):
    """A page wide enough for ten seconds at 50 mm/s, on which nothing has gone wrong."""
    desktop.bring_to_front()
    desktop.problems.clear()
    yield desktop
    assert not desktop.problems


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


# ---- What the desk sends ----


def test_int16_is_read_as_millivolts_with_gaps(page):
    header = {"leads": ["I", "II"], "sampling_rate": 250, "n_times": 3, "step_mv": 0.005}
    stored = np.array([[0, 1, -32768], [-200, 32767, -32767]], "<i2")
    text = base64.b64encode(stored.tobytes()).decode()
    decoded = page.evaluate(
        """([header, text]) => {
          const { leads, samplingRate, signals } = decode(header, text);
          return [leads, samplingRate, signals.map((lead) => Array.from(lead, String))];
        }""",
        [header, text],
    )
    assert decoded[:2] == [["I", "II"], 250]
    read = np.array(decoded[2], dtype=float)
    np.testing.assert_allclose(read, [[0, 0.005, np.nan], [-1, 163.835, -163.835]], rtol=1e-6)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "decode({leads: ['I'], sampling_rate: 1, n_times: 3, step_mv: 1}, btoa('four'))",
            "4 bytes; 1 leads of 3 samples have 6",
        ),
        ("paper.update({ speed: 30 })", "speed must be one of 25, 50; got 30"),
        ("paper.update({ gain: 0 })", "gain must be one of 5, 10, 20; got 0"),
        ("paper.update({ samplingRate: 0 })", "samplingRate must be positive"),
        ("paper.update({ leads: ['I'] })", "1 names of leads for 12 signals"),
        ("paper.setWaves([{ lead: 'X', wave: 'P' }])", "no wave P of lead X"),
    ],
)
def test_wrong_input_is_refused_and_the_paper_stays(page, code, message):
    show(page, flat_with_peak())
    said = page.evaluate(f"() => {{ try {{ {code} }} catch (error) {{ return error.message }} }}")
    assert message in said
    assert page.evaluate("paper.state.label") == "12-lead ECG, 10 s, 25 mm/s, 10 mm/mV"


# ---- Calibration ----


@pytest.mark.parametrize(
    ("speed", "gain", "layout"),
    [
        *[(speed, gain, "3x4+1") for speed in (25, 50) for gain in (5, 10, 20)],
        (50, 5, "6x2"),
        (25, 20, "12x1"),
        (25, 10, "cabrera"),
        (50, 10, "II"),
    ],
)
def test_a_peak_stands_where_its_time_and_height_say(page, speed, gain, layout):
    state = show(page, flat_with_peak(), speed=speed, gain=gain, layout=layout, zoom=1)
    x = (0.2 * speed + 10 + 1.0 * speed) * PX_PER_MM
    # In the row of lead II the pulse of 1 mV is as high as the peak of 1 mV. (In Cabrera's order
    # this is the rhythm strip: at this time the others show other leads.)
    row = next(i for i, row in enumerate(names(state)) if row[0] == "II")
    zero = state["rows"][row]["baselineMm"] * PX_PER_MM
    top = zero - gain * PX_PER_MM
    pulse = (3 + 2 + 0.1 * speed) * PX_PER_MM
    for place in (x, pulse):
        where = [place - 2, place + 3, top - 10, zero]
        found = page.evaluate("(where) => ink(...where)", where)
        assert found is not None and abs(found[0] - top) <= 1.5
    said = page.evaluate("paper.position('II', 1.0, 1.0)")
    np.testing.assert_allclose([said["x"], said["y"]], [x, top], atol=0.01)


def test_squares_are_of_one_and_five_millimetres(page):
    show(page, flat_with_peak(), zoom=2)
    # Along a line of pixels where nothing else is drawn.
    line = page.evaluate("""() => {
      const canvas = document.querySelector("canvas");
      const { data } = canvas.getContext("2d").getImageData(0, 5, 400, 1);
      return Array.from({ length: 400 }, (_, x) => data[4 * x + 1]);
    }""")
    lines = [x for x, green in enumerate(line) if green < 230]
    starts = [x for x in lines if x - 1 not in lines]
    expected = np.arange(len(starts)) * 2 * PX_PER_MM
    np.testing.assert_allclose(starts, expected, atol=0.51)
    assert all(line[x] < 200 for x in starts[::5])
    assert all(line[x] > 200 for i, x in enumerate(starts) if i % 5)


def test_one_sample_is_seen_at_its_height_among_ten_thousand(page):
    signals = np.zeros((1, 10_000))
    signals[0, 5000] = 1.0
    state = show(page, signals, ["I"], 1000, zoom=0.5)
    x = (15 + 5 * 25) * PX_PER_MM / 2
    zero = state["rows"][0]["baselineMm"] * PX_PER_MM / 2
    top, _ = page.evaluate("([x, y]) => ink(x - 1, x + 2, 0, y)", [x, zero])
    assert abs(top - (zero - 10 * PX_PER_MM / 2)) <= 1.5


def test_a_millimetre_is_as_long_as_the_page_says(page):
    page.evaluate("document.getElementById('host').style.setProperty('--mm', '5px')")
    show(page, flat_with_peak(), zoom=1)
    assert page.evaluate("paper.position('II', 1).x") == pytest.approx((15 + 25) * 5)
    page.evaluate("document.getElementById('host').style.removeProperty('--mm')")


# ---- Layouts ----

CHEST = LEADS[6:]


@pytest.mark.parametrize(
    ("layout", "rows"),
    [
        ("3x4+1", [[LEADS[i + 3 * j] for j in range(4)] for i in range(3)] + [["II"]]),
        ("6x2", [[LEADS[i], CHEST[i]] for i in range(6)]),
        ("12x1", [[lead] for lead in LEADS]),
        (
            "cabrera",
            [
                ["aVL", "II", "V1", "V4"],
                ["I", "aVF", "V2", "V5"],
                ["-aVR", "III", "V3", "V6"],
                ["II"],
            ],
        ),
        ("V3", [["V3"]]),
        ("auto", [[LEADS[i + 3 * j] for j in range(4)] for i in range(3)] + [["II"]]),
    ],
)
def test_leads_stand_where_readers_look_for_them(page, layout, rows):
    # However the record lists them.
    state = show(page, flat_with_peak(lead=10)[::-1], LEADS[::-1], layout=layout)
    assert names(state) == rows


@pytest.mark.parametrize(
    ("leads", "seconds", "asked"),
    [
        (["I"], 2, "auto"),
        (["MLII", "V5"], 60, "auto"),
        (["I", "II", "III"], 10, "6x2"),
        (["I", "II", *CHEST], 10, "auto"),
        ([*LEADS, "V7", "V8", "V9"], 10, "auto"),
        (LEADS, 60, "auto"),
        (LEADS, 2, "auto"),
        (["a", "b"], 10, "V1"),
    ],
)
def test_other_records_stand_in_rows(page, leads, seconds, asked):
    signals = flat_with_peak(seconds=seconds, lead=0, n_leads=len(leads), sampling_rate=100)
    state = show(page, signals, leads, 100, layout=asked)
    assert state["layout"] == "stacked"
    assert names(state) == [[lead] for lead in leads]


def test_a_grid_says_which_leads_it_lacks_and_which_it_leaves_out(page):
    leads = ["I", "II", *CHEST, "V7"]
    state = show(page, flat_with_peak(n_leads=9), leads, layout="3x4+1")
    notes = {trace["name"]: trace["note"] for row in state["rows"] for trace in row["traces"]}
    assert {name for name, note in notes.items() if note == "notInRecord"} == set(LEADS[2:6])
    assert state["notShown"] == ["V7"]


def test_minus_avr_is_avr_upside_down(page):
    state = show(page, flat_with_peak(-1.0, lead=3), layout="cabrera", zoom=1)
    said = page.evaluate("paper.position('aVR', 1, -1)")
    zero = state["rows"][2]["baselineMm"] * PX_PER_MM
    assert said["y"] == pytest.approx(zero - 10 * PX_PER_MM)
    top, _ = page.evaluate("([x, y]) => ink(x - 2, x + 3, y - 60, y)", [said["x"], zero])
    assert abs(top - said["y"]) <= 1.5


def test_an_offset_of_the_electrode_moves_no_lead(page):
    usual = show(page, flat_with_peak())
    shifted = flat_with_peak()
    shifted[1] += 3.0
    assert show(page, shifted)["rows"] == usual["rows"]


def test_rows_give_way_to_high_waves(page):
    signals = flat_with_peak(lead=2, mv=4.0)
    low, high = (show(page, given, layout="12x1") for given in (flat_with_peak(), signals))

    def gap(state):
        return state["rows"][2]["baselineMm"] - state["rows"][1]["baselineMm"]

    assert gap(high) > gap(low)
    assert gap(high) >= 40


def test_a_name_does_not_cover_the_signal(page):
    # A wave of 1 mV where the name of the lead would stand.
    signals = flat_with_peak(at=0.15)
    page.evaluate("""() => {
      window.texts = [];
      const own = CanvasRenderingContext2D.prototype.fillText;
      CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
        texts.push([text, x, x + this.measureText(text).width]);
        own.call(this, text, x, y);
      };
      window.restoreText = () => { CanvasRenderingContext2D.prototype.fillText = own; };
    }""")
    show(page, signals, layout="II", zoom=1)
    texts = page.evaluate("(restoreText(), texts)")
    peak = page.evaluate("paper.position('II', 0.15).x")
    (name,) = {tuple(text) for text in texts if text[0] == "II"}
    assert not name[1] - 2 <= peak <= name[2] + 2


# ---- Signals that are not as they should be ----


def test_gaps_stay_open_and_a_lonely_sample_is_seen(page):
    signals = flat_with_peak(n_leads=1, lead=0)
    signals[0, 2000:3000] = np.nan
    signals[0, 2500] = 0
    show(page, signals, ["I"], zoom=1)
    at = {t: page.evaluate(f"paper.position('I', {t})") for t in (3.9, 4.5, 5.0, 6.1)}

    def drawn(t):
        x, y = at[t]["x"], at[t]["y"]
        return page.evaluate("([x, y]) => ink(x - 3, x + 4, y - 5, y + 5)", [x, y]) is not None

    assert [drawn(t) for t in at] == [True, False, True, True]


def test_flat_missing_and_cut_off_leads_are_named(page):
    signals = flat_with_peak()
    signals[6] = 0
    signals[7] = np.nan
    signals[8, :2600] = np.nan
    signals[8, 2600:2700] = 30
    signals[9, 4000:] = np.nan
    state = show(page, signals, layout="6x2")
    notes = {trace["name"]: trace["note"] for row in state["rows"] for trace in row["traces"]}
    assert {lead: note for lead, note in notes.items() if note} == {
        "V1": "flat",
        "V2": "notRecorded",
        "V3": "offScale",
    }
    # The same for those who do not see it.
    table = dict(
        line.split("\t")[:2] for line in page.inner_text("table").splitlines() if "\t" in line
    )
    assert table["I"] == "recorded"
    assert table["V1"] == "flat"
    assert table["V2"] == "not recorded"
    assert table["V3"] == "recorded, not recorded for 5.2 s of it, cut off"
    assert table["V4"] == "recorded, not recorded for 2 s of it"


def test_what_is_cut_off_crosses_no_other_lead(page):
    signals = np.zeros((3, 5000))
    signals[:, ::50] = 0.001
    signals[1, 2000:2200] = 30.0
    state = show(page, signals, ["a", "b", "c"], zoom=1)
    x = page.evaluate("paper.position('a', 4.0).x")
    zero = state["rows"][0]["baselineMm"] * PX_PER_MM
    top, _ = page.evaluate("([x]) => ink(x - 3, x + 4)", [x])
    assert abs(top - zero) < 3


def test_leads_of_one_name_are_drawn_each(page):
    signals = flat_with_peak(lead=0, n_leads=2)
    state = show(page, signals, ["I", "I"], zoom=1)
    x = 40 * PX_PER_MM
    for row, height in ((0, 10), (1, 0)):
        zero = state["rows"][row]["baselineMm"] * PX_PER_MM
        top, _ = page.evaluate("(where) => ink(...where)", [x - 2, x + 3, zero - 45, zero + 5])
        assert abs(top - (zero - height * PX_PER_MM)) <= 1.5


@pytest.mark.parametrize("signals", [np.full((2, 500), np.nan), np.zeros((2, 1))])
def test_nothing_to_see_is_drawn_as_such(page, signals):
    state = show(page, signals, ["I", "II"], 100)
    assert {trace["note"] for row in state["rows"] for trace in row["traces"]} <= {
        "notRecorded",
        "flat",
    }


# ---- Calipers ----


def reading(page):
    return " ".join(page.get_by_test_id("caliper-reading").inner_text().split())


def test_calipers_measure_ms_rate_and_mv(page):
    show(page, flat_with_peak(), calipers=True)
    page.evaluate(
        """paper.setCalipers(
          { times: [1.0, 1.8], levels: [{ row: 1, mv: 0 }, { row: 1, mv: 1.25 }] })"""
    )
    assert reading(page) == "800 ms 75 /min 1.25 mV"
    assert page.get_by_test_id("caliper-reading").get_attribute("aria-live") == "polite"
    page.evaluate("paper.update({ speed: 50, gain: 20, layout: '12x1' })")
    assert reading(page) == "800 ms 75 /min 1.25 mV"
    page.evaluate("paper.setCalipers({ times: [1.0, 1.0] })")
    assert reading(page).startswith("0 ms – /min")


def test_calipers_are_moved_by_keys(page):
    show(page, flat_with_peak(), calipers=True)
    page.evaluate("paper.setCalipers({ times: [1.0, 1.8] })")
    second = page.get_by_role("slider", name="Second time caliper")
    second.focus()
    page.keyboard.press("ArrowRight")
    assert reading(page).startswith("802 ms")
    page.keyboard.press("Shift+ArrowRight")
    assert reading(page).startswith("842 ms")
    page.keyboard.press("ArrowLeft")
    assert second.get_attribute("aria-valuetext") == "1.84 s"
    page.get_by_role("slider", name="Second voltage caliper").focus()
    page.keyboard.press("ArrowDown")
    assert reading(page).endswith("0.99 mV")
    page.keyboard.press("Shift+ArrowUp")
    assert reading(page).endswith("1.09 mV")


def test_calipers_are_dragged_by_the_mouse(page):
    show(page, flat_with_peak(), calipers=True, zoom=1)
    page.evaluate(
        "paper.setCalipers({ times: [1.0, 1.8], levels: [{ row: 0, mv: 0 }, { row: 0, mv: 1 }] })"
    )
    # By its knob, and anywhere on its line.
    for axis, right, down, along in (("time-1", 5, 0, -100), ("level-1", 0, -5, 0)):
        box = page.get_by_test_id(f"caliper-{axis}").bounding_box()
        x = box["x"] + box["width"] / 2
        y = box["y"] + box["height"] / 2 + along
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + right * PX_PER_MM, y + down * PX_PER_MM, steps=4)
        page.mouse.up()
    # 5 mm are 200 ms and 0.5 mV.
    assert reading(page) == "1000 ms 60 /min 1.50 mV"
    assert page.evaluate("paper.state.scroll") == {"left": 0, "top": 0}


def test_calipers_stay_within_the_record(page):
    show(page, flat_with_peak(), calipers=True)
    page.evaluate("paper.setCalipers({ times: [-5, 50] })")
    assert reading(page).startswith("10000 ms 6 /min")


# ---- Zoom and movement ----


def test_the_wheel_zooms_about_the_pointer(page):
    show(page, flat_with_peak(), zoom=2)
    box = page.locator(".ecg-view").bounding_box()
    page.mouse.move(box["x"] + 400, box["y"] + 200)
    before = page.evaluate("paper.position('II', 1)")
    page.keyboard.down("Control")
    page.mouse.wheel(0, -50)
    page.keyboard.up("Control")
    wait_until(page, "paper.state.zoom > 2")
    after, zoom = page.evaluate("[paper.position('II', 1), paper.state.zoom / 2]")
    assert after["x"] - 400 == pytest.approx((before["x"] - 400) * zoom, abs=1.5)
    assert page.evaluate("visualViewport.scale") == 1


def test_keys_zoom_move_and_choose(page):
    show(page, np.tile(flat_with_peak(n_leads=2), 6), ["MLII", "V1"])
    page.locator(".ecg-view").focus()
    page.keyboard.press("+")
    page.keyboard.press("+")
    assert page.evaluate("paper.state.zoom") == pytest.approx(1.25**2)
    page.keyboard.press("-")
    before = page.evaluate("paper.state.scroll.left")
    page.keyboard.press("ArrowRight")
    moved = page.evaluate("paper.state.scroll.left") - before
    assert moved == pytest.approx(5 * 1.25 * PX_PER_MM, abs=1)
    page.keyboard.press("End")
    end = page.evaluate("paper.position('MLII', 60).x")
    assert end < page.locator(".ecg-view").bounding_box()["width"]
    page.keyboard.press("Home")
    assert page.evaluate("paper.state.scroll.left") == 0
    for key in "vgclf":
        page.keyboard.press(key)
    state = page.evaluate("paper.state")
    assert (state["speed"], state["gain"], state["calipers"]) == (50, 20, True)
    # Fitted, all of the minute is in sight.
    assert state["paperMm"]["width"] * state["pxPerMm"] < 2300 or state["zoom"] == 0.1


def test_the_mouse_drags_the_paper(page):
    show(page, np.tile(flat_with_peak(n_leads=2), 6), ["MLII", "V1"], zoom=1)
    page.mouse.move(900, 200)
    page.mouse.down()
    page.mouse.move(600, 200, steps=4)
    page.mouse.up()
    assert page.evaluate("paper.state.scroll.left") == pytest.approx(300, abs=1)


def test_a_phone_scrolls_and_zooms_the_paper_and_never_the_page(browser):
    page = open_page(
        browser, viewport={"width": 400, "height": 700}, has_touch=True, is_mobile=True
    )
    show(page, flat_with_peak())
    touch = page.context.new_cdp_session(page)

    def send(kind, *points):
        places = [{"x": x, "y": 300, "id": i} for i, x in enumerate(points)]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})

    send("touchStart", 300)
    for x in range(290, 140, -10):
        send("touchMove", x)
    send("touchEnd")
    wait_until(page, "paper.state.scroll.left > 100")
    zoom = page.evaluate("paper.state.zoom")
    send("touchStart", 180)
    send("touchStart", 180, 220)
    for spread in range(5, 45, 5):
        send("touchMove", 180 - spread, 220 + spread)
    send("touchEnd")
    wait_until(page, f"paper.state.zoom > {2.5 * zoom}")
    assert page.evaluate("visualViewport.scale") == 1
    assert page.evaluate("document.documentElement.scrollWidth") == 400
    assert not page.problems
    page.close()


def test_the_paper_is_crisp_and_follows_its_width(browser):
    page = open_page(browser, viewport={"width": 900, "height": 700}, device_scale_factor=2)
    show(page, flat_with_peak())
    sizes = "[[c.width, c.height], [c.clientWidth, c.clientHeight]]"
    code = f"(() => {{ const c = document.querySelector('canvas'); return {sizes}; }})()"
    pixels, css = np.array(page.evaluate(code))
    np.testing.assert_array_equal(pixels, 2 * css)
    page.set_viewport_size({"width": 700, "height": 700})
    wait_until(page, "document.querySelector('canvas').clientWidth < 700")
    assert page.evaluate("paper.state.zoom") < 0.7
    page.close()


# ---- Waves ----

WAVES = [
    {"lead": "II", "wave": "P", "onset": 400, "peak": 425, "offset": 450},
    {"lead": "II", "wave": "QRS", "onset": 480, "peak": 500, "offset": 520},
    {"lead": "II", "wave": "T", "onset": 600, "peak": None, "offset": 700},
    {"lead": "II", "wave": "T", "onset": None, "peak": 4000, "offset": None},
]


def color_at(page, time, mv):
    return page.evaluate(
        """([time, mv]) => {
          const { x, y } = paper.position("II", time, mv);
          const canvas = document.querySelector("canvas");
          return Array.from(canvas.getContext("2d").getImageData(x, y, 1, 1).data.slice(0, 3));
        }""",
        [time, mv],
    )


def test_waves_are_shaded_in_three_colors_and_explained(page):
    show(page, flat_with_peak(), layout="II", zoom=1)
    page.evaluate("(waves) => paper.setWaves(waves)", WAVES)
    shades = {wave: color_at(page, t, -0.05) for wave, t in (("P", 0.83), ("T", 1.31))}
    shades["QRS"] = color_at(page, 1.03, 0.5)
    blank = color_at(page, 1.13, -0.05)
    assert shades["P"][2] > shades["P"][0] + 20  # blue
    assert shades["QRS"][0] > shades["QRS"][2] + 40  # orange
    assert shades["T"][1] > shades["T"][0]  # teal
    assert blank[0] > 230
    assert page.locator(".ecg-legend").inner_text().split() == ["P", "QRS", "T"]
    page.get_by_test_id("waves").click()
    assert not page.locator(".ecg-legend").is_visible()
    assert color_at(page, 1.03, 0.5)[2] > 190


def test_waves_are_asked_for_when_they_are_wanted(page):
    show(page, flat_with_peak())
    page.evaluate(
        """(waves) => {
      window.asked = 0;
      paper.update({ waves: async () => { asked += 1; return waves; } });
    }""",
        WAVES,
    )
    assert page.evaluate("[asked, paper.state.wavesShown]") == [0, False]
    button = page.get_by_test_id("waves")
    for _ in range(3):
        button.click()
    wait_until(page, "paper.state.wavesShown")
    assert page.evaluate("asked") == 1
    assert button.get_attribute("aria-pressed") == "true"


@pytest.mark.parametrize(
    ("answer", "said"),
    [("[]", "no waves found"), ("Promise.reject(new Error())", "could not be had")],
)
def test_it_is_said_why_there_are_no_waves(page, answer, said):
    show(page, flat_with_peak())
    page.evaluate(f"paper.update({{ waves: () => {answer} }})")
    page.get_by_test_id("waves").click()
    assert said in page.locator(".ecg-foot [role=status]").inner_text()


def test_waves_that_come_too_late_mark_no_other_record(page):
    show(page, flat_with_peak())
    page.evaluate("""() => {
      paper.update({ waves: () => new Promise((resolve) => { window.come = resolve; }) });
      paper.toggleWaves();
    }""")
    wait_until(page, "Boolean(window.come)")
    page.evaluate(
        """(waves) => {
      paper.update({ leads: ["II"], samplingRate: 500, signals: [new Float32Array(5000)] });
      come(waves);
    }""",
        WAVES,
    )
    page.wait_for_timeout(50)
    assert page.evaluate("paper.state.wavesShown") is False


# ---- Everyone ----


def test_the_paper_has_a_name_and_words_for_who_does_not_see_it(page):
    show(page, flat_with_peak(), speed=50)
    label = "12-lead ECG, 10 s, 50 mm/s, 10 mm/mV"
    assert page.get_by_role("application", name=label).is_visible()
    assert page.get_by_role("img", name=label).is_visible()
    table = page.locator("table")
    assert table.locator("caption").inner_text() == label
    assert table.locator("tr").count() == 13
    described = page.locator(".ecg-view").get_attribute("aria-describedby")
    assert "Arrow keys" in page.locator(f"#{described}").text_content()


def test_all_words_may_be_of_another_language(page):
    strings = page.evaluate(
        "Object.fromEntries(Object.keys(module.ENGLISH).map((key) => [key, `<${key}>`]))"
    )
    strings |= {"reading": "{ms} ms, {perMinute}/min, {mv} mV"}
    show(page, flat_with_peak(), strings=strings, language="de", calipers=True, waves=WAVES)
    assert reading(page).endswith("1,00 mV")
    words = set(page.locator("#host").inner_text().split())
    others = {"3x4+1", "−", "+", *LEADS}
    assert {word for word in words - others if word.isalpha()} <= {"ms", "mV"}


def test_the_paper_stays_paper_on_a_dark_page(page):
    page.emulate_media(color_scheme="dark", forced_colors="active")
    show(page, flat_with_peak(), layout="II", zoom=1)
    assert color_at(page, 0.06, -0.35) == [255, 250, 248]
    page.emulate_media(color_scheme="light", forced_colors="none")


def test_buttons_do_what_keys_do(page):
    show(page, flat_with_peak())
    for name in ("layout", "speed", "gain", "calipers"):
        page.get_by_test_id(name).click()
    state = page.evaluate("paper.state")
    assert (state["layout"], state["speed"], state["gain"]) == ("6x2", 50, 20)
    assert page.get_by_test_id("caliper-reading").is_visible()
    page.get_by_test_id("lead").select_option("V2")
    assert page.evaluate("paper.state.layout") == "V2"


def test_the_whole_paper_is_printed_true_to_scale(page):
    show(page, np.tile(flat_with_peak(n_leads=2), 3), ["MLII", "V1"])
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    widths = page.evaluate(
        "Array.from(document.querySelectorAll('.ecg-print canvas'), (c) => c.style.width)"
    )
    # 15 mm, 30 s of 25 mm and 5 mm in strips that fit on a page.
    assert widths == ["270mm", "270mm", "230mm"]
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator(".ecg-print canvas").count() == 0
    # Half an hour would take more paper and memory than there is.
    show(page, np.tile(flat_with_peak(n_leads=1, lead=0, sampling_rate=100), 180), ["I"], 100)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator(".ecg-print canvas").count() == 12
    page.evaluate("dispatchEvent(new Event('afterprint'))")


def test_a_new_record_starts_anew_and_keeps_the_look(page):
    show(page, np.tile(flat_with_peak(), 6), speed=50, calipers=True, waves=WAVES, zoom=2)
    page.evaluate("paper.pan(500)")
    page.evaluate("""() => paper.update({
      leads: ["I"], samplingRate: 100, signals: [new Float32Array(1000)],
    })""")
    state = page.evaluate("paper.state")
    assert state["scroll"] == {"left": 0, "top": 0}
    assert (state["speed"], state["calipers"], state["wavesShown"]) == (50, True, False)
    assert state["label"] == "1-lead ECG, 10 s, 50 mm/s, 10 mm/mV"


def test_nothing_is_left_behind(page):
    show(page, flat_with_peak(), calipers=True)
    page.evaluate("paper.destroy(); window.paper = null")
    host = page.locator("#host")
    assert (host.inner_html(), host.get_attribute("class")) == ("", "")


# ---- Notebooks ----


def test_a_notebook_draws_by_the_same_module(page):
    page.evaluate("""() => {
      window.paper?.destroy();
      window.paper = null;
      const values = Float32Array.from({ length: 1000 }, (_, i) => (i === 300 ? 1 : 0));
      window.traits = {
        leads: ["I", "II"], sampling_rate: 100, signals: new DataView(values.buffer),
        layout: "auto", speed: 25, gain: 10, waves: null, reading: {},
      };
      window.listeners = {};
      const model = {
        get: (name) => traits[name],
        set: (values) => Object.assign(traits, values),
        save_changes: () => {},
        on: (names, listener) => names.split(" ").forEach((name) => (listeners[name] = listener)),
        off: (names) => names.split(" ").forEach((name) => delete listeners[name]),
      };
      window.close = module.default.render({ model, el: document.getElementById("host") });
    }""")
    page.evaluate("(traits.speed = 50, listeners['change:speed']())")
    page.get_by_test_id("calipers").click()
    assert page.get_by_test_id("speed").inner_text() == "50 mm/s"
    assert page.evaluate("[traits.reading.ms, traits.reading.per_minute]") == [800, 75]
    page.evaluate("close()")
    assert page.evaluate("Object.keys(listeners)") == []
