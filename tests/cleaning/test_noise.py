import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_ecg.cleaning._calibration import calibrate
from sklearn_ecg.cleaning._noise import describe_noise_rates, estimate_noise_rates, posterior


def test_posterior_is_bayes_rule():
    # P(y=1)=0.3, P(w=1|y=1)=0.8, P(w=1|y=0)=0.1, so P(y=1|w=1) = 0.24 / (0.24 + 0.07)
    found = posterior(np.full(3, 0.3), np.array([1, 0, -1]), missing=0.2, wrong=0.1)
    assert_allclose(found, [0.24 / 0.31, 0.06 / 0.69, 0.3])


@pytest.mark.parametrize(("missing", "wrong"), [(0.3, 0.05), (0.05, 0.2), (0.0, 0.0)])
def test_noise_rates_are_found(rng, missing, wrong):
    truth = rng.random(5000) < 0.3
    probability = np.clip(np.where(truth, 0.95, 0.05) + rng.normal(0, 0.02, 5000), 0.01, 0.99)
    weak = np.where(truth, rng.random(5000) >= missing, rng.random(5000) < wrong).astype(int)
    found = estimate_noise_rates(probability, weak, 0.1, 0.1)
    assert_allclose(found, (missing, wrong), atol=0.06)


def test_calibration_makes_probabilities_of_scores(rng):
    score = rng.normal(0, 3, 6000)
    truth = rng.random(6000) < 1 / (1 + np.exp(-(0.5 * score - 1)))
    trusted = np.arange(6000) < 2000
    labels = truth.astype(int)
    flipped = rng.random(6000) < 0.2
    labels[~trusted & flipped] = 1 - labels[~trusted & flipped]
    calibration = calibrate(score[:, None], labels, trusted)
    assert_allclose(calibration.coefficients, [-1, 0.5], atol=0.15)
    assert_allclose((calibration.missing, calibration.wrong), (0.2, 0.2), atol=0.06)


def test_weak_records_have_their_say_where_trusted_ones_are_misleading(rng):
    # Scores mean something else for the few trusted records than for the many weak ones.
    score = rng.normal(0, 4, 4000)
    trusted = np.arange(4000) < 200
    threshold = np.where(trusted, 4.0, 0.0)
    truth = (score > threshold).astype(int)
    labels = truth.copy()
    flipped = ~trusted & (rng.random(4000) < 0.1)
    labels[flipped] = 1 - labels[flipped]
    calibration = calibrate(score[:, None], labels, trusted)
    belief = posterior(
        calibration.probability(score[:, None]), labels, calibration.missing, calibration.wrong
    )
    wrong_before = (labels != truth)[~trusted].mean()
    assert ((belief > 0.5) != truth)[~trusted].mean() < wrong_before / 2


def test_trusted_records_have_their_say_where_weak_ones_do_not_contradict(rng):
    score = rng.normal(0, 3, 3000)
    labels = (rng.random(3000) < 1 / (1 + np.exp(-score))).astype(int)
    trusted = np.arange(3000) < 1000
    flipped = ~trusted & (rng.random(3000) < 0.3)
    alone = calibrate(score[:1000, None], labels[:1000], trusted[:1000])
    labels[flipped] = 1 - labels[flipped]
    together = calibrate(score[:, None], labels, trusted)
    assert_allclose(together.coefficients, alone.coefficients)


def test_intervals_begin_at_zero_where_there_may_be_no_error():
    belief = np.r_[np.full(100, 0.99), np.full(400, 0.001), [0.6, 0.5, 0.4]]
    weak = np.r_[np.ones(100), np.zeros(400), np.zeros(3)].astype(int)
    # All three labels in doubt are absent with a probability of 0.4 * 0.5 * 0.6.
    missing, low, high, *_ = describe_noise_rates(belief, weak)
    assert low == 0 < missing < high
    weak[:10] = 0
    missing, low, high, *_ = describe_noise_rates(belief, weak)
    assert 0 < low < missing < high
