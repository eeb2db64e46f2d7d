import numpy as np
import pytest
from simulated_tables import make_table, make_weak_table, swap
from sklearn.exceptions import ConvergenceWarning

from sklearn_ecg import AFPLabelCleaner
from sklearn_ecg.mixture import DirichletProcessGaussianMixture


@pytest.fixture(scope="module")
def table():
    return make_weak_table()


def test_papers_method_cleans(table):
    X, truth, weak, trusted = table
    mixture = DirichletProcessGaussianMixture(3, inference="gibbs", max_iter=2)
    cleaner = AFPLabelCleaner(method="paper", mixture=mixture, random_state=0)
    with pytest.warns(ConvergenceWarning, match="Assignments still changed"):
        cleaner.fit(X, weak, trusted=trusted)
    added = (weak == 0) & (cleaner.labels_ == 1)
    assert (cleaner.provenance_[added] == "included").all()
    dropped = (weak == 1) & (cleaner.labels_ == 0)
    share_wrong = (truth == 0)[~trusted][weak[~trusted] == 1].mean()
    assert (truth == 0)[dropped].mean() > 1.5 * share_wrong
    assert cleaner.n_iter_ >= 1


def test_papers_method_claims_nothing_of_labels_that_it_does_not_question(table):
    X, _, weak, trusted = table
    mixture = DirichletProcessGaussianMixture(n_components=3)
    cleaner = AFPLabelCleaner(method="paper", mixture=mixture, rules=False, random_state=0)
    cleaner.fit(X, weak, trusted=trusted)
    assert (cleaner.confidence_[~trusted][weak[~trusted] == 0] == 0.5).all()


def test_papers_method_is_not_silenced_by_anchors_that_trusted_records_contradict():
    X, truth, trusted = make_table(n_records=400, seed=5)
    # Patterns overlap: most records lie within three standard deviations of either side.
    X = X + np.random.default_rng(5).normal(0, 1, X.shape)
    weak = swap(truth, trusted, 0.3)
    mixture = DirichletProcessGaussianMixture(n_components=8)
    cleaner = AFPLabelCleaner(method="paper", mixture=mixture, undecided="weak", random_state=0)
    cleaner.fit(X, weak, trusted=trusted)
    assert (cleaner.anchor_patterns_["accuracy"].to_numpy(dtype=float) > 0.5).all()
    errors_left = (cleaner.labels_ != truth).sum()
    assert errors_left < 0.75 * (weak != truth).sum()


def test_papers_method_learns_from_an_example_set_alone(table):
    X, truth, weak, trusted = table
    mixture = DirichletProcessGaussianMixture(n_components=3)
    cleaner = AFPLabelCleaner(method="paper", mixture=mixture, undecided="weak", random_state=0)
    cleaner.fit(X[trusted], truth[trusted], trusted=np.ones(trusted.sum(), dtype=bool))
    assert cleaner.n_iter_ == 0 and not cleaner.lifetimes_.any()
    cleaned = cleaner.clean(X[~trusted], weak[~trusted]).labels
    dropped = (weak[~trusted] == 1) & (cleaned == 0)
    share_wrong = (truth == 0)[~trusted][weak[~trusted] == 1].mean()
    assert (truth == 0)[~trusted][dropped].mean() > 1.5 * share_wrong
