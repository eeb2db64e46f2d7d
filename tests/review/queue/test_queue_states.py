"""What becomes of a question, by tables."""

import pytest

from sklearn_ecg.review.queue._states import (
    ANSWERS,
    DONE,
    WAITING,
    Given,
    answer_so_far,
    settle,
    settle_record,
)

OPEN, DISPUTED, UNDECIDED, BAD = [
    (s, None) for s in ("open", "disputed", "undecided", "bad signal")
]
YES, NO = ("settled", "present"), ("settled", "absent")
SAID = {"y": "present", "n": "absent", "u": "unsure", "s": "skip", "b": "bad signal"}


def given(letters):
    """Answers of readers 0, 1, ...: y, n, u, s, b; Y and N are final."""
    return [
        Given(str(reader), SAID[letter.lower()], is_final=letter.isupper())
        for reader, letter in enumerate(letters)
    ]


@pytest.mark.parametrize(
    ("letters", "single", "double"),
    [
        ("", OPEN, OPEN),
        ("y", YES, OPEN),
        ("n", NO, OPEN),
        ("yy", YES, YES),
        ("nn", NO, NO),
        ("yn", DISPUTED, DISPUTED),
        ("ynY", YES, YES),
        ("ynN", NO, NO),
        ("ynNY", YES, YES),
        ("u", OPEN, OPEN),
        ("uu", UNDECIDED, UNDECIDED),
        ("uy", YES, OPEN),
        ("uyy", YES, YES),
        ("uuy", YES, UNDECIDED),
        ("ynu", DISPUTED, DISPUTED),
        ("ynuu", UNDECIDED, UNDECIDED),
        ("s", OPEN, OPEN),
        ("ss", OPEN, OPEN),
        ("sy", YES, OPEN),
        ("b", BAD, OPEN),
        ("bb", BAD, BAD),
        ("yb", YES, OPEN),
        ("ybb", YES, BAD),
        ("yby", YES, YES),
        ("ynb", DISPUTED, DISPUTED),
        ("ynbb", BAD, BAD),
    ],
)
def test_answers_settle_a_question(letters, single, double):
    assert settle(given(letters)) == single
    assert settle(given(letters), n_needed=2) == double


def test_who_says_twice_that_he_is_unsure_counts_once():
    again = [Given("2", "unsure"), Given("2", "unsure", is_final=True)]
    assert settle([*given("yn"), *again]) == DISPUTED
    assert settle([*given("yn"), *again, Given("0", "unsure", is_final=True)]) == UNDECIDED


def test_only_what_waits_for_answers_is_withdrawn():
    assert settle([], is_withdrawn=True) == ("withdrawn", None)
    assert settle(given("y"), 2, is_withdrawn=True) == ("withdrawn", None)
    assert settle(given("y"), is_withdrawn=True) == YES
    assert settle(given("yn"), is_withdrawn=True) == DISPUTED


@pytest.mark.parametrize(
    ("letters", "said"),
    [("", None), ("y", "present"), ("yn", None), ("ynN", "absent"), ("u", None), ("ybb", None)],
)
def test_what_answers_come_to_so_far(letters, said):
    assert answer_so_far(given(letters), n_needed=2) == said


def test_a_bad_signal_settles_all_that_nobody_has_answered_of_its_record():
    asked = {
        "open": {"given": []},
        "bad": {"given": given("b")},
        "answered": {"given": given("y")},
        "double": {"given": given("y"), "n_needed": 2},
        "withdrawn": {"given": [], "is_withdrawn": True},
    }
    found = settle_record(asked)
    assert {name: state for name, (state, _) in found.items()} == {
        "open": "bad signal",
        "bad": "bad signal",
        "answered": "settled",
        "double": "bad signal",
        "withdrawn": "withdrawn",
    }
    del asked["bad"]
    assert settle_record(asked)["open"] == OPEN


def test_every_state_is_known():
    assert {state for state, _ in (OPEN, DISPUTED, UNDECIDED, BAD, YES)} == {*WAITING, *DONE}
    assert set(SAID.values()) == set(ANSWERS)
