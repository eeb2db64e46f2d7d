"""``sklearn-ecg clean``: questions for the review desk, and its answers."""

import importlib.util
import shutil
import tomllib
from contextlib import closing

import pandas as pd
import pytest

from sklearn_ecg.review import ReviewQueue


@pytest.fixture(scope="module")
def command(exports):
    return "clean", exports / "exports", exports / "labels.csv"


@pytest.fixture
def folder(cleaned, tmp_path):
    """A copy of what `clean` has written, the queue among it."""
    return shutil.copytree(cleaned, tmp_path / "cleaned")


def opened(folder):
    return closing(ReviewQueue(folder / "queue.sqlite"))


def answer(folder, n=1):
    """Let ana answer what the queue asks first, as the cleaner believes; return what she said."""
    with opened(folder) as queue:
        for _ in range(n):
            (question,) = queue.next_questions("ana")
            said = "present" if question["probability"] > 0.5 else "absent"
            queue.answer(question["question"], "ana", said)
        return queue.trail()[["id", "label", "answer"]]


def provenance(folder):
    details = pd.read_csv(folder / "details.csv", dtype={"id": str})
    return details.set_index(["id", "label"])["provenance"]


def test_a_queue_lies_beside_the_labels(cleaned):
    with opened(cleaned) as queue:
        assert list(queue.label_names) == ["Normal", "AF"]
        (question,) = queue.next_questions("ana")
        assert question["record"]["leads"] == ["I", "II", "V1"]
        assert queue.signals(question["record"]["record"])


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
    assert f"7 questions for readers: sklearn-ecg review {queue}" in result.stdout
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
    assert "cannot go on" in said and said.strip().endswith("Move it away, or give --no-queue.")
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
