"""The desk's page as a reader answers at it, in a headless Chromium."""

import re

import pytest

pytest.importorskip("uvicorn", reason="the extra [review] is not installed")

from sklearn_ecg.review.queue import _schema
from tests.review.desk.live_desk import (
    LiveDesk,
    asked,
    check_accessible,
    label_of,
    press,
    refuse,
    wait_for_ecg,
    wait_for_status,
)
from tests.review.queues import N_ECG_QUESTIONS, ecg_queue_at


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


def test_nothing_is_left_in_the_tab_for_the_next_reader(desk, page):
    page.get_by_test_id("note").fill("of bed 4")
    assert "of bed 4" in page.evaluate("JSON.stringify(sessionStorage)")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_test_id("reader-name").wait_for()
    assert page.evaluate("sessionStorage.length + localStorage.length") == 0
    page.go_back()
    page.get_by_test_id("reader-name").wait_for()
    assert page.locator("canvas").count() == 0


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
        if disputed := [which for which, keys in read.items() if len(keys) == 2]:
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


def test_when_all_is_answered_the_page_says_so(desk, page):
    for n in range(N_ECG_QUESTIONS):
        page.wait_for_function("n => document.querySelector('#desk:not([hidden])') || n", arg=n)
        wait_for_ecg(page)
        press(page, "y")
    page.get_by_role("heading", name="Nothing is left to answer").wait_for()
    check_accessible(page, "nothing left")
    wait_for_status(page, "Stored")
    assert len(desk.given()) == N_ECG_QUESTIONS
