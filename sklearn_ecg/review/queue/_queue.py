"""ReviewQueue: questions about records, readers' answers, and their results."""

import numbers
import os
import time
from contextlib import suppress
from html import escape

import numpy as np
from sklearn.utils import check_scalar

from sklearn_ecg.cleaning._questions import check_n_questions
from sklearn_ecg.records import ECGRecords
from sklearn_ecg.review.queue import _actions as actions
from sklearn_ecg.review.queue import _checks as checks
from sklearn_ecg.review.queue import _refit as refitting
from sklearn_ecg.review.queue import _schema as schema
from sklearn_ecg.review.queue import _update as updating
from sklearn_ecg.review.queue import _worklist as worklist
from sklearn_ecg.review.queue._answers import count_answers, last_answer
from sklearn_ecg.review.queue._candidates import Settings
from sklearn_ecg.review.queue._cleaner import (
    check_cleaner,
    check_fits_queue,
    leave_out_contradicted,
    save_cleaner,
)
from sklearn_ecg.review.queue._database import Database
from sklearn_ecg.review.queue._questions import (
    check_other_labels,
    count_states,
    find_question,
    show_questions,
)
from sklearn_ecg.review.queue._records import as_records, find_record, stored_records
from sklearn_ecg.review.queue._results import Results, read_trail, trust_answers
from sklearn_ecg.review.queue._sample import Unjudged, is_only_sample
from sklearn_ecg.review.queue._states import ANSWERS, DONE
from sklearn_ecg.utils import warn_user

# The largest number of questions in one call.
_MOST_AT_ONCE = 100


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
        ``"postgresql://user@host/name"``.

    Attributes
    ----------
    label_names : ndarray of str of shape (n_labels,)
        Labels of the questions.

    Raises
    ------
    FileNotFoundError
        If there is no such file, or no queue in the database.
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
    ...     path = Path(folder) / "queue.sqlite"
    ...     with ReviewQueue.from_cleaner(cleaner, ecgs, path, n_questions=20) as queue:
    ...         question = queue.next_questions("ana")[0]
    ...         stored = queue.answer(question["question"], "ana", "present", seconds=2.5)
    ...         answers = queue.answers()
    >>> stored["state"], answers["answer"].tolist()
    ('settled', [1])
    >>> cleaner = cleaner.with_answers(answers)
    """

    def __init__(self, url):
        self._database = Database(url)
        # Absolute, since other processes open it too: refits, and those that unpickle a queue.
        self._url = url if self._database.path is None else os.fspath(self._database.path)
        self._process = None
        # Results by the number of the last answer.
        self._known = (None, None)
        try:
            schema.bring_up_to_date(self._database)
            self._database.read_beside_writers()
            self._database.stay_with(schema.read_mark)
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
        check_cleaner(cleaner)
        settings = Settings.checked(n_questions, double_share, control_share, random_state)
        queue = cls._make(url, updating.make, cleaner, records, settings)
        if cleaner._trusted.all():
            warn_user(
                "The queue has no questions, since all labels are trusted. If nobody has said "
                "which are right, let readers answer a random sample first: "
                "ReviewQueue.from_records(records, url)."
            )
        return queue

    @classmethod
    def from_records(
        cls,
        records,
        url,
        *,
        n_records=100,
        double_share=0.1,
        control_share=0.05,
        random_state=None,
    ):
        """Make a queue about a random sample of records, before any label is trusted.

        A cleaner needs trusted labels. If there are none, readers answer all labels of a sample,
        record by record, without being shown the given labels. Then
        ``AFPLabelCleaner().fit(queue.on_records(records, origin="sample"))`` has labels to learn
        from, and ``queue.update(cleaner, records)`` lets it ask.

        Parameters
        ----------
        records : ECGRecords
            With signals, sampling rate and labels. Records whose labels are all trusted are not
            drawn. Age and sex are taken from ``age_years`` and ``sex`` of their metadata.
        url : path, or str
            A new file, or the URL of a database.
        n_records : int, default=100
            Number of records in the sample, of patients drawn at random if the records have groups.
            A cleaner needs five with each label and five without.
        double_share : float, default=0.1
            Share of the records that two readers answer, and of later questions.
        control_share : float, default=0.05
            As for `from_cleaner`, of the questions that `update` adds.
        random_state : int, RandomState instance or None, default=None
            Draws records and doubles.

        Returns
        -------
        ReviewQueue

        Raises
        ------
        FileExistsError
            If there is a queue with answers.
        ValueError
            If records have no labels or signals, are all trusted, or `url` holds other data.

        Warns
        -----
        UnreadRecordsWarning
            If records cannot be shown; no questions are about them.

        Examples
        --------
        >>> from pathlib import Path
        >>> from tempfile import TemporaryDirectory
        >>> from sklearn_ecg.datasets import make_ecg_records
        >>> from sklearn_ecg.review import ReviewQueue
        >>> records = make_ecg_records(40, labels=("Normal", "AF"), leads=("II",), random_state=0)
        >>> with TemporaryDirectory() as folder:
        ...     queue = ReviewQueue.from_records(
        ...         records, Path(folder) / "queue.sqlite", n_records=10, random_state=0
        ...     )
        ...     for question in queue.next_questions("ana", n=20):
        ...         stored = queue.answer(question["question"], "ana", "absent")
        ...     records = queue.on_records(records)
        ...     queue.close()
        >>> int(records.trusted.sum())  # labels of the ten records
        20
        """
        check_scalar(n_records, "n_records", numbers.Integral, min_val=1)
        settings = Settings.checked(None, double_share, control_share, random_state)
        return cls._make(url, updating.make_of_sample, Unjudged(records), n_records, settings)

    @classmethod
    def _make(cls, url, make, *content):
        with Database.making(url) as database:
            make(database, *content)
        queue = cls(url)
        # So that `progress` shows them from the first question on.
        queue.errors_left()
        return queue

    def close(self):
        """Close the database; a file can be moved then. The end of a ``with`` closes it, too."""
        self._database.close()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def __reduce__(self):
        return type(self), (self._url,)

    def __repr__(self):
        return f"ReviewQueue({self._database.name!r})"

    def _repr_html_(self):
        done = self.progress()
        cells = "".join(
            f"<tr><th>{name}</th><td>{done[f'n_{name}']}</td></tr>"
            for name in ("questions", "settled", "open", "disputed")
        )
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
        if (
            isinstance(n, bool)
            or not isinstance(n, numbers.Integral)
            or not 1 <= n <= _MOST_AT_ONCE
        ):
            raise ValueError(f"n must be a whole number from 1 to {_MOST_AT_ONCE}; got {n!r}.")
        holding = [checks.check_number(question, "holding") for question in holding]
        with self._database.writing() as work:
            now = time.time()
            chosen = worklist.choose(work, reader, int(n), holding, now)
            worklist.renew(work, holding, reader, now)
            worklist.lease(work, chosen, reader, now)
            return show_questions(work, chosen, reader)

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
            return show_questions(work, [question], reader)[0]

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
            stored = actions.with_key(work, about["key"])
            if stored is None:
                others = check_other_labels(work, found, answer, labels)
                actions.put_answer(work, found, answer, about, others)
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
            question = actions.put_undo(work, reader, key, undoes)
            return None if question is None else show_questions(work, [question], reader)[0]

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
            return as_records(*find_record(work, record))

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
            `refit`, `update` or `errors_left`; ``refit``: whether one is ``running``, how the
            ``last`` one ended, and ``n_answers_since`` its start.
        """
        with self._database.reading() as work:
            of_state = count_states(work)
            n_answered = count_answers(work, reader)
            refit = refitting.describe_refits(work, time.time())
            left = schema.get_fact(work, "errors_left")
        return {
            "n_questions": sum(of_state.values()) - of_state["withdrawn"],
            "n_settled": sum(of_state[state] for state in DONE),
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
            `ReaderModel`), n_readers, readers (their names), state and origin: "cleaner",
            "sample" (`from_records`) or "reader" (who named another label). A double-read question
            with one answer so far is included; questions without a definite answer, and disputed
            ones, are not.
        """
        checks.check_share(min_trust, "min_trust")
        return self._results().answers(min_trust)

    def on_records(self, records, min_trust=0.5, *, origin=None):
        """Return records with the labels that readers have answered, each of them trusted.

        A cleaner's questions are no fair sample of the labels: a cleaner that is to learn from them
        takes them by `with_answers`, and trusts those of a sample alone (``origin="sample"``).

        Parameters
        ----------
        records : ECGRecords
            With the labels of the queue, or without labels; matched by ids.
        min_trust : float, default=0.5
            As for `answers`.
        origin : {"cleaner", "sample", "reader"}, default=None
            Answers to questions of this origin only.

        Returns
        -------
        ECGRecords
            Other labels, and their trust, do not change; other labels of records without labels are
            unknown.

        Warns
        -----
        UserWarning
            If records lack some of those with answers, as a training set does.
        """
        if not isinstance(records, ECGRecords):
            raise TypeError(f"records must be ECGRecords; got {type(records).__name__}.")
        found = self.answers(min_trust)
        if origin is not None:
            found = found[found["origin"] == origin]
        return trust_answers(records, found, self.label_names)

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
        return self._results().readers()

    def agreement(self):
        """Return the agreement of readers who had not seen each other's answers.

        Returns
        -------
        DataFrame
            By label, and for all labels: n_questions (with two answers or more), Fleiss' kappa with
            its 95 % interval (low, high), and Cohen's kappa of each pair of readers.
        """
        return self._results().agreement()

    def errors_left(self):
        """Estimate how many of the labels without an answer are wrong.

        Returns
        -------
        Series
            estimate, low, high, n_labels and found_next, as from `sklearn_ecg.review.errors_left`.
            `progress` shows them from now on.
        """
        with self._database.reading() as work:
            unanswered = updating.get_unanswered(work)
        left = self._results().errors_left(unanswered)
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
        return self._results().disputes()

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
            raise it to get new ones. By default as before; after a sample 1,000 more.

        Returns
        -------
        dict of int
            Numbers of ``new``, ``kept`` and ``withdrawn`` questions.

        Raises
        ------
        ValueError
            If the cleaner has other labels, or lacks all records of the queue.

        Warns
        -----
        UserWarning
            If it lacks some of them: no new questions are about them, and their answers are kept;
            or if answers contradict labels that are trusted now: refits leave them out.
        """
        check_cleaner(cleaner)
        n_questions = check_n_questions(n_questions)
        with self._database.reading() as work:
            asked = updating.existing_questions(work, time.time()).index.to_frame(index=False)
            check_fits_queue(cleaner, self.label_names, stored_records(work))
        leave_out_contradicted(cleaner, self._results().settled_labels)
        content = save_cleaner(cleaner, asked)

        def put_cleaner(work):
            schema.put_part(work, "cleaner", content)
            refitting.abandon(work)

        counts = updating.update(
            self._database, cleaner, records, n_questions=n_questions, first=put_cleaner
        )
        self.errors_left()
        return counts

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
            True if it was started, False if another one runs, or if no cleaner has asked yet.

        Raises
        ------
        ValueError
            If the queue does not keep its cleaner, because loading it could run untrusted code.
        RuntimeError
            If `wait` is True and the refit failed.
        """
        with self._database.writing() as work:
            if is_only_sample(work):
                return False
            if not schema.has_part(work, "cleaner"):
                raise ValueError(
                    "The queue does not keep its cleaner, which holds parts that are not of "
                    "sklearn_ecg or scikit-learn, and may run code. Call queue.update("
                    "cleaner.with_answers(queue.answers())) instead."
                )
            refit = refitting.claim(work, time.time(), actions.now_as_text())
        if refit is None:
            return False
        # Without it, the last process would stay in the system's table as a zombie.
        if self._process is not None:
            self._process.poll()
        self._process = refitting.start_process(self._url, refit)
        if wait:
            self._process.wait()
            with self._database.writing() as work:
                refitting.finish(work, refit, actions.now_as_text(), error=refitting.DIED)
            error = self.progress()["refit"]["last"]["error"]
            if error:
                raise RuntimeError(f"The cleaner could not be fitted again: {error}")
        return True

    def _results(self):
        """Return the results of the valid answers."""
        with self._database.reading() as work:
            last = last_answer(work)
            # Kept in a local variable, since another thread may replace it.
            last_known, results = self._known
            if last_known != last:
                results = Results(work)
                self._known = last, results
        return results
