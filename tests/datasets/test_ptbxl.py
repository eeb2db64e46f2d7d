"""PTB-XL: the published counts, labels against a plain loop, and broken tables."""

import ast
import shutil

import numpy as np
import pandas as pd
import pytest
import wfdb

from sklearn_ecg.datasets import load_ptbxl

COLUMN_OF = {"superdiagnostic": "diagnostic_class", "subdiagnostic": "diagnostic_subclass"}


@pytest.fixture(scope="module")
def ptbxl(shared_data):
    return shared_data / "ptb-xl"


@pytest.fixture(scope="module")
def records(ptbxl):
    return load_ptbxl(ptbxl)


def by_a_plain_loop(folder, task, ids):
    """Labels as PTB-XL's benchmark makes them, from the published files alone."""
    database = pd.read_csv(folder / "ptbxl_database.csv", index_col="ecg_id")
    statements = pd.read_csv(folder / "scp_statements.csv", index_col=0)
    kind = task if task in ("form", "rhythm") else "diagnostic"
    names, rows = set(), []
    for code, statement in statements.iterrows():
        if task == "all" or statement[kind] == 1:
            names.add(statement[COLUMN_OF[task]] if task in COLUMN_OF else code)
    for id in ids:
        row = set()
        for code in ast.literal_eval(database.loc[id, "scp_codes"]):
            statement = statements.loc[code]
            if task != "all" and statement[kind] != 1:
                continue
            row.add(statement[COLUMN_OF[task]] if task in COLUMN_OF else code)
        rows.append(row)
    names = sorted(names)
    return names, np.array([[int(name in row) for name in names] for row in rows])


def test_counts_of_the_part_at_hand(records):
    assert records.shape == (1987, 12, 1000)
    assert records.sampling_rate == 100
    assert records.lead_names[3:6] == ("aVR", "aVL", "aVF")
    folds = records.split
    assert [(folds <= 8).sum(), (folds == 9).sum(), (folds == 10).sum()] == [1490, 242, 255]


def test_no_patient_stands_in_two_folds(records):
    folds = pd.Series(records.split).groupby(records.groups).nunique()
    assert (folds == 1).all() and len(folds) < len(records)


@pytest.mark.parametrize(
    "task, n_labels",
    [
        ("superdiagnostic", 5),
        ("subdiagnostic", 23),
        ("diagnostic", 44),
        ("form", 19),
        ("rhythm", 12),
        ("all", 71),
    ],
)
def test_labels_agree_with_a_plain_loop(ptbxl, task, n_labels):
    records = load_ptbxl(ptbxl, task=task)[:600]
    names, expected = by_a_plain_loop(ptbxl, task, records.ids)
    assert records.n_labels == n_labels
    assert list(records.label_names) == names
    np.testing.assert_array_equal(records.labels, expected)


def test_signals_are_those_of_wfdb(records, ptbxl):
    expected = wfdb.rdrecord(str(ptbxl / "records100" / "00000" / "00003_lr"))
    signal = records[records.ids == 3].signals[0]
    np.testing.assert_allclose(signal, expected.p_signal.T, atol=1e-6)


def test_500_hz(ptbxl):
    records = load_ptbxl(ptbxl, sampling_rate=500)
    assert records.shape == (60, 12, 5000) and records.sampling_rate == 500


def test_absent_records_are_counted_in_the_report(records):
    row = records.report.iloc[-1]
    assert len(records.report) == 1
    assert "lacks 19812 records" in row["problem"] and not row["kept"]


def test_a_copy_of_the_signals(small, tmp_path):
    direct = load_ptbxl(small)
    for _ in range(2):
        cached = load_ptbxl(small, cache_dir=tmp_path / "cache")
        np.testing.assert_array_equal(np.asarray(cached), np.asarray(direct))
        np.testing.assert_array_equal(cached.labels, direct.labels)
    assert len(list((tmp_path / "cache").iterdir())) == 1


@pytest.fixture
def small(ptbxl, tmp_path):
    """A writable copy of the first five records, in a folder with a name of its own."""
    folder = tmp_path / "数据 ptb-xl"
    (folder / "records100" / "00000").mkdir(parents=True)
    table = pd.read_csv(ptbxl / "ptbxl_database.csv", nrows=5)
    table.to_csv(folder / "ptbxl_database.csv", index=False)
    for file in table["filename_lr"]:
        for suffix in (".hea", ".dat"):
            shutil.copy(ptbxl / f"{file}{suffix}", folder / f"{file}{suffix}")
    return folder


def edit(folder, change):
    table = pd.read_csv(folder / "ptbxl_database.csv").astype({"scp_codes": object})
    change(table).to_csv(folder / "ptbxl_database.csv", index=False)


def test_likelihoods_below_the_threshold_do_not_count(small):
    codes = ["{'IMI': 35.0, 'LVH': 80.0, 'PVC': 0.0}", "{'NORM': 0.0}", "{}", "{}", "{}"]
    edit(small, lambda table: table.assign(scp_codes=codes))
    counts = [
        load_ptbxl(small, task="all", min_likelihood=threshold).labels.sum(axis=1).tolist()
        for threshold in (0, 50, 100)
    ]
    # PVC is a statement of form, which never has a likelihood.
    assert counts == [[3, 1, 0, 0, 0], [2, 0, 0, 0, 0], [1, 0, 0, 0, 0]]


def test_unknown_statements_are_reported_and_not_guessed(small):
    codes = ["{'NORM': 100.0, 'NORMAL': 100.0}", "{'NORMAL': 1.0}", "{'SR': 0.0}", "{}", "{}"]
    edit(small, lambda table: table.assign(scp_codes=codes))
    records = load_ptbxl(small)
    (row,) = records.report.to_dict("records")
    assert "'NORMAL'" in row["problem"] and row["id"] == "1, 2" and row["kept"]
    assert records.labels.sum() == 1


def test_unreadable_statements_leave_labels_unknown(small):
    codes = ["{'NORM': 100.0", None, "{'NORM': 100.0}", "{}", "{}"]
    edit(small, lambda table: table.assign(scp_codes=codes))
    records = load_ptbxl(small)
    assert (records.labels[:2] == -1).all() and (records.labels[2:] >= 0).all()
    assert records.report["id"].tolist() == [1, 2] and records.report["kept"].all()


def test_rows_that_contradict_each_other_leave_labels_unknown(small):
    def change(table):
        other = table.iloc[[0]].assign(scp_codes="{'IMI': 100.0}")
        return pd.concat([table, other, table.iloc[[1]]])

    edit(small, change)
    records = load_ptbxl(small)
    assert len(records) == 5
    assert (records.labels[0] == -1).all() and (records.labels[1:] >= 0).all()
    assert "contradict" in records.report["problem"][0]
    assert "2 equal rows" in records.report["problem"][1]


def test_a_record_without_patient_is_left_out_by_name(small):
    edit(small, lambda table: table.assign(patient_id=[1, None, 2, 3, 4]))
    records = load_ptbxl(small)
    assert list(records.ids) == [1, 3, 4, 5]
    assert records.report["id"].tolist() == [2]


def test_ids_beside_gaps_keep_their_digits(small):
    """A column of numbers with a gap is one of floats, in which long ids are the same."""
    long = ["12345678901234567", "12345678901234568", "", "12345678901234568.0", " 7"]
    ids = ["1", "2", "3", "", "5.0"]
    edit(small, lambda table: table.assign(patient_id=long, ecg_id=ids))
    records = load_ptbxl(small)
    assert list(records.ids) == [1, 2, 5]
    assert list(records.groups) == [12345678901234567, 12345678901234568, 7]
    assert records.report["id"].tolist() == ["row 4", 3]
    edit(small, lambda table: table.assign(patient_id=["A1", "A2", "A1", "B", "C"]))
    assert list(load_ptbxl(small).groups) == ["A1", "A2", "A1", "C"]


def test_missing_and_truncated_files_are_named(small):
    (small / "records100/00000/00002_lr.dat").unlink()
    (small / "records100/00000/00003_lr.hea").unlink()
    (small / "records100/00000/00004_lr.dat").write_bytes(b"abc")
    (small / "records100/00000/00005_lr.hea").unlink()
    (small / "records100/00000/00005_lr.dat").unlink()
    records = load_ptbxl(small)
    assert list(records.ids) == [1]
    assert sorted(records.report["id"]) == [2, 3, 4, 5]
    assert not records.report["kept"].any()


def test_wrong_folders_name_the_cure(small, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"does not exist.*ptbxl_database.csv"):
        load_ptbxl(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"holds no ptbxl_database.csv.*did you mean"):
        load_ptbxl(small / "records100")
    with pytest.raises(FileNotFoundError, match=r"did you mean sampling_rate=100\?"):
        load_ptbxl(small, sampling_rate=500)
    edit(small, lambda table: table.drop(columns="scp_codes"))
    with pytest.raises(ValueError, match=r"lacks the columns \['scp_codes'\]"):
        load_ptbxl(small)


def test_options_are_checked(ptbxl):
    with pytest.raises(ValueError, match="sampling_rate must be 100 or 500"):
        load_ptbxl(ptbxl, sampling_rate=250)
    with pytest.raises(ValueError, match="task must be one of"):
        load_ptbxl(ptbxl, task="super")
    with pytest.raises(ValueError, match="min_likelihood must be a percentage"):
        load_ptbxl(ptbxl, min_likelihood=101)
