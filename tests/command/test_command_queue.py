"""``sklearn-ecg clean``: questions for the review desk, and its answers."""

import importlib.util
import shutil
import tomllib
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from sklearn_ecg.review import ReviewQueue
from tests.review.queues import POSTGRESQL, empty_postgresql


@pytest.fixture(scope="module")
def command(exports):
    return "clean", exports / "exports", exports / "labels.csv"


@pytest.fixture
def folder(cleaned, tmp_path):
    """A copy of what `clean` has written, the queue among it."""
    return shutil.copytree(cleaned, tmp_path / "cleaned")


def opened(folder):
    return ReviewQueue(folder / "queue.sqlite")


def answer(folder, n=1):
    """Let ana answer what the queue asks first, as the cleaner believes; return what she said."""
    with opened(folder) as queue:
        for _ in range(n):
            answer_next(queue)
        return queue.trail()[["id", "label", "answer"]]


def answer_next(queue):
    (question,) = queue.next_questions("ana")
    said = "present" if question["probability"] > 0.5 else "absent"
    queue.answer(question["question"], "ana", said)


def provenance(folder):
    details = pd.read_csv(folder / "details.csv", dtype={"id": str})
    return details.set_index(["id", "label"])["provenance"]


def test_a_queue_lies_beside_the_labels(cleaned):
    with opened(cleaned) as queue:
        assert list(queue.label_names) == ["Normal", "AF"]
        (question,) = queue.next_questions("ana")
        assert question["record"]["leads"] == ["I", "II", "V1"]
        assert queue.record(question["record"]["record"])


def test_answers_in_the_folder_come_back_and_stay(run, command, folder):
    given = answer(folder, n=2)
    run(*command, "-o", folder, "--answers", folder / "queue.sqlite")
    found = provenance(folder)
    answered = set(found[found == "answered"].index)
    assert answered == set(map(tuple, given[["id", "label"]].to_numpy()))
    with opened(folder) as queue:
        pd.testing.assert_frame_equal(queue.trail()[["id", "label", "answer"]], given)


def test_answers_that_nobody_takes_are_told_of_and_kept(run, command, folder):
    given = answer(folder)
    said = run(*command, "-o", folder, "--quiet").stderr
    assert f"Warning: {folder / 'queue.sqlite'} holds answers that these labels do not" in said
    assert not (provenance(folder) == "answered").any()
    with opened(folder) as queue:
        assert len(queue.trail()) == len(given)


def test_a_queue_of_another_folder_goes_on(run, command, folder, tmp_path):
    given = answer(folder)
    out = tmp_path / "reviewed"
    run(*command, "-o", out, "--answers", folder / "queue.sqlite", "--quiet")
    assert (provenance(out) == "answered").sum() == 1 and not (out / "queue.sqlite").exists()
    with opened(folder) as queue:
        assert len(queue.trail()) == len(given)
    settings = tomllib.loads((out / "settings.toml").read_text())
    assert settings["clean"]["answers"] == str(folder / "queue.sqlite")


def test_answers_follow_files_that_are_moved_and_wait_for_files_that_are_gone(
    run, exports, folder, tmp_path
):
    given = answer(folder, n=3)
    files = shutil.copytree(exports / "exports", tmp_path / "exports")
    moved, gone = given["id"].unique()[:2]
    (files / "ward").mkdir()
    for file in files.glob(f"{Path(moved).stem}.*"):
        file.rename(files / "ward" / file.name)
    for file in files.glob(f"{Path(gone).stem}.*"):
        file.unlink()
    command = "clean", files, exports / "labels.csv", "--quiet", "-o", folder
    said = run(*command, "--answers", folder / "queue.sqlite").stderr
    assert f"answers about 1 records that are not among the files, such as {gone}" in said
    found = provenance(folder)
    of_moved = given["label"][given["id"] == moved]
    assert (found[f"ward/{moved}"][of_moved] == "answered").all()
    assert (found == "answered").sum() == (given["id"] != gone).sum()
    with opened(folder) as queue:
        assert len(queue.trail()) == len(given)


def test_without_trusted_labels_readers_answer_a_sample_first(run, exports, tmp_path):
    truth = pd.read_csv(exports / "truth.csv", index_col="ecg")
    pd.read_csv(exports / "labels.csv").drop(columns="trusted").to_csv(
        tmp_path / "weak.csv", index=False
    )
    command = "clean", exports / "exports", tmp_path / "weak.csv", "-o", tmp_path / "cleaned"
    assert "--sample 100" in run(*command, expected=1).stderr
    queue = tmp_path / "cleaned" / "queue.sqlite"
    said = run(*command, "--sample", "24").stdout
    assert f"48 questions about random records: sklearn-ecg review {queue}" in said
    assert (tmp_path / "cleaned" / "report.csv").exists()
    with opened(tmp_path / "cleaned") as opened_queue:
        for question in opened_queue.next_questions("ana", 100):
            name = Path(question["record"]["id"]).stem
            is_present = truth.at[name, question["label"]] == 1
            said = "present" if is_present else "absent"
            opened_queue.answer(question["question"], "ana", said)
    run(*command, "--answers", queue, "--quiet")
    found = provenance(tmp_path / "cleaned")
    assert found.isin(["trusted", "answered"]).sum() == 48
    with opened(tmp_path / "cleaned") as opened_queue:
        assert opened_queue.progress()["n_open"] > 0  # now the cleaner asks


def test_a_queue_without_answers_teaches_nothing(run, command, folder, cleaned):
    result = run(*command, "-o", folder, "--answers", folder / "queue.sqlite")
    assert "holds 0 answers" in result.stderr
    assert (folder / "labels.csv").read_text() == (cleaned / "labels.csv").read_text()


def test_few_questions_or_none(run, command, folder):
    queue = folder / "queue.sqlite"
    queue.unlink()
    run(*command, "-o", folder, "--no-queue", "--quiet")
    assert not queue.exists()
    queue.touch()  # as a run leaves it that is killed
    result = run(*command, "-o", folder, "--questions", "7")
    assert (
        f"7 questions for readers, also about decided labels: sklearn-ecg review {queue}"
        in result.stdout
    )
    with opened(folder) as queue:
        assert queue.progress()["n_questions"] == 7
    run(*command, "-o", folder, "--questions", "9", "--quiet")
    run(*command, "-o", folder, "--quiet")
    with opened(folder) as queue:
        assert queue.progress()["n_questions"] == 9
    said = run(*command, "-o", folder, "--questions", "0", expected=2).stderr
    assert "0 is not in the range" in said


def test_without_sqlalchemy_labels_are_cleaned_all_the_same(run, command, folder, monkeypatch):
    (folder / "queue.sqlite").unlink()
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "sqlalchemy" else find(name)
    )
    assert "No queue: it needs SQLAlchemy" in run(*command, "-o", folder, "--quiet").stderr
    assert not (folder / "queue.sqlite").exists()


def test_a_queue_of_other_labels_is_left_as_it_is(run, exports, folder, tmp_path):
    before = answer(folder)
    table = pd.read_csv(exports / "labels.csv").drop(columns="AF")
    table.to_csv(tmp_path / "normal.csv", index=False)
    command = "clean", exports / "exports", tmp_path / "normal.csv", "--quiet"
    said = run(*command, "-o", folder, expected=1).stderr
    assert "cannot go on" in said and said.strip().endswith("or give --no-queue.")
    with opened(folder) as queue:
        assert len(queue.trail()) == len(before)


@pytest.mark.parametrize(
    ("name", "exit_code", "expected"),
    [
        ("broken.sqlite", 1, "broken.sqlite"),
        ("none.sqlite", 2, "does not exist"),
        ("oracle://desk:secret@server/ecg", 1, "oracle"),
    ],
)
def test_what_is_no_queue_is_refused(run, command, folder, tmp_path, name, exit_code, expected):
    (tmp_path / "broken.sqlite").write_bytes(b"SQLite format 3\0" + bytes(84))
    place = name if "://" in name else tmp_path / name
    said = run(*command, "-o", folder, "--answers", place, expected=exit_code).stderr
    assert expected in said and "unexpected" not in said and "secret" not in said


def test_a_queue_of_a_name(run, command, folder, tmp_path):
    """It is made, brought up to date, and read, also beside that of the folder."""
    queue = tmp_path / "desk.sqlite"
    said = run(*command, "-o", folder, "--queue", queue, "--questions", "5").stdout
    assert f"sklearn-ecg review {queue}" in said
    with ReviewQueue(queue) as desk:
        answer_next(desk)
    assert f"--answers {queue} uses them" in run(*command, "-o", folder, "--queue", queue).stderr
    run(*command, "-o", folder, "--queue", queue, "--answers", queue, "--quiet")
    assert (provenance(folder) == "answered").sum() == 1
    said = run(*command, "-o", folder, "--queue", queue, "--no-queue", expected=2).stderr
    assert "exclude each other" in said


@pytest.mark.skipif(
    POSTGRESQL is None, reason="SKLEARN_ECG_POSTGRESQL names no database that tests may empty"
)
def test_a_queue_in_postgresql_from_the_command_alone(run, command, folder, tmp_path, monkeypatch):
    url = sa.make_url(empty_postgresql())
    monkeypatch.setenv("PGPASSWORD", url.password)
    plain = url.set(drivername="postgresql", password=None).render_as_string()
    log = tmp_path / "log.json"
    said = run(*command, "-o", folder, "--queue", plain, "--log", log).stdout
    assert f"sklearn-ecg review {plain}" in said
    with ReviewQueue(plain) as queue:
        answer_next(queue)
    full = url.render_as_string(hide_password=False)
    result = run(*command, "-o", folder, "--answers", full, "--log", log)
    assert (provenance(folder) == "answered").sum() == 1
    written = (folder / "settings.toml").read_text() + log.read_text()
    assert not any(url.password in text for text in (result.stdout, result.stderr, written))
    run(*command, "-o", folder, "--settings", folder / "settings.toml", "--quiet")
    empty_postgresql()
