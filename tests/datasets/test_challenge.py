"""The PhysioNet Challenges' form: classes, equivalences, headers of both years, wrong folders."""

import shutil

import numpy as np
import pytest

from sklearn_ecg.datasets import load_challenge


@pytest.fixture(scope="module")
def source(shared_data):
    return shared_data / "cpsc2018" / "wfdb"


def copy(source, folder, name, dx, new_name=None, years_form="# Dx: "):
    """Copy a record with other diagnoses; its signals get a first sample of their own."""
    new_name = new_name or name
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(source / f"{name}.mat", folder / f"{new_name}.mat")
    lines = (source / f"{name}.hea").read_text().splitlines()
    lines = [line.replace(name, new_name) for line in lines if not line.startswith("# Dx")]
    dx_lines = [] if dx is None else [f"{years_form}{dx}"]
    (folder / f"{new_name}.hea").write_text("\n".join(lines + dx_lines) + "\n")


def present(records):
    return {
        id: {name for name, label in zip(records.label_names, row, strict=True) if label == 1}
        for id, row in zip(records.ids, records.labels, strict=True)
    }


def test_scored_classes_of_cpsc2018(source):
    records = load_challenge(source)
    assert len(records) == 300 and records.n_labels == 26
    counts = dict(zip(records.label_names, (records.labels == 1).sum(axis=0), strict=True))
    headers = [path.read_text() for path in sorted(source.glob("*.hea"))]
    for name, code in (("AF", "164889003"), ("NSR", "426783006"), ("CRBBB|RBBB", "59118001")):
        assert counts[name] == sum(code in header for header in headers)
    # Its ventricular beats have a code that the Challenge does not score.
    assert counts["PVC|VPB"] == 0
    assert records.report.empty


def test_all_codes(source):
    records = load_challenge(source, classes="all")
    assert records.n_labels == 9
    assert (records.labels.sum(axis=1) > 0).all()
    assert "VEB" in records.label_names


def test_equivalent_codes_make_one_class(source, tmp_path):
    pairs = ["713427006", "59118001", "284470004", "63593006", "427172004", "17338001"]
    pairs += ["733534002", "164909002"]
    for i, code in enumerate(pairs):
        copy(source, tmp_path, f"A{i + 1:04d}", code, years_form="#Dx: ")
    names = [names.pop() for names in present(load_challenge(tmp_path)).values()]
    assert names == 2 * ["CRBBB|RBBB"] + 2 * ["PAC|SVPB"] + 2 * ["PVC|VPB"] + 2 * ["CLBBB|LBBB"]
    before = list(present(load_challenge(tmp_path, classes="scored_2020")).values())
    assert before[6:] == [set(), {"LBBB"}]


def test_the_order_of_the_classes_is_that_of_the_official_weights(source):
    names = load_challenge(source).label_names
    assert list(names[:4]) == ["AF", "AFL", "BBB", "Brady"]
    assert list(names[-4:]) == ["SB", "STach", "TAb", "TInv"]


def test_unknown_missing_and_unscored_codes(source, tmp_path):
    copy(source, tmp_path, "A0001", "164889003,999999999")
    copy(source, tmp_path, "A0002", None)
    copy(source, tmp_path, "A0003", "164884008")
    records = load_challenge(tmp_path)
    assert present(records)["A0001"] == {"AF"}
    np.testing.assert_array_equal(records.labels[1], -1)
    np.testing.assert_array_equal(records.labels[2], 0)
    report = records.report.set_index("id")
    assert sorted(report.index) == ["A0001", "A0002"] and report["kept"].all()
    assert "'999999999'" in report.loc["A0001", "problem"]
    assert "no diagnosis" in report.loc["A0002", "problem"]


def test_fields_of_the_headers(source, tmp_path):
    copy(source, tmp_path / "cpsc_2018" / "g1", "A0001", "59118001")
    copy(source, tmp_path / "other", "A0002", "426783006, 164889003")
    header = tmp_path / "other" / "A0002.hea"
    header.write_text(header.read_text().replace("# Age: 49", "#Age: NaN"))
    records = load_challenge(tmp_path)
    table = records.metadata
    assert [*table.columns] == ["age_years", "sex", "machine_statements", "source"]
    assert list(table.index) == list(records.ids) == ["A0001", "A0002"]
    assert table.loc["A0001"].tolist() == [74.0, "male", ("snomed:59118001",), "cpsc_2018/g1"]
    assert np.isnan(table.loc["A0002", "age_years"]) and records.groups is None
    statements = ("snomed:426783006", "snomed:164889003")
    assert table.loc["A0002", "machine_statements"] == statements


def test_equal_names_in_two_folders_stay_apart(source, tmp_path):
    copy(source, tmp_path / "one", "A0001", "59118001")
    copy(source, tmp_path / "two", "A0002", "426783006", new_name="A0001")
    assert list(load_challenge(tmp_path).ids) == ["one/A0001", "two/A0001"]


def test_damaged_records_are_named(source, tmp_path):
    for name in ("A0001", "A0002", "A0003"):
        copy(source, tmp_path, name, "59118001")
    (tmp_path / "A0002.mat").write_bytes(b"MATLAB")
    (tmp_path / "A0003.mat").unlink()
    records = load_challenge(tmp_path)
    assert list(records.ids) == ["A0001"]
    assert records.report["id"].tolist() == ["A0002", "A0003"]


def test_wrong_arguments_name_the_cure(source, tmp_path):
    with pytest.raises(ValueError, match="classes must be one of"):
        load_challenge(source, classes="official")
    with pytest.raises(FileNotFoundError, match="holds no WFDB headers"):
        load_challenge(tmp_path)
    with pytest.raises(FileNotFoundError, match="is a file, not a folder"):
        load_challenge(source / "A0001.hea")
