"""Exchange with Label Studio: the questions of a queue as tasks, and the answers of its export."""

from collections import defaultdict

from sklearn_ecg.review.queue._actions import put_answer_of
from sklearn_ecg.review.queue._label_studio import read_export, to_task, write_tasks
from sklearn_ecg.review.queue._questions import in_order
from sklearn_ecg.review.queue._queue import ReviewQueue
from sklearn_ecg.review.queue._schema import get_fact
from sklearn_ecg.review.queue._states import WAITING
from sklearn_ecg.utils import check_path, warn_user

# Number of left-out answers that a warning names.
_MOST_NAMED = 5


def to_label_studio(queue, path, *, signals=True, blind=True, patient=False) -> None:
    """Write the questions of a queue as tasks of Label Studio, and its labelling interface.

    A task holds a record with all its questions that wait for answers, or all that are done.

    Parameters
    ----------
    queue : ReviewQueue
    path : path
        JSON file to write; the interface gets the same name with ".xml".
    signals : bool, default=True
        Whether tasks hold their ECGs, as drawings on paper.
    blind : bool, default=True
        Whether to leave out answers to open questions: everybody who opens a task in Label Studio
        sees them. A blind answer decides no dispute.
    patient : bool, default=False
        Whether tasks show age and sex.

    See Also
    --------
    from_label_studio : Stores the answers.

    Examples
    --------
    >>> from sklearn_ecg.review import ReviewQueue, to_label_studio
    >>> to_label_studio(ReviewQueue("queue.sqlite"), "tasks.json")  # doctest: +SKIP
    """
    path = check_path(path, "path")
    _check_queue(queue)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder: give the path of a file to write.")
    with queue._database.reading() as work:
        identity = get_fact(work, "identity")
        of_task = defaultdict(list)
        for row in in_order(work):
            of_task[row.record, row.state in WAITING].append(row.question)
    given = defaultdict(list)
    for row in queue._results().given.to_dict("records"):
        given[row["question"]].append(row | {"answer": row["said"]})

    def tasks():
        # One by one, since all ECGs together could fill the memory.
        for (record, is_waiting), asked in of_task.items():
            is_shown = not (blind and is_waiting)
            yield to_task(
                [queue.question(question) for question in asked],
                [answer for question in asked if is_shown for answer in given[question]],
                queue=identity,
                signal=queue.record(record).signals[0] if signals else None,
                patient=patient,
            )

    write_tasks(path, tasks(), signals=signals)


def from_label_studio(queue, path, reader=None) -> int:
    """Store the answers of a Label Studio export in the queue of its tasks.

    Reading an export again stores nothing twice.

    Parameters
    ----------
    queue : ReviewQueue
    path : path
        File that Label Studio has exported as JSON.
    reader : str or dict, default=None
        Name of the reader of all answers, or names by Label Studio's users; by default its users.

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
        If answers are left out: those of another queue, unreadable ones, or drafts.

    See Also
    --------
    to_label_studio : Writes the tasks.

    Examples
    --------
    >>> from sklearn_ecg.review import ReviewQueue, from_label_studio
    >>> from_label_studio(ReviewQueue("queue.sqlite"), "export.json")  # doctest: +SKIP
    """
    path = check_path(path, "path")
    _check_queue(queue)
    with queue._database.reading() as work:
        identity = get_fact(work, "identity")
    found = read_export(path, queue=identity, reader=reader)
    left_out, n_stored = [], 0
    for row in found.itertuples():
        try:
            with queue._database.writing() as work:
                n_stored += put_answer_of(work, row, software="Label Studio")
        except (LookupError, ValueError) as error:
            left_out.append(f"{row.answer} to question {row.question}: {error}")
    if left_out:
        shown = " ".join(left_out[:_MOST_NAMED])
        warn_user(f"{len(left_out)} of {len(found)} answers are left out. {shown}")
    return n_stored


def _check_queue(queue):
    if not isinstance(queue, ReviewQueue):
        raise TypeError(f"queue must be a ReviewQueue; got {type(queue).__name__}.")
