import numpy as np
from numpy.testing import assert_allclose

from sklearn_ecg.cleaning._calibration import calibrate
from sklearn_ecg.cleaning._label_errors import posterior


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
