"""Files that change, shrink or vanish under records that read them: nothing stale, and no crash."""

import os
import pickle
import shutil
from pathlib import Path

import joblib
import numpy as np
import pytest
import wfdb
from scipy.io import savemat

from sklearn_ecg import ECGRecords
from sklearn_ecg.datasets import load_cpsc2018, load_wfdb, read_records
from sklearn_ecg.records._report import RecordError
from sklearn_ecg.utils import _file_stamps, file_stamp


def hdf5(folder, signals):
    h5py = pytest.importorskip("h5py")
    with h5py.File(folder / "a.h5", "w") as file:
        file["ecg"] = signals
    return folder / "a.h5", lambda: read_records(folder / "a.h5", sampling_rate=250)


def hdf5_of_other_files(folder, signals):
    h5py = pytest.importorskip("h5py")
    path, _ = hdf5(folder, signals)
    if not (folder / "all.h5").exists():
        layout = h5py.VirtualLayout(signals.shape, dtype=signals.dtype)
        layout[:] = h5py.VirtualSource(path, "ecg", shape=signals.shape)
        with h5py.File(folder / "all.h5", "w") as file:
            file.create_virtual_dataset("ecg", layout)
    return path, lambda: read_records(folder / "all.h5", sampling_rate=250)


def hdf5_linked(folder, signals):
    h5py = pytest.importorskip("h5py")
    path, _ = hdf5(folder, signals)
    if not (folder / "link.h5").exists():
        with h5py.File(folder / "link.h5", "w") as file:
            file["here"] = h5py.ExternalLink("a.h5", "ecg")
    return path, lambda: read_records(folder / "link.h5", key="here", sampling_rate=250)


def zarr_(folder, signals, **how):
    zarr = pytest.importorskip("zarr")
    path = folder / "a.zarr"
    how = {"shape": signals.shape, "dtype": signals.dtype, "chunks": (2, 1, 1000)} | how
    group = zarr.open_group(str(path), mode="a", zarr_format=how.pop("zarr_format", 3))
    if "ecg" not in group:
        group.create_array("ecg", **how, compressors=None)
    group["ecg"][:] = signals
    chunks = sorted(p for p in path.rglob("*") if p.is_file() and p.name[-1:].isdigit())
    return chunks[0], lambda: read_records(path, sampling_rate=250)


def zarr_2(folder, signals):
    return zarr_(folder, signals, zarr_format=2)


def zarr_in_shards(folder, signals):
    return zarr_(folder, signals, shards=(2, 2, 3000))


def npy(folder, signals):
    np.save(folder / "a.npy", signals)
    return folder / "a.npy", lambda: read_records(folder / "a.npy", sampling_rate=250)


def npy_of_integers(folder, signals):
    np.save(folder / "a.npy", np.round(signals * 1000).astype(">i2"))
    return folder / "a.npy", lambda: read_records(folder / "a.npy", units="uV", sampling_rate=250)


def npy_in_the_order_of_fortran(folder, signals):
    np.save(folder / "a.npy", np.asfortranarray(signals))
    return folder / "a.npy", lambda: read_records(folder / "a.npy", sampling_rate=250)


def memory_map(folder, signals):
    (folder / "a.bin").write_bytes(bytes(48) + signals.tobytes())
    arguments = {"dtype": signals.dtype, "shape": signals.shape, "offset": 48, "mode": "r"}
    return folder / "a.bin", lambda: ECGRecords(np.memmap(folder / "a.bin", **arguments), 250)


def mat(folder, signals):
    for i, signal in enumerate(signals):
        content = {"sex": "Male", "age": 70, "data": np.tile(signal, (6, 1))}
        savemat(folder / f"A000{i + 1}.mat", {"ECG": content})
    names = "\n".join(f"A000{i + 1},1,," for i in range(len(signals)))
    reference = f"Recording,First_label,Second_label,Third_label\n{names}\n"
    if not (folder / "REFERENCE.csv").exists():
        (folder / "REFERENCE.csv").write_text(reference)
    return folder / "A0002.mat", lambda: load_cpsc2018(folder).select_leads(["I", "II"])


def _write(folder, name, signal, n_files=1):
    names = [f"{name}{i}.dat" for i in range(n_files)] if n_files > 1 else [f"{name}.dat"]
    digital = np.round(signal * 1000).astype("<i2")
    for file, part in zip(names, np.split(digital, n_files), strict=True):
        (folder / file).write_bytes(part.T.tobytes())
    header = folder / f"{name}.hea"
    if not header.exists():
        lines = [f"{name} 2 250 {digital.shape[1]}"]
        lines += [
            f"{names[i * n_files // 2]} 16 1000/mV 16 0 0 0 0 {lead}"
            for i, lead in enumerate(["I", "II"])
        ]
        header.write_text("\n".join(lines) + "\n")
    return folder / names[-1]


def dat(folder, signals):
    paths = [_write(folder, f"r{i}", signal) for i, signal in enumerate(signals)]
    return paths[1], lambda: load_wfdb(folder, checksums=False)


def dat_of_a_lead(folder, signals):
    paths = [_write(folder, f"r{i}", signal, n_files=2) for i, signal in enumerate(signals)]
    return paths[1], lambda: load_wfdb(folder, checksums=False)


def dat_of_a_segment(folder, signals):
    for i, signal in enumerate(signals):
        for k, part in enumerate(np.split(signal, 2, axis=-1)):
            path = _write(folder, f"s{i}{k}", part)
        n = signal.shape[1]
        (folder / f"r{i}.hea").write_text(f"r{i}/2 2 250 {n}\ns{i}0 {n // 2}\ns{i}1 {n // 2}\n")
    return path, lambda: load_wfdb(folder, checksums=False)


HDF5 = [hdf5, hdf5_of_other_files, hdf5_linked]
ZARR = [zarr_, zarr_2, zarr_in_shards]
ARRAYS = [npy, npy_of_integers, npy_in_the_order_of_fortran, memory_map]
RECORDS = [mat, dat, dat_of_a_lead, dat_of_a_segment]


@pytest.fixture
def signals(rng):
    return np.round(rng.normal(size=(3, 2, 3000)), 3).astype(np.float32)


def closed(records):
    """Let go of HDF5 files, which nobody can write to while they are open."""
    return joblib.hash(records), pickle.dumps(records)


@pytest.mark.parametrize("kind", [*HDF5, *ZARR, *ARRAYS, *RECORDS])
def test_a_file_that_was_rewritten_is_another(tmp_path, signals, kind):
    path, read = kind(tmp_path, signals)
    time = path.stat().st_mtime_ns, path.stat().st_mtime_ns
    before, sent = closed(read())
    assert closed(read())[0] == before
    kind(tmp_path, -signals)
    os.utime(path, ns=time)
    records = read()
    assert joblib.hash(records) != before
    for others in (records, pickle.loads(sent)):
        np.testing.assert_allclose(np.asarray(others), -signals, atol=1e-6)
        np.testing.assert_allclose(others.signals.window(2, 5, 9), -signals[2, :, 5:9], atol=1e-6)
    assert pickle.loads(sent) == read()


@pytest.mark.parametrize(
    ("kind", "own", "other"),
    [
        *((zarr_, 0, 2), (zarr_2, 1, 2), (zarr_in_shards, 0, 2)),
        *((mat, 1, 0), (dat, 1, 2), (dat_of_a_lead, 1, 2), (dat_of_a_segment, 2, 1)),
    ],
)
def test_a_share_is_known_by_its_own_files(tmp_path, signals, kind, own, other, monkeypatch):
    path, read = kind(tmp_path, signals)
    seen = []
    monkeypatch.setattr(
        _file_stamps, "file_stamp", lambda path: seen.append(path) or file_stamp(path)
    )
    pickle.dumps(read()[[other]].signals)
    assert seen and str(path) not in seen
    before = [joblib.hash(read()[[i]].signals) for i in (own, other)]
    os.utime(path, ns=(0, 0))
    after = [joblib.hash(read()[[i]].signals) for i in (own, other)]
    assert after[0] != before[0] and after[1] == before[1]


@pytest.mark.parametrize("kind", [*HDF5[:1], *ARRAYS, *RECORDS])
@pytest.mark.parametrize("damage", ["cut", "empty", "lose"])
def test_a_file_that_shrinks_or_vanishes(tmp_path, signals, kind, damage):
    path, read = kind(tmp_path, signals)
    records = read()
    if kind is not hdf5:
        np.asarray(records)
    if damage == "lose":
        path.unlink()
    else:
        os.truncate(path, path.stat().st_size // 3 if damage == "cut" else 0)
    with pytest.raises(ValueError, match=path.name) as raised:
        [records.signals.window(i, 2000, 3000) for i in (2, 1)]
    assert "\n" not in str(raised.value)
    joblib.hash(records)


def reshape(folder, signals):
    path, _ = npy(folder, signals[:, :, ::2])
    return path.name


def retype(folder, signals):
    path, _ = npy(folder, signals.astype(np.float64))
    return path.name


@pytest.mark.parametrize("change", [reshape, retype])
def test_an_array_of_another_form(tmp_path, signals, change):
    _, read = npy(tmp_path, signals)
    records = read()
    assert change(tmp_path, signals) == "a.npy"
    with pytest.raises(RecordError, match=r"a\.npy has changed since it was opened.*again"):
        records.signals[0]


@pytest.mark.parametrize("kind", [hdf5, zarr_])
def test_a_store_of_another_form(tmp_path, signals, kind):
    _, read = kind(tmp_path, signals)
    sent = pickle.loads(closed(read())[1])
    shutil.rmtree(tmp_path / "a.zarr", ignore_errors=True)
    kind(tmp_path, signals[:, :, ::2])
    with pytest.raises(RecordError, match=r"a\.\w+ has changed since it was opened.*again"):
        sent.signals[0]


def change_gain(header):
    header.write_text(header.read_text().replace("1000/mV", "2000/mV"))


def swap_leads(header):
    swapped = header.read_text().replace(" I\n", " x\n").replace(" II\n", " I\n")
    header.write_text(swapped.replace(" x\n", " II\n"))


def shorten(header):
    header.write_text(header.read_text().replace(" 250 3000", " 250 1000"))


@pytest.mark.parametrize("change", [change_gain, swap_leads, shorten, Path.unlink])
def test_a_header_that_changes(tmp_path, signals, change):
    _, read = dat(tmp_path, signals)
    records = read()
    assert records.signals[1].shape == (2, 3000)
    change(tmp_path / "r1.hea")
    for use in (records.signals, pickle.loads(pickle.dumps(records.signals))):
        with pytest.raises(RecordError, match=r"r1\.hea (has changed since|is missing)"):
            use[1]
        with pytest.raises(RecordError, match=r"r1\.hea (has changed since|is missing)"):
            use.window(1, 0, 5)
        assert use[2].shape == (2, 3000)


def test_a_header_that_was_touched_is_the_same(tmp_path, signals):
    _, read = dat(tmp_path, signals)
    records = read()
    for _ in range(2):
        (tmp_path / "r1.hea").touch()
        np.testing.assert_allclose(records.signals[1], signals[1], atol=1e-6)


def test_samples_that_change_are_held_against_their_checksums_again(tmp_path, rng):
    samples = rng.integers(-1000, 1000, (300, 1))
    arguments = {"fs": 100, "units": ["mV"], "sig_name": ["I"], "fmt": ["16"], "adc_gain": [1000]}
    wfdb.wrsamp("r", d_signal=samples, baseline=[0], write_dir=str(tmp_path), **arguments)
    records = load_wfdb(tmp_path)
    assert records.signals[0][0, 0] == np.float32(samples[0, 0] / 1000)
    (tmp_path / "r.dat").write_bytes((samples + 1).astype("<i2").tobytes())
    with pytest.raises(RecordError, match=r"r\.dat is damaged.*checksum"):
        records.signals[0]
