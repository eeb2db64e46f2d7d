"""People's own data: arrays in every kind of file, labels joined by id, and nothing lost."""

import pickle
import sys

import numpy as np
import pandas as pd
import pytest

from sklearn_ecg.datasets import read_records
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
        assert read_keys == [(3,), ((2, slice(None), slice(10, 20)),)]


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
    (tmp_path / "labels.xlsx").touch()
    with pytest.raises(ValueError, match=r"must be a DataFrame or a \.csv or \.parquet"):
        read_records(signals, tmp_path / "labels.xlsx")
    with pytest.raises(ValueError, match="units must be one of"):
        read_records(signals, units="adu")


def test_arrays_of_a_wrong_shape(signals, tmp_path):
    np.save(tmp_path / "swapped.npy", signals.swapaxes(1, 2))
    with pytest.raises(ValueError, match=r"more leads \(300\) than samples"):
        read_records(tmp_path / "swapped.npy")
    np.savez(tmp_path / "two.npz", one=signals, two=signals)
    with pytest.raises(ValueError, match=r"key must name the array.*'one'.*'two'"):
        read_records(tmp_path / "two.npz")
    assert len(read_records(tmp_path / "two.npz", key="two")) == 5
    with pytest.raises(ValueError, match="'names' is no array"):
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
    with pytest.raises(ValueError, match=r"labels\.csv has rows of more values than its header"):
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
