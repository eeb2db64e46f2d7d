"""Content of a page: questions and their records."""

import sqlalchemy as sa

from sklearn_ecg.review._asking import standing, waiting_of_records
from sklearn_ecg.review._schema import questions, records, signals
from sklearn_ecg.review._settling import DEFINITE
from sklearn_ecg.review._stored_signals import unpack_signals


def find_question(work, question):
    """Return the row of a question."""
    found = work.execute(sa.select(questions).where(questions.c.question == question)).first()
    if found is None:
        raise LookupError(f"The queue has no question {question}.")
    return found


def find_record(work, record):
    """Return the row of a record and its signals, as bytes of int16."""
    row = work.execute(
        sa.select(records, signals.c.content)
        .join(signals, signals.c.record == records.c.record)
        .where(records.c.record == record)
    ).first()
    if row is None:
        raise LookupError(f"The queue has no record {record}.")
    return row, unpack_signals(row.content, row.n_times)


def all_leads(work):
    """Return the names of the leads of all records, once each."""
    of_records = work.scalars(sa.select(records.c.leads))
    return list(dict.fromkeys(lead for leads in of_records for lead in leads))


def show_questions(work, chosen, reader, label_names):
    """Return the content of a page for questions.

    Parameters
    ----------
    work : Connection
    chosen : list of int
    reader : str or None
        The number of this reader's other questions about each record is added.
    label_names : list of str

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
    return [
        _as_json(found[question], headers, given.get(question, ()), more, label_names)
        for question in chosen
    ]


def check_other_labels(work, found, answer, labels, label_names):
    """Return the other labels that a reader names besides the question's.

    Parameters
    ----------
    work : Connection
    found : Row
        Of the question.
    answer : str
        Answer to the question.
    labels : sequence of str
    label_names : list of str
        Of the queue.

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
        allowed = _other_labels(header, found.label, label_names)
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
        "weak": row.weak,
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
