"""State of a question after its answers: rules, without a database."""

from dataclasses import dataclass

ANSWERS = ("present", "absent", "unsure", "skip", "bad signal")
DEFINITE = ("present", "absent")
# States of a question that needs answers, and of one that needs none any more. A "withdrawn" one
# needs none either, since a refit has settled it or made it unnecessary.
WAITING = ("open", "disputed")
DONE = ("settled", "undecided", "bad signal")
# Number of readers who are unsure, or who find the signal bad in a dispute, that ends a question.
_ENOUGH = 2


@dataclass(frozen=True)
class Given:
    """A valid answer of a reader to a question.

    Attributes
    ----------
    reader : str
    answer : str
        One of `ANSWERS`.
    is_final : bool, default=False
        Whether the reader decided between readers who disagreed, after seeing their answers.
    note : str, default=""
    """

    reader: str
    answer: str
    is_final: bool = False
    note: str = ""


def settle(given, n_needed=1, *, is_withdrawn=False):
    """Return the state of one question.

    Parameters
    ----------
    given : sequence of Given
        The last answer of each reader, and the last in a dispute; the oldest first.
    n_needed : int, default=1
        Number of readers who must agree; 2 for a double-read question.
    is_withdrawn : bool, default=False
        Whether the question needs no more answers.

    Returns
    -------
    state : str
        One of `WAITING` or `DONE`, or "withdrawn".
    answer : {"present", "absent"} or None
        Answer of a settled question.

    Examples
    --------
    >>> settle([Given("ana", "present")])
    ('settled', 'present')
    >>> settle([Given("ana", "present"), Given("ben", "absent")], n_needed=2)
    ('disputed', None)
    """
    final = [one.answer for one in given if one.is_final and one.answer in DEFINITE]
    if final:
        return "settled", final[-1]
    definite = [one.answer for one in given if one.answer in DEFINITE]
    is_disputed = len(set(definite)) > 1
    if not is_disputed and len(definite) >= n_needed:
        return "settled", definite[0]
    n_bad, n_unsure = (
        len({one.reader for one in given if one.answer == answer})
        for answer in ("bad signal", "unsure")
    )
    if n_bad >= (_ENOUGH if is_disputed else n_needed):
        return "bad signal", None
    if n_unsure >= _ENOUGH:
        return "undecided", None
    if is_disputed:
        return "disputed", None
    return ("withdrawn" if is_withdrawn else "open"), None


def answer_so_far(given, n_needed=1):
    """Return the result of the answers to a question, settled or not.

    Parameters
    ----------
    given : sequence of Given
    n_needed : int, default=1

    Returns
    -------
    {"present", "absent"} or None
        None also if readers disagree, are unsure, or find the signal bad.

    Examples
    --------
    >>> answer_so_far([Given("ana", "present")], n_needed=2)
    'present'
    """
    state, answer = settle(given, n_needed)
    return settle(given)[1] if state == "open" else answer


def settle_record(questions):
    """Return the states of all questions about one record.

    Parameters
    ----------
    questions : dict
        By question, the arguments of `settle`: given, n_needed and is_withdrawn.

    Returns
    -------
    dict
        By question, state and answer. A signal that is bad for one label is bad for all unanswered
        ones.
    """
    found = {name: settle(**arguments) for name, arguments in questions.items()}
    if any(state == "bad signal" for state, _ in found.values()):
        found = {
            name: ("bad signal", None) if state in WAITING else (state, answer)
            for name, (state, answer) in found.items()
        }
    return found
