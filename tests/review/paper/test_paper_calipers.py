"""Calipers: what they measure, and how they are moved."""

import pytest

from tests.review.paper.papers import PX_PER_MM, flat_with_peak, reading, show


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


@pytest.mark.parametrize(("speed", "gain", "zoom"), [(25, 10, 0.8), (50, 5, 1.3), (25, 20, 2)])
def test_a_drag_measures_what_lies_between_two_points(page, speed, gain, zoom):
    show(page, flat_with_peak(), calipers=True, speed=speed, gain=gain, zoom=zoom, layout="V1")
    page.evaluate(
        "paper.setCalipers({ times: [1, 1], levels: [{ row: 0, mv: 0 }, { row: 0, mv: 0 }] })"
    )
    right, up = 120, 60
    for knob, move in (("time-1", (right, 0)), ("level-1", (0, -up))):
        handle = page.get_by_test_id(f"caliper-{knob}")
        handle.scroll_into_view_if_needed()
        box = handle.bounding_box()
        at = [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2]
        page.mouse.move(*at)
        page.mouse.down()
        page.mouse.move(at[0] + move[0], at[1] + move[1], steps=3)
        page.mouse.up()
    measured = page.evaluate("paper.state.reading")
    mm = 25.4 / 96 / zoom
    # To a sample of 2 ms, and 0.01 mV.
    assert measured["ms"] == pytest.approx(1000 * right * mm / speed, abs=1.1)
    assert measured["perMinute"] == pytest.approx(60_000 / measured["ms"])
    assert measured["mv"] == pytest.approx(up * mm / gain, abs=0.0051)


def test_calipers_stay_within_the_record(page):
    show(page, flat_with_peak(), calipers=True)
    page.evaluate("paper.setCalipers({ times: [-5, 50] })")
    assert reading(page).startswith("10000 ms 6 /min")
