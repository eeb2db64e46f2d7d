"""ReviewQueue: questions about records, readers' answers, and their results."""

import numbers
import os
import time
from collections import defaultdict
from contextlib import suppress
from html import escape

import numpy as np

from sklearn_ecg.records import ECGRecords
from sklearn_ecg.review import _asking as asking
from sklearn_ecg.review import _checks as checks
from sklearn_ecg.review import _filling as filling
from sklearn_ecg.review import _making as making
from sklearn_ecg.review import _refit as refitting
from sklearn_ecg.review import _schema as schema
from sklearn_ecg.review import _storing as storing
from sklearn_ecg.review._database import Database
from sklearn_ecg.review._label_studio import read_export, to_tasks, write_tasks
from sklearn_ecg.review._labelled import label_records
from sklearn_ecg.review._readings import Readings, read_trail
from sklearn_ecg.review._settling import ANSWERS
from sklearn_ecg.review._showing import (
    all_leads,
    check_other_labels,
    find_question,
    find_record,
    show_questions,
)
from sklearn_ecg.review._stored_signals import as_millivolt
from sklearn_ecg.utils import check_path, warn_user

# The largest number of questions in one call.
_MOST = 100
# Number of left-out answers that a warning names.
_MOST_NAMED = 5
_DONE = ("settled", "undecided", "bad signal")


class ReviewQueue:
    """Questions whether records have labels, for several readers at once.

    A queue is one file of SQLite, or a database of PostgreSQL. It holds the questions in the order
    of their value, the signals of their records, every answer with its reader, and the cleaner for
    refits. Several programs may open it: each write is one transaction, and when `answer` returns,
    the answer is on the disk.

    One answer, "present" or "absent", settles a question. A share of the questions is read twice,
    by two readers who do not see each other's answer. If readers disagree, a third reader sees both
    answers and decides; if no other question is left, one of the two sees the other's answer and
    decides. An answer "unsure" leaves the question to another reader; two of them settle it as
    undecided. A bad signal settles all unanswered questions of its record.

    Parameters
    ----------
    url : path, or str
        Queue that `from_cleaner` has made: a path, or a URL such as
        ``"postgresql+pg8000://user@host/name"``.
        ``"postgresql+pg8000://user@host/name"``.

    Attributes
    ----------
    label_names : ndarray of str of shape (n_labels,)
        Labels of the questions.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is not a queue, or of a newer version.
    OSError
        If it cannot be read or written: `TimeoutError` while others keep it locked,
        `PermissionError`, or `ConnectionError`. The methods raise the same errors; stored answers
        are kept.

    See Also
    --------
    sklearn_ecg.AFPLabelCleaner : Finds the questions.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> from sklearn_ecg import AFPLabelCleaner, ECGRecords
    >>> from sklearn_ecg.review import ReviewQueue
    >>> rng = np.random.default_rng(0)
    >>> truth = rng.integers(0, 2, size=(300, 1))
    >>> features = rng.normal(3 * truth, 2, size=(300, 4))
    >>> trusted = np.arange(300) < 100
    >>> weak = np.where((rng.random((300, 1)) < 0.2) & ~trusted[:, np.newaxis], 1 - truth, truth)
    >>> cleaner = AFPLabelCleaner(random_state=0).fit(features, weak, trusted=trusted)
    >>> ecgs = ECGRecords(rng.normal(0, 0.1, size=(300, 2, 500)), 250, lead_names=["I", "II"])
    >>> with TemporaryDirectory() as folder:
    ...     queue = ReviewQueue.from_cleaner(
    ...         cleaner, ecgs, Path(folder) / "queue.sqlite", n_questions=20, random_state=0
    ...     )
    ...     question = queue.next_questions("ana")[0]
    ...     stored = queue.answer(question["question"], "ana", "present", seconds=2.5)
    ...     answers = queue.answers()
    ...     queue.close()
    >>> stored["state"], answers["answer"].tolist()
    ('settled', [1])
    >>> cleaner = cleaner.with_answers(answers)
    """

    def __init__(self, url):
        self._database = Database(url)
        # Lets another process find the queue, if that works.
        self._url = url if self._database.path is None else os.fspath(self._database.path)
        self._process = None
        # Results by the number of the last answer.
        self._known = (None, None)
        try:
            with self._database.reading() as work:
                version = schema.check_version(work, self._database.name)
            if version < schema.SCHEMA_VERSION:
                with self._database.writing() as work:
                    schema.migrate(work, self._database.name)
            self._database.read_beside_writers()
            with self._database.reading() as work:
                self.label_names = np.array(schema.get_fact(work, "label_names"))
        except BaseException:
            self.close()
            raise

    @classmethod
    def from_cleaner(
        cls,
        cleaner,
        records,
        url,
        *,
        n_questions=1000,
        double_share=0.1,
        control_share=0.05,
        random_state=None,
    ):
        """Make a queue with a cleaner's questions.

        Parameters
        ----------
        cleaner : fitted label cleaner
            Its doubtful labels become questions.
        records : ECGRecords
            Records of the cleaner's fit, with signals and sampling rate; they are matched by ids.
            Age and sex are taken from ``age_years`` and ``sex`` of their metadata.
        url : path, or str
            A new file, or the URL of a database.
        n_questions : int, default=1000
            The largest number of questions, with answered ones, until `update` raises it; None for
            all labels that can be asked about.
        double_share : float, default=0.1
            Share of the questions that two readers answer.
        control_share : float, default=0.05
            Share of the questions that are drawn at random from all other labels. They show how
            many errors are left there. The same share is drawn if `update` raises n_questions.
        random_state : int, RandomState instance or None, default=None
            Draws double-read questions and controls.

        Returns
        -------
        ReviewQueue

        Raises
        ------
        FileExistsError
            If there is a queue with answers.
        ValueError
            If records have no signals, lack some of the cleaner's records, or `url` holds other
            data.

        Warns
        -----
        UnreadRecordsWarning
            If records cannot be shown; no questions are about them.
        """
        making.check_cleaner(cleaner)
        rows = making.find_rows(cleaner, records)
        settings = making.Settings(
            checks.check_n_questions(n_questions),
            checks.check_share(double_share, "double_share"),
            checks.check_share(control_share, "control_share"),
            checks.draw_seed(random_state),
        )
        database = Database(url, create=True)
        is_new = database.path is not None and not database.path.exists()
        try:
            with database.reading() as work:
                schema.check_free(work, database.name)
            asked, rest = making.choose_questions(cleaner, settings)
            asked["evidence"], asked["similar"] = making.evidence_of(cleaner, asked)
            content = making.save_cleaner(cleaner, asked)
            with database.writing() as work:
                schema.make(work, database.name)
                filling.put_all(work, cleaner, records, rows, asked, rest, settings)
                schema.put_part(work, "cleaner", content)
        except BaseException:
            database.close()
            if is_new:
                database.path.unlink(missing_ok=True)
            raise
        database.close()
        queue = cls(url)
        queue.errors_left()
        return queue

    def close(self):
        """Close the database; a file can be moved then."""
        self._database.close()

    def __reduce__(self):
        return type(self), (self._url,)

    def __repr__(self):
        return f"ReviewQueue({self._database.name!r})"

    def _repr_html_(self):
        done = self.progress()
        rows = {
            "questions": done["n_questions"],
            "settled": done["n_settled"],
            "open": done["n_open"],
            "disputed": done["n_disputed"],
        }
        cells = "".join(f"<tr><th>{name}</th><td>{count}</td></tr>" for name, count in rows.items())
        bar = (
            f'<progress max="{max(done["n_questions"], 1)}" value="{done["n_settled"]}"></progress>'
        )
        return f"<div><b>{escape(repr(self))}</b></div>{bar}<table>{cells}</table>"

    def next_questions(self, reader, n=1, holding=()):
        """Return questions for a reader, the best first, and reserve them for a while.

        Parameters
        ----------
        reader : str
            Name of the reader.
        n : int, default=1
            The largest number of questions.
        holding : sequence of int, default=()
            Questions that the reader already has. They stay reserved, and other questions about
            their records come next.

        Returns
        -------
        list of dict
            The content of a page for each question: its number ``question``, ``label``,
            ``evidence``, the ``record`` and so on. Empty if no question is left for this reader.
        """
        reader = checks.check_reader(reader)
        if isinstance(n, bool) or not isinstance(n, numbers.Integral) or not 1 <= n <= _MOST:
            raise ValueError(f"n must be a whole number from 1 to {_MOST}; got {n!r}.")
        holding = [checks.check_number(question, "holding") for question in holding]
        with self._database.writing() as work:
            now = time.time()
            chosen = asking.choose(work, reader, int(n), holding, now)
            asking.renew(work, holding, reader, now)
            asking.lease(work, chosen, reader, now)
            return self._show(work, chosen, reader)

    def question(self, question, reader=None):
        """Return a question as `next_questions` does, without reserving it.

        Parameters
        ----------
        question : int
            Number of the question.
        reader : str, default=None
            Name of the reader; counts the reader's other questions about the record.

        Returns
        -------
        dict
            As an element of `next_questions`.

        Raises
        ------
        LookupError
            If there is no question with this number.
        """
        question = checks.check_number(question, "question")
        with self._database.reading() as work:
            find_question(work, question)
            return self._show(work, [question], reader)[0]

    def answer(
        self,
        question,
        reader,
        answer,
        *,
        note="",
        seconds=None,
        key=None,
        software=None,
        labels=(),
    ):
        """Store an answer; when this returns, the answer is on the disk.

        Parameters
        ----------
        question : int
            Number of the question.
        reader : str
            Name of the reader.
        answer : {"present", "absent", "unsure", "skip", "bad signal"}
            If a reader answers a question several times, the last answer counts.
        note : str, default=""
            A remark of the reader.
        seconds : float, default=None
            Reading time in s.
        key : str, default=None
            A unique key of this answer. An answer that is sent again with its key is stored once.
        software : str, default=None
            Name of the program that sends the answer, for `trail`.
        labels : sequence of str, default=()
            Other labels that the record has; "present" is stored for them, too.

        Returns
        -------
        dict
            ``stored``, ``question`` and its ``state``: "open", "disputed", "settled", "undecided",
            "bad signal" or "withdrawn".

        Raises
        ------
        LookupError
            If there is no question with this number.
        ValueError
            If `answer` is not one of these, or `key` belongs to another answer.
        """
        question, reader = checks.check_number(question, "question"), checks.check_reader(reader)
        if answer not in ANSWERS:
            raise ValueError(f"answer must be one of {', '.join(ANSWERS)}; got {answer!r}.")
        about = {
            "reader": reader,
            "note": checks.check_text(note, "note", checks.LONGEST_NOTE),
            "seconds": checks.check_seconds(seconds),
            "key": checks.check_key(key),
            "software": checks.check_software(software),
        }
        with self._database.writing() as work:
            found = find_question(work, question)
            stored = storing.with_key(work, about["key"])
            if stored is None:
                others = check_other_labels(work, found, answer, labels, self.label_names.tolist())
                storing.put_answer(work, found, answer, about, others, self.label_names.tolist())
            elif (stored.question, stored.reader, stored.said) != (question, reader, answer):
                raise ValueError(f"key {stored.key!r} belongs to another answer; use a new one.")
            state = find_question(work, question).state
        return {"stored": True, "question": question, "state": state}

    def undo(self, reader, *, key=None, undoes=None):
        """Take back an answer of a reader, and the answers for other labels that came with it.

        Parameters
        ----------
        reader : str
            Name of the reader.
        key : str, default=None
            A unique key of this undo. If it is sent again with its key, nothing more is taken back.
        undoes : str, default=None
            Key of the answer; by default the reader's last one.

        Returns
        -------
        dict or None
            The question, which is reserved for the reader again; None if there was no answer.
        """
        reader, key = checks.check_reader(reader), checks.check_key(key)
        with self._database.writing() as work:
            question = storing.put_undo(work, reader, key, undoes)
            return None if question is None else self._show(work, [question], reader)[0]

    def signals(self, record):
        """Return the signals of a record as bytes.

        Parameters
        ----------
        record : int
            Its number in the queue.

        Returns
        -------
        bytes
            int16, little-endian, lead by lead, in units of the record's ``step_mv``; -32768 where
            nothing was recorded.

        Raises
        ------
        LookupError
            If there is no record with this number.
        """
        record = checks.check_number(record, "record")
        with self._database.reading() as work:
            return find_record(work, record)[1]

    def record(self, record):
        """Return one record of the queue.

        Parameters
        ----------
        record : int
            Its number in the queue.

        Returns
        -------
        ECGRecords
            One record, with the signals of the queue in mV.

        Raises
        ------
        LookupError
            If there is no record with this number.
        """
        record = checks.check_number(record, "record")
        with self._database.reading() as work:
            row, content = find_record(work, record)
        signal = as_millivolt(content, len(row.leads), row.n_times, row.step_mv)
        return ECGRecords(
            signal[np.newaxis],
            row.sampling_rate,
            lead_names=row.leads,
            ids=[making.given_id(row.id, row.id_kind)],
        )

    def progress(self, reader=None):
        """Return the progress of the reading.

        Parameters
        ----------
        reader : str, default=None
            Name of a reader, whose answers are counted.

        Returns
        -------
        dict
            ``n_questions`` in all; ``n_settled``, which need no more answers; ``n_open`` and
            ``n_disputed``, which do; ``n_answered_by_reader``; ``errors_left``, as last computed by
            `refit` or `errors_left`; ``refit``: whether one is ``running``, how the ``last`` one
            ended, and ``n_answers_since`` its start.
        """
        with self._database.reading() as work:
            of_state = asking.count_states(work)
            n_answered = asking.count_answers(work, reader)
            refit = refitting.state_of_refits(work, time.time())
            left = schema.get_fact(work, "errors_left")
        return {
            "n_questions": sum(of_state.values()) - of_state["withdrawn"],
            "n_settled": sum(of_state[state] for state in _DONE),
            "n_open": of_state["open"],
            "n_disputed": of_state["disputed"],
            "n_answered_by_reader": n_answered,
            "errors_left": left,
            "refit": refit,
        }

    def answers(self, min_trust=0.5):
        """Return the readers' answers, for `with_answers` of the cleaner.

        Parameters
        ----------
        min_trust : float, default=0.5
            Answers that are right with a smaller probability are left out.

        Returns
        -------
        DataFrame
            Columns id, label, answer (1 present, 0 absent), trust (probability that it is right, by
            `ReaderModel`), n_readers, readers (their names) and state. A double-read question with
            one answer so far is included; questions without a definite answer, and disputed ones,
            are not.
        """
        checks.check_share(min_trust, "min_trust")
        return self._readings().labels(min_trust)

    def on_records(self, records, min_trust=0.5):
        """Return records with the labels that readers have answered, each of them trusted.

        Parameters
        ----------
        records : ECGRecords
            With the labels of the queue, or without labels; matched by ids.
        min_trust : float, default=0.5
            As for `answers`.

        Returns
        -------
        ECGRecords
            Other labels, and their trust, do not change; other labels of records without labels are
            unknown.
        """
        if not isinstance(records, ECGRecords):
            raise TypeError(f"records must be ECGRecords; got {type(records).__name__}.")
        return label_records(records, self.answers(min_trust), self.label_names)

    def trail(self):
        """Return all actions of readers, in order.

        Returns
        -------
        DataFrame
            Columns when (UTC), reader, id, label, answer ("undo" for an answer taken back), note,
            seconds, software, is_final (whether it decided a dispute), is_consensus (whether the
            deciding reader had disagreed before) and undone.
        """
        with self._database.reading() as work:
            return read_trail(work)

    def readers(self):
        """Return the quality of each reader.

        Returns
        -------
        DataFrame
            A row per reader: n_answers, median_seconds, sensitivity and specificity with 95 %
            intervals (by `ReaderModel`), and Cohen's kappa with all others over n_compared answers.
        """
        return self._readings().readers()

    def agreement(self):
        """Return the agreement of readers who had not seen each other's answers.

        Returns
        -------
        DataFrame
            By label, and for all labels: n_questions (with two answers or more), Fleiss' kappa with
            its 95 % interval (low, high), and Cohen's kappa of each pair of readers.
        """
        return self._readings().agreement()

    def errors_left(self):
        """Estimate how many of the labels without an answer are wrong.

        Returns
        -------
        Series
            estimate, low, high, n_labels and found_next, as from `sklearn_ecg.review.errors_left`.
            `progress` shows them from now on.
        """
        with self._database.reading() as work:
            unasked = filling.get_unasked(work)
        left = self._readings().errors_left(unasked)
        # Works also for a user who may only read the queue.
        with suppress(OSError), self._database.writing() as work:
            schema.put_fact(work, "errors_left", left.to_dict())
        return left

    def disputes(self):
        """Return the questions on which readers disagree, without a decision.

        Returns
        -------
        DataFrame
            Columns question, id, label, weak, probability, present and absent (names of the readers
            who said so), and notes.
        """
        return self._readings().disputes()

    def update(self, cleaner, records=None, *, n_questions=None):
        """Replace the questions by those of a cleaner that was fitted again.

        Answers never change. Questions stay if they were answered, are disputed, are reserved for a
        reader or are controls. Others are withdrawn if they are no longer worth asking.

        Parameters
        ----------
        cleaner : fitted label cleaner
            Of the same records and labels, for example ``cleaner.with_answers(queue.answers())``.
        records : ECGRecords, default=None
            Allows new questions about any record. By default they are about records with stored
            signals.
        n_questions : int, default=None
            The largest number of questions from now on, with answered ones: if all are answered,
            raise it to get new ones. By default as before.

        Returns
        -------
        dict of int
            Numbers of ``new``, ``kept`` and ``withdrawn`` questions.

        Raises
        ------
        ValueError
            If the cleaner has other labels, or lacks records of the queue.
        """
        making.check_cleaner(cleaner)
        n_questions = checks.check_n_questions(n_questions)
        if not np.array_equal(cleaner.label_names_, self.label_names):
            raise ValueError(
                f"cleaner has the labels {', '.join(cleaner.label_names_)}, but the queue asks "
                f"about {', '.join(self.label_names)}. Pass a cleaner fitted to these."
            )
        with self._database.reading() as work:
            asked = filling.existing_questions(work, time.time()).index.to_frame(index=False)
            stored = filling.stored_records(work)
        known = set(cleaner._ids.tolist())
        unknown = [name for name in stored if name not in known]
        if unknown:
            raise ValueError(
                f"cleaner was not fitted to {len(unknown)} of the {len(stored)} records of the "
                f"queue, among them {unknown[0]!r}. Pass a cleaner fitted to all of them."
            )
        content = making.save_cleaner(cleaner, asked)
        return filling.update(
            self._database,
            cleaner,
            records,
            n_questions=n_questions,
            first=lambda work: schema.put_part(work, "cleaner", content),
        )

    def refit(self, *, wait=False):
        """Fit the cleaner again with the answers, in another process, and update the queue.

        Reading goes on meanwhile. Only one refit runs at a time; `progress` shows its result or its
        error.

        Parameters
        ----------
        wait : bool, default=False
            Whether to return only when it has ended.

        Returns
        -------
        bool
            True if it was started, False if another one runs.

        Raises
        ------
        ValueError
            If the queue does not keep its cleaner, because loading it could run untrusted code.
        RuntimeError
            If `wait` is True and the refit failed.
        """
        with self._database.writing() as work:
            if not schema.has_part(work, "cleaner"):
                raise ValueError(
                    "The queue does not keep its cleaner, which holds parts that are not of "
                    "sklearn_ecg or scikit-learn, and may run code. Call queue.update("
                    "cleaner.with_answers(queue.answers())) instead."
                )
            refit = refitting.claim(work, time.time(), storing.now_as_text())
        if refit is None:
            return False
        if self._process is not None:
            self._process.poll()
        self._process = refitting.start_process(self._url, refit)
        if wait:
            self._process.wait()
            with self._database.writing() as work:
                refitting.finish(work, refit, storing.now_as_text(), error=refitting.DIED)
            error = self.progress()["refit"]["last"]["error"]
            if error:
                raise RuntimeError(f"The cleaner could not be fitted again: {error}")
        return True

    def to_label_studio(self, path, *, signals=True, blind=True):
        """Write the questions as tasks of Label Studio, and its labelling interface beside them.

        Parameters
        ----------
        path : path
            JSON file to write; the interface gets the same name with ".xml".
        signals : bool, default=True
            Whether tasks hold their ECGs; without them the file is small.
        blind : bool, default=True
            Whether to leave out answers to open questions: everybody who opens a task in Label
            Studio sees them. A blind answer decides no dispute.
        """
        path = check_path(path, "path")
        with self._database.reading() as work:
            states, leads = asking.states_in_order(work), all_leads(work)
        given = defaultdict(list)
        for row in self._readings().given.to_dict("records"):
            if not (blind and states.get(row["question"]) in asking.WAITING):
                given[row["question"]].append(row | {"answer": row["said"]})
        read = (lambda record: self.record(record).signals[0]) if signals else None
        # One by one, since all ECGs together could fill the memory.
        tasks = (
            to_tasks([self.question(question)], given[question], signals=read)[0]
            for question in states
        )
        write_tasks(path, tasks, leads if signals else ())

    def from_label_studio(self, path, reader=None):
        """Store the answers of a Label Studio export, in JSON or JSON-MIN.

        Reading an export again stores nothing twice.

        Parameters
        ----------
        path : path
            File that Label Studio has exported.
        reader : str or dict, default=None
            Name of the reader of all answers, or names by Label Studio's users; by default its
            users.

        Returns
        -------
        int
            Number of stored answers.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If it is not an export of Label Studio.

        Warns
        -----
        UserWarning
            If answers are left out: those to no question of this queue, or with another answer's
            key.
        """
        found = read_export(check_path(path, "path"), reader)
        left_out, n_stored = [], 0
        for row in found.itertuples():
            try:
                with self._database.writing() as work:
                    n_stored += storing.put_answer_of(work, row, software="Label Studio")
            except (LookupError, ValueError) as error:
                left_out.append(f"{row.answer} to question {row.question}: {error}")
        if left_out:
            shown = " ".join(left_out[:_MOST_NAMED])
            warn_user(f"{len(left_out)} of {len(found)} answers are left out. {shown}")
        return n_stored

    def _readings(self):
        """Return the valid answers, and their results."""
        with self._database.reading() as work:
            last = asking.last_answer(work)
            # Kept in a local variable, since another thread may replace it.
            last_known, readings = self._known
            if last_known != last:
                readings = Readings(work)
                self._known = last, readings
        return readings

    def _show(self, work, chosen, reader):
        return show_questions(work, chosen, reader, self.label_names.tolist())
