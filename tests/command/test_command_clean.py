"""``sklearn-ecg clean``, ``train``, ``card`` and ``evaluate``: from exports to a model."""

import json
import os
import signal

import numpy as np
import pandas as pd
import pytest

from sklearn_ecg import LabelCorrelationECGClassifier
from sklearn_ecg.features import _extraction
from sklearn_ecg.network import _callbacks


def as_text(path):
    return pd.read_csv(path, dtype={"id": str}).set_index("id")


def test_exports_and_a_table_give_cleaned_labels(exports, cleaned):
    labels, truth = as_text(cleaned / "labels.csv"), pd.read_csv(exports / "truth.csv")
    assert len(labels) == len(truth)
    # "P0000-0" of the table is P0000-0.dcm, or .xml.
    own = labels.set_axis(labels.index.str.rpartition(".").get_level_values(0))
    own = own.loc[truth["ecg"]].to_numpy()
    weak = pd.read_csv(exports / "labels.csv")[["Normal", "AF"]].to_numpy()
    n_wrong = (truth[["Normal", "AF"]].to_numpy() != weak).sum()
    assert (own != truth[["Normal", "AF"]].to_numpy()).sum() < n_wrong / 2
    pd.testing.assert_frame_equal(
        pd.read_parquet(cleaned / "labels.parquet").set_index("id"),
        labels,
        check_dtype=False,
        check_index_type=False,
    )


def test_the_workbook_reasons_and_cards_are_there(cleaned):
    book = pd.read_excel(cleaned / "labels.xlsx", sheet_name=None)
    assert list(book) == ["labels", "changes", "review", "report"]
    changes = pd.read_csv(cleaned / "changes.csv")
    assert len(changes) == len(book["changes"])
    quality = pd.read_csv(cleaned / "quality.csv")
    assert list(quality.columns) == ["id", "lead", "problem", "value", "what_to_do"]
    assert changes["because"].str.len().gt(0).all()
    details = pd.read_csv(cleaned / "details.csv")
    is_changed = details["weak"] != details["clean"]
    assert is_changed.sum() == (changes["provenance"] != "undecided").sum()
    assert (details.loc[details["provenance"] == "trusted", "confidence"] == 1).all()
    assert details.groupby("patient")["id"].nunique().eq(2).all()
    assert "<h1>Label-cleaning card" in (cleaned / "card.html").read_text()


def test_answers_of_a_person_come_back(run, exports, cleaned, tmp_path):
    changed = pd.read_csv(cleaned / "changes.csv").iloc[:1]
    answers = changed[["id", "label"]].assign(answer=changed["weak"])
    answers.to_csv(tmp_path / "review.csv", index=False)
    command = "clean", exports / "exports", exports / "labels.csv", "--quiet"
    run(*command, "-o", tmp_path / "out", "--answers", tmp_path / "review.csv")
    details = pd.read_csv(tmp_path / "out" / "details.csv")
    answered = details[details["provenance"] == "answered"]
    assert answered[["id", "label"]].to_numpy().tolist() == changed[["id", "label"]].values.tolist()
    assert answered["clean"].item() == changed["weak"].item()
    said = run(*command, "-o", tmp_path, "--answers", tmp_path / "review.csv", expected=2).stderr
    assert "would be overwritten" in said


def test_nobody_to_trust_is_an_error_that_names_the_options(run, exports, tmp_path):
    table = pd.read_csv(exports / "labels.csv", dtype={"ecg": str})
    table.drop(columns="trusted").to_csv(tmp_path / "weak.csv", index=False)
    result = run(
        "clean", exports / "exports", tmp_path / "weak.csv", "-o", tmp_path / "out", expected=1
    )
    assert "--trusted-column" in result.stderr
    assert result.stderr.splitlines()[-1].startswith("Error: No labels are trusted")
    assert not (tmp_path / "out" / "labels.csv").exists()


def test_a_second_table_and_sources_are_weighed_and_ids_hashed(run, exports, tmp_path):
    table = pd.read_csv(exports / "labels.csv", dtype={"ecg": str})
    weak, trusted = table.drop(columns="trusted"), table["trusted"] == "yes"
    weak = weak.astype({"Normal": "Int8", "AF": "Int8"})
    weak.loc[1, ["Normal", "AF"]] = pd.NA
    weak.to_csv(tmp_path / "weak.csv", index=False)
    weak.to_csv(tmp_path / "resident.csv", index=False)
    weak[trusted].to_csv(tmp_path / "gold.csv", index=False)
    (tmp_path / "key").write_text("kept in our safe\n")
    out = tmp_path / "out"
    run("clean", exports / "exports", tmp_path / "weak.csv", "-o", out, "--quiet",
        "--truth", tmp_path / "gold.csv", "--source", tmp_path / "resident.csv",
        "--anonymise", tmp_path / "key", "--log", tmp_path / "log")  # fmt: skip
    details = pd.read_csv(out / "details.csv")
    is_changed, was_unknown = details["weak"] != details["clean"], details["weak"] == -1
    done = json.loads((tmp_path / "log").read_text().splitlines()[-2])
    assert done["n_changed"] == (is_changed & ~was_unknown).sum()
    assert done["n_filled_in"] == (is_changed & was_unknown).sum() == 2
    is_trusted = (details["provenance"] == "trusted").to_numpy().reshape(-1, 2)
    np.testing.assert_array_equal(is_trusted, np.column_stack([trusted, trusted]))
    assert "missing: resident" in pd.read_csv(out / "by_label.csv")
    assert "P00" not in (out / "details.csv").read_text() + (out / "card.md").read_text()
    run("train", exports / "exports", out, "-o", tmp_path / "model", "--quiet", "--epochs", 1,
        "--no-features", "--test-share", 0, "--anonymise", tmp_path / "key")  # fmt: skip
    assert set(pd.read_csv(tmp_path / "model" / "split.csv")["id"]) == set(details["id"])


def test_without_a_table_statements_are_the_labels(run, exports, tmp_path):
    run("clean", exports / "exports", "-o", tmp_path, "--label-names", "AF", "--quiet")
    details = pd.read_csv(tmp_path / "details.csv")
    truth = pd.read_csv(exports / "truth.csv").set_index("ecg")["AF"]
    own = details[details["id"].str.endswith(".xml")]
    confirmed = own[own["provenance"] == "trusted"]
    assert len(confirmed) == len(own) / 2
    expected = truth.loc[confirmed["id"].str.removesuffix(".xml")]
    np.testing.assert_array_equal(confirmed["clean"], expected)
    statements = pd.read_csv(tmp_path / "statements.csv").set_index(["by", "statement"])
    assert statements.loc[("reader", "Atrial fibrillation"), "labels"] == "AF"


def killed(function):
    child = os.fork()
    if child == 0:
        function()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


@pytest.fixture
def counted(monkeypatch):
    """How many records were measured, and what happens at one of them."""
    counts = {"measured": 0, "at": None, "happens": None}
    measure = _extraction.measure

    def counting(*arguments):
        counts["measured"] += 1
        if counts["measured"] == counts["at"]:
            counts["happens"]()
        return measure(*arguments)

    monkeypatch.setattr(_extraction, "measure", counting)
    return counts


def test_a_run_that_was_killed_goes_on_by_its_settings(
    run, cleaned, tmp_path, counted, monkeypatch
):
    monkeypatch.chdir(tmp_path)  # paths in the settings hold from everywhere
    command = ["clean", "--settings", cleaned / "settings.toml", "-o", "again", "--quiet"]
    counted |= {"at": 30, "happens": lambda: os.kill(os.getpid(), signal.SIGKILL)}
    assert killed(lambda: run(*command)) == -signal.SIGKILL
    assert not (tmp_path / "again" / "labels.csv").exists()
    counted["at"] = None
    run(*command)
    assert counted["measured"] == 24  # but for the shard that was whole
    for name in ("labels.csv", "changes.csv", "details.csv"):
        assert (tmp_path / "again" / name).read_bytes() == (cleaned / name).read_bytes()


@pytest.fixture
def heeds_ctrl_c():
    """Heed SIGINT, which a shell has processes ignore that it starts in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeds_ctrl_c")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_says_that_the_same_command_goes_on(
    run, exports, tmp_path, counted, number
):
    counted |= {"at": 20, "happens": lambda: os.kill(os.getpid(), number)}
    log = tmp_path / "log"
    result = run("clean", exports / "exports", exports / "labels.csv", "-o", tmp_path / "out",
                 "--quiet", "--log", log, expected=130)  # fmt: skip
    assert result.stderr.split("\n")[-2] == "Interrupted. The same command goes on from here."
    assert '"outcome": "interrupted", "exit_code": 130' in log.read_text()


def test_a_training_that_was_interrupted_leaves_no_model_and_goes_on(
    run, exports, tmp_path, monkeypatch
):
    command = ["train", exports / "exports", exports / "labels.csv", "--on-cleaned", "--epochs", 2,
               "--no-features", "-o", tmp_path, "--quiet"]  # fmt: skip
    epochs, finish = [], _callbacks.Resume.on_epoch_end

    def interrupted(self, net, **options):
        finish(self, net, **options)
        epochs.append(len(net.history))
        if len(epochs) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(_callbacks.Resume, "on_epoch_end", interrupted)
    run(*command, expected=130)
    assert not (tmp_path / "model.json").exists()
    run(*command)
    assert epochs == [1, 2]
    assert len(LabelCorrelationECGClassifier.load(tmp_path).history) == 2
    run("card", tmp_path, "-o", tmp_path / "again.md", "--quiet")
    before, after = ((tmp_path / name).read_text() for name in ("card.md", "again.md"))
    told = [line for line in before.splitlines() if "cleaned" in line]
    assert told
    assert [line for line in after.splitlines() if "cleaned" in line] == told


def test_a_model_is_tested_on_trusted_records_of_other_patients(exports, model):
    parts = pd.read_csv(model / "split.csv")
    table = pd.read_csv(exports / "labels.csv", dtype={"ecg": str}).set_index("ecg")
    names = parts["id"].str.rpartition(".")[0]
    is_test = parts["part"] == "test"
    assert (table.loc[names[is_test], "trusted"] == "yes").all()
    patients = names.str.partition("-")[0]
    assert set(patients[is_test]).isdisjoint(patients[~is_test])
    card = (model / "card.md").read_text()
    assert f"| records | {is_test.sum()} |" in card
    classifier = LabelCorrelationECGClassifier.load(model)
    assert classifier.thresholds == 0.5  # by --parameter


def test_weak_labels_are_not_learned_in_silence(run, exports, tmp_path):
    command = "train", exports / "exports", exports / "labels.csv", "--no-features", "--epochs", 1
    said = run(*command, "--test-share", 0, "-p", "thresholds=0.5", "-o", tmp_path).stderr
    assert "labels of 20 of 40 training records are not trusted" in said


def test_cards_are_written_again(run, cleaned, model, tmp_path):
    for folder, name in ((cleaned, "Changes"), (model, "Scores")):
        out = tmp_path / "card.md"
        run("card", folder, "-o", out, "--quiet", "--note", "Whose=Ward 3.")
        before, after = ((at / "card.md").read_text().split("## ") for at in (folder, tmp_path))
        assert after[1] == "Whose\n\nWard 3.\n\n"
        section = next(part for part in after if part.startswith(name))
        assert section in before


def test_cleaned_labels_are_held_against_the_truth(run, exports, cleaned, tmp_path):
    run("evaluate", exports / "truth.csv", cleaned, "-o", tmp_path)
    scores = pd.read_csv(tmp_path / "scores.csv").set_index("label")
    weak = pd.read_csv(exports / "labels.csv")[["Normal", "AF"]].to_numpy()
    truth = pd.read_csv(exports / "truth.csv")[["Normal", "AF"]].to_numpy()
    np.testing.assert_array_equal(scores["errors"][:2], (weak != truth).sum(axis=0))
