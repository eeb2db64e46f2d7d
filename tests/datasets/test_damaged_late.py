"""Files that are damaged after they were opened: nothing stops, nothing else is lost."""

import os
import pickle
import warnings

import numpy as np
import pytest

from sklearn_ecg import ECGFeatureExtractor
from sklearn_ecg.datasets import load_wfdb
from sklearn_ecg.preprocessing import BandpassFilter, LeadScaler
from sklearn_ecg.records import LazySignals, UnreadRecordsWarning
from sklearn_ecg.records._report import RecordError

N_RECORDS, LEADS = 8, ("I", "II")


def write(folder, name, samples, *, sum_is_wrong=False):
    samples.T.astype("<i2").tofile(folder / f"{name}.dat")
    lines = [f"{name} 2 250 {samples.shape[1]}"]
    for lead, own in zip(LEADS, samples, strict=True):
        total = int(own.sum(dtype=np.int16)) + sum_is_wrong
        lines.append(f"{name}.dat 16 1000/mV 16 0 {own[0]} {total} 0 {lead}")
    (folder / f"{name}.hea").write_text("\n".join(lines) + "\n")


@pytest.fixture
def samples(rng):
    return rng.integers(-900, 900, (N_RECORDS, 2, 1000)).astype(np.int16)


@pytest.fixture(params=[False, True], ids=["files", "cache"])
def records(request, tmp_path, samples):
    """Records 0 to 4 are damaged in five ways; copies of them are gone."""
    for i, own in enumerate(samples):
        write(tmp_path, f"r{i}", own)
    cache = tmp_path / "cache" if request.param else None
    records = load_wfdb(tmp_path, cache_dir=cache)
    if cache:
        for path in cache.glob("*.signals"):
            path.unlink()
    os.truncate(tmp_path / "r0.dat", 100)
    content = bytearray((tmp_path / "r1.dat").read_bytes())
    content[100] ^= 4
    (tmp_path / "r1.dat").write_bytes(content)
    (tmp_path / "r2.dat").unlink()
    (tmp_path / "r3.hea").write_text("junk")
    (tmp_path / "r4.hea").unlink()
    return records


def read_with_one_warning(call, first="r0", whys=("cut short", "changed")):
    with pytest.warns(UnreadRecordsWarning) as found:
        result = call()
    found = [str(w.message) for w in found if w.category is UnreadRecordsWarning]
    assert len(found) == 1 and found[0].startswith("5 of 8 records cannot be read, and are NaN.")
    assert f"NaN. {first}: " in found[0] and any(why in found[0] for why in whys)
    return result


def assert_nan_in_five(signals, samples):
    assert np.isnan(signals[:5]).all()
    np.testing.assert_array_equal(signals[5:], (samples[5:] / 1000).astype(np.float32))


def test_signals_as_one_array(records, samples):
    for own in (records, pickle.loads(pickle.dumps(records))):
        signals = read_with_one_warning(lambda own=own: np.asarray(own.signals), first="0")
        assert_nan_in_five(signals, samples)
    some = read_with_one_warning(lambda: list(records.signals.read_or_nan(ids=records.ids)))
    assert_nan_in_five(np.stack(some), samples)


def test_transformers(records):
    filtered = read_with_one_warning(lambda: BandpassFilter(1, 40).fit_transform(records))
    assert np.isnan(filtered.signals[:5]).all() and np.isfinite(filtered.signals[5:]).all()
    scaler = read_with_one_warning(lambda: LeadScaler().fit(records))
    np.testing.assert_array_equal(scaler.scale_, LeadScaler().fit(records[5:]).scale_)


def test_features_and_the_report_of_them(records):
    extractor = ECGFeatureExtractor(groups=("quality",))
    with pytest.warns(UnreadRecordsWarning, match="^5 of 8 records cannot be measured") as found:
        table = extractor.fit_transform(records)
    assert sum(w.category is UnreadRecordsWarning for w in found) == 1
    assert np.isnan(table).all(axis=1).tolist() == [True] * 5 + [False] * 3
    report = extractor.quality_report(records)
    assert report["id"][report["problem"] == "cannot be measured"].tolist() == list(records.ids[:5])


def test_pictures(records):
    pytest.importorskip("matplotlib")
    from sklearn_ecg.plotting import ECGDisplay

    with pytest.warns(UnreadRecordsWarning, match=r"^1 of 8 records cannot be read.*NaN\. r0: "):
        ECGDisplay.from_records(records, "r0")


def test_those_who_want_an_error(records):
    for i in range(5):
        with pytest.raises(RecordError, match=rf"r{i}\.(hea|dat) "):
            records.signals[i]
        with pytest.raises(RecordError, match=rf"r{i}\.(hea|dat) "):
            records.signals.window(i, 500, 600)
    with pytest.raises(RecordError, match="r0"):
        records.signals.read_many()
    with warnings.catch_warnings():
        warnings.simplefilter("error", UnreadRecordsWarning)
        with pytest.raises(UnreadRecordsWarning, match="5 of 8 records"):
            np.asarray(records)


def test_the_records_that_can_be_read(records, samples):
    whole = records.verified()
    assert whole.ids.tolist() == ["r5", "r6", "r7"]
    assert whole.report["id"].tolist() == ["r0", "r1", "r2", "r3", "r4"]
    assert not whole.report["kept"].any()
    np.testing.assert_array_equal(np.asarray(whole), (samples[5:] / 1000).astype(np.float32))
    assert whole.verified() == whole


def test_other_sources():
    def read(i):
        if i == 1:
            raise OSError("the disk is gone")
        return np.full((2, 10 + i), float(i))

    signals = LazySignals(read, (3, 2), lengths=[10, 11, 12])
    with pytest.warns(UnreadRecordsWarning, match="1 of 3 records .* 1: the disk is gone"):
        found = list(signals.read_or_nan())
    assert [signal.shape for signal in found] == [(2, 10), (2, 11), (2, 12)]
    assert np.isnan(found[1]).all() and found[1].dtype == np.float64
    # Nobody knows how long it would be.
    with pytest.raises(OSError, match="the disk is gone"):
        list(LazySignals(read, (3, 2))[[1]].read_or_nan())


def test_checksums_that_are_wrong_throughout(tmp_path, samples):
    """Said once, and not held against the records."""
    for i, own in enumerate(samples):
        write(tmp_path, f"r{i}", own, sum_is_wrong=i != 3)
    with pytest.warns(UserWarning, match="most others that were tried.*checksums=False") as found:
        records = load_wfdb(tmp_path)
    assert len(found) == 1
    assert records.report["kept"].tolist() == [True]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for own in (records, pickle.loads(pickle.dumps(records))):
            np.testing.assert_array_equal(np.asarray(own), (samples / 1000).astype(np.float32))
        load_wfdb(tmp_path, checksums=False)


@pytest.mark.parametrize("n_wrong", [1, 2, 4])
def test_checksums_of_a_few_that_are_wrong(tmp_path, samples, n_wrong):
    for i, own in enumerate(samples):
        write(tmp_path, f"r{i}", own, sum_is_wrong=i < n_wrong)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        records = load_wfdb(tmp_path)
    for i in range(N_RECORDS):
        if i < n_wrong:
            with pytest.raises(RecordError, match=r"do not match the checksum.*checksums=Fal"):
                records.signals[i]
        else:
            assert np.isfinite(records.signals[i]).all()


def test_the_challenge_of_2017(shared_data):
    with pytest.warns(UserWarning, match="checksums=False"):
        records = load_wfdb(shared_data / "cinc2017")
    assert np.isfinite(records.signals[0]).all() and len(records.report) == 1
