import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from sklearn_ecg.cleaning._calibration import Calibration, calibrate, find_lapses, regress


def make_scores(rng, n_records, coefficients):
    """Scores of each label, and labels of which a logistic model of them tells."""
    n_labels, n_terms = np.shape(coefficients)
    scores = rng.normal(0, 2, (n_records, n_labels, n_terms - 1))
    log_odds = np.einsum("nlk,lk->nl", scores, coefficients[:, 1:]) + coefficients[:, 0]
    return scores, (rng.random(log_odds.shape) < expit(log_odds)).astype(float)


def test_calibration_of_many_records_is_logistic_regression(rng):
    true = np.array([[-1.0, 0.5, 0.2], [0.5, 0.8, -0.1], [0.0, 0.3, 0.6]])
    scores, labels = make_scores(rng, 20_000, true)
    found = calibrate(scores, labels, np.ones(labels.shape))
    for label in range(3):
        model = LogisticRegression(C=np.inf).fit(scores[:, label], labels[:, label])
        assert_allclose(found[label], [*model.intercept_, *model.coef_[0]], atol=0.01)
    assert_allclose(found, true, atol=0.1)


def test_regression_on_probabilities_is_that_on_as_many_of_each_class(rng):
    design = rng.normal(0, 1, (200, 2, 3))
    targets, weights = rng.random((200, 2)), rng.uniform(0.2, 2, (200, 2))
    zeros, penalty = np.zeros((2, 3)), np.full(3, 0.5)
    found = regress(design, targets, weights, zeros, zeros, penalty)
    for label in range(2):
        present, weight = targets[:, label], weights[:, label]
        model = LogisticRegression(C=2.0, fit_intercept=False, tol=1e-8).fit(
            np.tile(design[:, label], (2, 1)),
            np.repeat([1, 0], 200),
            sample_weight=np.r_[weight * present, weight * (1 - present)],
        )
        assert_allclose(found[label], model.coef_[0], atol=1e-3)


def test_regression_without_records_stays_at_its_centre():
    centre = np.array([[0.0, 0.7]])
    nothing = np.zeros((5, 1))
    found = regress(np.ones((5, 1, 2)), nothing, nothing, np.zeros((1, 2)), centre, np.ones(2))
    assert_allclose(found, centre, atol=1e-6)


def test_regression_of_separable_records_converges():
    design = np.column_stack([np.ones(40), np.linspace(-300, 300, 40)])[:, np.newaxis]
    targets = (design[..., 1] > 0).astype(float)
    start, penalty = np.array([[0.0, 0.5]]), np.array([0.01, 20.0])
    found = regress(design, targets, np.ones((40, 1)), start, start, penalty)
    assert np.isfinite(found).all()
    assert ((np.einsum("nlp,lp->nl", design, found) > 0) == targets).all()


def test_rare_labels_borrow_slopes_of_common_ones():
    borrowed, alone = [], []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        true = np.array([[0.0, 0.6]] * 5 + [[-5.0, 0.6]])
        scores, labels = make_scores(rng, 600, true)
        assert 3 <= labels[:, -1].sum() < 30
        borrowed.append(calibrate(scores, labels, np.ones(labels.shape))[-1, 1])
        model = LogisticRegression(C=np.inf).fit(scores[:, -1], labels[:, -1])
        alone.append(model.coef_[0, 0])
    error, error_alone = (np.abs(np.subtract(slopes, 0.6)).mean() for slopes in (borrowed, alone))
    assert error < 0.75 * error_alone


def test_records_of_no_weight_teach_nothing(rng):
    scores, labels = make_scores(rng, 400, np.array([[0.0, 0.5], [-1.0, 0.8]]))
    counts = np.ones(labels.shape)
    counts[200:] = 0
    spoiled = labels.copy()
    spoiled[200:] = 1 - spoiled[200:]
    expected = calibrate(scores[:200], labels[:200], counts[:200])
    assert_allclose(calibrate(scores, spoiled, counts), expected, atol=1e-4)


def test_probabilities_are_those_of_the_logistic_model():
    calibration = Calibration(np.array([[-1.0, 0.5, 2.0]]))
    scores = np.array([[[2.0, 0.5]], [[0.0, 0.0]], [[1e6, 0.0]]])
    found = calibration.probability(scores)[:, 0]
    assert_allclose(found[:2], [1 / (1 + np.exp(-1)), 1 / (1 + np.exp(1))])
    assert 0.99 < found[2] < 1


def test_no_probability_is_surer_than_lapses_allow():
    calibration = Calibration(np.array([[0.0, 1.0]]), lapses=(0.1, 0.02))
    found = calibration.probability(np.array([-1e6, 0.0, 1e6])[:, np.newaxis, np.newaxis])
    assert_allclose(found[:, 0], [0.02, 0.02 + 0.88 / 2, 0.9], atol=1e-3)


@pytest.mark.parametrize(("lost", "found"), [(0.08, 0.0), (0.0, 0.008), (0.04, 0.004)])
def test_lapses_are_found(rng, lost, found):
    sure = rng.random((20_000, 4)) < 0.3
    labels = np.where(sure, rng.random(sure.shape) >= lost, rng.random(sure.shape) < found)
    estimated = find_lapses(np.where(sure, 0.9999, 0.0001), labels.astype(int))
    assert_allclose(estimated, (lost, found), atol=0.006)
