"""The tables of a review queue, and migrations of older versions."""

import uuid
from collections.abc import Callable

import sqlalchemy as sa

from sklearn_ecg._version import __version__

FORMAT = "sklearn_ecg.review"
# Increase it with each change of the tables, and add a function to `MIGRATIONS` for the version
# before.
SCHEMA_VERSION = 1
# By version, a function that takes a connection and migrates the tables to the next version.
MIGRATIONS: dict[int, Callable] = {}

_metadata = sa.MetaData()

facts = sa.Table(
    "facts",
    _metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("value", sa.JSON, nullable=False),
)
records = sa.Table(
    "records",
    _metadata,
    sa.Column("record", sa.Integer, primary_key=True),
    # As text, and its former type: "int" or "str".
    sa.Column("id", sa.String, nullable=False),
    sa.Column("id_kind", sa.String, nullable=False),
    sa.Column("leads", sa.JSON, nullable=False),
    sa.Column("sampling_rate", sa.Double, nullable=False),
    sa.Column("n_times", sa.Integer, nullable=False),
    sa.Column("step_mv", sa.Double, nullable=False),
    sa.Column("age_years", sa.Double),
    sa.Column("sex", sa.String),
    # In the order of the labels' names: labels of the record, latest labels of the cleaner, and
    # which labels no question asks about.
    sa.Column("weak", sa.JSON, nullable=False),
    sa.Column("labels", sa.JSON, nullable=False),
    sa.Column("trusted", sa.JSON, nullable=False),
    sa.UniqueConstraint("id", "id_kind"),
)
# A separate table, so that queries for records do not read signals.
signals = sa.Table(
    "signals",
    _metadata,
    sa.Column("record", sa.ForeignKey("records.record"), primary_key=True),
    sa.Column("content", sa.LargeBinary, nullable=False),
)
questions = sa.Table(
    "questions",
    _metadata,
    sa.Column("question", sa.Integer, primary_key=True),
    sa.Column("record", sa.ForeignKey("records.record"), nullable=False),
    sa.Column("label", sa.String, nullable=False),
    sa.Column("weak", sa.Integer, nullable=False),
    # The cleaner's probability that the record has the label, the value that it presumes, and the
    # probability that this is wrong. They do not change once a question has an answer.
    sa.Column("probability", sa.Double),
    sa.Column("presumed", sa.Integer, nullable=False),
    sa.Column("wrong", sa.Double),
    sa.Column("place", sa.Double, nullable=False),
    sa.Column("n_needed", sa.Integer, nullable=False),
    sa.Column("is_control", sa.Boolean, nullable=False),
    sa.Column("is_withdrawn", sa.Boolean, nullable=False, default=False),
    # Maker: "cleaner", "reader" who named another label, or a random "sample" before cleaning.
    sa.Column("origin", sa.String, nullable=False),
    # Results of the answers.
    sa.Column("state", sa.String, nullable=False, default="open"),
    sa.Column("evidence", sa.JSON, nullable=False, default=list),
    # Pairs: whether the record has the label (null for others of the patient), and the record.
    sa.Column("similar", sa.JSON, nullable=False, default=list),
    sa.UniqueConstraint("record", "label"),
    sa.Index("questions_in_order", "state", "place"),
)
# Rows are added, never changed or deleted.
answers = sa.Table(
    "answers",
    _metadata,
    sa.Column("answer", sa.Integer, primary_key=True),
    # Identifies an answer that is sent again.
    sa.Column("key", sa.String, nullable=False, unique=True),
    # The answer or undo that was sent together with this one.
    sa.Column("goes_with", sa.ForeignKey("answers.answer"), index=True),
    sa.Column("question", sa.ForeignKey("questions.question"), nullable=False),
    sa.Column("reader", sa.String, nullable=False),
    # One of ANSWERS, or "undo".
    sa.Column("said", sa.String, nullable=False),
    sa.Column("undoes", sa.ForeignKey("answers.answer"), unique=True),
    # Whether the reader had seen the answers that disagree.
    sa.Column("is_final", sa.Boolean, nullable=False, default=False),
    sa.Column("note", sa.String, nullable=False, default=""),
    sa.Column("seconds", sa.Double),
    sa.Column("software", sa.String),
    sa.Column("at", sa.String, nullable=False),
    sa.Index("answers_to_question", "question", "reader"),
    sa.Index("answers_of_reader", "reader", "answer"),
)
leases = sa.Table(
    "leases",
    _metadata,
    sa.Column("question", sa.ForeignKey("questions.question"), primary_key=True),
    sa.Column("reader", sa.String, nullable=False),
    sa.Column("until", sa.Double, nullable=False),
    # Whether it was shown as a dispute, with the answers that disagree.
    sa.Column("shows_dispute", sa.Boolean, nullable=False),
)
refits = sa.Table(
    "refits",
    _metadata,
    sa.Column("refit", sa.Integer, primary_key=True),
    sa.Column("started", sa.String, nullable=False),
    # The last answer when it started.
    sa.Column("last_answer", sa.Integer, nullable=False),
    sa.Column("heartbeat", sa.Double, nullable=False),
    sa.Column("ended", sa.String),
    sa.Column("error", sa.String),
    sa.Column("counts", sa.JSON),
)
# Large values, such as the cleaner, in pieces.
parts = sa.Table(
    "parts",
    _metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("content", sa.LargeBinary, nullable=False),
)
_PIECE = 16 << 20


def make(work, name):
    """Make the tables; tables of a queue without answers are replaced.

    Parameters
    ----------
    work : Connection
    name : str
        Name of the database, for messages.
    """
    check_free(work, name)
    _metadata.drop_all(work)
    _metadata.create_all(work)
    put_fact(work, "format", FORMAT)
    put_fact(work, "schema_version", SCHEMA_VERSION)
    put_fact(work, "made_by", __version__)
    put_fact(work, "identity", uuid.uuid4().hex)  # tells its exports from those of other queues


def check_free(work, name):
    """Raise if a new queue would replace data."""
    # A file belongs to one program; a server's database may hold tables of several.
    is_file = work.dialect.name == "sqlite"
    if not (sa.inspect(work).get_table_names() if is_file else _our_tables(work)):
        return
    _check_format(work, name)
    n_answers = work.scalar(sa.select(sa.func.count()).select_from(answers))
    if n_answers:
        raise FileExistsError(
            f"{name} is a review queue with {n_answers} answers. Open it by ReviewQueue({name!r}) "
            "and call update(cleaner), or use another path."
        )


def check_version(work, name):
    """Return the version of the tables, or raise if they are not a readable queue."""
    if work.dialect.name == "postgresql" and not _our_tables(work):
        raise FileNotFoundError(
            f"There is no queue in {name} yet. Make it with `sklearn-ecg clean --queue` or "
            "ReviewQueue.from_cleaner."
        )
    _check_format(work, name)
    version, label_names = get_fact(work, "schema_version"), get_fact(work, "label_names")
    if not isinstance(version, int) or version < 1 or not label_names:
        raise ValueError(
            f"{name} is damaged: its schema_version is {version!r}, and its label_names are "
            f"{label_names!r}. Use an earlier copy."
        )
    if version > SCHEMA_VERSION:
        raise ValueError(
            f"{name} was written by sklearn_ecg {get_fact(work, 'made_by')} with version {version} "
            f"of its tables; this is sklearn_ecg {__version__}, which reads up to version "
            f"{SCHEMA_VERSION}. Install that version or a newer one."
        )
    return version


def bring_up_to_date(database):
    """Migrate the tables of a queue, if they are of an older version.

    Parameters
    ----------
    database : Database
    """
    with database.reading() as work:
        version = check_version(work, database.name)
    if version < SCHEMA_VERSION:
        with database.writing() as work:
            migrate(work, database.name)


def migrate(work, name):
    """Migrate the tables of an older version to this one."""
    for version in range(check_version(work, name), SCHEMA_VERSION):
        MIGRATIONS[version](work)
        put_fact(work, "schema_version", version + 1)
        put_fact(work, "made_by", __version__)


def _our_tables(work):
    return set(sa.inspect(work).get_table_names()) & set(_metadata.tables)


def _check_format(work, name):
    found = sa.inspect(work)
    columns = [c["name"] for c in found.get_columns("facts")] if found.has_table("facts") else []
    if columns != ["name", "value"] or get_fact(work, "format") != FORMAT:
        raise ValueError(
            f"{name} is a database of something else, not a review queue. Use the path of a "
            "queue that ReviewQueue.from_cleaner made; for a new queue use a new path, or a "
            "separate database."
        )


def read_mark(work):
    """Return which queue the tables are, and the number of the last answer or undo."""
    identity = sa.select(facts.c.value).where(facts.c.name == "identity").scalar_subquery()
    row = work.execute(sa.select(identity, sa.func.max(answers.c.answer))).one()
    return row[0] or "", row[1] or 0


def get_fact(work, name):
    """Return a fact, or None."""
    return work.scalar(sa.select(facts.c.value).where(facts.c.name == name))


def put_fact(work, name, value):
    """Store a fact; it replaces one with the same name."""
    work.execute(facts.delete().where(facts.c.name == name))
    work.execute(facts.insert().values(name=name, value=value))


def get_part(work, name):
    """Return a large value as bytes, or None."""
    pieces = work.scalars(
        sa.select(parts.c.content).where(parts.c.name == name).order_by(parts.c.number)
    ).all()
    return b"".join(pieces) if pieces else None


def has_part(work, name):
    """Whether there is a large value with this name; reading it would take long."""
    return work.scalar(sa.select(sa.exists().where(parts.c.name == name)))


def put_part(work, name, content):
    """Store bytes; they replace a value with the same name, and None removes it."""
    work.execute(parts.delete().where(parts.c.name == name))
    if content is not None:
        for number, start in enumerate(range(0, max(1, len(content)), _PIECE)):
            piece = content[start : start + _PIECE]
            work.execute(parts.insert().values(name=name, number=number, content=piece))
