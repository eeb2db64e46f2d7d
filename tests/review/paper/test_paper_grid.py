"""Where a time and a voltage are on the paper and in print, and waves marked on it."""

import numpy as np
import pytest

from tests.review.paper.papers import (
    PX_PER_MM,
    WAVES,
    color_at,
    flat_with_peak,
    names,
    open_page,
    show,
    wait_until,
)


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


@pytest.mark.parametrize("width", [901, 1100])
def test_ten_seconds_need_no_scroll_bar(browser, width):
    page = open_page(browser, viewport={"width": width, "height": 900})
    show(page, flat_with_peak(mv=2.5))
    bars = """() => {
      const view = document.querySelector(".ecg-view");
      const { clientWidth, clientHeight, scrollWidth, scrollHeight } = view;
      return [scrollWidth - clientWidth, scrollHeight - clientHeight,
              view.offsetHeight - clientHeight];
    }"""
    assert page.evaluate(bars) == [0, 0, 2]
    # Twice as high, the paper is too high for the window: there is one bar, and not two.
    page.evaluate("document.getElementById('host').style.setProperty('--ecg-max-height', '200px')")
    page.evaluate("paper.update({ gain: 20 })")
    right, below, _ = page.evaluate(bars)
    assert (right == 0 or page.evaluate("paper.state.zoom") == 0.6) and below > 100
    page.close()


def test_overviews_show_ten_seconds_at_any_width_and_are_comparable(browser):
    page = open_page(browser, viewport={"width": 500, "height": 700})
    for width in (500, 400):
        page.set_viewport_size({"width": width, "height": 700})
        for seconds in (5, 10, 30):
            signals = flat_with_peak(seconds=seconds, n_leads=2)
            show(page, signals, ["I", "II"], controls=False)
            across = page.evaluate("document.querySelector('.ecg-view').clientWidth")
            assert page.evaluate("paper.state.pxPerMm") == pytest.approx(across / 270, rel=0.01)
    page.set_viewport_size({"width": 500, "height": 700})
    wait_until(page, "paper.state.pxPerMm > 470 / 270")
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


def test_the_paper_stays_paper_on_a_dark_page(page):
    page.emulate_media(color_scheme="dark", forced_colors="active")
    show(page, flat_with_peak(), layout="II", zoom=1)
    assert color_at(page, 0.06, -0.35) == [255, 250, 248]
    page.emulate_media(color_scheme="light", forced_colors="none")


def test_the_whole_paper_is_printed_true_to_scale(page):
    show(page, np.tile(flat_with_peak(n_leads=2), 3), ["MLII", "V1"], layout="stacked")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    widths = page.evaluate(
        "Array.from(document.querySelectorAll('.ecg-print canvas'), (c) => c.style.width)"
    )
    # 15 mm, 30 s of 25 mm and 5 mm in strips that fit on a page.
    assert widths == ["270mm", "270mm", "230mm"]
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator(".ecg-print canvas").count() == 0
    # Lines that are too high for a page are cut between two of them.
    show(page, np.tile(flat_with_peak(n_leads=1, lead=0), 18), ["I"])
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    heights = page.evaluate(
        "Array.from(document.querySelectorAll('.ecg-print canvas'), ({ width, height }) => "
        "270 * height / width)"
    )
    total = page.evaluate("paper.state.paperMm.height")
    assert len(heights) == 2 and max(heights) <= 185
    assert sum(heights) == pytest.approx(total, abs=0.5)
    # Half an hour would take more paper and memory than there is.
    show(page, np.tile(flat_with_peak(n_leads=1, lead=0, sampling_rate=100), 180), ["I"], 100)
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator(".ecg-print canvas").count() == 12
    page.evaluate("dispatchEvent(new Event('afterprint'))")


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
