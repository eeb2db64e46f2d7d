"""What the page of PTB-XL says of its rows: out-of-fold predictions, pooled and compared."""

import re
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    f1_score,
    precision_score,
    roc_auc_score,
)

from benchmarks import _report, ptbxl
from benchmarks._compared import (
    difference,
    left_out_of_differences,
    pack,
    pack_bits,
    unpack,
    unpack_bits,
)
from benchmarks._measured_features import MeasuredFeatures
from benchmarks._out_of_fold import (
    by_other_folds,
    calibration_error,
    common,
    difference_table,
    folds_of,
    score_table,
)
from benchmarks._random_encoder import random_encoder
from benchmarks.ptbxl import (
    beside_published,
    chosen,
    classifiers,
    in_order,
    measure,
    probabilities_of,
    tables,
    with_labels_to_score,
)
from sklearn_ecg import ECGFeatureExtractor, ECGRecords
from sklearn_ecg.datasets import make_ecg_records

N_RECORDS, N_FOLDS = 200, 4
NOISE = {"default": 0.5, "another": 1.5}


@pytest.fixture
def records(rng):
    labels = rng.integers(0, 2, size=(N_RECORDS, 3))
    return ECGRecords(
        np.zeros((N_RECORDS, 1, 10)),
        100,
        labels=labels,
        groups=np.arange(N_RECORDS) // 2,
        # Folds stand in no order, and two records of a patient in one.
        split=(np.arange(N_RECORDS) // 2 * 7) % N_FOLDS + 1,
    )


@pytest.fixture
def said(rng, records):
    """What two networks say of all records, by name and seed."""
    shape = records.labels.shape
    return {
        (name, seed): np.clip(0.3 + 0.4 * records.labels + noise * rng.normal(size=shape), 0, 1)
        for name, noise in NOISE.items()
        for seed in range(2)
    }


def rows_of(said, records, folds=range(1, N_FOLDS + 1), own=0.4):
    """Return rows of a page, one per network, seed and fold."""
    return [
        {
            "network": name,
            "fold": fold,
            "seed": seed,
            "cpu_seconds": 2.0,
            "seconds": 3,
            "n_weights": 1234 if name == "default" else None,
            "probabilities": pack(values[records.split == fold]),
            "predicted": pack_bits(values[records.split == fold] >= own)
            if name == "default"
            else None,
        }
        for (name, seed), values in said.items()
        for fold in folds
    ]


def numbers(cell):
    return [float(number) for number in re.findall(r"[-+]?\d\.\d+", cell)]


def test_predictions_survive_their_text(rng):
    probabilities = rng.random((7, 5))
    np.testing.assert_allclose(unpack(pack(probabilities), (7, 5)), probabilities, atol=5e-4)
    for shape in [(7, 5), (8, 1), (3, 71)]:
        predicted = rng.integers(0, 2, shape)
        np.testing.assert_array_equal(unpack_bits(pack_bits(predicted), shape), predicted)


@pytest.mark.parametrize("n_bins", [1, 5, 15])
def test_the_calibration_error_is_the_distance_in_each_bin_by_its_size(rng, n_bins):
    labels = rng.integers(0, 2, size=(300, 4))
    probabilities = rng.random((300, 4)) ** 2
    probabilities[0], probabilities[1] = 0.0, 1.0
    edges = np.linspace(0, 1, n_bins + 1)
    of_labels = []
    for k in range(4):
        error = 0
        for low, high in pairwise(edges):
            inside = (probabilities[:, k] >= low) & (probabilities[:, k] < high)
            inside |= (high == 1) & (probabilities[:, k] == 1)
            if inside.any():
                gap = abs(probabilities[inside, k].mean() - labels[inside, k].mean())
                error += gap * inside.sum() / 300
        of_labels.append(error)
    assert calibration_error(labels, probabilities, n_bins) == pytest.approx(np.mean(of_labels))


def test_thresholds_of_a_fold_are_the_best_of_all_others(rng, records):
    probabilities = rng.random(records.labels.shape)
    predicted = by_other_folds(probabilities, records.labels, records.split)
    for fold in range(1, N_FOLDS + 1):
        own = records.split == fold
        for k in range(3):
            others, truth = probabilities[~own, k], records.labels[~own, k]
            found = others >= others[:, np.newaxis]  # a row for each possible threshold
            f1 = 2 * (found & (truth == 1)).sum(axis=1) / (found.sum(axis=1) + truth.sum())
            best = others[f1.argmax()]
            threshold = (best + others[others < best].max(initial=0)) / 2
            expected = probabilities[own, k] >= threshold
            np.testing.assert_array_equal(predicted[own, k], expected)
    # What a fold has itself must not move its own thresholds.
    changed = records.labels.copy()
    changed[records.split == 1] = 1 - changed[records.split == 1]
    again = by_other_folds(probabilities, changed, records.split)
    np.testing.assert_array_equal(again[records.split == 1], predicted[records.split == 1])
    assert by_other_folds(probabilities[:5], records.labels[:5], np.ones(5)) is None


def test_scores_are_those_of_all_folds_together_and_means_over_seeds(records, said):
    table = score_table(rows_of(said, records), records)
    truth = records.labels
    for name in NOISE:
        of_seeds = [unpack(pack(said[name, seed]), truth.shape) for seed in range(2)]
        expected = {
            "macro AUC": [roc_auc_score(truth, values) for values in of_seeds],
            "average precision": [average_precision_score(truth, values) for values in of_seeds],
            "F1 at 0.5": [f1_score(truth, values >= 0.5, average="macro") for values in of_seeds],
            "calibration error": [calibration_error(truth, values) for values in of_seeds],
            "F1": [
                f1_score(truth, by_other_folds(values, truth, records.split), average="macro")
                for values in of_seeds
            ],
        }
        for score, values in expected.items():
            found, low, high = numbers(table.loc[name, score])
            assert found == pytest.approx(np.mean(values), abs=6e-4), score
            assert low < high
        assert table.loc[name, "folds"] == "4 of 4"
    own = np.mean([f1_score(truth, said["default", s] >= 0.4, average="macro") for s in range(2)])
    assert numbers(table.loc["default", "F1, own thresholds"])[0] == pytest.approx(own, abs=6e-4)
    assert table.loc["another", "F1, own thresholds"] == ""
    assert list(table["weights"]) == ["1,234", ""]


def test_differences_are_paired_on_the_folds_that_both_have(records, said):
    rows = rows_of(said, records)
    whole = difference_table(rows, records)
    assert list(whole.index) == ["another"] and list(whole["records"]) == [N_RECORDS]
    measured = [row for row in rows if row["network"] == "default" or row["fold"] in (2, 3)]
    part = difference_table(measured, records)
    inside = np.isin(records.split, (2, 3))
    assert list(part["records"]) == [inside.sum()]
    for table, scored in ((whole, np.ones(N_RECORDS, dtype=bool)), (part, inside)):
        by_name = {
            name: np.mean(
                [roc_auc_score(records.labels[scored], said[name, s][scored]) for s in (0, 1)]
            )
            for name in NOISE
        }
        number, low, high = numbers(table.loc["another", "macro AUC"])
        assert number == pytest.approx(by_name["another"] - by_name["default"], abs=1.5e-3)
        assert low < number < high < 0
        assert table.loc["another", "F1, own thresholds"] == ""
    assert score_table(measured, records).loc["another", "folds"] == "2 of 4"


def test_a_pair_of_folds_without_the_default_is_compared_with_nothing(records, said):
    rows = [row for row in rows_of(said, records) if row["network"] != "default"]
    assert difference_table(rows, records).empty
    assert "Nothing is measured on the same folds yet." in tables(rows, records)
    one_fold = [row for row in rows if row["fold"] == 1]
    assert score_table(one_fold, records).loc["another", "F1"] == ""
    assert tables([], records) == ""


def test_seeds_count_once_they_have_the_folds_of_the_first():
    assert common({0: {1, 2}, 1: {1, 2, 3}}) == ((1, 2), (0, 1))
    assert common({0: {1, 2, 3}, 1: {1, 2}}) == ((1, 2, 3), (0,))
    assert common({0: {1, 2}, 1: {3}}, {1: {3, 4}}) == ((3,), (1,))
    assert common({0: {1}}, {0: {2}}) == ((), ()) == common({0: {1}}, {})
    rows = [{"network": "a", "fold": 1, "seed": 0}, {"network": "a", "fold": 2, "seed": 0}]
    assert folds_of(rows, "a") == {0: {1, 2}} and folds_of(rows, "b") == {}


def test_labels_of_too_few_patients_have_no_score(records, said):
    labels = np.column_stack([records.labels, np.zeros(N_RECORDS, dtype=int)])
    labels[[0, 1, 40], 3] = 1
    rare = records.with_labels(labels, label_names=["A", "B", "C", "rare"])
    wider = {key: np.insert(values, 3, 0.5, axis=1) for key, values in said.items()}
    rows, narrow = rows_of(wider, rare), rows_of(said, records)
    columns = [name for name in score_table(narrow, records) if name != "weights"]
    assert score_table(rows, rare)[columns].equals(score_table(narrow, records)[columns])
    assert difference_table(rows, rare).equals(difference_table(narrow, records))
    assert "or lack: rare." in tables(rows, rare)


def test_differences_of_one_split_are_means_over_the_seeds_that_both_have(records, said):
    rows = [
        {"network": name, "seed": seed, "probabilities": pack(values)}
        for (name, seed), values in said.items()
    ]
    extra = {"network": "another", "seed": 2, "probabilities": pack(said["default", 0])}
    text = difference([*rows, extra], "another", records, "roc_auc")
    by_name = {
        name: np.mean([roc_auc_score(records.labels, said[name, seed]) for seed in range(2)])
        for name in NOISE
    }
    number, low, high = numbers(text)
    assert number == pytest.approx(by_name["another"] - by_name["default"], abs=1.5e-3)
    assert low < number < high < 0
    assert difference(rows, "default", records, "roc_auc") == ""
    assert difference(rows, "another", records[:6], "roc_auc") == "too few patients"
    assert left_out_of_differences(records) == ""


def test_scores_stand_beside_the_published_ones(records, said):
    text = beside_published(rows_of(said, records), records, "superdiagnostic")
    lines = {
        line.split("|")[1].strip(): line.split("|")[2:-1]
        for line in text.splitlines()
        if line.startswith("|")
    }
    assert list(map(float, lines["published: Zhang, Sun (2024)"])) == [0.902, 0.783, 0.732, 0.754]
    at_half = [said["default", seed] >= 0.5 for seed in range(2)]
    accuracy = np.mean([accuracy_score(records.labels.ravel(), p.ravel()) for p in at_half])
    precision = np.mean([precision_score(records.labels, p, average="macro") for p in at_half])
    assert list(map(float, lines["default"][:2])) == pytest.approx([accuracy, precision], abs=6e-4)
    rhythm = beside_published(rows_of(said, records), records, "rhythm")
    assert "published" not in rhythm.split("\n\n")[1]


def test_labels_of_few_records_are_named_and_left_out():
    labels = np.array([[1, 1, 0, 1], [0, 0, 1, 1], [1, 0, 1, 0], [1, 1, -1, 1]])
    records = ECGRecords(
        np.zeros((4, 1, 10)), 100, labels=labels, label_names=["A", "B", "C", "D"], split=[1] * 4
    )
    kept, note = with_labels_to_score(records, 2)
    assert list(kept.label_names) == ["A", "C", "D"] and len(kept) == 3
    assert note.endswith("fewer than 2 records have them: B.")
    whole, nothing = with_labels_to_score(kept, 0)
    assert list(whole.label_names) == ["A", "C", "D"] and nothing == ""
    with pytest.raises(SystemExit, match="No label has 9 records: lower --least"):
        with_labels_to_score(records, 9)


def test_what_matters_most_is_measured_first():
    assert list(classifiers(None))[:6] == [
        "default",
        "ECG features, gradient boosting",
        "resnet1d_wang",
        "xresnet1d101",
        "paper's network (model 4), our recipe",
        "random encoder, linear head",
    ]
    measured = ["SE-ResNet", "gone", "resnet1d_wang", "default", "SE-ResNet"]
    shown = [row["network"] for row in in_order([{"network": name} for name in measured])]
    assert shown == ["default", "resnet1d_wang", "SE-ResNet", "SE-ResNet", "gone"]
    assert chosen(None, {"a": 1, "b": 2}) == ["a", "b"] and chosen(["b"], {"a": 1, "b": 2}) == ["b"]
    with pytest.raises(SystemExit, match="'c' is none of 'a', 'b'"):
        chosen(["b", "c"], {"a": 1, "b": 2})


def test_labels_of_one_class_have_a_probability_too():
    one = np.array([[0.2, 0.8]])
    classifier = SimpleNamespace(
        predict_proba=lambda X: [one, np.array([[1.0]]), np.array([[1.0]])],
        classes_=[np.array([0, 1]), np.array([0]), np.array([1])],
    )
    found = probabilities_of(classifier, SimpleNamespace(n_labels=3))
    np.testing.assert_array_equal(found, [[0.8, 0.0, 1.0]])
    single = SimpleNamespace(predict_proba=lambda X: one)
    np.testing.assert_array_equal(probabilities_of(single, SimpleNamespace(n_labels=1)), one[:, 1:])


@pytest.fixture(scope="module")
def simulated():
    records = make_ecg_records(
        40, labels=("Normal", "AF", "RBBB"), leads=("I", "II", "V1"), random_state=0
    )
    return ECGRecords(
        records.signals,
        records.sampling_rate,
        lead_names=records.lead_names,
        labels=records.labels,
        label_names=records.label_names,
        groups=records.groups,
        split=np.arange(40) // 4 + 1,
    )


def test_a_random_encoder_is_a_floor_that_repeats(simulated):
    one, other, another = (
        random_encoder(seed).fit(simulated, simulated.labels).predict_proba(simulated[:9])
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, other)
    assert not np.allclose(one, another)
    assert one.shape == (9, 3)
    assert roc_auc_score(simulated.labels[:9], one, average="micro") > 0.8


def test_a_fold_is_scored_by_what_never_saw_it(simulated):
    class Classifier:
        thresholds_ = 0.3

        def get_params(self):
            return {}

        def fit(self, X, y):
            self.seen = set(X.ids)
            np.testing.assert_array_equal(y, X.labels)
            return self

        def predict_proba(self, X):
            assert not self.seen & set(X.ids) and set(X.split) == {4}
            return np.full((len(X), 3), 0.25)

        def predict(self, X):
            return np.eye(3, dtype=int)[np.arange(len(X)) % 3]

    row = measure(Classifier, simulated, 4, MeasuredFeatures(None))
    assert (unpack(row["probabilities"], (4, 3)) == 0.25).all()
    np.testing.assert_array_equal(unpack_bits(row["predicted"], (4, 3)), np.eye(3)[[0, 1, 2, 0]])
    assert row["n_weights"] is None
    Classifier.thresholds_ = np.full(3, 0.5)
    assert measure(Classifier, simulated, 4, MeasuredFeatures(None))["predicted"] is None


@pytest.mark.parametrize(
    "name", ["default", "ECG features, gradient boosting", "resnet1d_wang", "network alone"]
)
def test_features_are_measured_once_and_only_for_what_reads_them(simulated, name):
    class Extractor(ECGFeatureExtractor):
        asked = []

        def transform(self, X, r_peaks=None):
            self.asked.append(len(X))
            return super().transform(X, r_peaks)

    Extractor.asked.clear()
    features = MeasuredFeatures(Extractor(groups=["rhythm"]))
    make = classifiers(features)[name]
    for fold in (1, 2):
        row = measure(lambda: make(0, {"max_epochs": 1}), simulated, fold, features)
        assert np.isfinite(unpack(row["probabilities"], (4, 3))).all()
        assert (row["n_weights"] is None) == ("boosting" in name)
    reads = name in ("default", "ECG features, gradient boosting")
    assert Extractor.asked == [40] * reads


def test_features_that_are_looked_up_are_those_of_the_records(simulated):
    extractor = ECGFeatureExtractor()
    features = clone(MeasuredFeatures(extractor).measure(simulated))
    some = simulated[[7, 3, 21]]
    expected = extractor.fit(some).transform(some)
    np.testing.assert_array_equal(features.fit(simulated[:5]).transform(some), expected)
    assert list(features.get_feature_names_out()) == list(extractor.get_feature_names_out())


def test_rows_of_another_run_are_taken_over(records, said, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(_report, "RESULTS", tmp_path)

    def open_page(page):
        return ptbxl.open_scored(page, "ptbxl", records, keys=ptbxl.KEYS, fresh=False)

    rows = rows_of(said, records)
    ours, theirs = ([r for r in rows if r["network"] == name] for name in NOISE)
    open_page("peers").add(*theirs)
    page = open_page("page")
    page.add(*ours)
    page.take(tmp_path / "peers.json")
    page.take(tmp_path / "peers.json")
    assert "8 of 8 rows taken" in capsys.readouterr().out
    kept = open_page("page")
    assert len(kept.rows) == len(rows) and kept.unmeasured(rows) == []
    assert difference_table(kept.rows, records).equals(difference_table(rows, records))
    fewer = ptbxl.open_scored("third", "ptbxl", records[:9], keys=ptbxl.KEYS, fresh=False)
    with pytest.raises(SystemExit, match="one page cannot show both"):
        fewer.take(tmp_path / "peers.json")
