"""Calibration and thresholds."""

import numpy as np
import pytest
from scipy.special import expit as sigmoid
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, log_loss
from sklearn.preprocessing import FunctionTransformer

from sklearn_ecg.network import _feature_models
from sklearn_ecg.network._calibration import calibrate, tune_thresholds


def simulate(rng, slope, offset, n_records=4000):
    logits = rng.normal(scale=2, size=(n_records, 1))
    labels = (rng.uniform(size=(n_records, 1)) < sigmoid(slope * logits + offset)).astype(int)
    return logits, labels


def test_slope_and_offset_are_found_again(rng):
    logits, labels = simulate(rng, 0.5, -1.5)
    slope, offset = calibrate(logits, labels, "sigmoid")
    assert slope[0] == pytest.approx(0.5, abs=0.05)
    assert offset[0] == pytest.approx(-1.5, abs=0.1)
    # With many records the weak penalty has no say: an unpenalised logistic regression agrees.
    plain = LogisticRegression(C=np.inf, tol=1e-8).fit(logits, labels[:, 0])
    assert slope[0] == pytest.approx(plain.coef_[0, 0], abs=1e-2)
    assert offset[0] == pytest.approx(plain.intercept_[0], abs=1e-2)


def test_temperature_is_a_slope_alone(rng):
    logits, labels = simulate(rng, 0.4, 0.0)
    slope, offset = calibrate(logits, labels, "temperature")
    assert slope[0] == pytest.approx(0.4, abs=0.04)
    assert offset[0] == 0


def test_few_records_and_perfect_separation_stay_finite():
    logits = np.array([[-3.0, 1.0, 1.0], [2.0, 2.0, 2.0], [4.0, 3.0, 3.0]])
    labels = np.array([[0, -1, 0], [1, -1, 0], [1, -1, 0]])
    slope, offset = calibrate(logits, labels, "sigmoid")
    assert (slope[1], offset[1]) == (1, 0)
    assert np.isfinite(slope).all()
    assert np.isfinite(offset).all()
    assert 0 < slope[0] < 10
    assert offset[2] < 0


def test_thresholds_have_nearly_the_best_f1_and_are_those_of_calibrated_probabilities(rng):
    logits, labels = simulate(rng, 0.7, -2.0)
    (threshold,) = tune_thresholds(logits, labels)
    p, truth = sigmoid(logits[:, 0]), labels[:, 0]
    best = max(f1_score(truth, p >= t) for t in np.arange(0.005, 1, 0.005))
    assert f1_score(truth, p >= threshold) > best - 0.01
    # The F1 to be expected is largest where the calibrated probability is half of it.
    slope, offset = calibrate(logits, labels, "sigmoid")
    calibrated = sigmoid(logits * slope + offset)[:, 0]
    found = p >= threshold
    expected = 2 * calibrated[found].sum() / (found.sum() + calibrated.sum())
    at = sigmoid(np.log(threshold / (1 - threshold)) * slope[0] + offset[0])
    assert at == pytest.approx(expected / 2, abs=0.01)


def test_a_label_without_positives_keeps_one_half():
    assert tune_thresholds(np.array([[-1.0], [2.0]]), np.array([[0], [-1]])) == [0.5]


@pytest.mark.parametrize("method", ["temperature", "sigmoid"])
def test_calibration_betters_held_out_probabilities(tiny, make_tiny_records, method):
    records = make_tiny_records(120)
    flips = np.random.default_rng(1).uniform(size=(120, 2)) < 0.2
    noisy = records.with_labels(np.where(flips, 1 - records.labels, records.labels))
    plain = tiny(max_epochs=8, validation_fraction=0.4, calibration=None).fit(noisy)
    calibrated = tiny(max_epochs=8, validation_fraction=0.4, calibration=method).fit(noisy)
    held_out = noisy[plain.validation_indices_]
    losses = [
        np.mean([log_loss(held_out.labels[:, k], c.predict_proba(held_out)[:, k]) for k in (0, 1)])
        for c in (plain, calibrated)
    ]
    assert losses[1] < losses[0] - 0.01
    slope, offset = calibrated.decisions_.slope, calibrated.decisions_.offset
    expected = plain.decision_function(held_out) * slope + offset
    np.testing.assert_allclose(calibrated.decision_function(held_out), expected)
    if method == "sigmoid":
        # The asymmetric loss forgives absent labels, so its probabilities are too large.
        assert (offset < 0).all()


def test_tuned_thresholds_decide(tiny, tiny_records):
    trained = tiny(thresholds="tuned", validation_fraction=0.4).fit(tiny_records)
    held_out = tiny_records[trained.validation_indices_]
    logits, probabilities = trained.decision_function(held_out), trained.predict_proba(held_out)
    assert np.array_equal(trained.thresholds_, tune_thresholds(logits, held_out.labels))
    assert np.array_equal(trained.predict(held_out), probabilities >= trained.thresholds_)
    trained.set_params(thresholds=0.5)
    assert np.array_equal(trained.predict(held_out), probabilities >= 0.5)


def test_features_calibrate_and_tune_without_a_held_out_part(tiny, make_tiny_records, monkeypatch):
    # So many trees are too sure of what they say of such noise.
    monkeypatch.setitem(_feature_models._BOOSTING, "max_iter", 100)
    records = make_tiny_records(160)
    flips = np.random.default_rng(1).uniform(size=(160, 2)) < 0.25
    noisy = records.with_labels(np.where(flips, 1 - records.labels, records.labels))
    powers = FunctionTransformer(lambda r: np.square(np.asarray(r)).mean(axis=2))
    trained = tiny(features=powers, validation_fraction=None).fit(noisy)
    assert len(trained.validation_indices_) == 0
    assert not np.array_equal(trained.answers_.slope, np.ones(2))
    assert not np.array_equal(trained.thresholds_, [0.5, 0.5])
    plain = tiny(features=powers, validation_fraction=None, calibration=None, thresholds=0.5)
    plain.fit(noisy)
    assert np.array_equal(plain.thresholds_, [0.5, 0.5])
    assert np.array_equal(plain.answers_.slope, np.ones(2))
    new = make_tiny_records(400, seed=1)
    flips = np.random.default_rng(2).uniform(size=(400, 2)) < 0.25
    new = new.with_labels(np.where(flips, 1 - new.labels, new.labels))
    losses = [
        np.mean([log_loss(new.labels[:, k], c.predict_proba(new)[:, k]) for k in (0, 1)])
        for c in (trained, plain)
    ]
    assert losses[0] < losses[1]


def test_what_needs_held_out_records_says_so(tiny, tiny_records):
    for parameters in ({"thresholds": "tuned"}, {"calibration": "sigmoid"}):
        with pytest.raises(ValueError, match="needs held-out records, and there are none"):
            tiny(**parameters, validation_fraction=None).fit(tiny_records)
        with pytest.raises(ValueError, match="needs multi-label y, but y is one-dimensional"):
            tiny(**parameters).fit(tiny_records, tiny_records.labels[:, 0])
    # By default nothing is asked for that cannot be had.
    plain = tiny(validation_fraction=None).fit(tiny_records)
    assert np.array_equal(plain.thresholds_, [0.5, 0.5])
