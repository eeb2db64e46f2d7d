import numpy as np
import pytest
from numpy.testing import assert_array_equal
from simulated_tables import make_weak_table, weighted_f1
from sklearn.ensemble import RandomForestClassifier
from sklearn.naive_bayes import GaussianNB

from sklearn_ecg import AFPLabelCleaner
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
    with pytest.raises(ValueError, match="discriminator Unsure gives"):
        cleaner.fit(X, weak, trusted=trusted)
