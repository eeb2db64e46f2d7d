import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from simulated_tables import make_weak_table, weighted_f1
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.naive_bayes import GaussianNB

from sklearn_ecg import AFPLabelCleaner
from sklearn_ecg.cleaning import _discriminators
from sklearn_ecg.cleaning._discriminators import ForestDiscriminator, KernelDiscriminator
from sklearn_ecg.mixture import DirichletProcessGaussianMixture


@pytest.fixture(scope="module")
def table():
    return make_weak_table()


def test_any_classifier_can_discriminate(table):
    X, truth, weak, trusted = table
    cleaner = AFPLabelCleaner(discriminator=GaussianNB(), random_state=0)
    cleaner.fit(X, weak, trusted=trusted, groups=np.arange(len(X)) // 3)
    assert weighted_f1(truth, cleaner.labels_, weak) > weighted_f1(truth, weak, weak)


def test_classifiers_without_a_seed_get_the_cleaners(table):
    X, weak, trusted = (part[:120] for part in (table[0], table[2], table[3]))
    mixture = DirichletProcessGaussianMixture(n_components=1)
    first, second = (
        AFPLabelCleaner(
            mixture=mixture,
            discriminator=RandomForestClassifier(3),
            joint=False,
            max_iter=1,
            random_state=0,
        ).fit(X, weak, trusted=trusted)
        for _ in range(2)
    )
    assert_array_equal(first.confidence_, second.confidence_)


class Unsure(GaussianNB):
    def predict_proba(self, X):
        return np.full((len(X), 2), np.nan)


def test_a_discriminator_without_probabilities_is_named(table):
    X, weak, trusted = (part[:120] for part in (table[0], table[2], table[3]))
    mixture = DirichletProcessGaussianMixture(n_components=1)
    cleaner = AFPLabelCleaner(mixture=mixture, discriminator=Unsure(), random_state=0)
    with pytest.raises(ValueError, match="discriminator Unsure returns"):
        cleaner.fit(X, weak, trusted=trusted)


def similarities(X):
    """Of each pair of records, by counting the quantiles that part them."""
    levels = _discriminators._QUANTILES
    distance = np.zeros((len(X), len(X)))
    for feature in X.T:
        for level in levels:
            above = feature > np.quantile(feature, level)
            distance += above[:, np.newaxis] != above
    return np.exp(-distance / (2 * np.median(distance)))


def test_leave_one_out_scores_are_those_of_fits_without_the_record(rng):
    X = rng.normal(0, 1, (40, 5))
    beliefs = np.column_stack([expit_of(2 * X[:, 0] + X[:, 1]), rng.random(40)])
    similarity = similarities(X)
    # The mean is that of all records; what is left is refitted without each of them.
    targets = beliefs - beliefs.mean(axis=0)
    left_out = np.zeros((len(_discriminators._PENALTIES), *beliefs.shape))
    for place, penalty in enumerate(_discriminators._PENALTIES):
        for i in range(40):
            others = np.arange(40) != i
            kernel = similarity[np.ix_(others, others)] + penalty * np.eye(39)
            left_out[place, i] = similarity[i, others] @ np.linalg.solve(kernel, targets[others])
    best = ((left_out - targets) ** 2).sum(axis=1).argmin(axis=0)
    expected = left_out[best, :, [0, 1]].T + beliefs.mean(axis=0)
    found = KernelDiscriminator().fit_score(X, beliefs)
    assert_allclose(found, _discriminators._SPREAD * expected, atol=2e-3)
    assert len(set(best)) == 2


def expit_of(log_odds):
    return 1 / (1 + np.exp(-log_odds))


def test_new_records_are_scored_by_the_regression_of_all(rng):
    X = rng.normal(0, 1, (60, 4))
    beliefs = expit_of(2 * X[:, :1])
    discriminator = KernelDiscriminator()
    discriminator.fit_score(X, beliefs)
    similarity, targets = similarities(X), beliefs - beliefs.mean(axis=0)
    fitted = [
        similarity @ np.linalg.solve(similarity + penalty * np.eye(60), targets)
        for penalty in _discriminators._PENALTIES
    ]
    found = discriminator.score(X) / _discriminators._SPREAD - beliefs.mean(axis=0)
    assert min(np.abs(found - one).max() for one in fitted) < 1e-3


@pytest.mark.parametrize("kept", [True, False])
def test_few_drawn_records_stand_for_all(table, monkeypatch, kept):
    X, truth, _, _ = table
    beliefs = truth.astype(float)
    exact, near = KernelDiscriminator(), KernelDiscriminator(random_state=0)
    expected = exact.fit_score(X, beliefs)
    monkeypatch.setattr(_discriminators, "_MOST_COMPARED", 300)
    monkeypatch.setattr(_discriminators, "_N_DRAWN", 250)
    if not kept:
        monkeypatch.setattr(_discriminators, "_CHUNK", 128)
    found = near.fit_score(X, beliefs)
    for label in range(4):
        assert np.corrcoef(found[:, label], expected[:, label])[0, 1] > 0.97
        assert np.corrcoef(near.score(X)[:, label], exact.score(X)[:, label])[0, 1] > 0.95


def test_chunks_of_records_change_no_score(table, monkeypatch):
    X, truth, _, _ = table
    monkeypatch.setattr(_discriminators, "_MOST_COMPARED", 300)
    monkeypatch.setattr(_discriminators, "_N_DRAWN", 200)
    scores = []
    for chunk in (8192, 100):
        monkeypatch.setattr(_discriminators, "_CHUNK", chunk)
        discriminator = KernelDiscriminator(random_state=0)
        scores.append(discriminator.fit_score(X, truth.astype(float)))
        scores.append(discriminator.score(X[:50]))
    assert_allclose(scores[0], scores[2], atol=5e-3)
    assert_allclose(scores[1], scores[3], atol=5e-3)


def test_only_the_order_of_a_feature_counts(table):
    X, truth, _, _ = table
    beliefs = truth.astype(float)
    bent = np.column_stack([np.exp(X[:, :4]), X[:, 4:8] ** 3, 1000 * X[:, 8:] - 5])
    expected = KernelDiscriminator().fit_score(X, beliefs)
    assert_allclose(KernelDiscriminator().fit_score(bent, beliefs), expected, atol=1e-4)


def test_new_beliefs_about_the_same_records_are_learned(table):
    X, truth, _, _ = table
    beliefs = truth.astype(float)
    discriminator = KernelDiscriminator()
    discriminator.fit_score(X, 1 - beliefs)
    assert_allclose(
        discriminator.fit_score(X, beliefs), KernelDiscriminator().fit_score(X, beliefs), atol=1e-6
    )


@pytest.mark.parametrize("discriminator", [KernelDiscriminator(), ForestDiscriminator(20, 0)])
def test_pickling_keeps_scores_and_no_records(table, discriminator):
    X, truth, _, _ = table
    unfitted = len(pickle.dumps(discriminator))
    discriminator.fit_score(X[:500], truth[:500].astype(float))
    stored = pickle.dumps(discriminator)
    again = pickle.loads(stored)
    assert_array_equal(again.score(X[500:]), discriminator.score(X[500:]))
    assert len(stored) > unfitted
    assert X[:500].tobytes()[:800] not in stored
    assert not hasattr(again, "_records")


@pytest.mark.parametrize("discriminator", [KernelDiscriminator(), ForestDiscriminator(100, 0)])
def test_no_records_own_label_is_in_its_score(rng, discriminator):
    X, beliefs = rng.normal(0, 1, (400, 10)), (rng.random((400, 3)) < 0.4).astype(float)
    scores = discriminator.fit_score(X, beliefs)
    assert roc_auc_score(beliefs, scores) < 0.6
    assert roc_auc_score(beliefs, discriminator.score(X)) > 0.6


@pytest.mark.parametrize("discriminator", [KernelDiscriminator(), ForestDiscriminator(100, 0)])
def test_scores_tell_records_with_a_label_from_those_without(table, discriminator):
    X, truth, _, _ = table
    assert roc_auc_score(truth[:400], discriminator.fit_score(X[:400], truth[:400] * 1.0)) > 0.95
    assert roc_auc_score(truth[400:], discriminator.score(X[400:])) > 0.95
