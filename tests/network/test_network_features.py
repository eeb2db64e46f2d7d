"""Measured features as a second input of the network."""

import json
import pickle

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy.special import ndtri
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import FunctionTransformer
from skorch.callbacks import Callback

from sklearn_ecg import CleanedRecords, ECGFeatureExtractor, ECGRecords
from sklearn_ecg.network import LabelCorrelationECGClassifier
from sklearn_ecg.network._feature_table import FeatureStandardiser


class Spread(TransformerMixin, BaseEstimator):
    """Standard deviation and mean of each lead, and a column that nobody has."""

    def fit(self, X, y=None):
        assert type(X) is ECGRecords
        self.n_seen_ = len(X)
        return self

    def transform(self, X):
        signals = np.stack([np.asarray(signal) for signal in X.signals])
        table = np.hstack([signals.std(axis=2), signals.mean(axis=2)])
        return np.column_stack([table, np.full(len(table), np.nan)])


@pytest.fixture(scope="module")
def beats():
    """Records with heart beats, fast ones and tall ones, that the extractor can measure."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, size=(40, 2))
    beat = np.hanning(9)
    signals = rng.normal(scale=0.01, size=(40, 2, 500))
    for signal, (fast, tall) in zip(signals, labels, strict=True):
        train = np.zeros(500)
        train[30 :: 60 if fast else 100] = 1
        signal += np.convolve(train, beat, mode="same") * [[1.0], [2.0 if tall else 0.6]]
    return ECGRecords(
        signals, 100, lead_names=["II", "V1"], labels=labels, label_names=["fast", "tall"]
    )


@pytest.fixture(scope="module")
def measured(tiny, beats):
    """A classifier with measured features; not to be changed."""
    return tiny(features=ECGFeatureExtractor(), duration_s=5.0, crop_s=2.0).fit(beats)


# Standardising


def test_a_feature_becomes_the_normal_quantile_of_its_rank(rng):
    table = rng.lognormal(size=(1000, 3)) * [1, 1e3, 1e-3]
    standardiser = FeatureStandardiser.learn(table)
    ranks = table.argsort(axis=0).argsort(axis=0) / 999
    expected = ndtri(ranks).clip(-3, 3)
    found = standardiser.transform(table).numpy()
    middle = np.abs(expected) < 1.5
    assert np.abs(found - expected)[middle].max() < 0.05
    assert np.abs(found).max() == 3
    beyond = standardiser.transform(np.array([[-1e9, 1e9, np.nan]]))
    assert beyond.tolist() == [[-3, 3, 0]]


def test_ties_lie_in_the_middle_of_their_ranks():
    table = np.r_[np.zeros(600), np.ones(400)][:, np.newaxis]
    found = FeatureStandardiser.learn(table).transform(np.array([[0.0], [1.0]])).numpy()
    assert_allclose(found.ravel(), ndtri([0.3, 0.8]), atol=0.02)


def test_features_that_say_nothing_are_left_out(rng):
    table = np.full((100, 4), np.nan)
    table[:, 0] = rng.normal(size=100)
    table[:, 1] = 7
    table[:2, 2] = [1, 2]
    standardiser = FeatureStandardiser.learn(table)
    assert standardiser.columns.tolist() == [0]
    assert FeatureStandardiser.learn(table[:, 1:]).transform(table[:, 1:]).shape == (100, 0)


# The classifier


def test_what_only_features_tell_is_learned(tiny, tiny_records):
    # The network sees the same in all records; features know the labels by the records' ids.
    same = tiny_records.with_signals(np.repeat(tiny_records.signals[:1], 48, axis=0))
    labels = dict(zip(same.ids, same.labels, strict=True))
    knowing = FunctionTransformer(lambda records: np.stack([labels[i] for i in records.ids]))
    parameters = {"lr": 0.05, "validation_fraction": None}
    without = tiny(**parameters).fit(same).predict_proba(same)
    assert without.std(axis=0).max() < 1e-6
    found = tiny(max_epochs=6, features=knowing, **parameters).fit(same).predict_proba(same)
    assert roc_auc_score(same.labels, found) == 1


def test_features_are_learned_from_training_records_only(tiny, tiny_records):
    trained = tiny(features=Spread()).fit(tiny_records)
    n_held_out = len(trained.validation_indices_)
    assert n_held_out > 0
    assert trained.features_.n_seen_ == 48 - n_held_out
    kept = np.setdiff1d(np.arange(48), trained.validation_indices_)
    expected = FeatureStandardiser.learn(Spread().transform(tiny_records)[kept])
    assert torch.equal(trained.feature_standardiser_.quantiles, expected.quantiles)
    assert trained.feature_standardiser_.columns.tolist() == [0, 1, 2, 3]
    assert not hasattr(trained.features, "n_seen_")


def test_every_window_of_a_record_has_its_features(measured, beats):
    # Features are measured on the record as it was given: 5 s, of which windows see 2 s.
    signals, features = measured._prepare(beats), measured._read_features(beats)
    dataset = measured._dataset_of(signals, features, np.empty((40, 0)))
    (windows, _, table), _ = dataset[torch.arange(40)]
    starts = [0, 100, 200, 300]
    measured.module_.eval()
    with torch.no_grad():
        logits = [measured.module_(windows[:, :, s : s + 200], table) for s in starts]
    expected = torch.stack(logits).mean(dim=0)
    assert_allclose(measured.decision_function(beats), expected, rtol=1e-4, atol=1e-5)


def test_features_of_cleaned_records(tiny, tiny_records):
    cleaned = CleanedRecords(
        tiny_records.signals,
        100,
        lead_names=tiny_records.lead_names,
        labels=tiny_records.labels,
        weak_labels=tiny_records.labels,
        provenance=np.full((48, 2), "confirmed"),
        confidence=np.ones((48, 2)),
    )
    classifier = tiny(features=Spread()).fit(cleaned)
    assert np.isfinite(classifier.predict_proba(cleaned)).all()


def test_partial_fit_keeps_the_features_of_the_first_call(tiny, tiny_records):
    classifier = tiny(features=Spread()).partial_fit(tiny_records)
    quantiles = classifier.feature_standardiser_.quantiles
    classifier.partial_fit(tiny_records[:20])
    assert classifier.feature_standardiser_.quantiles is quantiles
    assert classifier.features_.n_seen_ == 48


def test_warm_start_takes_up_features_that_were_not_there(tiny, tiny_records):
    classifier = tiny(warm_start=True).fit(tiny_records)
    assert classifier.features_ is None
    classifier.set_params(features=Spread()).fit(tiny_records)
    quantiles = classifier.feature_standardiser_.quantiles
    classifier.fit(tiny_records[:30])
    assert classifier.feature_standardiser_.quantiles is quantiles


class PowerFailure(Callback):
    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == 2:
            raise OSError("power failure")


def test_a_fit_with_features_is_taken_up_again(tiny, tiny_records, weights_of, tmp_path):
    parameters = {"features": Spread(), "max_epochs": 4}
    whole = tiny(**parameters).fit(tiny_records)
    path = tmp_path / "checkpoint"
    with pytest.raises(OSError, match="power failure"):
        tiny(**parameters, checkpoint=path, callbacks=[PowerFailure()]).fit(tiny_records)
    resumed = tiny(**parameters, checkpoint=path).fit(tiny_records)
    assert np.array_equal(weights_of(resumed), weights_of(whole))


def test_clone_parameters_and_pickle(measured, beats):
    copied = clone(measured).set_params(features__groups=["rhythm"])
    assert copied.features.groups == ["rhythm"]
    assert measured.features.groups != ["rhythm"]
    again = pickle.loads(pickle.dumps(measured))
    assert np.array_equal(again.predict_proba(beats), measured.predict_proba(beats))


# Files


def test_a_saved_model_measures_its_features(measured, beats, tmp_path):
    measured.save(tmp_path)
    model = json.loads((tmp_path / "model.json").read_text())
    assert model["features"]["names"][0] == measured.features_.get_feature_names_out()[0]
    loaded = LabelCorrelationECGClassifier.load(tmp_path)
    assert isinstance(loaded.features, ECGFeatureExtractor)
    swapped = ECGRecords(np.asarray(beats)[:, ::-1], 100, lead_names=["V1", "II"])
    expected = measured.predict_proba(beats)
    assert np.array_equal(loaded.predict_proba(beats), expected)
    assert np.array_equal(loaded.predict_proba(swapped), expected)
    assert clone(loaded).fit(beats).features_ is not None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m["features"].update(extractor="os.system"), "'os.system'; only"),
        (
            lambda m: m["parameters"]["features"].update(extractor="os.system"),
            "'os.system'; only",
        ),
        (lambda m: m["features"]["names"].pop(), "other features than this version .* 1 names"),
        (lambda m: m["features"]["used"].pop(), "no quantiles for the"),
    ],
)
def test_spoiled_features_are_named(measured, tmp_path, change, message):
    measured.save(tmp_path)
    path = tmp_path / "model.json"
    model = json.loads(path.read_text())
    change(model)
    path.write_text(json.dumps(model))
    with pytest.raises(ValueError, match=message):
        LabelCorrelationECGClassifier.load(tmp_path)


@pytest.mark.filterwarnings("ignore:.* in doubt:UserWarning")
def test_a_saved_model_of_twelve_leads_measures_its_features(tiny, tmp_path):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, size=(24, 2))
    signals = np.tile(0.1 * np.hanning(9), 22)[:200] * rng.normal(1, 0.2, size=(24, 12, 1))
    signals += rng.normal(scale=0.01, size=signals.shape)
    records = ECGRecords(signals, 100, labels=labels)
    extractor = ECGFeatureExtractor(groups=["rhythm"])
    trained = tiny(features=extractor, max_epochs=1).fit(records)
    trained.save(tmp_path)
    loaded = LabelCorrelationECGClassifier.load(tmp_path)
    assert np.array_equal(loaded.predict_proba(records), trained.predict_proba(records))


def test_other_extractors_are_not_saved(tiny, tiny_records, tmp_path):
    with pytest.raises(TypeError, match="holds a Spread, which only pickle could save"):
        tiny(features=Spread()).fit(tiny_records).save(tmp_path / "model")


def test_onnx_has_a_second_input(measured, beats, tmp_path):
    ort = pytest.importorskip("onnxruntime", reason="pip install sklearn_ecg[onnx]")
    pytest.importorskip("onnxscript", reason="pip install sklearn_ecg[onnx]")
    path = tmp_path / "model.onnx"
    measured.to_onnx(path)
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    window = ECGRecords(np.asarray(beats)[:, :, :200], 100, lead_names=["II", "V1"])
    table = measured.features_.transform(window).astype(np.float32)
    inputs = {"signals": np.asarray(window, dtype=np.float32), "features": table}
    found = session.run(["probabilities"], inputs)[0]
    assert np.isnan(table).any()
    assert_allclose(found, measured.predict_proba(window), atol=1e-4)


# Bad input


def test_features_need_a_sampling_rate(tiny, tiny_records):
    signals, labels = np.asarray(tiny_records), tiny_records.labels
    with pytest.raises(ValueError, match="sampling rate of X is unknown"):
        tiny(features=ECGFeatureExtractor()).fit(signals, labels)


def test_a_transformer_that_returns_no_table_is_named(tiny, tiny_records):
    flat = FunctionTransformer(lambda records: np.zeros(3))
    with pytest.raises(ValueError, match=r"'features' parameter .* shape \(3,\)"):
        tiny(features=flat).fit(tiny_records)
    with pytest.raises(ValueError, match="'features' parameter"):
        tiny(features="all").fit(tiny_records)
