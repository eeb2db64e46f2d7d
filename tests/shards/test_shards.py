"""Measuring and predicting over files, interrupted, damaged and growing."""

import os
import shutil
import signal

import numpy as np
import pandas as pd
import pytest
import wfdb
from numpy.testing import assert_array_equal
from pandas.testing import assert_frame_equal

from sklearn_ecg import (
    AFPLabelCleaner,
    ECGFeatureExtractor,
    ECGRecords,
    LabelCorrelationECGClassifier,
)
from sklearn_ecg.datasets import load_wfdb
from sklearn_ecg.datasets._reader import WFDBReader
from sklearn_ecg.features import _extraction
from sklearn_ecg.records import LazySignals
from sklearn_ecg.shards import CleanLabels, MeasureFeatures, PredictLabels, iter_shards, run_shards


def write(folder, name, seed):
    """Write a record of two leads, 4 s at 100 Hz, of another rhythm for each seed."""
    folder.mkdir(exist_ok=True)
    beats = np.arange(400) % (60 + seed) == 30
    wave = np.convolve(beats, np.hanning(9), mode="same")
    noise = np.random.default_rng(seed).normal(scale=0.02, size=(400, 2))
    samples = np.round(1000 * (wave[:, np.newaxis] * [1.0, 0.7] + noise)).astype(int)
    wfdb.wrsamp(
        name,
        fs=100,
        units=["mV"] * 2,
        sig_name=["I", "II"],
        d_signal=samples,
        fmt=["16"] * 2,
        adc_gain=[1000.0] * 2,
        baseline=[0] * 2,
        write_dir=str(folder),
    )


def damage(file):
    content = bytearray(file.read_bytes())
    content[100] ^= 4
    file.write_bytes(content)


@pytest.fixture
def folder(tmp_path):
    """Twenty-four records."""
    for number in range(24):
        write(tmp_path / "archive", f"r{number:02}", number)
    return tmp_path / "archive"


@pytest.fixture
def counted(monkeypatch):
    """The number of records measured in this process so far, and a way to be killed at one."""
    counts = {"measured": 0, "dies_at": None}
    measure = _extraction.measure

    def counting(*arguments):
        counts["measured"] += 1
        if counts["measured"] == counts["dies_at"]:
            os.kill(os.getpid(), signal.SIGKILL)
        return measure(*arguments)

    monkeypatch.setattr(_extraction, "measure", counting)
    return counts


def killed(function, counted, at):
    child = os.fork()
    if child == 0:
        counted["dies_at"] = at
        try:
            function()
        finally:
            os._exit(0)
    return os.waitpid(child, 0)[1] == signal.SIGKILL


def test_features_go_on_where_they_were_killed(folder, tmp_path, counted):
    records, memory = load_wfdb(folder), tmp_path / "memory"
    expected = ECGFeatureExtractor().fit_transform(records)
    counted["measured"] = 0
    cached = ECGFeatureExtractor(memory=memory)
    assert killed(lambda: cached.fit_transform(records), counted, at=20)
    assert_array_equal(cached.fit_transform(records), expected)
    assert counted["measured"] == 24 - 16
    assert_array_equal(cached.fit_transform(records), expected)
    assert counted["measured"] == 24 - 16


def test_an_archive_that_grows_is_measured_where_it_is_new(folder, tmp_path, counted):
    cached = ECGFeatureExtractor(memory=tmp_path / "memory")
    for night in range(3):
        cached.fit_transform(load_wfdb(folder, cache_dir=tmp_path / "cache"))
        assert counted["measured"] == 24 + night
        write(folder, f"a{night}", 30 + night)


@pytest.mark.parametrize("memory", [None, "memory"])
def test_a_record_found_damaged_late_does_not_stop_the_others(folder, tmp_path, memory):
    damage(folder / "r07.dat")
    records = load_wfdb(folder)
    extractor = ECGFeatureExtractor(memory=memory and tmp_path / memory).fit(records)
    with pytest.warns(UserWarning, match=r"1 of 24 records cannot be measured, and are NaN. r07: "):
        features = extractor.transform(records)
    assert np.isnan(features).all(axis=1).nonzero()[0].tolist() == [7]
    expected = ECGFeatureExtractor().fit_transform(records[np.arange(24) != 7])
    assert_array_equal(np.delete(features, 7, axis=0), expected)
    report = extractor.quality_report(records)
    assert report["id"][report["problem"] == "cannot be measured"].tolist() == ["r07"]
    # Mended overnight.
    write(folder, "r07", 7)
    assert not np.isnan(extractor.transform(load_wfdb(folder))).all(axis=1).any()


def test_where_none_can_be_measured_that_is_an_error(folder):
    records = load_wfdb(folder)
    for file in folder.glob("*.dat"):
        damage(file)
    with pytest.raises(ValueError, match=r"None of the 24 records can be measured, .* r00: .*sum"):
        ECGFeatureExtractor().fit_transform(records)


def test_a_file_that_changes_while_it_is_read_is_not_believed(folder, tmp_path, monkeypatch):
    records, memory = load_wfdb(folder, checksums=False), tmp_path / "memory"
    measure = _extraction.measure

    def disturbed(*arguments):
        write(folder, "r05", 50)
        return measure(*arguments)

    monkeypatch.setattr(_extraction, "measure", disturbed)
    with pytest.warns(UserWarning, match="r05: its file was changed while it was read"):
        ECGFeatureExtractor(memory=memory).fit_transform(records)
    monkeypatch.undo()
    records = load_wfdb(folder)
    found = ECGFeatureExtractor(memory=memory).fit_transform(records)
    assert_array_equal(found, ECGFeatureExtractor().fit_transform(records))


def test_the_step_is_the_extractor(folder, tmp_path):
    records = load_wfdb(folder)
    extractor = ECGFeatureExtractor(groups=("rhythm",)).set_output(transform="pandas")
    expected = extractor.fit_transform(records)
    for step in (
        MeasureFeatures(extractor),
        MeasureFeatures(ECGFeatureExtractor(groups=["rhythm"])),
    ):
        table = run_shards(step, records[::-1], tmp_path / "night", shard_size=5)
        assert table.index.tolist() == records.ids[::-1].tolist()
        assert (table.pop("problem") == "").all()
        assert_frame_equal(table.loc[expected.index], expected, check_names=False)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A saved classifier of two labels."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, size=(40, 2))
    signals = rng.normal(scale=0.1, size=(40, 2, 400)) + labels[:, :, np.newaxis]
    records = ECGRecords(
        signals, 100, lead_names=["I", "II"], labels=labels, label_names=["AF", "PVC"]
    )
    path = tmp_path_factory.mktemp("models") / "model"
    LabelCorrelationECGClassifier(
        max_epochs=1,
        features=None,
        duration_s=4.0,
        network__channels=(2, 2, 4),
        network__hidden_dim=8,
        network__n_heads=2,
        random_state=0,
    ).fit(records).save(path)
    return path


def test_predictions_are_those_of_the_model(folder, tmp_path, model):
    damage(folder / "r03.dat")
    records = load_wfdb(folder)
    with pytest.warns(UserWarning, match=r"1 of 24 records have a problem. r03: .*r03.dat"):
        table = run_shards(PredictLabels(model), records, tmp_path / "night", shard_size=24)
    with pytest.warns(UserWarning, match="r03"):
        expected = LabelCorrelationECGClassifier.load(model).predict_proba(records)
    assert table.columns.tolist() == ["AF", "PVC", "problem"]
    assert_array_equal(table[["AF", "PVC"]], expected)
    with pytest.warns(UserWarning, match="r03"):
        decided = run_shards(PredictLabels(model, "predict"), records, tmp_path / "night")
    assert decided["AF"].isin([0, 1, -1]).all() and decided["AF"].tolist().index(-1) == 3


def test_predictions_go_on_bit_for_bit(folder, tmp_path, model):
    records, step = load_wfdb(folder), PredictLabels(model)
    options = {"shard_size": 7, "n_jobs": 1}
    undisturbed = run_shards(step, records, tmp_path / "a", **options)

    def dies_in_the_third():
        shards = iter_shards(Dying(step, tmp_path / "calls"), records, tmp_path / "b", **options)
        list(shards)

    assert killed(dies_in_the_third, {}, None)
    assert len(list(tmp_path.glob("b/*/*.npz"))) == 2
    assert_frame_equal(run_shards(step, records, tmp_path / "b", **options), undisturbed)
    files = [{p.name: p.read_bytes() for p in tmp_path.glob(f"{own}/*/*.npz")} for own in "ab"]
    assert files[0].keys() == files[1].keys()


class Dying:
    """A step that is killed in its third shard, and has the settings and name of another."""

    def __init__(self, step, calls):
        self.step = step
        self.settings = step.settings
        self.calls = calls
        self.reads = step.reads
        type(self).__module__ = type(step).__module__
        type(self).__qualname__ = type(step).__qualname__

    def __call__(self, records):
        with open(self.calls, "a") as calls:
            calls.write("c")
        if self.calls.stat().st_size == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return self.step(records)


def test_another_model_is_another_result(folder, tmp_path, model):
    records = load_wfdb(folder)[:4]
    run_shards(PredictLabels(model), records, tmp_path / "night")
    loaded = LabelCorrelationECGClassifier.load(model)
    loaded.set_params(thresholds=0.9).save(tmp_path / "other")
    run_shards(PredictLabels(tmp_path / "other"), records, tmp_path / "night")
    assert len(list((tmp_path / "night").iterdir())) == 2


def test_workers_come_to_the_same(folder, tmp_path, model, forked):
    records = load_wfdb(folder)
    options = {"shard_size": 6}
    alone = run_shards(PredictLabels(model), records, tmp_path / "a", **options)
    shared = run_shards(PredictLabels(model), records, tmp_path / "b", n_jobs=2, **options)
    assert_frame_equal(alone, shared)


def test_what_cannot_be_run_is_said(folder, tmp_path, model):
    records = load_wfdb(folder)
    with pytest.raises(TypeError, match="records must be ECGRecords; got ndarray"):
        run_shards(MeasureFeatures(), np.zeros((2, 1, 100)), tmp_path)
    with pytest.raises(ValueError, match="records is empty"):
        run_shards(MeasureFeatures(), records[:0], tmp_path)
    with pytest.raises(FileNotFoundError, match=r"There is no .*none/model.json"):
        PredictLabels(tmp_path / "none")
    with pytest.raises(ValueError, match="'method' parameter"):
        PredictLabels(model, "score")


def test_measured_once_for_all_steps(folder, tmp_path, counted):
    records = load_wfdb(folder)
    run_shards(MeasureFeatures(), records, tmp_path / "night", shard_size=5)
    cached = ECGFeatureExtractor(memory=tmp_path / "night")
    assert_array_equal(cached.fit_transform(records), ECGFeatureExtractor().fit_transform(records))
    assert counted["measured"] == 2 * 24


def test_windows_of_long_records_are_records(tmp_path, counted):
    long = np.concatenate([np.arange(400) % (60 + seed) == 30 for seed in range(6)])
    wave = 1000 * np.convolve(long, np.hanning(9), mode="same")
    samples = np.round(wave[:, np.newaxis] * [1.0, 0.7]).astype(int)
    (tmp_path / "holter").mkdir()
    wfdb.wrsamp(
        "day", 100, ["mV"] * 2, ["I", "II"], d_signal=samples, fmt=["16"] * 2,
        adc_gain=[1000.0] * 2, baseline=[0] * 2, write_dir=str(tmp_path / "holter"),
    )  # fmt: skip
    windows = load_wfdb(tmp_path / "holter", window=4.0)
    table = run_shards(MeasureFeatures(), windows, tmp_path / "night", shard_size=2)
    assert table.index.tolist() == [f"day/{number:03}" for number in range(6)]
    assert (np.diff(table["RR_mean_ms"]) > 0).all()
    run_shards(MeasureFeatures(), windows[::2], tmp_path / "night")
    assert counted["measured"] == 6


@pytest.fixture(scope="module")
def cleaner(tmp_path_factory):
    """A saved cleaner of two labels, fitted to 60 records like those of the folder."""
    folder = tmp_path_factory.mktemp("cleaner")
    for number in range(60):
        write(folder / "train", f"t{number:02}", number)
    records = load_wfdb(folder / "train")
    slow = np.arange(60) >= 30
    labels = np.stack([slow, ~slow], axis=1).astype(int)
    trusted = np.arange(60) % 2 == 0
    records = records.with_labels(labels, ["slow", "fast"], trusted=trusted)
    AFPLabelCleaner(random_state=0).fit(records).save(folder / "cleaner")
    return folder / "cleaner"


def test_labels_are_those_of_the_cleaner(folder, tmp_path, cleaner):
    records = load_wfdb(folder)
    weak = np.random.default_rng(0).integers(0, 2, (24, 2))
    records = records.with_labels(weak, ["slow", "fast"])
    expected = AFPLabelCleaner.load(cleaner).transform(records)
    table = run_shards(CleanLabels(cleaner), records, tmp_path / "night", shard_size=24)
    assert table.index.tolist() == records.ids.tolist()
    assert_array_equal(table[["slow", "fast"]], expected.labels)
    assert_array_equal(table[["slow_provenance", "fast_provenance"]], expected.provenance)
    assert_array_equal(table[["slow_confidence", "fast_confidence"]], expected.confidence)
    # Other weak labels, and trust, are other results.
    other = records.with_labels(1 - weak, ["slow", "fast"], trusted=np.arange(24) == 3)
    again = run_shards(CleanLabels(cleaner), other, tmp_path / "night", shard_size=7)
    assert again["slow_provenance"].tolist().index("trusted") == 3
    assert again["slow"].iloc[3] == 1 - weak[3, 0]


def test_a_record_that_cannot_be_cleaned_is_undecided(folder, tmp_path, cleaner):
    damage(folder / "r03.dat")
    records = load_wfdb(folder).with_labels(np.ones((24, 2)), ["slow", "fast"])
    with pytest.warns(UserWarning, match="1 of 24 records have a problem. r03: "):
        table = run_shards(CleanLabels(cleaner), records, tmp_path / "night")
    assert table.loc["r03", ["slow", "slow_provenance"]].tolist() == [-1, "undecided"]
    assert (table["problem"] != "").sum() == 1
    with pytest.raises(ValueError, match="but records have none"):
        run_shards(CleanLabels(cleaner), load_wfdb(folder), tmp_path / "night")
    with pytest.raises(ValueError, match="labels a, b, but the cleaner was fitted on slow, fast"):
        other = records.with_labels(np.ones((24, 2)), ["a", "b"])
        run_shards(CleanLabels(cleaner), other, tmp_path / "night")
    with pytest.raises(FileNotFoundError, match=r"There is no .*nowhere"):
        CleanLabels(tmp_path / "nowhere")


def test_a_record_healed_overnight_is_cleaned_as_if_it_had_been_whole(
    folder, tmp_path, cleaner, monkeypatch
):
    weak = np.random.default_rng(0).integers(0, 2, (24, 2))
    records = load_wfdb(folder).with_labels(weak, ["slow", "fast"])
    undisturbed = run_shards(CleanLabels(cleaner), records, tmp_path / "a", shard_size=12)
    read = WFDBReader.__call__

    def fails(reader, i):
        if reader.paths[i].endswith("r03"):
            raise OSError("Connection timed out")
        return read(reader, i)

    monkeypatch.setattr(WFDBReader, "__call__", fails)
    with pytest.warns(UserWarning, match="1 of 24 records have a problem. r03: Connection"):
        run_shards(CleanLabels(cleaner), records, tmp_path / "b", shard_size=12)
    monkeypatch.undo()
    healed = run_shards(CleanLabels(cleaner), records, tmp_path / "b", shard_size=12)
    assert_frame_equal(healed, undisturbed)


def test_a_model_that_was_saved_again_answers_anew(folder, tmp_path, model):
    records = load_wfdb(folder)[:6]
    path = tmp_path / "model"
    shutil.copytree(model, path)
    step = PredictLabels(path, "predict")
    first = run_shards(step, records, tmp_path / "night")
    loaded = LabelCorrelationECGClassifier.load(path)
    loaded.set_params(thresholds=0.001 if (first["AF"] == 0).all() else 0.999).save(path)
    second = run_shards(step, records, tmp_path / "night")
    assert not second.equals(first)
    expected = LabelCorrelationECGClassifier.load(path).predict(records)
    assert_array_equal(second[["AF", "PVC"]], expected)


class Named:
    """A step of a user's own."""

    settings = {}

    def __init__(self, change=lambda frame: frame):
        self.change = change

    def __call__(self, records):
        frame = pd.DataFrame({"own": records.ids.astype(str), "size": 1.0, "problem": ""})
        return self.change(frame)


def test_what_a_step_of_ones_own_reads_counts(folder, tmp_path):
    signals, rate = np.random.default_rng(0).normal(size=(3, 1, 50)), 100
    for ids in (["a", "b", "c"], ["x", "y", "z"]):
        records = ECGRecords(signals, rate, ids=ids)
        table = run_shards(Named(), records, tmp_path)
        assert table["own"].tolist() == ids
    other = type("Named", (Named,), {"__module__": "elsewhere"})
    other.__call__ = lambda self, records: pd.DataFrame({"other": [1, 2, 3], "problem": ""})
    assert run_shards(other(), records, tmp_path)["other"].tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda frame: frame[1:], "one row for each of 3 records; got 2 rows"),
        (lambda frame: frame.to_numpy(), "must return a DataFrame"),
        (lambda frame: frame.drop(columns="problem"), "one of them 'problem'"),
        (lambda frame: frame.assign(problem=None), "its column 'problem'"),
        (lambda frame: frame.assign(day=pd.Timestamp("2026-01-01")), "its column 'day'"),
        (lambda frame: frame.assign(own=["a", None, "c"]), "its column 'own'"),
    ],
)
def test_what_a_step_returns_is_held_against_what_is_asked(tmp_path, change, error):
    records = ECGRecords(np.random.default_rng(0).normal(size=(3, 1, 50)), 100)
    with pytest.raises((TypeError, ValueError), match=error):
        run_shards(Named(change), records, tmp_path)
    assert not list(tmp_path.glob("*/*.npz"))
    step = Named()
    step.settings = {"n": np.int64(3)}
    with pytest.raises(TypeError, match="settings of a step must be of types that JSON can hold"):
        run_shards(step, records, tmp_path)


@pytest.mark.parametrize("make", [MeasureFeatures, Named])
def test_records_that_cannot_be_read_now_are_not_mistaken(tmp_path, make):
    class Flaky:
        fails = ()

        def __call__(self, record):
            if record in self.fails:
                raise OSError("Connection timed out")
            times = np.arange(800) % (60 + 5 * record) == 30
            return np.convolve(times, np.hanning(9), mode="same")[np.newaxis]

    reader = Flaky()
    records = ECGRecords(LazySignals(reader, (6, 1, 800)), 100, lead_names=["II"])
    expected = run_shards(make(), records, tmp_path / "a")
    reader.fails = (1, 4)
    if make is MeasureFeatures:
        with pytest.warns(UserWarning, match="2 of 6 records have a problem. 1: Connection"):
            run_shards(make(), records, tmp_path / "b")
    reader.fails = ()
    assert_frame_equal(run_shards(make(), records, tmp_path / "b"), expected)
