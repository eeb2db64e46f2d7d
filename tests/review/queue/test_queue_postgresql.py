"""A queue in PostgreSQL: passwords, rights, lost connections, and programs that come at once."""

import os
import threading

import pytest
import sqlalchemy as sa

from sklearn_ecg.review import ReviewQueue
from sklearn_ecg.review.queue import _schema
from sklearn_ecg.review.queue._postgresql import _find_password, _parse
from tests.review.queues import POSTGRESQL, empty_postgresql, new_queue

needs_server = pytest.mark.skipif(
    POSTGRESQL is None, reason="SKLEARN_ECG_POSTGRESQL names no database that tests may empty"
)
pytest.importorskip("pg8000", reason="the extra [postgresql] is not installed")


@pytest.fixture
def queue():
    empty_postgresql()
    with_questions = new_queue(POSTGRESQL, n_questions=20)
    yield with_questions
    with_questions.close()
    empty_postgresql()


@pytest.fixture
def passwords(tmp_path, monkeypatch):
    """PostgreSQL's file of passwords, and a function that tells which one a URL finds."""
    path = tmp_path / "pgpass"
    lines = "# host:5432:ecg:desk:no", "host:5433:ecg:desk:other port", "host:*:ecg:desk:a\\:b\\\\c"
    path.write_text("\n".join([*lines, "*:*:*:*:any"]))
    path.chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(path))
    monkeypatch.delenv("PGPASSWORD", raising=False)
    return path, lambda url: _find_password(_parse(url))


def test_a_password_comes_from_where_postgresql_looks(passwords, monkeypatch):
    path, password_of = passwords
    assert password_of("postgresql://desk:secret@host/ecg") == "secret"
    assert password_of("postgresql://desk@host/ecg") == "a:b\\c"
    # As settings.toml writes it.
    assert password_of("postgresql://desk:***@host/ecg") == "a:b\\c"
    assert password_of("postgresql+pg8000://desk@host:5433/ecg") == "other port"
    assert password_of("postgresql://desk@elsewhere/ecg") == "any"
    monkeypatch.setenv("PGPASSWORD", "of the environment")
    assert password_of("postgresql://desk@host/ecg") == "of the environment"
    monkeypatch.delenv("PGPASSWORD")
    path.chmod(0o644)  # others can read it
    if os.name == "posix":
        assert password_of("postgresql://desk@host/ecg") == ""
    path.unlink()
    assert password_of("postgresql://desk@host/ecg") == ""


@needs_server
def test_a_database_without_a_queue_and_one_whose_queue_is_gone(queue):
    empty_postgresql()
    for call in (queue.progress, lambda: queue.answer(1, "ana", "present")):
        with pytest.raises(FileNotFoundError, match=r"There is no queue in .* any more"):
            call()
    with pytest.raises(FileNotFoundError, match=r"There is no queue in .* clean --queue"):
        ReviewQueue(POSTGRESQL)


@needs_server
def test_tables_of_another_program_stay(queue):
    empty_postgresql()
    with queue._database._engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE answers (said text)")
    try:
        for call in (ReviewQueue, new_queue):
            with pytest.raises(ValueError, match="is a database of something else"):
                call(POSTGRESQL)
    finally:
        with queue._database._engine.begin() as connection:
            connection.exec_driver_sql("DROP TABLE answers")


@needs_server
def test_connections_that_the_server_has_ended_are_made_again(queue, caplog):
    queue.answer(1, "ana", "present")
    # Whatever driver the URL names, ours is installed.
    other = sa.create_engine(sa.make_url(POSTGRESQL).set(drivername="postgresql+pg8000"))
    end = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid != pg_backend_pid() "
        "AND datname = current_database()"
    )
    with other.connect() as connection:
        connection.exec_driver_sql(end)
    queue.answer(2, "ana", "present")
    with (
        pytest.raises(ConnectionError, match="What was stored before is kept"),
        queue._database.writing() as work,
    ):
        with other.connect() as connection:
            connection.exec_driver_sql(end)
        work.exec_driver_sql("SELECT 1")
    other.dispose()
    assert len(queue.trail()) == 2 and not caplog.records


@needs_server
def test_programs_that_migrate_at_once_do_it_once(queue, monkeypatch):
    done, errors = [], []

    def migrate(work):
        done.append(work.execute(sa.text("ALTER TABLE records ADD COLUMN more text")))

    def open_it():
        try:
            ReviewQueue(POSTGRESQL).close()
        except Exception as error:
            errors.append(error)

    monkeypatch.setattr(_schema, "SCHEMA_VERSION", 2)
    monkeypatch.setitem(_schema.MIGRATIONS, 1, migrate)
    threads = [threading.Thread(target=open_it) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) == 1 and not errors
