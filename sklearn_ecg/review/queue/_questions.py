"""Questions as tables hold them and as a page shows them."""

from collections import defaultdict

import sqlalchemy as sa

from sklearn_ecg.review.queue._answers import has_answer, standing
from sklearn_ecg.review.queue._schema import get_fact, questions, records
from sklearn_ecg.review.queue._states import DEFINITE, DONE


def find_question(work, question):
    """Return the row of a question."""
    found = work.execute(sa.select(questions).where(questions.c.question == question)).first()
    if found is None:
        raise LookupError(f"The queue has no question {question}.")
    return found


def in_order(work):
    """Return question, record and state of all that are not withdrawn, in the order of asking."""
    columns = questions.c.question, questions.c.record, questions.c.state
    asked = sa.select(*columns).where(questions.c.state != "withdrawn")
    return work.execute(asked.order_by(questions.c.place)).all()


def count_states(work):
    """Return the number of questions in each state."""
    counts = sa.select(questions.c.state, sa.func.count()).group_by(questions.c.state)
    return defaultdict(int, work.execute(counts).all())


def question_of_reader(work, found, label):
    """Return the question about another label of a record; it is made if a reader names the label.

    Parameters
    ----------
    work : Connection
    found : Row
        Row of a question about the record.
    label : str

    Returns
    -------
    int
    """
    question = work.scalar(
        sa.select(questions.c.question).where(
            questions.c.record == found.record, questions.c.label == label
        )
    )
    if question is not None:
        return question
    of_record = work.execute(
        sa.select(records.c.weak, records.c.labels).where(records.c.record == found.record)
    ).one()
    column = get_fact(work, "label_names").index(label)
    row = {
        "record": found.record,
        "label": label,
        "weak": of_record.weak[column],
        "presumed": int(of_record.labels[column] == 1),
        "place": found.place,
        "n_needed": 1,
        "is_control": False,
        "origin": "reader",
    }
    return work.execute(questions.insert().values(row)).inserted_primary_key[0]


def show_questions(work, chosen, reader):
    """Return the content of a page for questions.

    Parameters
    ----------
    work : Connection
    chosen : list of int
    reader : str or None
        The number of this reader's other questions about each record is added.

    Returns
    -------
    list of dict
        In the order of `chosen`.
    """
    rows = work.execute(sa.select(questions).where(questions.c.question.in_(chosen)))
    found = {row.question: row for row in rows}
    similar = {other for row in found.values() for _, other in row.similar}
    headers = _headers(work, {row.record for row in found.values()} | similar)
    disputed = [row.question for row in found.values() if row.state == "disputed"]
    given = standing(work, disputed) if disputed else {}
    more = waiting_of_records(work, {row.record for row in found.values()}, reader)
    label_names = get_fact(work, "label_names")
    return [
        _as_json(found[question], headers, given.get(question, ()), more, label_names)
        for question in chosen
    ]


def check_other_labels(work, found, answer, labels):
    """Return the other labels that a reader names besides the question's.

    Parameters
    ----------
    work : Connection
    found : Row
        Of the question.
    answer : str
        Answer to the question.
    labels : sequence of str

    Returns
    -------
    list of str
        Each once.

    Raises
    ------
    TypeError, ValueError
        If a label cannot be chosen for this question.
    """
    if isinstance(labels, str) or not all(isinstance(label, str) for label in labels):
        raise TypeError(f"labels must be a list of names; got {labels!r}.")
    labels = list(dict.fromkeys(labels))
    if labels and answer not in DEFINITE:
        raise ValueError(f"labels need the answer {' or '.join(DEFINITE)}; got {answer!r}.")
    if labels:
        header = _headers(work, [found.record])[found.record]
        allowed = _other_labels(header, found.label, get_fact(work, "label_names"))
        unknown = [label for label in labels if label not in allowed]
        if unknown:
            raise ValueError(
                f"labels must be other labels of the queue that are not trusted already: "
                f"{', '.join(allowed)}; got {unknown[0]!r}."
            )
    return labels


def _headers(work, wanted):
    rows = work.execute(sa.select(records).where(records.c.record.in_(wanted)))
    return {row.record: row for row in rows}


def _other_labels(header, label, label_names):
    return [
        name
        for name, trusted in zip(label_names, header.trusted, strict=True)
        if name != label and not trusted
    ]


def _as_json(row, headers, given, more, label_names):
    header = headers[row.record]
    return {
        "question": row.question,
        "label": row.label,
        # Readers of a fair sample must not be told the given label.
        "weak": None if row.origin == "sample" else row.weak,
        "probability": row.probability,
        "is_dispute": row.state == "disputed",
        "answers": [
            {"answer": one.answer, "note": one.note} for one in given if one.answer in DEFINITE
        ],
        "evidence": row.evidence,
        "record": _header_as_json(header),
        "similar": [
            {"with_label": has_label, "record": _header_as_json(headers[other])}
            for has_label, other in row.similar
        ],
        "other_labels": _other_labels(header, row.label, label_names),
        "labels_now": dict(zip(label_names, header.labels, strict=True)),
        "n_more_of_record": len(more[row.record] - {row.question}),
    }


def _header_as_json(row):
    return {
        "record": row.record,
        "name": f"ECG {row.record}",
        "id": row.id,
        "leads": row.leads,
        "sampling_rate": row.sampling_rate,
        "n_times": row.n_times,
        "step_mv": row.step_mv,
        "age": row.age_years,
        "sex": row.sex,
    }


def waiting_of(of_records):
    """Conditions: a question is about one of these records, and waits for answers."""
    # Not by `in_`: SQLite would choose the index of states, and go through all open questions.
    return questions.c.record.in_(of_records), questions.c.state.not_in([*DONE, "withdrawn"])


def waiting_of_records(work, of_records, reader):
    """Return, by record, the number of questions that wait for a reader's answer."""
    rows = work.execute(
        sa.select(questions.c.record, questions.c.question).where(
            *waiting_of(of_records),
            ~has_answer(reader=reader),
        )
    )
    waiting = defaultdict(set)
    for record, question in rows:
        waiting[record].add(question)
    return waiting
