"""Queues of the review desk that `sklearn-ecg clean` reads and writes."""

import importlib.util
from pathlib import Path

import click

from sklearn_ecg.command._settings import without_password

#: Name of the queue in a run's folder.
QUEUE = "queue.sqlite"
_SQLITE = b"SQLite format 3\0"


class FileOrURL(click.ParamType):
    """A file, or the URL of a database.

    Parameters
    ----------
    exists : bool
        Whether a file must be there.
    """

    name = "file or url"

    def __init__(self, *, exists):
        self._file = click.Path(path_type=Path, exists=exists, dir_okay=False)

    def convert(self, value, param, ctx):
        if isinstance(value, Path) or "://" in value:
            return value
        return self._file.convert(value, param, ctx)


def is_queue(answers):
    """Whether answers are a queue, and not a table."""
    if not isinstance(answers, Path):
        return answers is not None
    with open(answers, "rb") as file:
        return file.read(len(_SQLITE)) == _SQLITE


def read_answers(run, cleaner, answers):
    """Return answers in the form of `with_answers`; None if there are none yet."""
    if not is_queue(answers):
        return answers
    from sklearn_ecg.review import ReviewQueue
    from sklearn_ecg.review.queue._cleaner import leave_out_contradicted

    name = without_password(str(answers))
    with ReviewQueue(answers) as queue:
        found, taken = queue.answers(min_trust=0), queue.answers()
    n_left_out = len(found) - len(taken)
    text = f"; {n_left_out} are left out as probably wrong" if n_left_out else ""
    run.say(f"{name} holds {len(found)} answers{text}")
    taken = leave_out_contradicted(cleaner, _find_records(name, taken, cleaner._ids))
    return taken if len(taken) else None


def trust_sample(answers, records, sources):
    """Return records and sources that trust the answers about a queue's random sample."""
    if not is_queue(answers):
        return records, sources
    import pandas as pd

    from sklearn_ecg.review import ReviewQueue
    from sklearn_ecg.review.queue._results import trust_answers

    with ReviewQueue(answers) as queue:
        found = queue.answers()
    found = found[found["origin"] == "sample"]
    found = _find_records(without_password(str(answers)), found, records.ids)
    names = records.label_names
    if not len(found):
        return records, sources
    if sources is None:
        return trust_answers(records, found, names), None
    truth = sources.get("truth", pd.DataFrame(-1, records.ids, names))
    known = trust_answers(records.with_labels(truth.to_numpy(), names), found, names)
    return records, sources | {"truth": pd.DataFrame(known.labels, records.ids, names)}


def write_sample(run, records, folder, options):
    """Write a queue about a random sample of records, of which no label is trusted."""
    from sklearn_ecg.review import ReviewQueue

    target = options["queue"] or folder / QUEUE
    name = without_password(str(target))
    queue = ReviewQueue.from_records(
        records, target, n_records=options["sample"], random_state=options["seed"]
    )
    with queue:
        n_questions = queue.progress()["n_questions"]
    run.log("queue", queue=name, n_left=n_questions)
    run.conclude(
        f"{n_questions} questions about random records: sklearn-ecg review {name}. Then clean "
        f"again with --answers {name}."
    )


def _find_records(name, taken, ids):
    """Return answers with the present ids of their records, and warn of records that are gone.

    Files can be moved or deleted after a queue was made. They are found as the rows of LABELS are:
    by the end of the path.
    """
    import pandas as pd

    from sklearn_ecg.datasets._table_names import find_by_name

    owners, _ = find_by_name(pd.Index(taken["id"].astype(str)), pd.Index(ids.astype(str)))
    gone = taken["id"][owners < 0].unique()
    if len(gone):
        text = f"{name} holds answers about {len(gone)} records that are not among the files, such "
        text += f"as {gone[0]}. These answers are kept, and used once the files are back."
        click.echo(f"Warning: {text}", err=True)
    taken = taken.assign(id=ids[owners])[owners >= 0]
    # A moved file may have been asked about anew: the later question counts.
    return taken.drop_duplicates(["id", "label"], keep="last")


def write_queue(run, cleaner, records, folder, options):
    """Write the cleaner's questions into the named queue, that of its answers, or the folder's."""
    answers = options["answers"] if is_queue(options["answers"]) else None
    target = options["queue"] or answers or folder / QUEUE
    if target == folder / QUEUE and importlib.util.find_spec("sqlalchemy") is None:
        click.echo("No queue: it needs SQLAlchemy. pip install sklearn_ecg[review]", err=True)
        return
    from sklearn_ecg.review import ReviewQueue

    name = without_password(str(target))
    run.say(f"Writing questions into {name}")
    size = {} if options["questions"] is None else {"n_questions": options["questions"]}
    try:
        queue, is_new = ReviewQueue(target), False
    except FileNotFoundError:
        queue = ReviewQueue.from_cleaner(
            cleaner, records, target, random_state=options["seed"], **size
        )
        is_new = True
    with queue:
        if not is_new and target != answers and len(queue.answers()):
            text = f"{name} holds answers that these labels do not use: --answers {name} "
            click.echo(f"Warning: {text}uses them.", err=True)
        try:
            counts = {} if is_new else queue.update(cleaner, records, **size)
        except ValueError as error:
            cure = "Name another one by --queue, or give --no-queue."
            raise ValueError(f"{name} cannot go on: {error} {cure}") from error
        progress = queue.progress()
    n_left = progress["n_open"] + progress["n_disputed"]
    run.log("queue", queue=name, n_left=n_left, **counts)
    news = f" ({counts['new']} new, {counts['withdrawn']} withdrawn)" if counts else ""
    run.conclude(
        f"{n_left} questions for readers{news}, also about decided labels: sklearn-ecg review "
        f"{name}"
    )
