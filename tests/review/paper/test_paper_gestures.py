"""Keys, wheel, mouse and fingers on the paper."""

import numpy as np
import pytest

from tests.review.paper.papers import (
    PX_PER_MM,
    flat_with_peak,
    open_page,
    show,
    wait_until,
)


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
    show(page, np.tile(flat_with_peak(n_leads=2), 6), ["MLII", "V1"], layout="stacked")
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
    show(page, np.tile(flat_with_peak(n_leads=2), 6), ["MLII", "V1"], layout="stacked", zoom=1)
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


def test_buttons_do_what_keys_do(page):
    show(page, flat_with_peak())
    for name in ("layout", "speed", "gain", "calipers"):
        page.get_by_test_id(name).click()
    state = page.evaluate("paper.state")
    assert (state["layout"], state["speed"], state["gain"]) == ("6x2", 50, 20)
    assert page.get_by_test_id("caliper-reading").is_visible()
    page.get_by_test_id("lead").select_option("V2")
    assert page.evaluate("paper.state.layout") == "V2"
