"""Arrays in whatever order of axes they were published, alone or in several files."""

import itertools
import pickle

import joblib
import numpy as np
import pandas as pd
import pytest

from sklearn_ecg.datasets import read_records
from sklearn_ecg.datasets._array_layout import AXES

LEADS = ["I", "II", "III", "aVR"]
ORDERS = [" ".join(order) for order in itertools.permutations(AXES)]


@pytest.fixture
def signals(rng):
    """Of shape (n_records, n_leads, n_times)."""
    return rng.normal(size=(5, 4, 60)).astype(np.float32)


def stored_as(signals, axes):
    return np.ascontiguousarray(signals.transpose([AXES.index(axis) for axis in axes.split()]))


def save(array, folder, kind):
    path = folder / f"signals{kind}"
    if kind == ".npy":
        np.save(path, array)
    elif kind == ".npz":
        np.savez(path, signals=array)
    elif kind == ".h5":
        h5py = pytest.importorskip("h5py")
        with h5py.File(path, "w") as file:
            file.create_dataset(
                "signals", data=array, chunks=tuple(-(-n // 2) for n in array.shape)
            )
    else:
        zarr = pytest.importorskip("zarr", minversion="3")
        zarr.create_array(path, data=array, chunks=tuple(-(-n // 2) for n in array.shape))
    return path


@pytest.mark.parametrize("kind", ["memory", ".npy", ".npz", ".h5", ".zarr"])
@pytest.mark.parametrize("axes", ORDERS)
def test_every_order_of_axes(signals, tmp_path, axes, kind):
    array = stored_as(signals, axes)
    source = array if kind == "memory" else save(array, tmp_path, kind)
    records = read_records(source, axes=axes, lead_names=LEADS)
    assert records.shape == signals.shape
    np.testing.assert_array_equal(np.asarray(records), signals)
    chosen = pickle.loads(pickle.dumps(records[[4, 1, 2]]))
    np.testing.assert_array_equal(np.asarray(chosen), signals[[4, 1, 2]])
    if kind in (".npy", ".h5", ".zarr"):
        np.testing.assert_array_equal(records.signals.window(3, 7, 19), signals[3, :, 7:19])
        assert joblib.hash(records) == joblib.hash(
            read_records(source, axes=axes, lead_names=LEADS)
        )
    elif kind == "memory":
        assert np.shares_memory(records.signals, array)


def test_units_of_turned_arrays(signals, tmp_path):
    stored = (signals * 1000).round().astype(np.int16).swapaxes(1, 2)
    np.save(tmp_path / "s.npy", stored)
    for source in (stored, list(stored), tmp_path / "s.npy"):
        records = read_records(source, axes="records times leads", units="uV")
        np.testing.assert_allclose(np.asarray(records), stored.swapaxes(1, 2) / 1000, atol=1e-6)


@pytest.mark.parametrize("kind", ["memory", ".npy", ".npz", ".h5", ".zarr"])
def test_a_single_lead_without_an_axis(signals, tmp_path, kind):
    one = np.ascontiguousarray(signals[:, 0])
    source = one if kind == "memory" else save(one, tmp_path, kind)
    records = read_records(source, axes="records times", lead_names=["I"])
    np.testing.assert_array_equal(np.asarray(records), signals[:, :1])


def test_lists_of_different_lengths(signals):
    listed = [signals[0].T, signals[1, :, :50].T]
    records = read_records(listed, axes="records times leads", lead_names=LEADS)
    np.testing.assert_array_equal(records.signals[1], signals[1, :, :50])
    with pytest.raises(ValueError, match="axes must begin with records; got axes='times leads rec"):
        read_records(listed, axes="times leads records")


def test_masked_arrays(signals):
    masked = np.ma.masked_array(signals, np.zeros(signals.shape, bool))
    masked.mask[2, 1, 7] = True
    records = read_records(masked.swapaxes(1, 2), axes="records times leads")
    assert np.argwhere(np.isnan(np.asarray(records))).tolist() == [[2, 1, 7]]


@pytest.mark.parametrize(
    ("stored", "given", "lead_names", "said"),
    [
        ("records times leads", "records leads times", None, "axes='records times leads'"),
        ("records times leads", "records leads times", LEADS, "axes='records times leads'"),
        ("records leads times", "records times leads", None, "axes='records leads times'"),
        ("leads records times", "records leads times", LEADS, "axes='leads records times'"),
    ],
)
@pytest.mark.parametrize("kind", ["memory", ".npy", ".h5"])
def test_axes_that_cannot_be(signals, tmp_path, stored, given, lead_names, said, kind):
    """Never turned in silence."""
    array = stored_as(signals, stored)
    source = array if kind == "memory" else save(array, tmp_path, kind)
    with pytest.raises(ValueError, match=said):
        read_records(source, axes=given, lead_names=lead_names)


@pytest.mark.parametrize(
    "axes", ["", "records", "leads times", "records leads leads", "n c t", ("records",), None]
)
def test_axes_that_are_none(signals, axes):
    with pytest.raises(ValueError, match="axes must name each axis of signals once"):
        read_records(signals, axes=axes)


def test_an_array_of_other_dimensions(signals):
    with pytest.raises(ValueError, match=r"shape \(5, 60\).*axes='records times'"):
        read_records(signals[:, 0])
    with pytest.raises(ValueError, match=r"\(n_records, n_times\), by axes='records times'; got"):
        read_records(signals, axes="records times")


@pytest.fixture
def code_15(tmp_path, rng):
    """Two files of the published layout, their table and what was recorded."""
    h5py = pytest.importorskip("h5py")
    recorded = rng.normal(size=(6, 12, 100)).astype(np.float32)
    recorded[:, 3, 30] = 0
    # Of 10 s and of 7 s, in the middle of zeros.
    recorded[::2, :, :8] = recorded[::2, :, -8:] = np.nan
    recorded[1::2, :, :20] = recorded[1::2, :, -20:] = np.nan
    for part, ids in enumerate([[11, 12, 13], [14, 15, 16]]):
        tracings = np.zeros((4, 100, 12), np.float32)
        tracings[:3] = np.nan_to_num(recorded[3 * part : 3 * part + 3]).swapaxes(1, 2)
        with h5py.File(tmp_path / f"exams_part{part}.hdf5", "w") as file:
            file["tracings"], file["exam_id"] = tracings, [*ids, 0]
    table = pd.DataFrame(
        {
            "exam_id": [16, 15, 14, 13, 12, 11],
            "patient_id": [1, 1, 2, 3, 4, 5],
            "AF": [True, False] * 3,
        }
    )
    table.to_csv(tmp_path / "exams.csv", index=False)
    return tmp_path, recorded


CODE = {
    "axes": "records times leads",
    "zero_padded": True,
    "key": "tracings",
    "ids": "exam_id",
    "id_column": "exam_id",
    "group_column": "patient_id",
    "label_columns": ["AF"],
    "sampling_rate": 400,
    "units": "mV",
}


def test_code_15(code_15, monkeypatch):
    folder, recorded = code_15
    pattern = read_records(folder / "exams_part*.hdf5", folder / "exams.csv", **CODE)
    paths = [str(folder / f"exams_part{part}.hdf5") for part in range(2)]
    listed = read_records(paths, folder / "exams.csv", **CODE)
    for records in (pattern, listed, pickle.loads(pickle.dumps(pattern))):
        assert records.ids.tolist() == [11, 12, 13, 14, 15, 16]
        assert records.labels[:, 0].tolist() == [0, 1, 0, 1, 0, 1]
        assert records.groups.tolist() == ["5", "4", "3", "2", "1", "1"]
        np.testing.assert_array_equal(np.asarray(records), recorded)
        np.testing.assert_array_equal(records.signals.window(1, 10, 40), recorded[1, :, 10:40])
    assert pattern.report["problem"].str.contains("names several records").tolist() == [1]
    assert not pattern.report["kept"].any()


def test_one_file_of_code_15(code_15):
    folder, recorded = code_15
    records = read_records(folder / "exams_part0.hdf5", folder / "exams.csv", **CODE)
    np.testing.assert_array_equal(np.asarray(records), recorded[:3])
    problems = records.report.loc[records.report["id"] == "0", "problem"]
    assert problems.str.contains("no row for the record, which needs a patient").tolist() == [True]


def test_parts_that_do_not_belong_together(signals, tmp_path):
    np.save(tmp_path / "a.npy", signals)
    np.save(tmp_path / "b.npy", signals[:, :2])
    with pytest.raises(ValueError, match=r"b\.npy has 2 leads, .*a\.npy has 4"):
        read_records(tmp_path / "*.npy")
    with pytest.raises(FileNotFoundError, match=r"There is no file '.*\*\.h5'"):
        read_records(tmp_path / "*.h5")
    np.save(tmp_path / "b.npy", signals[:, :, :50])
    records = read_records([tmp_path / "b.npy", tmp_path / "a.npy"])
    assert records.signals.lengths.tolist() == [50] * 5 + [60] * 5
    np.testing.assert_array_equal(records.signals[7], signals[2])


def test_a_record_of_nothing_but_padding(signals):
    signals[1] = 0
    signals[2, 0] = 0
    found = np.asarray(read_records(signals, zero_padded=True))
    assert np.isnan(found[1]).all()
    np.testing.assert_array_equal(found[[0, 2, 3, 4]], signals[[0, 2, 3, 4]])
