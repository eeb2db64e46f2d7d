"""The desk's page as a reader meets it, in a headless Chromium."""

import json
import re
import threading
import time
from importlib import resources
from pathlib import Path

import pytest

uvicorn = pytest.importorskip("uvicorn", reason="the extra [review] is not installed")

from sklearn_ecg.review import _schema  # noqa: E402
from sklearn_ecg.review._app import create_app  # noqa: E402
from sklearn_ecg.review._server import listen  # noqa: E402
from tests.review.queues import N_ECG_QUESTIONS, ecg_queue_at  # noqa: E402

AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text(encoding="utf-8")
LANGUAGES = {
    path.name.removesuffix(".json"): json.loads(path.read_text(encoding="utf-8"))
    for path in (resources.files("sklearn_ecg.review") / "languages").iterdir()
    if path.name.endswith(".json")
}
SECONDS = 1000


class LiveDesk:
    """A desk that is served on one port, and can be stopped and started again."""

    def __init__(self, queue):
        self.queue, self.port = queue, 0

    def start(self):
        sock = listen("127.0.0.1", self.port)
        self.port = sock.getsockname()[1]
        app = create_app(self.queue, patient=True, refit_every=0)
        self._server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="on"))
        self._thread = threading.Thread(target=self._server.run, args=([sock],))
        self._thread.start()
        return self

    def stop(self):
        self._server.should_exit = self._server.force_exit = True
        self._thread.join()

    def at(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def sign_in(self, context, reader="Anna"):
        page = context.new_page()
        page.set_default_timeout(30 * SECONDS)
        page.goto(self.at("/"))
        page.get_by_test_id("reader-name").fill(reader)
        page.get_by_test_id("enter").click()
        wait_for_ecg(page)
        return page

    def given(self):
        """Return who said what, without what was taken back."""
        trail = self.queue.trail()
        stands = trail[~trail["undone"] & (trail["answer"] != "undo")]
        return list(stands[["reader", "answer"]].itertuples(index=False, name=None))


@pytest.fixture
def desk(tmp_path):
    served = LiveDesk(ecg_queue_at(tmp_path / "queue.sqlite")).start()
    yield served
    served.stop()


@pytest.fixture
def context(browser):
    made = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
    yield made
    # A request that is being changed as the test ends is nobody's fault.
    for opened in made.pages:
        opened.unroute_all(behavior="ignoreErrors")
    made.close()


@pytest.fixture
def page(desk, context):
    return desk.sign_in(context)


def wait_for_ecg(page):
    """Wait until a question is asked and its ECG is drawn; before, keys are passed over."""
    page.locator("#desk:not([hidden]) .ecg:not(.is-loading) canvas").first.wait_for()


def asked(page):
    """Return which question is shown, as a reader tells it from others."""
    wait_for_ecg(page)
    return page.locator("#ecg-caption").inner_text().split(" · ")[0], label_of(page)


def label_of(page):
    wait_for_ecg(page)
    return page.get_by_test_id("question-label").inner_text()


def press(page, key):
    wait_for_ecg(page)
    page.keyboard.press(key)


def wait_for_status(page, text):
    page.get_by_test_id("status").get_by_text(text, exact=True).wait_for()


def refuse(page, status, error):
    """Let the server refuse all that is sent."""
    said = json.dumps({"error": error, "what_to_do": "Wait."})
    page.route(
        re.compile("/api/(answers|undo)"),
        lambda route: route.fulfill(status=status, body=said, content_type="application/json"),
    )


def test_each_answer_has_a_key_and_a_button(desk, page):
    keys = {"y": "present", "0": "absent", "u": "unsure", "s": "skip", "b": "bad signal"}
    seen = [asked(page)]
    for key in keys:
        page.keyboard.press(key)
        seen.append(asked(page))
    for name in ("present", "absent", "unsure", "skip", "bad-signal"):
        page.get_by_test_id(f"answer-{name}").click()
        seen.append(asked(page))
    wait_for_status(page, "Stored")
    assert len(set(seen)) == len(seen)
    assert desk.given() == [("Anna", answer) for answer in [*keys.values()] * 2]
    assert desk.queue.trail()["seconds"].between(0, 10).all()
    assert f"of {N_ECG_QUESTIONS} settled" in page.get_by_test_id("progress").inner_text()


def test_the_ecg_stays_while_a_second_question_is_asked_about_it(page):
    (ecg, label), canvas = asked(page), page.locator("#paper canvas").first.element_handle()
    page.get_by_test_id("gain").click()
    press(page, "n")
    assert asked(page)[0] == ecg
    assert label_of(page) != label
    assert page.evaluate("one => one.isConnected", canvas)
    assert page.get_by_test_id("gain").inner_text() == "20 mm/mV"
    page.get_by_text("Answered: No. Same ECG, next question.").wait_for()


def test_a_double_click_and_a_held_key_answer_once(desk, page):
    page.get_by_test_id("answer-present").dblclick()
    for key in ("n", "n", "n"):  # pressed again without being let go: what a held key sends
        page.keyboard.down(key)
    page.keyboard.up("n")
    page.get_by_test_id("answer-unsure").focus()
    for _ in range(3):
        page.keyboard.down("Enter")
    page.keyboard.up("Enter")
    wait_for_status(page, "Stored")
    assert [answer for _, answer in desk.given()] == ["present", "absent", "unsure"]


def test_an_answer_is_taken_back_where_it_was_given(desk, context, page):
    other = context.new_page()
    other.goto(desk.at("/desk"))
    wait_for_ecg(other)
    page.keyboard.press("y")
    wait_for_status(page, "Stored")
    other.keyboard.press("u")
    wait_for_status(other, "Stored")
    page.keyboard.press("z")
    wait_for_status(page, "Stored")
    assert desk.given() == [("Anna", "unsure")]


def test_what_was_pressed_before_a_question_was_shown_does_not_answer_it(desk, page):
    page.evaluate(
        """() => {
            const pressed = () => new KeyboardEvent("keydown", { key: "y", bubbles: true });
            const early = [pressed(), pressed(), pressed()];
            const start = performance.now();
            while (performance.now() < start + 20) { /* the page is busy */ }
            early.forEach((event) => document.body.dispatchEvent(event));
        }"""
    )
    wait_for_ecg(page)
    page.keyboard.press("n")
    wait_for_status(page, "Stored")
    assert desk.given() == [("Anna", "present"), ("Anna", "absent")]


def test_answers_are_taken_back_stored_waiting_or_after_a_reload(desk, page):
    first = asked(page)
    press(page, "y")
    second = asked(page)
    page.keyboard.press("z")
    assert asked(page) == first
    press(page, "n")
    assert asked(page) == second
    wait_for_status(page, "Stored")
    assert desk.given() == [("Anna", "absent")]

    refuse(page, 503, "Full.")
    press(page, "y")
    page.get_by_test_id("status").get_by_text("Full. 1 answer is kept in this page.").wait_for()
    page.keyboard.press("z")
    assert asked(page) == second
    page.unroute_all()
    wait_for_status(page, "Stored")

    page.reload()
    wait_for_ecg(page)
    assert asked(page) == second
    page.keyboard.press("z")
    page.wait_for_function(
        "name => document.getElementById('ecg-caption').innerText.startsWith(name)", arg=first[0]
    )
    page.get_by_test_id("question-label").get_by_text(first[1], exact=True).wait_for()
    page.keyboard.press("z")
    page.locator("#last").get_by_text("There is no answer to take back.").wait_for()
    assert desk.given() == []


def test_a_note_is_kept_over_a_reload_and_goes_with_its_answer(desk, page):
    page.keyboard.press("e")
    page.keyboard.type("no P waves, yes or nub")
    first = asked(page)
    page.keyboard.press("Escape")
    page.reload()
    wait_for_ecg(page)
    assert asked(page) == first
    press(page, "y")
    assert page.get_by_test_id("note").input_value() == ""
    page.keyboard.press("z")
    assert page.get_by_test_id("note").input_value() == "no P waves, yes or nub"
    press(page, "y")
    press(page, "n")
    wait_for_status(page, "Stored")
    assert list(desk.queue.trail()["note"])[-2:] == ["no P waves, yes or nub", ""]


def test_a_note_is_for_no_other_reader(desk, page):
    first = asked(page)
    page.get_by_test_id("note").fill("Anna saw no P waves")
    page.get_by_role("button", name="Sign out").click()
    with desk.queue._database.writing() as work:
        work.execute(_schema.leases.delete())
    page.get_by_test_id("reader-name").fill("Ben")
    page.get_by_test_id("enter").click()
    wait_for_ecg(page)
    assert asked(page) == first
    assert page.get_by_test_id("note").input_value() == ""


def test_another_label_is_chosen_by_keyboard_alone(desk, page):
    label = label_of(page)
    page.keyboard.press("o")
    page.keyboard.press("Enter")
    page.get_by_text("Please choose a label.").wait_for()
    page.keyboard.press("Escape")
    assert label_of(page) == label
    page.keyboard.press("o")
    other = "LBBB" if label == "AF" else "AF"
    page.keyboard.type(other.lower())
    page.keyboard.press("Enter")
    page.locator("#last").get_by_text(f"{label}: {other}").wait_for()
    wait_for_status(page, "Stored")
    assert desk.given() == [("Anna", "absent"), ("Anna", "present")]
    assert list(desk.queue.trail()["label"]) == [label, other]


def test_answers_wait_while_the_server_is_gone(desk, page):
    desk.stop()
    for key in "yn":
        press(page, key)
    wait_for_status(page, "Waiting to be stored: 2")
    said = "The server cannot be reached. 2 answers are kept in this page."
    page.get_by_test_id("status").get_by_text(said).wait_for()
    desk.start()
    wait_for_status(page, "Stored")
    assert desk.given() == [("Anna", "present"), ("Anna", "absent")]


def test_a_full_disk_is_said_plainly_and_answers_outlive_the_page(desk, page):
    refuse(page, 503, "The disk that the queue is on is full.")
    seen = [asked(page)]
    for key in "yny":
        page.keyboard.press(key)
        seen.append(asked(page))
    said = "The disk that the queue is on is full. 3 answers are kept in this page."
    page.get_by_test_id("status").get_by_text(said).wait_for()
    asks = []
    page.on("dialog", lambda dialog: (asks.append(dialog.type), dialog.accept()))
    page.reload()
    wait_for_ecg(page)
    assert asks == ["beforeunload"]
    wait_for_status(page, "Waiting to be stored: 3")
    assert asked(page) not in seen[:3]
    page.unroute_all()
    wait_for_status(page, "Stored")
    assert [answer for _, answer in desk.given()] == ["present", "absent", "present"]


def test_where_a_proxy_finds_no_desk_answers_wait(desk, page):
    page.route(
        re.compile("/api/(answers|undo)"),
        lambda route: route.fulfill(
            status=404, body="<h1>Not Found</h1>", content_type="text/html"
        ),
    )
    press(page, "y")
    wait_for_status(page, "Waiting to be stored: 1")
    page.unroute_all()
    wait_for_status(page, "Stored")
    assert desk.given() == [("Anna", "present")]


def test_what_the_browser_cannot_keep_is_sent_all_the_same(desk, page):
    page.evaluate("() => { Storage.prototype.setItem = () => { throw new Error('full'); }; }")
    refuse(page, 503, "Full.")
    press(page, "y")
    page.get_by_text("This browser cannot keep them: do not close this page.").wait_for()
    page.unroute_all()
    wait_for_status(page, "Stored")
    assert desk.given() == [("Anna", "present")]


def test_a_browser_that_keeps_nothing_will_do(desk, context):
    for storage in ("localStorage", "sessionStorage"):
        context.add_init_script(
            f"Object.defineProperty(window, '{storage}', "
            "{ get() { throw new DOMException('Denied', 'SecurityError'); } });"
        )
    page = desk.sign_in(context)
    page.get_by_test_id("note").fill("no P waves")
    page.get_by_test_id("answer-present").click()
    wait_for_status(page, "Stored")
    page.get_by_test_id("undo").click()
    wait_for_status(page, "Stored")
    assert page.get_by_test_id("note").input_value() == "no P waves"
    assert desk.given() == []


def test_what_is_damaged_in_the_browser_stops_nothing(desk, page):
    page.evaluate(
        """() => {
            const meta = (name) => document.querySelector(`meta[name="${name}"]`).content;
            const ours = JSON.stringify([meta("queue-key"), meta("signed-in")]);
            localStorage.setItem(`sklearn-ecg answer ${ours} 1`, '{"key":');
            localStorage.setItem(`sklearn-ecg answer ${ours} 2`, "null");
        }"""
    )
    page.reload()
    wait_for_ecg(page)
    page.keyboard.press("y")
    wait_for_status(page, "Stored")
    assert desk.given() == [("Anna", "present")]


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


def test_nothing_is_sent_under_the_name_of_another_reader(desk, context, page):
    refuse(page, 503, "Full.")
    press(page, "y")
    wait_for_status(page, "Waiting to be stored: 1")
    # Bob signs in, in another tab of the same browser: Anna's tab has no session any more.
    bob = context.new_page()
    bob.goto(desk.at("/enter"))
    bob.get_by_test_id("reader-name").fill("Bob")
    bob.get_by_test_id("enter").click()
    wait_for_ecg(bob)
    bob.get_by_text("1 answer given under another name").wait_for()
    page.unroute_all()
    page.get_by_role("heading", name="You are no longer signed in").wait_for()
    press(bob, "n")
    wait_for_status(bob, "Stored")
    assert desk.given() == [("Bob", "absent")]

    page.get_by_role("link", name="Sign in").click()
    page.get_by_test_id("reader-name").fill("Anna")
    page.get_by_test_id("enter").click()
    wait_for_ecg(page)
    wait_for_status(page, "Stored")
    assert sorted(desk.given()) == [("Anna", "present"), ("Bob", "absent")]


def test_what_the_server_can_never_take_stops_nothing_else(desk, page):
    refuse(page, 422, "note holds characters that are none.")
    press(page, "y")
    page.get_by_text("The server refused 1 answer: note holds characters").wait_for()
    page.unroute_all()
    press(page, "n")
    page.wait_for_function("() => !document.querySelector('.is-waiting')")
    assert desk.given() == [("Anna", "absent")]
    page.get_by_role("button", name="Discard").click()
    assert "refused" not in page.get_by_test_id("status").inner_text()


def test_two_browsers_read_blind_and_a_third_reader_decides(tmp_path, browser):
    desk = LiveDesk(ecg_queue_at(tmp_path / "queue.sqlite", double_share=1)).start()
    contexts = [browser.new_context(locale="en") for _ in range(3)]
    anna, ben = desk.sign_in(contexts[0], "Anna"), desk.sign_in(contexts[1], "Ben")
    read = {}
    for page, key in ((anna, "y"), (ben, "n")) * N_ECG_QUESTIONS:
        wait_for_ecg(page)
        assert page.locator("#dispute").is_hidden()
        read.setdefault(asked(page), []).append(key)
        page.keyboard.press(key)
        if len(disputed := [which for which, keys in read.items() if len(keys) == 2]) == 2:
            break
    for page in (anna, ben):
        wait_for_status(page, "Stored")
    clara = desk.sign_in(contexts[2], "Clara")
    assert asked(clara) in disputed
    assert sorted(clara.locator("#dispute-answers strong").all_inner_texts()) == ["No", "Yes"]
    check_accessible(clara, "dispute")
    clara.keyboard.press("y")
    wait_for_status(clara, "Stored")
    for one in contexts:
        one.close()
    desk.stop()
    last = desk.queue.trail().iloc[-1]
    assert (last["reader"], last["is_final"]) == ("Clara", True)
    assert len(desk.given()) == sum(map(len, read.values())) + 1


def test_both_sides_of_the_evidence_are_above_the_answers(page):
    top = page.get_by_test_id("answer-present").bounding_box()["y"]
    for side in ("for", "against"):
        box = page.locator(f"#evidence-{side}").bounding_box()
        assert box["y"] + box["height"] < top


def test_all_reasons_are_shown_on_request_and_with_the_next_question(page):
    evidence = [
        reason("V1_T_area_mV_ms", "mV ms", 9, [-7.5, 29.64], [6.4, 46]),
        reason("V1_T_amplitude_mV", "mV", -0.1234, [-0.4, 0.123], [0, 1]),
        reason("V1_S_duration_ms", "ms", 76.2, [17.4, 92], [0, 0.3], "below 40 (I and V6)"),
    ]
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
    # What is measured on paper comes first, and no normal range of other leads is told.
    assert shown.all_inner_texts() == [
        "T amplitude in V1: −0.12 mV\nUsual with it −0.4 to 0.12, without 0 to 1",
        "S duration in V1: 76 ms\nUsual with it 17 to 92, without 0",
    ]
    assert page.locator("#said").inner_text().endswith("held of this ECG: atrial premature beat.")
    page.get_by_role("button", name="All 3 reasons").click()
    assert shown.last.inner_text().startswith("T area in V1: 9 mV·ms")
    page.keyboard.press("n")
    assert page.locator("#all-evidence").get_attribute("aria-expanded") == "true"


def test_sources_that_give_shares_are_heard(page):
    said = page.evaluate(
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


def test_who_decides_a_dispute_sees_both_answers_and_no_names(desk, context):
    question = desk.queue.next_questions("Xaver")[0]["question"]
    desk.queue.answer(question, "Xaver", "present", note="no P waves")
    desk.queue.answer(question, "Yvonne", "absent", note="P waves in V1")
    page = desk.sign_in(context)
    said = page.locator("#dispute").inner_text()
    assert "Two readers disagree" in said
    assert "Reader 1: Yes no P waves" in said and "Reader 2: No P waves in V1" in said
    assert "Xaver" not in page.content() and "Yvonne" not in page.content()
    press(page, "y")
    wait_for_status(page, "Stored")
    assert desk.queue.trail()["is_final"].iloc[-1]


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


def test_when_all_is_answered_the_page_says_so(desk, page):
    for n in range(N_ECG_QUESTIONS):
        page.wait_for_function("n => document.querySelector('#desk:not([hidden])') || n", arg=n)
        wait_for_ecg(page)
        press(page, "y")
    page.get_by_role("heading", name="Nothing is left to answer").wait_for()
    check_accessible(page, "nothing left")
    wait_for_status(page, "Stored")
    assert len(desk.given()) == N_ECG_QUESTIONS


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


def check_accessible(page, where, part="html"):
    """Fail where axe-core finds something, or the page is wider than the window."""
    page.evaluate(AXE)
    found = page.evaluate("part => axe.run(part)", part)["violations"]
    said = [f"{one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]]
    assert not said, f"{where}: {said}"
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, f"{where} is {wide} px too wide"


def test_targets_are_large_enough_for_fingers(desk, browser):
    context = browser.new_context(
        viewport={"width": 400, "height": 800}, has_touch=True, locale="de"
    )
    page = desk.sign_in(context)
    sizes = page.eval_on_selector_all(
        "button, select, textarea",
        "all => all.filter(one => one.checkVisibility()).map("
        "  one => [one.innerText, one.clientWidth, one.clientHeight])",
    )
    context.close()
    assert len(sizes) > 15
    assert [one for one in sizes if min(one[1:]) < 42] == []  # and a border of 1 px on each side


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
