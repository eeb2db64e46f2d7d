"""How many errors are left, and when to stop asking."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit

from sklearn_ecg.review import errors_left, stopping


def ask(n_asked, *, slope=1.0, shift=0.0, seed=0, n_labels=8000, reader_error=0.02):
    """Return answers of readers who err, what is unasked, and how much of that is wrong.

    A few labels are doubtful, the others sure; how probable the cleaner thinks errors differs from
    how probable they are by slope and shift of the log odds.
    """
    rng = np.random.default_rng(seed)
    is_doubtful = rng.random(n_labels) < 0.05
    odds = np.where(is_doubtful, rng.normal(-0.8, 1.2, n_labels), rng.normal(-6, 1.5, n_labels))
    wrong = rng.random(n_labels) < expit(shift + slope * odds)
    by_doubt = np.argsort(-odds + rng.normal(0, 0.7, n_labels))
    n_control = n_asked // 20
    control = rng.choice(by_doubt[400:], n_control, replace=False)
    rows = np.concatenate([by_doubt[: n_asked - n_control], control])
    said = wrong[rows] ^ (rng.random(len(rows)) < reader_error)
    asked = pd.DataFrame({"probability": expit(odds[rows]), "wrong": said.astype(int)})
    return asked, expit(np.delete(odds, rows)), np.delete(wrong, rows).sum()


def test_the_interval_holds_the_errors_left_of_sure_and_unsure_cleaners():
    held = []
    for slope, shift in ((1, 0), (0.6, 0), (1.4, 0), (1, 1), (1, -1)):
        for seed in range(3):
            for n_asked in (50, 200):
                asked, unasked, n_wrong = ask(n_asked, slope=slope, shift=shift, seed=seed)
                left = errors_left(asked, unasked, random_state=0)
                held.append(left["low"] <= n_wrong <= left["high"])
    assert np.mean(held) > 0.85


def test_answers_narrow_the_interval():
    widths = []
    for n_asked in (0, 50, 400):
        asked, unasked, n_wrong = ask(n_asked)
        left = errors_left(asked, unasked, random_state=0)
        widths.append(left["high"] - left["low"])
    assert min(widths[:2]) > 4 * widths[2]
    assert left["estimate"] == pytest.approx(n_wrong, rel=0.5)


def test_control_questions_show_a_cleaner_that_is_too_sure():
    unasked = np.full(10000, 0.001)
    doubtful = pd.DataFrame({"probability": np.full(100, 0.5), "wrong": np.arange(100) % 2})
    control = pd.DataFrame({"probability": np.full(100, 0.001), "wrong": np.arange(100) < 12})
    without = errors_left(doubtful, unasked, random_state=0)
    found = errors_left(pd.concat([doubtful, control.astype(float)]), unasked, random_state=0)
    assert without["estimate"] < 50
    assert 300 < found["low"] < 1000 < found["high"] < 2000


def test_readers_errors_are_not_taken_for_those_of_the_cleaner():
    unasked = np.full(10000, 0.001)
    control = pd.DataFrame({"probability": np.full(200, 0.001), "wrong": np.arange(200) < 4})
    careful, careless = (
        errors_left(control, unasked, reader_error=error, random_state=0)["estimate"]
        for error in (0.001, 0.03)
    )
    assert careless < careful / 3
    evidence = np.where(control["wrong"] == 1, 1, -1) * logit(0.97)
    same = errors_left(control.assign(evidence=evidence), unasked, random_state=0)
    assert same["estimate"] == careless


def test_what_the_next_questions_find():
    unasked = np.r_[np.full(30, 0.5), np.full(1000, 0.001)]
    asked = pd.DataFrame({"probability": np.full(400, 0.5), "wrong": np.arange(400) % 2})
    left = errors_left(asked, unasked, n_next=20, random_state=0)
    assert left["found_next"] == pytest.approx(10, rel=0.1)
    assert left["n_labels"] == 1030
    assert errors_left(asked, [], random_state=0)["high"] == 0


def test_what_cannot_be_judged_counts_nowhere():
    asked, unasked, _ = ask(50)
    known = errors_left(asked, unasked, random_state=0)
    more = pd.concat([asked, pd.DataFrame({"probability": [np.nan], "wrong": [1]})])
    found = errors_left(more, np.r_[unasked, np.nan], random_state=0)
    pd.testing.assert_series_equal(found, known)


def test_when_to_stop():
    left = pd.Series({"estimate": 9, "low": 2, "high": 40, "n_labels": 4000, "found_next": 3.0})
    assert not stopping(left).stop
    assert stopping(left, max_share=0.02).stop
    assert stopping(left, n_labels=20000).stop
    found = stopping(left, min_found=5)
    assert found.stop and "the next questions would find 3.0" in found.why


GOOD = pd.DataFrame({"probability": [0.5], "wrong": [1]})


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: errors_left([0.5], [0.5]), TypeError, "answered must be a DataFrame"),
        (lambda: errors_left(GOOD[["wrong"]], [0.5]), ValueError, "no column 'probability'"),
        (lambda: errors_left(GOOD.assign(wrong=2), [0.5]), ValueError, "wrong must be 1 or 0"),
        (lambda: errors_left(GOOD, [1.5]), ValueError, "unanswered must hold probabilities"),
        (lambda: errors_left(GOOD, [[0.5]]), ValueError, "unanswered must have one axis"),
        (lambda: errors_left(GOOD.assign(evidence=np.nan), [0.5]), ValueError, "evidence must"),
        (lambda: errors_left(GOOD, [0.5], reader_error=0.7), ValueError, "reader_error must"),
        (lambda: errors_left(GOOD, [0.5], confidence_level=95), ValueError, "confidence_level"),
        (lambda: stopping({"high": 3}), ValueError, "from errors_left"),
        (lambda: stopping(errors_left(GOOD, [0.5]), max_share=50), ValueError, "max_share must"),
    ],
)
def test_what_cannot_be_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
