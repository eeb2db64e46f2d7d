"""ReviewQueue: questions about records, what readers answer, and what becomes of it."""

import numbers
import os
import time
from collections import defaultdict
from contextlib import suppress

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

# Questions at once.
_MOST = 100
# Of so many answers that are left out a warning tells.
_MOST_NAMED = 5
_DONE = ("settled", "undecided", "bad signal")


class ReviewQueue:
    """Questions whether records have labels, for several readers to answer at once.

    A queue is one file of SQLite, or a database of PostgreSQL. It holds the signals of the records
    that are asked about, the questions in the order of their value, every answer and who gave it,
    and the cleaner, to be fitted again. Several programs may have it open: each write is one
    transaction, and what `answer` has returned from is on the disk.

    A question is settled by one answer, "present" or "absent"; a double, by two readers who do not
    see each other's. Where readers disagree, a third reader, who sees both answers, decides; or one
    of the two, who sees the other's answer then, once nothing else is left for them. An answer
    "unsure" leaves the question to another reader; two of them settle it as undecided. A bad signal
    settles all questions of its record that nobody has answered.

    Parameters
    ----------
    url : path, or str
        Of a queue that `from_cleaner` has made: a path, or a URL such as
        ``"postgresql+pg8000://user@host/name"``.

    Attributes
    ----------
    label_names : ndarray of str of shape (n_labels,)

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no queue, or of a newer version.
    OSError
        If it cannot be read or written: `TimeoutError` while others keep it locked,
        `PermissionError`, or `ConnectionError`. So do the methods, and what was stored is kept.

    See Also
    --------
    sklearn_ecg.AFPLabelCleaner : Finds what to ask.

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
        # By which another process finds it, wherever that works.
        self._url = url if self._database.path is None else os.fspath(self._database.path)
        self._process = None
        # What the answers come to, by the number of the last.
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
        """Make a queue of what a cleaner would ask.

        Parameters
        ----------
        cleaner : fitted label cleaner
        records : ECGRecords
            Those that the cleaner was fitted to, with signals and sampling rate; they are matched
            by ids. Age and sex are taken from ``age_years`` and ``sex`` of their metadata.
        url : path, or str
            Of a file that does not exist yet, or the URL of a database.
        n_questions : int, default=1000
            At most so many in all, answered ones included, until `update` raises it; None for all
            labels that the cleaner could be asked about.
        double_share : float, default=0.1
            Share of the questions that two readers answer.
        control_share : float, default=0.05
            Share of the questions that are drawn at random from the labels that nobody would ask
            about: they tell how many errors are left there. Where `update` raises n_questions, the
            same share of those that come on top.
        random_state : int, RandomState instance or None, default=None
            Draws doubles and controls.

        Returns
        -------
        ReviewQueue

        Raises
        ------
        FileExistsError
            If there is a queue with answers.
        ValueError
            If records hold no signals or lack some of the cleaner's, or something else is there.

        Warns
        -----
        UnreadRecordsWarning
            Of records that cannot be shown; nobody is asked about them.
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

    def next_questions(self, reader, n=1, holding=()):
        """Return questions for a reader, the best first, and keep others from them for a while.

        Parameters
        ----------
        reader : str
        n : int, default=1
            At most so many.
        holding : sequence of int, default=()
            Questions that the reader has already: they stay the reader's, and the others of their
            records come next.

        Returns
        -------
        list of dict
            What a page shows of each question: its number ``question``, ``label``, ``evidence``,
            the ``record`` and so on. Empty if nothing is left for this reader.
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
        """Return a question as `next_questions` does, without keeping others from it.

        Parameters
        ----------
        question : int
        reader : str, default=None

        Returns
        -------
        dict

        Raises
        ------
        LookupError
            If there is none of this number.
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
        """Store an answer; once this returns, it is on the disk.

        Parameters
        ----------
        question : int
        reader : str
        answer : {"present", "absent", "unsure", "skip", "bad signal"}
            Of several answers of a reader to one question, the last counts.
        note : str, default=""
        seconds : float, default=None
            How long the reader looked.
        key : str, default=None
            A name for this answer: if it is sent again with the same key, it is stored once.
        software : str, default=None
            The program by which the answer was given, for `trail`.
        labels : sequence of str, default=()
            Other labels that the record has: "present" is stored for them along with the answer.

        Returns
        -------
        dict
            ``stored``, ``question`` and its ``state``: "open", "disputed", "settled", "undecided",
            "bad signal" or "withdrawn".

        Raises
        ------
        LookupError
            If there is no such question.
        ValueError
            If something is no answer, or the key is that of another answer.
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
                raise ValueError(f"key {stored.key!r} is that of another answer; give a new one.")
            state = find_question(work, question).state
        return {"stored": True, "question": question, "state": state}

    def undo(self, reader, *, key=None, undoes=None):
        """Take back an answer of a reader, and the answers for other labels that came with it.

        Parameters
        ----------
        reader : str
        key : str, default=None
            A name for this undo: if it is sent again with the same key, it takes back nothing more.
        undoes : str, default=None
            Key of the answer; by default the last that stands.

        Returns
        -------
        dict or None
            The question, which is the reader's again; None if there was nothing to take back.
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
            int16, little-endian, one lead after the other, in units of its ``step_mv``; -32768
            where nothing was recorded.

        Raises
        ------
        LookupError
            If there is none of this number.
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
            Of one record, with the signals that the queue keeps, in mV.

        Raises
        ------
        LookupError
            If there is none of this number.
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
        """Return how far reading has come.

        Parameters
        ----------
        reader : str, default=None
            Whose answers to count.

        Returns
        -------
        dict
            ``n_questions``, of which ``n_settled`` need no more answers, ``n_open`` and
            ``n_disputed`` do; ``n_answered_by_reader``; ``errors_left``, as it was computed last,
            by `refit` or `errors_left`; ``refit``: whether one is ``running``, how the ``last``
            one ended, and ``n_answers_since`` it began.
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
        """Return what readers say of labels, for `with_answers` of the cleaner.

        Parameters
        ----------
        min_trust : float, default=0.5
            What is less probably right is left out.

        Returns
        -------
        DataFrame
            Columns id, label, answer (1 present, 0 absent), trust (how probably it is right, by
            `ReaderModel`), n_readers, readers (their names) and state. A double that one reader
            has answered is among them; questions without a definite answer are not, nor those in
            dispute.
        """
        checks.check_share(min_trust, "min_trust")
        return self._readings().labels(min_trust)

    def on_records(self, records, min_trust=0.5):
        """Return records with the labels that readers have answered, trusted one by one.

        Parameters
        ----------
        records : ECGRecords
            With the labels of the queue, or without any; found by their ids.
        min_trust : float, default=0.5
            As for `answers`.

        Returns
        -------
        ECGRecords
            All other labels, and what of them is trusted, are as they were; of records without
            labels, unknown.
        """
        if not isinstance(records, ECGRecords):
            raise TypeError(f"records must be ECGRecords; got {type(records).__name__}.")
        return label_records(records, self.answers(min_trust), self.label_names)

    def trail(self):
        """Return everything that readers did, in order.

        Returns
        -------
        DataFrame
            Columns when (UTC), reader, id, label, answer ("undo" where one was taken back), note,
            seconds, software, is_final (whether it decided a dispute), is_consensus (whether who
            decided it was one of those who had disagreed) and undone.
        """
        with self._database.reading() as work:
            return read_trail(work)

    def readers(self):
        """Return how readers do.

        Returns
        -------
        DataFrame
            A row per reader: n_answers, median_seconds, sensitivity and specificity with 95 %
            intervals (by `ReaderModel`), and Cohen's kappa with all others, of n_compared answers.
        """
        return self._readings().readers()

    def agreement(self):
        """Return how far readers agree who did not see each other's answers.

        Returns
        -------
        DataFrame
            By label, and for all labels: n_questions with two answers or more, Fleiss' kappa with
            its 95 % interval (low, high), and Cohen's kappa of each pair of readers.
        """
        return self._readings().agreement()

    def errors_left(self):
        """Estimate how many of the labels are wrong that no reader has answered.

        Returns
        -------
        Series
            estimate, low, high, n_labels and found_next, as of
            `sklearn_ecg.review.errors_left`; `progress` shows it from now on.
        """
        with self._database.reading() as work:
            unasked = filling.get_unasked(work)
        left = self._readings().errors_left(unasked)
        # Who may only read the queue learns it all the same.
        with suppress(OSError), self._database.writing() as work:
            schema.put_fact(work, "errors_left", left.to_dict())
        return left

    def disputes(self):
        """Return the questions on which readers disagree, and nobody has decided.

        Returns
        -------
        DataFrame
            Columns question, id, label, weak, probability, present and absent (which readers said
            so), and notes.
        """
        return self._readings().disputes()

    def update(self, cleaner, records=None, *, n_questions=None):
        """Ask what a cleaner asks now, after it was fitted again.

        Answers are never touched. Questions that were answered, are in dispute, before a reader or
        drawn as controls stay; of the others, those that are no longer worth asking are withdrawn.

        Parameters
        ----------
        cleaner : fitted label cleaner
            Of the same records and labels; ``cleaner.with_answers(queue.answers())``, say.
        records : ECGRecords, default=None
            Where new questions may be about any record; by default they are about those whose
            signals the queue keeps.
        n_questions : int, default=None
            So many questions at most from now on, those that were answered included: where all are
            answered, no new one comes unless this is raised. By default as before.

        Returns
        -------
        dict of int
            How many questions are ``new``, ``kept`` or ``withdrawn``.

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

        Reading goes on meanwhile. One refit runs at a time, whoever starts it; what it did, or why
        it failed, is in `progress`.

        Parameters
        ----------
        wait : bool, default=False
            Whether to return when it is over.

        Returns
        -------
        bool
            Whether it was started; False while another one runs.

        Raises
        ------
        ValueError
            If the cleaner holds parts that would have to be trusted, and is not kept.
        RuntimeError
            If it was waited for, and has failed.
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
            Of the JSON file; the interface gets the same name with ".xml".
        signals : bool, default=True
            Whether tasks hold their ECGs; without, the file is small.
        blind : bool, default=True
            Whether answers are left out of questions that wait for more, since whoever opens a
            task in Label Studio sees what it holds. What is answered blind decides no dispute.
        """
        path = check_path(path, "path")
        with self._database.reading() as work:
            states, leads = asking.states_in_order(work), all_leads(work)
        given = defaultdict(list)
        for row in self._readings().given.to_dict("records"):
            if not (blind and states.get(row["question"]) in asking.WAITING):
                given[row["question"]].append(row | {"answer": row["said"]})
        read = (lambda record: self.record(record).signals[0]) if signals else None
        # One by one: of all ECGs together memory would be full.
        tasks = (
            to_tasks([self.question(question)], given[question], signals=read)[0]
            for question in states
        )
        write_tasks(path, tasks, leads if signals else ())

    def from_label_studio(self, path, reader=None):
        """Store the answers in what Label Studio exports, as JSON or JSON-MIN.

        Read again, an export stores nothing twice.

        Parameters
        ----------
        path : path
        reader : str or dict, default=None
            Who answered: a name for all, or names by what Label Studio calls its users; by default
            what it calls them.

        Returns
        -------
        int
            How many answers were stored.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If it is no export of Label Studio.

        Warns
        -----
        UserWarning
            Of answers that are left out: to no question of this queue, or with another's key.
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
        """Return the answers that stand, and what they come to."""
        with self._database.reading() as work:
            last = asking.last_answer(work)
            # Held in one variable: another thread may put newer ones in their place.
            last_known, readings = self._known
            if last_known != last:
                readings = Readings(work)
                self._known = last, readings
        return readings

    def _show(self, work, chosen, reader):
        return show_questions(work, chosen, reader, self.label_names.tolist())
