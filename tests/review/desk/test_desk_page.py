"""What the desk's page shows and says, in a headless Chromium."""

import json
import re
import time
from importlib import resources

import pytest

pytest.importorskip("uvicorn", reason="the extra [review] is not installed")

from tests.review.desk.live_desk import (
    LiveDesk,
    check_accessible,
    label_of,
    press,
    wait_for_ecg,
    wait_for_status,
)
from tests.review.queues import ecg_queue_at

LANGUAGES = {
    path.name.removesuffix(".json"): json.loads(path.read_text(encoding="utf-8"))
    for path in (resources.files("sklearn_ecg.review.desk") / "languages").iterdir()
    if path.name.endswith(".json")
}


@pytest.fixture(scope="module")
def shown(browser, tmp_path_factory):
    """A page for tests that leave it as it is."""
    path = tmp_path_factory.mktemp("shown") / "queue.sqlite"
    desk = LiveDesk(ecg_queue_at(path)).start()
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
    yield desk.sign_in(context)
    context.close()
    desk.stop()


def test_a_feature_may_have_the_name_of_a_method(shown):
    known = "import('/static/words.js').then(({ words }) => 'constructor' in words.features)"
    assert shown.evaluate(known) is False


def test_both_sides_of_the_evidence_are_above_the_answers(shown):
    top = shown.get_by_test_id("answer-present").bounding_box()["y"]
    for side in ("for", "against"):
        box = shown.locator(f"#evidence-{side}").bounding_box()
        assert box["y"] + box["height"] < top


def test_all_reasons_are_shown_on_request_and_with_the_next_question(page):
    evidence = [
        reason("V1_T_area_mV_ms", "mV ms", 9, [-7.5, 29.64], [6.4, 46]),
        reason("V1_T_amplitude_mV", "mV", -0.1234, [-0.4, 0.123], [0, 1]),
        reason("V1_S_duration_ms", "ms", 76.2, [17.4, 92], [0, 0.3], "below 40 (I and V6)"),
    ]
    measured = {"heart_rate_bpm": (97, "bpm"), "QRS_axis_deg": (-38, "°")}
    values = [
        {"feature": name, "lead": "", "value": value, "unit": unit}
        for name, (value, unit) in measured.items()
    ]
    evidence.append({"kind": "head", "values": values})
    page.evaluate(
        """async evidence => {
          const { showPanel } = await import("/static/panel.js");
          const record = { name: "ECG 1", record: 1, leads: [], n_times: 1, sampling_rate: 1 };
          const labels = { label: "R", other_labels: ["A"], labels_now: { A: 1 } };
          showPanel({ ...labels, evidence, record, answers: [] });
        }""",
        evidence,
    )
    shown = page.locator("#evidence-for li:visible")
    # What is measured on paper comes first; no normal range of other leads is told; no line ends
    # between a number and its unit, or in a range.
    assert [text.replace("\u00a0", " ") for text in shown.all_inner_texts()] == [
        "T amplitude in V1: −0.12 mV\nUsual with it −0.4 to 0.12, without 0 to 1",
        "S duration in V1: 76 ms\nUsual with it 17 to 92, without 0",
    ]
    head = page.locator("#ecg-caption .head").text_content()
    assert head == "Heart_rate:_97_bpm_· QRS_axis:_−38°".replace("_", "\u00a0")
    assert page.locator("#said").inner_text().endswith("held of this ECG: atrial premature beat.")
    page.get_by_role("button", name="All 3 reasons").click()
    assert shown.last.inner_text().startswith("T area in V1: 9\u00a0mV·ms")
    page.keyboard.press("n")
    assert page.locator("#all-evidence").get_attribute("aria-expanded") == "true"


def test_sources_that_give_shares_are_heard(shown):
    said = shown.evaluate(
        """async () => {
          const { inSentences } = await import("/static/evidence.js");
          const said = { A: 1, B: 0.7, C: 0.2, D: -1, E: 0 };
          return inSentences({ label: "AF", evidence: [{ kind: "weak", said }] }).said;
        }"""
    )
    assert said == [
        "Yes according to A and B (70%).",
        "No according to C (80%) and E.",
        "D: unknown.",
    ]


def reason(feature, unit, value, usual_with, usual_without, normal=""):
    """Return a measurement that speaks for a label."""
    usual = {"usual_with": usual_with, "usual_without": usual_without, "normal": normal}
    about = {"kind": "measurement", "feature": feature, "lead": feature.split("_")[0]}
    return about | usual | {"unit": unit, "value": value, "score": 0.5}


def test_a_screen_reader_hears_what_a_key_has_changed(page):
    told = page.locator("#paper p[role=status]")
    for key, said in {"v": "Speed: 50 mm/s", "g": "Gain: 20 mm/mV", "c": "Calipers: on"}.items():
        page.keyboard.press(key)
        assert told.inner_text() == said
    page.keyboard.press("w")
    told.get_by_text("Waves: on").wait_for()


def test_a_label_may_be_any_word(page):
    def rename(route):
        reply = route.fetch()
        text = reply.text().replace('"AF"', '"s"').replace('"LBBB"', '"constructor"')
        route.fulfill(response=reply, body=text)

    page.route(re.compile("/api/questions"), rename)
    page.reload()
    wait_for_ecg(page)
    label = label_of(page)
    assert label in ("s", "constructor")
    assert page.locator("#question").inner_text() == f"Does this ECG show {label}?"
    page.keyboard.press("s")
    assert page.locator("#question").inner_text() == f"Does this ECG show {label_of(page)}?"


def test_the_language_is_switched_without_losing_anything(desk, page):
    page.keyboard.press("e")
    page.keyboard.type("V1")
    label = label_of(page)
    page.get_by_test_id("language").select_option("zh")
    page.locator("html:lang(zh)").wait_for()
    wait_for_ecg(page)
    assert "心电图" in page.locator("h1:visible").inner_text()
    assert label_of(page) == label
    assert page.get_by_test_id("note").input_value() == "V1"
    assert page.get_by_test_id("layout").get_attribute("aria-label").startswith("导联排列")
    page.reload()
    page.locator("html:lang(zh)").wait_for()


def test_all_is_reached_by_tab_in_reading_order_and_seen(page):
    page.locator("#similar canvas").last.wait_for()
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        name, outline, is_inside = page.evaluate(
            """() => {
              const one = document.activeElement, box = one.getBoundingClientRect();
              const at = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
              const name = one.dataset.testid ?? (one.className || one.id || "-");
              const { outlineStyle } = getComputedStyle(one);
              return [one === document.body ? "" : name, outlineStyle, one.contains(at)];
            }"""
        )
        if not name:
            break
        reached.append(name)
        assert outline != "none" and is_inside, name
    answers = ["answer-present", "answer-absent", "answer-unsure", "answer-skip", "answer-other"]
    wanted = ["skip-link", "language", "layout", "enlarge", "note", *answers, "undo"]
    assert set(wanted) <= set(reached), reached
    places = [reached.index(name) for name in wanted]
    assert places == sorted(places)


def test_keys_can_be_turned_off(desk, page):
    page.keyboard.press("?")
    page.get_by_label("Answer and draw by single keys").uncheck()
    page.keyboard.press("Escape")
    press(page, "y")
    page.reload()
    wait_for_ecg(page)
    press(page, "y")
    page.get_by_test_id("answer-absent").click()
    wait_for_status(page, "Stored")
    assert desk.given() == [("Anna", "absent")]


def test_the_paper_takes_its_keys_wherever_the_focus_is(page):
    page.keyboard.press("g")
    assert page.get_by_test_id("gain").inner_text() == "20 mm/mV"
    page.get_by_test_id("answer-skip").focus()
    page.keyboard.press("c")
    assert "ms" in page.get_by_test_id("caliper-reading").inner_text()


@pytest.mark.parametrize(
    ("language", "scheme", "width"),
    [("en", "light", 1280), ("de", "dark", 400), ("zh", "light", 400)],
)
def test_pages_and_dialogs_are_accessible(desk, browser, language, scheme, width):
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, locale=language
    )
    page = context.new_page()
    page.goto(desk.at("/enter"))
    assert page.locator("html").get_attribute("lang").startswith(language)
    check_accessible(page, "enter")
    page.get_by_test_id("reader-name").fill("Anna")
    page.get_by_test_id("enter").click()
    wait_for_ecg(page)
    page.locator("#similar li canvas").last.wait_for()
    check_accessible(page, "desk")
    page.get_by_test_id("calipers").click()
    page.get_by_test_id("answer-other").click()
    check_accessible(page, "other label", "#other-dialog")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    check_accessible(page, "help", "#help-dialog")
    page.keyboard.press("Escape")
    page.locator(".enlarge").first.click()
    check_accessible(page, "large", "#large-dialog")
    page.keyboard.press("Escape")
    page.goto(desk.at("/overview"))
    check_accessible(page, "overview")
    context.close()


@pytest.mark.parametrize("language", ["de", "zh"])
def test_targets_are_large_enough_for_fingers(desk, browser, language):
    context = browser.new_context(
        viewport={"width": 400, "height": 800}, has_touch=True, locale=language
    )
    page = desk.sign_in(context)
    sizes = page.eval_on_selector_all(
        "button, select, textarea",
        "all => all.filter(one => one.checkVisibility()).map("
        "  one => [one.innerText, one.clientWidth, one.clientHeight])",
    )
    context.close()
    assert len(sizes) > 15
    # A word is not broken into its characters.
    assert max(height for *_, height in sizes) < 60
    assert [one for one in sizes if min(one[1:]) < 42] == []  # and a border of 1 px on each side


def test_small_ecgs_follow_the_window(page):
    page.locator("#similar canvas").first.wait_for()
    for width in (1280, 1000):
        page.set_viewport_size({"width": width, "height": 800})
        page.wait_for_timeout(200)
        gaps = page.eval_on_selector_all(
            "#similar .ecg-view",
            "all => all.map(({ clientWidth, firstChild }) => "
            "Math.abs(firstChild.clientWidth - clientWidth))",
        )
        assert gaps and max(gaps) <= 1


def test_all_modules_are_asked_for_at_once_and_each_once(page):
    names = "performance.getEntriesByType('resource').map(({ name }) => name)"
    loaded = sorted(name.rpartition("/")[2] for name in page.evaluate(names) if ".js" in name)
    named = page.eval_on_selector_all(
        "[rel=modulepreload], script[src]", "all => all.map((one) => one.href ?? one.src)"
    )
    assert loaded == sorted(address.rpartition("/")[2] for address in named)


def test_each_file_of_the_page_has_a_name_of_its_own():
    review = resources.files("sklearn_ecg.review")
    folders = review / "desk" / "static", review / "paper"
    files = [path.name for folder in folders for path in folder.iterdir() if path.suffix == ".js"]
    assert len(files) > 20 and len(set(files)) == len(files)


def test_the_languages_have_the_same_words():
    def leaves(words, path=""):
        for name, text in words.items():
            is_plural = isinstance(text, dict) and "other" in text
            if isinstance(text, dict) and not is_plural:
                yield from leaves(text, f"{path}{name}.")
            else:
                yield f"{path}{name}", text["other"] if is_plural else text

    english, german, chinese = (dict(leaves(LANGUAGES[code])) for code in ("en", "de", "zh"))
    # The server's sentences and the paper's own words are English already.
    here = {name for name in german if not name.startswith(("server.", "paper."))}
    assert here == {name for name in english if name not in ("server", "paper")} - {""}
    assert set(german) == set(chinese)
    for name in here:
        for other in (german, chinese):
            assert fields(other[name]) <= fields(english[name]), name


def fields(text):
    return set(re.findall(r"{\w+}", text))


def test_how_soon_the_next_ecg_is_there(page, record_property):
    """Time from a key to the painted paper; what is published is measured on a quiet machine."""
    times = []
    for _ in range(8):
        page.evaluate("performance.clearMarks()")
        press(page, "y")
        page.wait_for_function("() => performance.getEntriesByName('ECG painted').length")
        times.append(
            page.evaluate(
                "performance.getEntriesByName('ECG painted').at(-1).startTime"
                " - performance.getEntriesByName('answered').at(-1).startTime"
            )
        )
        time.sleep(0.2)
    assert min(times) > 0, "the paper is painted after the key, and anew for each question"
    record_property("ms_from_key_to_ecg", times)
