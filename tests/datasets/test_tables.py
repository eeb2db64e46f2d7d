"""People's own data: arrays in every kind of file, labels joined by id, and nothing lost."""

import pickle
import sys

import numpy as np
import pandas as pd
import pytest

from sklearn_ecg import ECGRecords
from sklearn_ecg.datasets import join_labels, read_records
from sklearn_ecg.datasets._array_files import StoredSignals
from sklearn_ecg.records._readers import MappedSignals


@pytest.fixture
def signals(rng):
    return rng.normal(size=(5, 2, 300)).astype(np.float32)


@pytest.fixture
def table():
    return pd.DataFrame(
        {"ecg": ["e", "d", "c", "b", "a"], "AF": [1, 0, 1, 0, 1], "LBBB": [0, 0, 1, 1, 0]}
    )


IDS = ["a", "b", "c", "d", "e"]


def save(signals, folder, kind):
    """Write signals and ids as people do; return the file and the arguments to read it."""
    path = folder / f"记录 signals{kind}"
    if kind == ".npy":
        np.save(path, signals)
        return path, {"ids": IDS}
    if kind == ".npz":
        np.savez(path, ecg=signals, names=IDS)
        return path, {"ids": "names"}
    if kind == ".zarr":
        zarr = pytest.importorskip("zarr")
        group = zarr.open_group(str(path), mode="w")
        stored = group.create_array(
            "ecg", shape=signals.shape, dtype=signals.dtype, chunks=(2, 2, 300)
        )
        stored[:] = signals
        return path, {"ids": IDS}
    h5py = pytest.importorskip("h5py")
    with h5py.File(path, "w") as file:
        file.create_dataset("data/ecg", data=signals, chunks=(2, 2, 300))
        file.create_dataset("names", data=IDS)
    return path, {"ids": "names"}


KINDS = [".npy", ".npz", ".h5", ".hdf5", ".zarr"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_file(signals, table, tmp_path, kind):
    path, arguments = save(signals, tmp_path, kind)
    records = read_records(
        path, table, sampling_rate=250, lead_names=["I", "II"], id_column="ecg", **arguments
    )
    assert records.shape == (5, 2, 300) and records.sampling_rate == 250
    assert list(records.ids) == IDS and list(records.label_names) == ["AF", "LBBB"]
    np.testing.assert_array_equal(records.labels, table.set_index("ecg").loc[IDS])
    assert records.report.empty
    np.testing.assert_array_equal(np.asarray(records), signals)
    np.testing.assert_array_equal(records[[4, 0]].signals[0], signals[4])
    np.testing.assert_array_equal(
        np.asarray(pickle.loads(pickle.dumps(records[[3]])))[0], signals[3]
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("units, per_mV", [("uV", 1000), ("V", 1e-3)])
def test_units(signals, tmp_path, kind, units, per_mV):
    stored = (signals * per_mV).astype(np.int16 if units == "uV" else np.float64)
    path, _ = save(stored, tmp_path, kind)
    for source in (path, stored, list(stored)):
        records = read_records(source, units=units)
        found = np.stack(list(records.signals))
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, stored / per_mV, rtol=1e-5)


@pytest.mark.parametrize(
    ("stored", "read"), [("i2", "f4"), ("f2", "f4"), (">f4", ">f4"), ("f8", "f8")]
)
def test_types_of_mapped_files(tmp_path, stored, read):
    signals = np.arange(24).reshape(2, 2, 6).astype(stored)
    np.save(tmp_path / "s.npy", signals)
    records = read_records(tmp_path / "s.npy", units="mV")
    assert records.signals[0].dtype == read
    np.testing.assert_array_equal(np.asarray(records), signals)


@pytest.mark.parametrize("kind", [".npy", ".h5", ".zarr"])
def test_no_more_is_read_than_is_touched(signals, tmp_path, kind, monkeypatch):
    path, _ = save(signals * 1000, tmp_path, kind)
    read_keys = []
    kind = MappedSignals if kind == ".npy" else StoredSignals
    read = kind._read
    monkeypatch.setattr(kind, "_read", lambda self, *key: read_keys.append(key) or read(self, *key))
    records = read_records(path, units="uV")
    assert read_keys == []
    records[[3, 1]].signals[0]
    np.testing.assert_allclose(records.signals.window(2, 10, 20), signals[2, :, 10:20], rtol=1e-5)
    if kind is MappedSignals:
        assert read_keys == [(3, 0, 600, 1), (2, 10, 10, 2)]
    else:
        every = slice(None, None)
        assert read_keys == [(3, 4, every), (2, 3, slice(10, 20))]


def test_records_of_different_lengths():
    records = read_records([np.zeros((2, 100)), np.ones((2, 150))], units="uV")
    assert records.n_times is None
    np.testing.assert_allclose(records.signals[1], 1e-3)


def test_rows_in_the_order_of_the_signals(signals, table):
    records = read_records(signals, table, label_columns=["LBBB"])
    np.testing.assert_array_equal(records.labels[:, 0], table["LBBB"])


def test_records_without_rows_and_rows_without_records(signals, table):
    table = pd.concat([table.iloc[1:], table.iloc[[0]].assign(ecg="x")])
    records = read_records(signals, table, ids=IDS, id_column="ecg")
    assert len(records) == 5
    np.testing.assert_array_equal(records.labels[:4], [[1, 0], [0, 1], [1, 1], [0, 0]])
    np.testing.assert_array_equal(records.labels[4], [-1, -1])
    assert records.report[["id", "kept"]].values.tolist() == [["e", True], ["x", False]]


def test_many_records_without_rows_make_one_line():
    table = pd.DataFrame({"ecg": [0, 1], "AF": [1, 0]})
    records = read_records(np.zeros((50, 1, 20)), table, id_column="ecg")
    assert (records.labels == -1).sum() == 48
    (row,) = records.report.to_dict("records")
    assert row["id"] == "2, 3, 4, 5, 6 and 43 more" and row["kept"]


def test_doubled_rows(signals, table):
    table = pd.concat([table, table.iloc[[0]], table.iloc[[1]].assign(AF=1)])
    records = read_records(signals, table, ids=IDS, id_column="ecg")
    np.testing.assert_array_equal(records.labels[3], [-1, -1])
    np.testing.assert_array_equal(records.labels[4], [1, 0])
    problems = dict(zip(records.report["id"], records.report["problem"], strict=True))
    assert "contradict" in problems["d"] and "2 equal rows" in problems["e"]


def test_doubled_ids_are_refused(signals, table):
    with pytest.raises(ValueError, match=r"ids must be unique; repeated: .*'a'"):
        read_records(signals, table, ids=["a", "a", "b", "c", "d"], id_column="ecg")


def test_empty_cells_are_unknown(signals, table):
    table = table.astype({"AF": object, "LBBB": float})
    table.loc[0, "AF"], table.loc[1, "AF"], table.loc[2, "LBBB"] = "", True, np.nan
    records = read_records(signals, table, ids=IDS, id_column="ecg")
    np.testing.assert_array_equal(records.labels[:, 0], [1, 0, 1, 1, -1])
    np.testing.assert_array_equal(records.labels[:, 1], [0, 1, -1, 0, 0])


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_tables_in_files(signals, table, tmp_path, suffix):
    path = tmp_path / f"标签{suffix}"
    table = table.assign(ecg=["0005", "0004", "0003", "0002", "0001"])
    if suffix == ".csv":
        table.to_csv(path, index=False)
    else:
        pytest.importorskip("pyarrow")
        table.to_parquet(path)
    ids = ["0001", "0002", "0003", "0004", "0005"]
    records = read_records(signals, path, ids=ids, id_column="ecg")
    np.testing.assert_array_equal(records.labels[:, 0], [1, 0, 1, 0, 1])
    assert records.report.empty


def test_ids_that_are_numbers_in_one_place_and_text_in_the_other(signals, tmp_path):
    path = tmp_path / "labels.csv"
    pd.DataFrame({"ecg": [4, 3, 2, 1, 0], "AF": [1, 0, 0, 0, 0]}).to_csv(path, index=False)
    assert read_records(signals, path, id_column="ecg").labels[:, 0].tolist() == [0, 0, 0, 0, 1]
    table = pd.read_csv(path)
    records = read_records(signals, table, ids=["0", "1", "2", "3", "4"], id_column="ecg")
    assert records.labels[:, 0].tolist() == [0, 0, 0, 0, 1]


def test_patients_folds_and_trust(signals, table):
    table = table.assign(
        patient=[1, 1, 2, 3, 3], fold=[1, 1, 2, 2, 2], good=[True] * 2 + [False] * 3
    )
    columns = {"group_column": "patient", "split_column": "fold", "trusted_column": "good"}
    records = read_records(signals, table, ids=IDS, id_column="ecg", **columns)
    assert list(records.label_names) == ["AF", "LBBB"]
    assert list(records.groups) == [3, 3, 2, 1, 1] and list(records.split) == [2, 2, 2, 1, 1]
    assert list(records.trusted) == [False, False, False, True, True]
    without = read_records(
        signals,
        table.iloc[1:],
        ids=IDS,
        id_column="ecg",
        trusted_column="good",
        label_columns=["AF"],
    )
    assert list(without.trusted) == [False, False, False, True, False]
    with pytest.raises(ValueError, match=r"'patient' of .* has no value for the records e"):
        read_records(signals, table.iloc[1:], ids=IDS, id_column="ecg", group_column="patient")


def test_signals_alone(signals):
    records = read_records(signals, sampling_rate=500)
    assert records.labels is None and list(records.ids) == [0, 1, 2, 3, 4]


def test_tables_that_do_not_fit(signals, table):
    with pytest.raises(ValueError, match=r"4 rows for 5 records.*id_column, one of \['ecg'"):
        read_records(signals, table.iloc[1:])
    with pytest.raises(ValueError, match=r"column 'ecg' of the table.*is that of a record"):
        read_records(signals, table, ids=["A1", "A2", "A3", "A4", "A5"], id_column="ecg")
    with pytest.raises(ValueError, match=r"lacks the columns \['name'\]"):
        read_records(signals, table, id_column="name")
    with pytest.raises(ValueError, match=r"'age' .* holds 63 for the record a.*label_columns"):
        read_records(signals, table.assign(age=63), ids=IDS, id_column="ecg")
    with pytest.raises(ValueError, match="ids must name each of the 5 records"):
        read_records(signals, table, ids=IDS[1:], id_column="ecg")
    with pytest.raises(ValueError, match="without a table"):
        read_records(signals, id_column="ecg")


def test_files_that_cannot_be_read(signals, table, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"There is no file .* with signals"):
        read_records(tmp_path / "ecg.npy")
    with pytest.raises(FileNotFoundError, match=r"There is no file .* with labels"):
        read_records(signals, tmp_path / "labels.csv")
    for name in ("ecg.npy", "ecg.h5", "ecg.npz"):
        (tmp_path / name).write_bytes(b"nothing of the kind")
        with pytest.raises(ValueError, match="cannot be read as"):
            read_records(tmp_path / name)
    (tmp_path / "ecg.mat").touch()
    with pytest.raises(ValueError, match=r"a file of \['\.h5'"):
        read_records(tmp_path / "ecg.mat")
    (tmp_path / "labels.ods").touch()
    with pytest.raises(ValueError, match=r"must be a DataFrame or a \.csv or \.parquet"):
        read_records(signals, tmp_path / "labels.ods")
    with pytest.raises(ValueError, match="units must be one of"):
        read_records(signals, units="adu")


def test_arrays_of_a_wrong_shape(signals, tmp_path):
    np.save(tmp_path / "swapped.npy", signals.swapaxes(1, 2))
    with pytest.raises(ValueError, match=r"would be 300 leads of 2 samples.*records times l"):
        read_records(tmp_path / "swapped.npy")
    np.savez(tmp_path / "two.npz", one=signals, two=signals)
    with pytest.raises(ValueError, match=r"key must name the array.*'one'.*'two'"):
        read_records(tmp_path / "two.npz")
    assert len(read_records(tmp_path / "two.npz", key="two")) == 5
    with pytest.raises(ValueError, match="'names' is not an array"):
        read_records(tmp_path / "two.npz", key="two", ids="names")


@pytest.mark.parametrize(
    "module, kind, extra", [("h5py", ".h5", "hdf5"), ("zarr", ".zarr", "zarr")]
)
def test_a_missing_package_names_its_extra(tmp_path, monkeypatch, module, kind, extra):
    (tmp_path / f"ecg{kind}").touch()
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=rf"pip install 'sklearn_ecg\[{extra}\]'"):
        read_records(tmp_path / f"ecg{kind}")


@pytest.mark.parametrize("stored", [False, True])
def test_units_of_whole_numbers_must_be_said(tmp_path, stored):
    """Samples of a recorder taken for mV would be a thousand times too large."""
    signals = np.full((2, 1, 50), 500, dtype=np.int16)
    if stored:
        np.save(tmp_path / "signals.npy", signals)
    source = tmp_path / "signals.npy" if stored else signals
    with pytest.raises(ValueError, match=r"whole numbers \(int16\).*units='uV'"):
        read_records(source)
    np.testing.assert_allclose(np.asarray(read_records(source, units="uV")), 0.5)


def test_the_index_of_a_table_names_the_records(signals, table):
    named = table.set_index("ecg")
    records = read_records(signals, named, ids=IDS)
    np.testing.assert_array_equal(records.labels, named.loc[IDS])
    with pytest.raises(ValueError, match=r"labels does not name the 5 .*no row for 'e'.*'x'"):
        read_records(signals, named.rename(index={"e": "x"}), ids=IDS)


@pytest.mark.parametrize("end", [",", ",3"])
def test_rows_of_more_values_than_the_header_names_are_refused(signals, tmp_path, end):
    """pandas would take the ids for row names, and each column for the one before it."""
    path = tmp_path / "labels.csv"
    path.write_text("ecg,AF\n" + "".join(f"{name},1{end}\n" for name in IDS))
    with pytest.raises(ValueError, match=r"labels\.csv has rows with more values than its header"):
        read_records(signals, path, ids=IDS, id_column="ecg")


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_ids_that_pandas_would_take_for_something_else_keep_their_rows(signals, tmp_path, suffix):
    ids = ["NA", "null", "lead 2 ", "12345678901234567", "12345678901234568"]
    table = pd.DataFrame({"ecg": ids, "AF": [1, 0, 1, 0, 1], "patient": ["07", "7", "", "x", "x"]})
    path = tmp_path / f"labels{suffix}"
    if suffix == ".csv":
        table.to_csv(path, index=False)
    else:
        pytest.importorskip("pyarrow")
        table.to_parquet(path)
    records = read_records(
        signals, path, ids=[id.strip() for id in ids], id_column="ecg", label_columns=["AF"]
    )
    assert records.labels[:, 0].tolist() == [1, 0, 1, 0, 1] and records.report.empty
    part = read_records(
        signals[:2], path, ids=ids[:2], id_column="ecg", label_columns=["AF"],
        group_column="patient",
    )  # fmt: skip
    assert part.groups.tolist() == ["07", "7"]


def test_long_numbers_beside_gaps_keep_their_digits(signals):
    """A column with a gap is one of floats, in which such ids are the same."""
    ids = [12345678901234567 + i for i in range(5)]
    table = pd.DataFrame({"ecg": [*map(str, reversed(ids)), None], "AF": [1, 0, 0, 0, 0, 1]})
    records = read_records(signals, table, ids=ids, id_column="ecg")
    assert records.labels[:, 0].tolist() == [0, 0, 0, 0, 1]
    assert records.report["id"].tolist() == ["row 6"]
    with pytest.raises(ValueError, match=r"ids holds floats such as 1234.*dtype=str"):
        read_records(signals, ids=np.array(ids, dtype=float) + 4096 * np.arange(5))


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_no_row_is_lost_for_the_form_of_its_id(signals, tmp_path, suffix):
    """Rows without an id are told of, long numbers beside them keep their digits."""
    ids = [12345678901234567 + i for i in range(5)]
    table = pd.DataFrame(
        {"ecg": pd.array([*ids, None, None], dtype="Int64"), "AF": [1, 0] * 3 + [1]}
    )
    path = tmp_path / f"labels{suffix}"
    if suffix == ".csv":
        table.to_csv(path, index=False)
    else:
        pq = pytest.importorskip("pyarrow.parquet")
        arrow = pytest.importorskip("pyarrow")
        pq.write_table(arrow.Table.from_pandas(table).replace_schema_metadata(None), path)
    for known in (ids, list(map(str, ids))):
        records = read_records(signals, path, ids=known, id_column="ecg")
        assert records.labels[:, 0].tolist() == [1, 0, 1, 0, 1]
        assert records.report["id"].tolist() == ["row 6", "row 7"]
    floats = table.astype({"ecg": float})
    with pytest.raises(ValueError, match=r"column 'ecg' of .* by the float 1234.*dtype=str"):
        read_records(signals, floats, ids=ids, id_column="ecg")


def test_letters_are_the_same_however_unicode_composes_them(signals):
    """File names of macOS are decomposed, tables are not."""
    table = pd.DataFrame(
        {"ecg": ["Mu\u0308ller", "M\u00fcller ", "A", "a", ""], "AF": [1, 0, 1, 0, 1]}
    )
    records = read_records(
        signals[:3], table.iloc[1:], ids=["Mu\u0308ller", "a", "A"], id_column="ecg"
    )
    assert records.labels[:, 0].tolist() == [0, 0, 1]
    assert records.report["id"].tolist() == ["row 4"]
    both = read_records(signals[:2], table[:2], ids=table["ecg"][:2].tolist(), id_column="ecg")
    assert both.labels[:, 0].tolist() == [1, 0]


def test_a_patient_may_be_called_NA(signals, tmp_path):
    path = tmp_path / "labels.csv"
    table = pd.DataFrame({"ecg": IDS, "patient": ["NA", "1", "01", "nan", "x"], "AF": 0})
    table.to_csv(path, index=False)
    arguments = {"ids": IDS, "id_column": "ecg", "group_column": "patient"}
    assert read_records(signals, path, **arguments).groups.tolist() == table["patient"].tolist()
    table.assign(patient=["NA", " ", "01", "nan", "x"]).to_csv(path, index=False)
    with pytest.raises(ValueError, match="has no value for the records b"):
        read_records(signals, path, **arguments)


def test_tables_of_other_forms(signals, table):
    pl = pytest.importorskip("polars")
    records = read_records(
        signals, pl.from_dicts(table.to_dict("records")), ids=IDS, id_column="ecg"
    )
    np.testing.assert_array_equal(records.labels, table.set_index("ecg").loc[IDS])


def test_tables_that_are_none(signals, table):
    with pytest.raises(TypeError, match=r"labels must be a DataFrame or the path.*ndarray"):
        read_records(signals, np.ones((5, 1)))
    with pytest.raises(ValueError, match="more than one column 'AF'"):
        read_records(signals, table.set_axis(["ecg", "AF", "AF"], axis=1), ids=IDS, id_column="ecg")


THREE = ["a", "b", "c"]


def write(folder, content, name="labels.csv", encoding="utf-8"):
    (folder / name).write_bytes(content.encode(encoding))
    return folder / name


def read_three(labels, **columns):
    return read_records(np.zeros((3, 1, 50)), labels, ids=THREE, id_column="ecg", **columns)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_names_of_labels_in_a_cell_as_spreadsheets_write_them(tmp_path, encoding, delimiter):
    cells = [
        ["ecg", "diagnoses", "geprüft", "Größe"],
        ["c", '" NSR | PVC|NSR|"', "J", '"1,5"'],
        ["a", "AF|LBBB", "ja", ""],
        ["b", "", "nein", "2"],
    ]
    text = "\r\n".join(delimiter.join(row) for row in cells)
    records = read_three(
        write(tmp_path, text, encoding=encoding),
        label_column="diagnoses", separator="|", trusted_column="geprüft",
    )  # fmt: skip
    assert records.label_names.tolist() == ["AF", "LBBB", "NSR", "PVC"]
    assert records.labels.tolist() == [[1, 1, 0, 0], [-1] * 4, [0, 0, 1, 1]]
    assert records.trusted.tolist() == [True, False, True]
    told = records.report["problem"].tolist()
    assert told[-1] == "has no label in the row for the record"
    assert (len(told) == 2) == (encoding == "cp1252")


def test_chinese_tables(tmp_path):
    text = "ecg,诊断,审核\na,房颤、左束支,是\nb,正常,否\nc,无,是\n"
    path = write(tmp_path, text, encoding="gbk")
    records = read_three(path, label_column="诊断", separator="、", trusted_column="审核")
    names = ["正常", "房颤", "左束支"]
    np.testing.assert_array_equal(
        pd.DataFrame(records.labels, columns=records.label_names)[names],
        [[0, 1, 1], [1, 0, 0], [0, 0, 0]],
    )
    assert records.trusted.tolist() == [True, False, True]


def test_a_row_per_record_and_label(tmp_path):
    """Trust is of a record all of whose rows are reviewed; other columns may differ."""
    text = "ecg,label,ok,pat,time\na,AF,x,7,1\na,LBBB,x,7,2\nb,NSR,x,8,3\nb,AF,,8,4\nc,,x,9,5\n"
    columns = {"label_column": "label", "trusted_column": "ok", "group_column": "pat"}
    records = read_three(write(tmp_path, text), label_names=["NSR", "AF"], **columns)
    assert records.labels.tolist() == [[0, 1], [1, 1], [-1, -1]]
    assert records.trusted.tolist() == [True, False, True]
    assert records.groups.tolist() == ["7", "8", "9"]
    assert "holds 'LBBB', which is not among" in records.report["problem"].str.cat()
    other = read_three(write(tmp_path, text.replace("a,LBBB,x,7", "a,LBBB,x,8")), **columns)
    assert (other.labels[0] == -1).all() and not other.trusted[0]
    indexed = pd.read_csv(write(tmp_path, text), index_col="ecg")
    records = read_records(np.zeros((3, 1, 50)), indexed, ids=THREE, label_column="label")
    assert records.labels.tolist() == [[1, 1, 0], [1, 0, 1], [-1, -1, -1]]


def test_yes_and_no_in_many_languages(tmp_path):
    yes = ["1", "1.0", "1,0", "Yes", "y", "TRUE", "ja", "J", "WAHR", "oui", "si", "Sí", "是", "x"]
    no = ["0", "0.0", "No", "N", "false", "nein", "FALSCH", "non", "否"]
    unknown = ["", "-1", "NA", "unbekannt", "?", None]
    table = pd.DataFrame({"ecg": range(29), "AF": yes + no + unknown})
    records = read_records(np.zeros((29, 1, 50)), table, id_column="ecg")
    assert records.labels[:, 0].tolist() == [1] * 14 + [0] * 9 + [-1] * 6
    trusted = read_records(np.zeros((29, 1, 50)), table, id_column="ecg", trusted_column="AF")
    assert trusted.trusted.tolist() == [True] * 14 + [False] * 15 and trusted.labels is None


def test_crosses_alone_do_not_say_what_is_absent(tmp_path):
    records = read_three(write(tmp_path, "ecg,AF\na,x\nb,\nc,X\n"))
    assert records.labels[:, 0].tolist() == [1, -1, 1]
    assert "only where it is present" in records.report["problem"][0]


def test_excel_tables(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in (["ecg ", "AF", None, "geprüft"], ["a", True, None, "ja"], ["0012", 0, None, ""],
                [12, "x", None, "nein"], [None] * 4):  # fmt: skip
        book.active.append(row)
    book.create_sheet("legend")
    book.save(tmp_path / "labels.xlsx")
    records = read_records(
        np.zeros((3, 1, 50)), tmp_path / "labels.xlsx", ids=["a", "0012", "12"], id_column="ecg",
        trusted_column="geprüft",
    )  # fmt: skip
    assert records.label_names.tolist() == ["AF"] and records.labels[:, 0].tolist() == [1, 0, 1]
    assert records.trusted.tolist() == [True, False, False]
    assert "'legend'" in records.report["problem"][0] and len(records.report) == 1
    (tmp_path / "bad.xlsx").write_bytes((tmp_path / "labels.xlsx").read_bytes()[:2000])
    with pytest.raises(ValueError, match="cannot be read as an Excel file"):
        read_three(tmp_path / "bad.xlsx")


def test_excel_files_that_would_fill_memory_are_refused(tmp_path, monkeypatch):
    pytest.importorskip("openpyxl")
    monkeypatch.setattr("sklearn_ecg.datasets._table_files._MOST_EXCEL_BYTES", 1000)
    pd.DataFrame({"ecg": THREE, "AF": 1}).to_excel(tmp_path / "labels.xlsx", index=False)
    with pytest.raises(ValueError, match="it would take"):
        read_three(tmp_path / "labels.xlsx")


def test_what_spreadsheets_leave_around_a_table(tmp_path):
    text = "sep=;\r\necg; AF ;;\r\na;1;;\r\nb;0;;\r\nc;;;\r\n;;;\r\n"
    records = read_three(write(tmp_path, text))
    assert records.label_names.tolist() == ["AF"] and records.labels[:, 0].tolist() == [1, 0, -1]
    assert records.report.empty


@pytest.mark.parametrize(
    "text, match",
    [
        ("ecg|AF\na|1\nb|0\nc|1\n", r"holds neither.*\n    ecg,diagnoses"),
        ("ecg;AF,b\na;1,2\nb;0,1\nc;1,0\n", "holds commas and semicolons"),
        ("ecg AF\na 1\nb 0\nc 1\n", r"lacks the columns \['ecg'\]: it has \['ecg AF'\]"),
        ("ecg,AF\na,1\x00\nb,0\n", "holds zero bytes"),
        ("", "cannot be read as a table"),
    ],
)
def test_texts_that_are_no_table(tmp_path, text, match):
    with pytest.raises(ValueError, match=match):
        read_three(write(tmp_path, text))


@pytest.mark.parametrize(
    "cells, columns, match",
    [
        (["AF;LBBB", "AF", ""], {}, r"separator=';'; if it is one name, separator=''(.|\n)*a,AF;"),
        (["AF, LBBB", "AF", ""], {}, "separator=','"),
        (["AF", "af", ""], {}, "'AF' and 'af', which differ only in upper"),
        (["AF;none", "AF", ""], {"separator": ";"}, "a label together with none"),
        (["AF", "B", ""], {"label_columns": ["d"]}, "set one of the two"),
        (["AF", "B", ""], {"label_names": ["B", "B"]}, "must be unique"),
        (["['AF', 'B']", "[]", ""], {}, "a list that was written as text"),
        (['["AF", "B"]', "[]", ""], {"separator": ","}, "a list that was written as text"),
        (["{'AF': 100.0}", "{}", ""], {}, "a list that was written as text"),
    ],
)
def test_names_that_could_mean_two_things(cells, columns, match):
    table = pd.DataFrame({"ecg": THREE, "d": cells})
    with pytest.raises(ValueError, match=match):
        read_three(table, label_column="d", **columns)


def test_codes_that_a_spreadsheet_took_for_numbers_are_names():
    table = pd.DataFrame({"ecg": THREE, "d": [164889003, np.nan, 59118001]})
    assert table["d"].dtype == float
    records = read_three(table, label_column="d")
    assert records.label_names.tolist() == ["164889003", "59118001"]
    assert records.labels.tolist() == [[1, 0], [-1, -1], [0, 1]]


def test_names_wanted_decide_between_capitals():
    table = pd.DataFrame({"ecg": THREE, "d": ["AF", "af ", "Af; LBBB"]})
    records = read_three(table, label_column="d", separator=";", label_names=["AF", "LBBB"])
    assert records.labels.tolist() == [[1, 0], [1, 0], [1, 1]] and records.report.empty


def test_a_comma_may_belong_to_a_name():
    cells = ["infarct, age undetermined", "AF", "infarct, age undetermined"]
    records = read_three(pd.DataFrame({"ecg": THREE, "d": cells}), label_column="d")
    assert records.label_names.tolist() == ["AF", "infarct, age undetermined"]


def test_lists_of_names():
    signals = np.zeros((3, 1, 50))
    records = read_records(signals, [["AF"], ["NSR", "PVC"], []])
    assert records.label_names.tolist() == ["AF", "NSR", "PVC"]
    assert records.labels.tolist() == [[1, 0, 0], [0, 1, 1], [0, 0, 0]]
    records = read_records(signals, [["AF"], None, ["PVC"]], label_names=["PVC", "AF"])
    assert records.labels.tolist() == [[0, 1], [-1, -1], [1, 0]]
    records = read_records(signals, [{"NSR", "AF"}, set(), ("AF",)])
    assert records.labels.tolist() == [[1, 1], [0, 0], [1, 0]]
    by_id = pd.Series([["AF"], [], ["NSR"]], index=["c", "b", "a"])
    assert read_records(signals, by_id, ids=THREE).labels.tolist() == [[0, 1], [0, 0], [1, 0]]
    assert read_records(signals, ["AF;PVC", "PVC", ""], separator=";").labels[:, 1].tolist() == [
        1, 1, -1,
    ]  # fmt: skip
    with pytest.raises(ValueError, match="4 rows for 3 records"):
        read_records(signals, [["AF"]] * 4)
    with pytest.raises(TypeError, match=r"\[\['AF'\], \['NSR', 'PVC'\], \[\]\]"):
        read_records(signals, [[1, 0], [0, 1], [1, 1]])


def test_words_that_are_no_answer():
    table = pd.DataFrame({"ecg": THREE, "AF": 1, "ok": ["ja", "perhaps", ""]})
    with pytest.raises(ValueError, match=r"'ok' of .* holds 'perhaps' for b; (.|\n)*a,AF;LBBB,yes"):
        read_three(table, trusted_column="ok")


def test_rows_in_another_order_are_not_taken_by_position(tmp_path):
    signals = np.zeros((3, 1, 50))
    paths = ["w/a.xml", "w/b.xml", "w/c.xml"]
    table = pd.DataFrame({"file": ["c", "b", "a"], "AF": [1, 0, 0]})
    table.to_csv(tmp_path / "t.csv", index=False)
    for given in (table, tmp_path / "t.csv"):
        with pytest.raises(ValueError, match=r"'file' of .* id_column='file'"):
            join_labels(read_records(signals, ids=paths), given, label_columns=["AF"])
    numbers = read_records(signals, ids=["41.xml", "42.xml", "43.xml"])
    with pytest.raises(ValueError, match="id_column='no'"):
        join_labels(numbers, table.assign(no=[42, 41, 43]), label_columns=["AF"])
    by_index = table.set_axis([*reversed(paths)])
    records = join_labels(read_records(signals, ids=paths), by_index, label_columns=["AF"])
    assert records.labels.ravel().tolist() == [0, 0, 1]
    # A column of their order says that the other one is of something else.
    table["before"], table["file"] = ["", "a", "b"], ["a", "b", "c"]
    records = join_labels(read_records(signals, ids=paths), table, label_columns=["AF"])
    assert records.labels.ravel().tolist() == [1, 0, 0]


def test_suffixes_are_the_same_in_capitals():
    records = read_records(np.zeros((2, 1, 50)), ids=["w/a.XML", "w/b.xml"])
    table = pd.DataFrame({"file": ["w/a.xml", "b.Xml"], "AF": [1, 0]})
    assert join_labels(records, table, id_column="file").labels.ravel().tolist() == [1, 0]


def test_joining_by_names_of_files():
    """By the whole id, or by what of it is there and fits one record alone."""
    ids = ["w3/a.xml", "w3/b.dcm", "w4/b.dcm", "w4/1.2.5", "w4/c.scp", "d"]
    records = ECGRecords(np.zeros((6, 1, 50)), 250, ids=ids, groups=list("uvwxyz"))
    names = ["a", "w3\\b", "b", "1.2", "/export/w4/c.scp", "d.hea", "w9/a.xml", "a.dcm"]
    table = pd.DataFrame({"file": names, "AF": [1] * 8})
    joined = join_labels(records, table, id_column="file")
    assert joined.labels[:, 0].tolist() == [1, 1, -1, -1, 1, 1]
    assert joined.groups.tolist() == list("uvwxyz") and joined.sampling_rate == 250
    problems = joined.report.set_index("id")["problem"]
    assert problems["b"] == "has a row that could be of several records"
    for name in ("1.2", "w9/a.xml", "a.dcm"):
        assert problems[name] == "has a row without a record"
    # Two names of one record are two rows of it.
    twice = pd.DataFrame({"file": ["a", "w3/a.xml"], "AF": [1, 0]})
    joined = join_labels(joined, twice, id_column="file")
    assert joined.labels[0, 0] == -1 and len(joined.report) > len(problems)


def test_what_else_a_table_knows_becomes_metadata(tmp_path):
    path = write(tmp_path, "ecg;AF;age;sex\nc;1;40,5;female\na;0;;male\n")
    records = read_three(path, metadata_columns=["age", "sex"])
    assert records.label_names.tolist() == ["AF"] and records.labels.ravel().tolist() == [0, -1, 1]
    assert records.metadata["age"].loc["c"] == 40.5
    assert records.metadata["age"].isna().tolist() == [True, True, False]
    table = pd.DataFrame({"ecg": THREE, "age": [1, 2, 3]})
    joined = join_labels(records, table, id_column="ecg", metadata_columns=["age"])
    assert joined.metadata["age"].tolist() == [1, 2, 3]
    assert joined.metadata["sex"].iloc[2] == "female"
    # A table without labels leaves those that are there.
    np.testing.assert_array_equal(joined.labels, records.labels)
