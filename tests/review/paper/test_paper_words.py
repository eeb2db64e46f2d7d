"""What the paper says, also to those who do not see it; and the paper as part of a page."""

import json
from importlib import resources

import numpy as np

from tests.review.paper.papers import (
    LEADS,
    WAVES,
    flat_with_peak,
    reading,
    show,
)


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
        "Object.fromEntries(Object.keys(ENGLISH).map((key) => [key, `<${key}>`]))"
    )
    strings |= {"reading": "{ms} ms, {perMinute}/min, {mv} mV"}
    show(page, flat_with_peak(), strings=strings, language="de", calipers=True, waves=WAVES)
    assert reading(page).endswith("1,00 mV")
    words = set(page.locator("#host").inner_text().split())
    others = {"3x4+1", "−", "+", *LEADS}
    assert {word for word in words - others if word.isalpha()} <= {"ms", "mV"}


def test_the_desk_translates_each_word_of_the_paper(page):
    english = set(page.evaluate("Object.keys(ENGLISH)"))
    for language in ("de", "zh"):
        file = resources.files("sklearn_ecg.review.desk") / "languages" / f"{language}.json"
        assert set(json.loads(file.read_text(encoding="utf-8"))["paper"]) == english


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


def test_a_notebook_draws_by_the_same_modules_in_one(page):
    page.evaluate("""async () => {
      window.paper?.destroy();
      window.paper = null;
      const values = Float32Array.from({ length: 1000 }, (_, i) => (i === 300 ? 1 : 0));
      window.traits = {
        leads: ["I", "II"], sampling_rate: 100, signals: new DataView(values.buffer),
        lead_layout: "auto", speed: 25, gain: 10, waves: null, reading: {},
      };
      window.listeners = {};
      const model = {
        get: (name) => traits[name],
        set: (values) => Object.assign(traits, values),
        save_changes: () => {},
        on: (names, listener) => names.split(" ").forEach((name) => (listeners[name] = listener)),
        off: (names) => names.split(" ").forEach((name) => delete listeners[name]),
      };
      const notebook = (await import('/in_one.js')).default;
      window.close = notebook.render({ model, el: document.getElementById("host") });
    }""")
    page.evaluate("(traits.speed = 50, listeners['change:speed']())")
    page.get_by_test_id("calipers").click()
    assert page.get_by_test_id("speed").inner_text() == "50 mm/s"
    assert page.evaluate("[traits.reading.ms, traits.reading.per_minute]") == [800, 75]
    page.evaluate("(traits.lead_layout = 'II', listeners['change:lead_layout']())")
    assert page.get_by_test_id("lead").input_value() == "II"
    # JupyterLab looks at what has the focus; without this, c would copy the notebook's cell.
    page.locator(".ecg-view").focus()
    assert page.locator(":focus").get_attribute("data-lm-suppress-shortcuts") == "true"
    page.keyboard.press("c")
    assert page.evaluate("traits.reading") == {}
    page.evaluate("close()")
    assert page.evaluate("Object.keys(listeners)") == []
