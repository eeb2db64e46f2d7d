"""Measured features, on which trees answer beside the network."""

import json
import pickle
import warnings
from copy import copy
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.testing import assert_allclose
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import FunctionTransformer
from skorch.callbacks import Callback

from sklearn_ecg import CleanedRecords, ECGFeatureExtractor, ECGRecords
from sklearn_ecg.network import FeatureModels, LabelCorrelationECGClassifier
from sklearn_ecg.network._files import _sum_of


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
    assert trained.answers_.extractor.n_seen_ == 48 - n_held_out
    louder = np.array(tiny_records)
    louder[trained.validation_indices_] *= 3
    again = tiny(features=Spread()).fit(tiny_records.with_signals(louder))
    assert_same_trees(again, trained.answers_.models.boosted)
    louder *= 1 + np.arange(48)[:, np.newaxis, np.newaxis]
    other = tiny(features=Spread()).fit(tiny_records.with_signals(louder))
    assert not torch.equal(
        other.answers_.models.boosted.thresholds, trained.answers_.models.boosted.thresholds
    )
    assert not hasattr(trained.features, "n_seen_")


def test_the_network_adds_to_what_features_say(measured, beats):
    # Features are measured on the record as it was given: 5 s, of which windows see 2 s.
    signals = np.asarray(beats, dtype=np.float32) / measured.lead_scale_[:, None]
    signals = torch.from_numpy(signals)
    measured.module_.eval()
    with torch.no_grad():
        windows = [measured.module_(signals[:, :, s : s + 200]) for s in (0, 150, 300)]
    table = torch.as_tensor(ECGFeatureExtractor().fit_transform(beats), dtype=torch.float32)
    of_network, of_features = torch.stack(windows).mean(dim=0), measured.answers_.logits(table)
    decisions = measured.decisions_
    expected = 0.2 * of_network.numpy() + 0.8 * of_features
    expected = expected * decisions.slope + decisions.offset
    assert_allclose(measured.decision_function(beats), expected, rtol=1e-4, atol=1e-5)


def test_what_is_beyond_single_precision_is_missing(tiny, tiny_records):
    wide, missing = (
        FunctionTransformer(
            lambda records, value=value: np.where(
                np.arange(3) == 2, value, np.asarray(records).std(axis=2)[:, [0, 1, 1]]
            )
        )
        for value in (1e300, np.nan)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trained = tiny(features=wide, max_epochs=1).fit(tiny_records)
    assert_same_trees(
        tiny(features=missing, max_epochs=1).fit(tiny_records), trained.answers_.models.boosted
    )


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
    trees = classifier.answers_.models.boosted
    classifier.partial_fit(tiny_records[:20])
    assert classifier.answers_.models.boosted is trees
    assert classifier.answers_.extractor.n_seen_ == 48


def test_warm_start_takes_up_features_that_were_not_there(tiny, tiny_records):
    classifier = tiny(warm_start=True, validation_fraction=None).fit(tiny_records)
    assert classifier.answers_ is None
    classifier.set_params(features=Spread()).fit(tiny_records)
    trees = classifier.answers_.models.boosted
    classifier.fit(tiny_records[:30])
    assert classifier.answers_.models.boosted is trees
    classifier.fit(tiny_records, pd.DataFrame(tiny_records.labels[:, :1], columns=["other"]))
    assert len(classifier.answers_.models.boosted.baseline) == 1
    assert classifier.answers_.extractor.n_seen_ == 48


def assert_same_trees(classifier, expected):
    for name, values in expected.tensors().items():
        assert torch.equal(getattr(classifier.answers_.models.boosted, name), values), name


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
    assert_same_trees(resumed, whole.answers_.models.boosted)


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
    assert model["features"]["names"][0] == measured.answers_.extractor.get_feature_names_out()[0]
    loaded = LabelCorrelationECGClassifier.load(tmp_path)
    assert isinstance(loaded.features, ECGFeatureExtractor)
    swapped = ECGRecords(np.asarray(beats)[:, ::-1], 100, lead_names=["V1", "II"])
    expected = measured.predict_proba(beats)
    assert np.array_equal(loaded.predict_proba(beats), expected)
    assert np.array_equal(loaded.predict_proba(swapped), expected)
    assert clone(loaded).fit(beats).answers_ is not None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m["features"].update(extractor="os.system"), "'os.system'; load makes only"),
        (
            lambda m: m["parameters"]["features"].update(extractor="os.system"),
            "'os.system'; load makes only",
        ),
        (lambda m: m["features"]["names"].pop(), "other features than this version .* 1 names"),
        (lambda m: m.pop("features"), "completely: features is missing"),
        (
            lambda m: m["features"].pop("sampling_rate"),
            "completely: features.sampling_rate is missing",
        ),
        (lambda m: m["features"]["parameters"].update(no_such=1), "completely: TypeError"),
    ],
)
def test_spoiled_features_are_named(measured, tmp_path, change, message):
    measured.save(tmp_path)
    path = tmp_path / "model.json"
    model = json.loads(path.read_text())
    change(model)
    model.pop("sha256")
    path.write_text(json.dumps({**model, "sha256": _sum_of(model)}))
    with pytest.raises(ValueError, match=message):
        LabelCorrelationECGClassifier.load(tmp_path)


def test_trees_for_other_labels_are_refused(measured, tmp_path):
    one = copy(measured)
    tensors = {name: of[:1] for name, of in measured.answers_.models.tensors().items()}
    one.answers_ = replace(measured.answers_, models=FeatureModels.from_tensors(tensors))
    one.save(tmp_path)
    with pytest.raises(ValueError, match="2 labels, but its trees answer for 1"):
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
    trained = tiny(features=Spread(), max_epochs=1).fit(tiny_records)
    with pytest.raises(TypeError, match="holds a Spread, which save and to_onnx cannot write"):
        trained.save(tmp_path / "model")
    pytest.importorskip("onnxscript", reason="pip install sklearn_ecg[onnx]")
    with pytest.raises(TypeError, match="holds a Spread, which save and to_onnx cannot write"):
        trained.to_onnx(tmp_path / "model.onnx")


def test_onnx_has_a_second_input(measured, beats, tmp_path):
    ort = pytest.importorskip("onnxruntime", reason="pip install sklearn_ecg[onnx]")
    pytest.importorskip("onnxscript", reason="pip install sklearn_ecg[onnx]")
    path = tmp_path / "model.onnx"
    measured.to_onnx(path)
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    window = ECGRecords(np.asarray(beats)[:, :, :200], 100, lead_names=["II", "V1"])
    table = measured.answers_.extractor.transform(window).astype(np.float32)
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
    words = FunctionTransformer(lambda records: np.full((len(records), 2), "fast"))
    with pytest.raises(ValueError, match=r"'features' parameter .* array of numbers; .*'fast'"):
        tiny(features=words).fit(tiny_records)
    with pytest.raises(ValueError, match="'features' parameter"):
        tiny(features="all").fit(tiny_records)


class Failing(Spread):
    """Fails on the records of one name, as a reader of files would."""

    def transform(self, X):
        if "12" in X.ids.astype(str):
            raise OSError("truncated")
        return super().transform(X)


def test_a_record_whose_features_fail_stops_no_batch(tiny, tiny_records):
    expected = tiny(features=Spread(), max_epochs=1).fit(tiny_records)
    trained = replace_extractor(expected, Failing().fit(tiny_records[:2]))
    with pytest.warns(UserWarning, match="1 of 48 records have no features.*12: OSError: trunc"):
        found = trained.predict_proba(tiny_records)
    others = np.arange(48) != 12
    assert np.array_equal(found[others], expected.predict_proba(tiny_records)[others])
    assert np.isfinite(found).all()


def replace_extractor(classifier, extractor):
    other = copy(classifier)
    other.answers_ = replace(classifier.answers_, extractor=extractor)
    return other


def test_probabilities_of_classes_are_those_of_their_column(tiny, tiny_records):
    y = (np.random.default_rng(0).random(48) < 0.25).astype(int)
    of_class = tiny(features=Spread(), validation_fraction=None).fit(tiny_records, y)
    p = of_class.predict_proba(tiny_records)
    assert_allclose(p.sum(axis=1), 1)
    # Calibrated one by one, two classes say what one label would: nobody doubles a logit.
    assert abs(p[:, 1].mean() - y.mean()) < 0.1
