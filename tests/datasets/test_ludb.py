"""LUDB: published counts of diagnoses and waves, and folders in which something is wrong."""

import shutil

import numpy as np
import pandas as pd
import pytest
import wfdb

from sklearn_ecg.datasets import load_ludb, load_ludb_annotations, load_vocabulary
from sklearn_ecg.datasets._ludb import _waves


@pytest.fixture(scope="module")
def ludb(shared_data):
    return shared_data / "ludb"


@pytest.fixture(scope="module")
def records(ludb):
    return load_ludb(ludb)


@pytest.fixture(scope="module")
def waves(ludb):
    return load_ludb_annotations(ludb)


def test_all_records(records):
    assert records.shape == (200, 12, 5000) and records.sampling_rate == 500
    assert list(records.ids) == list(range(1, 201))
    assert records.lead_names[3] == "aVR"
    assert records.report.empty


def test_counts_are_those_of_the_readme(records):
    counts = dict(zip(records.label_names, records.labels.sum(axis=0).tolist(), strict=True))
    published = {
        **{"SR": 143, "SBRAD": 25, "SARRH": 8, "ISR": 2, "AF": 15, "AFL": 3},
        **{"AXIS_NORMAL": 75, "LAD": 66, "AXIS_VERTICAL": 26, "AXIS_HORIZONTAL": 20, "RAD": 3},
        **{"1AVB": 10, "3AVB": 5, "IRBBB": 29, "ILBBB": 6, "LAFB": 16, "RBBB": 4, "LBBB": 4},
        **{"LAH": 102, "LAE": 11, "LVH": 108, "RVH": 3, "LVO": 11, "RAE": 17, "ERE": 9},
    }
    assert published.items() <= counts.items()


def test_labels_by_a_plain_loop(records, ludb):
    table = pd.read_csv(ludb / "ludb.csv", index_col="ID").fillna("")
    column_of = {"STEMI": "Ischemia", "SCAR": "Ischemia", "PVC": "Extrasystolies"}
    words = {"STEMI": "Stemi:", "SCAR": "Scar formation:", "PVC": "Ventricular extrasystole"}
    for name, column in column_of.items():
        expected = [int(words[name] in text) for text in table.loc[records.ids, column]]
        label = records.labels[:, list(records.label_names).index(name)]
        np.testing.assert_array_equal(label, expected)
    paced = records.labels[:, list(records.label_names).index("PACE")]
    np.testing.assert_array_equal(paced, table.loc[records.ids, "Cardiac pacing"] != "")


def test_every_statement_is_in_the_vocabulary(ludb):
    table = pd.read_csv(ludb / "ludb.csv", dtype=str, keep_default_na=False)
    known = load_vocabulary("ludb").set_index("code")["subclass"]
    for column in table.columns[3:]:
        for line in "\n".join(table[column]).splitlines():
            assert not line.strip() or known[line.strip()] == column


def test_waves_of_all_leads(waves):
    assert waves.groupby(["id", "lead"]).ngroups == 200 * 12
    counts = waves["wave"].value_counts()
    # The README counts 16797 P, 21966 QRS and 19666 T; one wave has no mark of its peak.
    assert counts["P"] == 16797 and counts["QRS"] == 21965 and counts[""] == 1
    assert abs(counts["T"] - 19666) <= 5


def test_waves_are_those_of_wfdb(waves, ludb):
    own = waves[(waves["id"] == 12) & (waves["lead"] == "aVF")]
    annotations = wfdb.rdann(str(ludb / "data" / "12"), "avf")
    expected = []
    for i, symbol in enumerate(annotations.symbol):
        if symbol in "pNt":
            assert annotations.symbol[i - 1] == "(" and annotations.symbol[i + 1] == ")"
            expected.append(annotations.sample[i - 1 : i + 2].tolist())
    np.testing.assert_array_equal(own[["onset", "peak", "offset"]], expected)
    assert (own["span_start"] == annotations.sample.min()).all()
    assert (own["span_stop"] == annotations.sample.max()).all()


def test_boundaries_enclose_their_peaks(waves):
    inside = (waves["onset"] <= waves["peak"]) & (waves["peak"] <= waves["offset"])
    complete = waves[["onset", "peak", "offset"]].notna().all(axis=1)
    assert (complete & ~inside).sum() < 25
    assert (~complete).sum() < 110
    within = waves["peak"].isna() | waves["peak"].between(waves["span_start"], waves["span_stop"])
    assert within.all()


@pytest.mark.parametrize(
    "symbols, expected",
    [
        ("(p)", [("P", 0, 1, 2)]),
        ("(p)(N)", [("P", 0, 1, 2), ("QRS", 3, 4, 5)]),
        ("N)(t", [("QRS", None, 0, 1), ("T", 2, 3, None)]),
        ("N()(t)", [("QRS", 1, 0, 2), ("T", 3, 4, 5)]),
        ("(t)()N", [("T", 0, 1, 2), ("QRS", 3, 5, 4)]),
        ("(t)()(t)", [("T", 0, 1, 2), ("", 3, None, 4), ("T", 5, 6, 7)]),
        ("((tt))", [("T", 0, 2, 4), ("T", 1, 3, 5)]),
        ("", []),
    ],
)
def test_marks_that_lack_a_part(symbols, expected):
    found = _waves(np.arange(len(symbols)), np.array(list(symbols), dtype=str))
    found = [tuple(None if value != value else value for value in wave) for wave in found]
    assert found == expected


@pytest.fixture
def small(ludb, tmp_path):
    (tmp_path / "data").mkdir()
    for name in ("1", "2", "10"):
        for path in (ludb / "data").glob(f"{name}.*"):
            shutil.copy(path, tmp_path / "data")
    table = pd.read_csv(ludb / "ludb.csv", dtype=str, keep_default_na=False)
    table = table[table["ID"].isin(["1", "2", "10"])]
    table.to_csv(tmp_path / "ludb.csv", index=False)
    return tmp_path


def edit(folder, change):
    table = pd.read_csv(folder / "ludb.csv", dtype=str, keep_default_na=False)
    change(table).to_csv(folder / "ludb.csv", index=False)


def test_a_part_of_the_data_set(small, records, waves):
    part = load_ludb(small)
    assert list(part.ids) == [1, 2, 10]
    np.testing.assert_array_equal(part.labels, records[np.isin(records.ids, part.ids)].labels)
    expected = waves[waves["id"].isin([1, 2, 10])].reset_index(drop=True)
    pd.testing.assert_frame_equal(load_ludb_annotations(small), expected)


def test_bad_tables_are_reported(small):
    def change(table):
        table.loc[table["ID"] == "1", "Rhythms"] = "Sinus rhythm (?)"
        return pd.concat([table[table["ID"] != "2"], table.iloc[[0]].assign(ID="77")])

    edit(small, change)
    records = load_ludb(small)
    assert (records.labels[1] == -1).all() and (records.labels[[0, 2]] >= 0).all()
    report = records.report
    assert "'Sinus rhythm (?)'" in report["problem"][report["id"] == "1"].item()
    assert "no diagnosis" in report["problem"][report["id"] == "2"].item()
    assert not report["kept"][report["id"] == "77"].item()


def test_leads_without_annotations_are_left_out_and_named(small):
    everything = load_ludb_annotations(small)
    assert everything.attrs["report"] == []
    (small / "data" / "2.avl").unlink()
    cut = small / "data" / "10.v3"
    cut.write_bytes(cut.read_bytes()[:-2])
    with pytest.warns(UserWarning, match=r"of 2 leads are left out.*2\.avl is missing"):
        waves = load_ludb_annotations(small)
    lost = [(2, "aVL"), (10, "V3")]
    kept = [pair not in lost for pair in zip(everything["id"], everything["lead"], strict=True)]
    pd.testing.assert_frame_equal(waves, everything[kept].reset_index(drop=True))
    report = pd.DataFrame(waves.attrs["report"])
    assert list(report["id"]) == [2, 10] and not report["kept"].any()
    assert "cut short" in report["problem"][1]
    assert len(pd.concat([waves, everything])) == len(waves) + len(everything)


def test_no_annotations_at_all(small):
    for path in (small / "data").iterdir():
        if path.suffix not in (".hea", ".dat"):
            path.unlink()
    with pytest.raises(FileNotFoundError, match=r"1\.i is missing"):
        load_ludb_annotations(small)


def test_wrong_folders_name_the_cure(small, ludb):
    with pytest.raises(FileNotFoundError, match=r"holds no ludb\.csv.*did you mean that\?"):
        load_ludb(ludb / "data")
    edit(small, lambda table: table.drop(columns="Ischemia"))
    with pytest.raises(ValueError, match=r"lacks the columns \['Ischemia'\]"):
        load_ludb(small)
    shutil.rmtree(small / "data")
    with pytest.raises(FileNotFoundError, match=r"holds no WFDB headers"):
        load_ludb_annotations(small)
