"""Queues of the review desk that `sklearn-ecg clean` reads and writes."""

import importlib.util
from contextlib import closing
from pathlib import Path

import click

from sklearn_ecg.command._settings import without_password

#: Name of the queue in a run's folder.
QUEUE = "queue.sqlite"
_SQLITE = b"SQLite format 3\0"


class Answers(click.ParamType):
    """A filled-in review list, or a queue: a path, or the URL of a database."""

    name = "file or url"

    def convert(self, value, param, ctx):
        if isinstance(value, Path) or "://" in value:
            return value
        return click.Path(path_type=Path, exists=True, dir_okay=False).convert(value, param, ctx)


def is_queue(answers):
    """Whether answers are a queue, and not a table."""
    if not isinstance(answers, Path):
        return answers is not None
    with open(answers, "rb") as file:
        return file.read(len(_SQLITE)) == _SQLITE


def read_answers(run, answers):
    """Return answers in the form of `with_answers`; None if a queue holds none yet."""
    if not is_queue(answers):
        return answers
    from sklearn_ecg.review import ReviewQueue

    with closing(ReviewQueue(answers)) as queue:
        found, taken = queue.answers(min_trust=0), queue.answers()
    n_left_out = len(found) - len(taken)
    text = f"; {n_left_out} are left out as probably wrong" if n_left_out else ""
    run.say(f"{without_password(str(answers))} holds {len(found)} answers{text}")
    return taken if len(taken) else None


def write_queue(run, cleaner, records, folder, options):
    """Write the cleaner's questions into the queue of its answers, or of the folder."""
    if options["queue"] is None and importlib.util.find_spec("sqlalchemy") is None:
        click.echo("No queue: it needs SQLAlchemy. pip install sklearn_ecg[review]", err=True)
        return
    from sklearn_ecg.review import ReviewQueue

    target = options["answers"] if is_queue(options["answers"]) else folder / QUEUE
    name = without_password(str(target))
    run.say(f"Writing questions into {name}")
    is_there = target != folder / QUEUE or (target.exists() and target.stat().st_size)
    size = {} if options["questions"] is None else {"n_questions": options["questions"]}
    if is_there:
        queue = ReviewQueue(target)
    else:  # a killed run can leave an empty file
        queue = ReviewQueue.from_cleaner(
            cleaner, records, target, random_state=options["seed"], **size
        )
    with closing(queue):
        if is_there and target is not options["answers"] and len(queue.answers()):
            text = f"{name} holds answers that these labels do not use: --answers {name} "
            click.echo(f"Warning: {text}uses them.", err=True)
        try:
            counts = queue.update(cleaner, records, **size) if is_there else {}
        except ValueError as error:
            cure = "Move it away, or give --no-queue."
            raise ValueError(f"{name} cannot go on: {error} {cure}") from error
        progress = queue.progress()
    n_left = progress["n_open"] + progress["n_disputed"]
    run.log("queue", queue=name, n_left=n_left, **counts)
    run.conclude(f"{n_left} questions for readers: sklearn-ecg review {name}")
