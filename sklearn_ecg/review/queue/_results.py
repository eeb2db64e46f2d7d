"""What the answers of a queue say: labels and trust, quality of readers, and errors left."""

import itertools
from functools import cached_property

import numpy as np
import pandas as pd
import sqlalchemy as sa

from sklearn_ecg.review.queue._answers import given_by_question, stands, that_count
from sklearn_ecg.review.queue._records import original_id
from sklearn_ecg.review.queue._schema import answers, questions, records
from sklearn_ecg.review.queue._states import DEFINITE, answer_so_far
from sklearn_ecg.review.readers._errors_left import errors_left
from sklearn_ecg.review.readers._kappa import cohen_kappa, fleiss_kappa
from sklearn_ecg.review.readers._reader_model import ReaderModel
from sklearn_ecg.utils import find_ids, trusted_labels, warn_user

_ALL_LABELS = "all labels"


class Results:
    """The valid answers of a queue at one time; slow results are computed once.

    Parameters
    ----------
    work : Connection

    Attributes
    ----------
    given : DataFrame
        A row per valid answer, the oldest first: question, id, label, columns of the question,
        reader, said, is_final (whether the reader had seen other answers), note, seconds, key, at,
        and answer: 1 present, 0 absent, NaN otherwise.
    """

    def __init__(self, work):
        about = ("label", "weak", "probability", "presumed", "wrong", "origin", "n_needed", "state")
        said = ("question", "reader", "said", "is_final", "note", "seconds", "key", "at")
        found = read_table(
            work,
            *(answers.c[name] for name in said),
            *(questions.c[name] for name in about),
            where=stands(),
            keep=that_count,
        )
        self.given = found.assign(
            answer=found["said"].map({"present": 1.0, "absent": 0.0}),
            seconds=found["seconds"].astype(float),
        )

    @cached_property
    def definite(self):
        """The rows of `given` that say "present" or "absent"."""
        return self.given[self.given["answer"].notna()]

    @cached_property
    def _of_question(self):
        """The same as lists of `Given`, by question."""
        return given_by_question(self.given.itertuples())

    @cached_property
    def settled(self):
        """Settled answers, 1 present or 0 absent, as a Series by question."""
        of_question = self._of_question
        needed = self.given.drop_duplicates("question").set_index("question")["n_needed"]
        said = {name: answer_so_far(of_question[name], n) for name, n in needed.items()}
        settled = pd.Series(said, index=needed.index, dtype=object).dropna()
        return settled.map({"present": 1, "absent": 0}).astype(int)

    @cached_property
    def model(self):
        """`ReaderModel` of the definite answers."""
        return ReaderModel(random_state=0).fit(self.definite)

    @cached_property
    def settled_labels(self):
        """Settled answers with id, label, state and origin, by question."""
        about = self.given.drop_duplicates("question").set_index("question")
        about = about.loc[self.settled.index, ["id", "label", "state", "origin"]]
        return about.assign(answer=self.settled)

    def answers(self, min_trust):
        """Return the answers that are right with at least this probability."""
        settled = self.settled
        readers = [
            list(dict.fromkeys(one.reader for one in given if one.answer in DEFINITE))
            for given in map(self._of_question.get, settled.index)
        ]
        found = self.settled_labels.assign(
            trust=self.model.trust(settled) if len(settled) else pd.Series(dtype=float),
            n_readers=np.array(list(map(len, readers)), dtype=int),
            readers=list(map(", ".join, readers)),
        )
        columns = ["id", "label", "answer", "trust", "n_readers", "readers", "state", "origin"]
        return found[found["trust"] >= min_trust].reset_index(drop=True)[columns]

    def readers(self):
        """Return a row per reader: number of answers, reading time, and quality."""
        by_reader = self.given.groupby("reader")
        seconds = self.given.dropna(subset="seconds").groupby("reader")["seconds"].median()
        table = pd.DataFrame({"n_answers": by_reader.size(), "median_seconds": seconds})
        rates = [
            f"{name}{end}"
            for name in ("sensitivity", "specificity")
            for end in ("", "_low", "_high")
        ]
        if len(self.definite):
            table = table.join(self.model.readers_[rates])
        table = table.reindex(columns=["n_answers", "median_seconds", *rates])
        kappas = [self._kappa_with_others(reader) for reader in table.index]
        return table.assign(
            kappa=[found.kappa for found in kappas],
            n_compared=[found.n_questions for found in kappas],
        )

    def agreement(self):
        """Return agreement beyond chance of readers who answered blind, by label and for all."""
        rows = {_ALL_LABELS: _agreement(self._blind)}
        for label, of_label in self._blind.groupby("label", sort=False):
            rows[label] = _agreement(of_label)
        table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("label")
        return table[table["n_questions"].gt(0) | (table.index == _ALL_LABELS)]

    def errors_left(self, unanswered):
        """Return the expected number of wrong labels without an answer.

        Parameters
        ----------
        unanswered : ndarray of shape (n_labels,)
            Probability that each of these labels is wrong.

        Returns
        -------
        Series
            As from `sklearn_ecg.review.errors_left`.
        """
        first = self.definite.drop_duplicates("question").set_index("question")
        # Labels that readers added themselves say nothing about labels that no reader raised.
        first = first[first["origin"] == "cleaner"]
        settled = self.settled[self.settled.index.isin(first.index)]
        first = first.loc[settled.index]
        is_wrong = settled != first["presumed"]
        answered = pd.DataFrame({"probability": first["wrong"], "wrong": is_wrong})
        if len(answered):
            evidence = self.model.questions_["evidence"][settled.index]
            answered["evidence"] = evidence * np.where(first["presumed"] == 1, -1, 1)
        return errors_left(answered.astype(float), unanswered, random_state=0)

    def disputes(self):
        """Return a row per question on which readers disagree, without a decision."""
        rows = []
        disputed = self.definite[self.definite["state"] == "disputed"]
        for question, of_question in disputed.groupby("question", sort=False):
            said = {
                name: ", ".join(of_question["reader"][of_question["said"] == name])
                for name in DEFINITE
            }
            notes = [f"{row.reader}: {row.note}" for row in of_question.itertuples() if row.note]
            about = of_question.iloc[0][["id", "label", "weak", "probability"]].to_dict()
            rows.append({"question": question, **about, **said, "notes": "; ".join(notes)})
        columns = ["question", "id", "label", "weak", "probability", *DEFINITE, "notes"]
        return pd.DataFrame(rows, columns=columns)

    @property
    def _blind(self):
        """Definite answers of readers who had not seen other answers."""
        return self.definite[~self.definite["is_final"].astype(bool)]

    def _kappa_with_others(self, reader):
        """Return Cohen's kappa of a reader with all others, each question once per other."""
        is_own = self._blind["reader"] == reader
        own = self._blind[is_own].set_index("question")["answer"]
        others = self._blind[~is_own & self._blind["question"].isin(own.index)]
        return cohen_kappa(own.loc[others["question"]].to_numpy(), others["answer"].to_numpy())


def read_trail(work):
    """Return every answer and undo, as `ReviewQueue.trail` does."""
    undo = answers.alias()
    found = read_table(
        work,
        answers.c.at.label("when"),
        answers.c.reader,
        questions.c.label,
        answers.c.said.label("answer"),
        answers.c.note,
        answers.c.seconds,
        answers.c.software,
        answers.c.question,
        answers.c.is_final,
        sa.exists().where(undo.c.undoes == answers.c.answer).label("undone"),
    )
    is_definite = found["answer"].isin(DEFINITE)
    found["is_final"] = found["is_final"].astype(bool) & is_definite
    # A reader who decides and had answered before was one of those who disagreed.
    counts = is_definite & ~found["undone"].astype(bool)
    before = counts.groupby([found["question"], found["reader"]]).cumsum() - counts
    found["is_consensus"] = found["is_final"] & (before > 0)
    found["when"] = pd.to_datetime(found["when"], format="ISO8601", utc=True)
    columns = ["when", "reader", "id", "label", "answer", "note", "seconds", "software"]
    return found[[*columns, "is_final", "is_consensus", "undone"]]


def read_table(work, *columns, where=None, keep=list):
    """Return answers with their questions, the oldest first, with ids as in the cleaner.

    Parameters
    ----------
    work : Connection
    *columns : Column
    where : clause, default=None
        Condition for the answers.
    keep : callable, default=list
        Takes rows, and returns those to keep.

    Returns
    -------
    DataFrame
        The columns, and id.
    """
    select = (
        sa.select(*columns, records.c.id, records.c.id_kind)
        .join_from(answers, questions, questions.c.question == answers.c.question)
        .join(records, records.c.record == questions.c.record)
        .order_by(answers.c.answer)
    )
    rows = work.execute(select if where is None else select.where(where))
    found = pd.DataFrame(keep(rows.all()), columns=list(rows.keys()))
    ids = [original_id(*pair) for pair in zip(found["id"], found["id_kind"], strict=True)]
    found["id"] = pd.Series(ids, index=found.index, dtype=None if ids else object)
    return found.drop(columns="id_kind")


def _agreement(blind):
    wide = blind.pivot(index="question", columns="reader", values="answer")
    of_all = fleiss_kappa(wide)
    row = {
        "n_questions": of_all.n_questions,
        "fleiss_kappa": of_all.kappa,
        "low": of_all.low,
        "high": of_all.high,
    }
    for one, other in itertools.combinations(wide.columns, 2):
        found = cohen_kappa(wide[one], wide[other])
        if found.n_questions:
            row[f"{one} & {other}"] = found.kappa
    return row


def trust_answers(records, found, label_names):
    """Return records with the answered labels, each of them trusted.

    Parameters
    ----------
    records : ECGRecords
    found : DataFrame
        From `ReviewQueue.answers`.
    label_names : ndarray of str of shape (n_labels,)
        Labels of the queue, for records without labels.

    Returns
    -------
    ECGRecords
    """
    rows = find_ids(found["id"], records.ids)
    is_there = rows != -1
    if not is_there.all():
        gone = found["id"][~is_there].unique()
        said = f"records lack {len(gone)} of the {found['id'].nunique()} records with answers"
        if not is_there.any():
            raise ValueError(f"{said}. Pass the records from which the queue was made.")
        warn_user(f"{said}, such as {gone[0]}. These answers are left out.")
        found, rows = found[is_there], rows[is_there]
    label_names = label_names if records.labels is None else records.label_names
    columns = pd.Index(label_names).get_indexer(found["label"])
    if (columns == -1).any():
        raise ValueError(
            f"records have no label {found['label'][columns == -1].iloc[0]!r}; they have "
            f"{', '.join(label_names)}."
        )
    shape = (len(records), len(label_names))
    labels = np.full(shape, -1) if records.labels is None else records.labels.copy()
    trusted = np.zeros(shape, dtype=bool)
    if records.trusted is not None:
        trusted |= trusted_labels(records.trusted, len(label_names))
    against = trusted[rows, columns] & (labels[rows, columns] != found["answer"])
    if against.any():
        first = found[against].iloc[0]
        raise ValueError(
            f"{against.sum()} answers contradict trusted labels of records. The first: "
            f"{first['label']} of record {first['id']}. Pass the records from which the queue was "
            "made, or correct their labels."
        )
    labels[rows, columns] = found["answer"]
    trusted[rows, columns] = True
    return records.with_labels(labels, label_names, trusted=trusted)
