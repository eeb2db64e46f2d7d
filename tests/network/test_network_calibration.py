"""Calibration and thresholds."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, log_loss

from sklearn_ecg.network._calibration import calibrate, tune_thresholds
from sklearn_ecg.network._scores import sigmoid


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


def test_thresholds_have_the_best_f1_of_all(rng):
    probabilities = rng.uniform(size=(60, 3)).round(2)
    labels = (rng.uniform(size=(60, 3)) < probabilities).astype(int)
    labels[::9, 1] = -1
    thresholds = tune_thresholds(probabilities, labels)
    for k in range(3):
        known = labels[:, k] != -1
        values, truth = probabilities[known, k], labels[known, k]
        every = [f1_score(truth, values >= t) for t in np.arange(0, 1.005, 0.005)]
        assert f1_score(truth, values >= thresholds[k]) == pytest.approx(max(every))


def test_a_label_without_positives_keeps_one_half():
    assert tune_thresholds(np.array([[0.2], [0.9]]), np.array([[0], [-1]])) == [0.5]
    assert tune_thresholds(np.array([[0.2], [0.1]]), np.array([[1], [1]])) == [0.05]


@pytest.mark.parametrize("method", ["temperature", "sigmoid"])
def test_calibration_betters_held_out_probabilities(tiny, make_tiny_records, method):
    records = make_tiny_records(120)
    flips = np.random.default_rng(1).uniform(size=(120, 2)) < 0.2
    noisy = records.with_labels(np.where(flips, 1 - records.labels, records.labels))
    plain = tiny(max_epochs=8, validation_fraction=0.4).fit(noisy)
    calibrated = tiny(max_epochs=8, validation_fraction=0.4, calibration=method).fit(noisy)
    held_out = noisy[plain.validation_indices_]
    losses = [
        np.mean([log_loss(held_out.labels[:, k], c.predict_proba(held_out)[:, k]) for k in (0, 1)])
        for c in (plain, calibrated)
    ]
    assert losses[1] < losses[0] - 0.01
    slope, offset = calibrated.calibration_slope_, calibrated.calibration_offset_
    expected = plain.decision_function(held_out) * slope + offset
    np.testing.assert_allclose(calibrated.decision_function(held_out), expected)
    if method == "sigmoid":
        # The asymmetric loss forgives absent labels, so its probabilities are too large.
        assert (offset < 0).all()


def test_tuned_thresholds_decide(tiny, tiny_records):
    trained = tiny(thresholds="tuned", validation_fraction=0.4).fit(tiny_records)
    held_out = tiny_records[trained.validation_indices_]
    probabilities = trained.predict_proba(held_out)
    assert np.array_equal(trained.thresholds_, tune_thresholds(probabilities, held_out.labels))
    assert np.array_equal(trained.predict(held_out), probabilities >= trained.thresholds_)
    trained.set_params(thresholds=0.5)
    assert np.array_equal(trained.predict(held_out), probabilities >= 0.5)


def test_what_needs_held_out_records_says_so(tiny, tiny_fitted, tiny_records):
    for parameters in ({"thresholds": "tuned"}, {"calibration": "sigmoid"}):
        with pytest.raises(ValueError, match="held-out records, of which there are none"):
            tiny(**parameters, validation_fraction=None).fit(tiny_records)
        with pytest.raises(ValueError, match="not for the classes of a one-dimensional y"):
            tiny(**parameters).fit(tiny_records, tiny_records.labels[:, 0])
    unfit = tiny().fit(tiny_records).set_params(thresholds="tuned")
    with pytest.raises(ValueError, match="set after fit"):
        unfit.predict(tiny_records)
