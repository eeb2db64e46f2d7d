import numpy as np
import pytest
from numpy.testing import assert_allclose
from simulated_tables import make_table, make_weak_table, swap
from sklearn.exceptions import ConvergenceWarning

from sklearn_ecg import AFPLabelCleaner
from sklearn_ecg.cleaning._paper import describe_noise_rates, lifetimes, mean_path_length
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


def test_intervals_begin_at_zero_where_there_may_be_no_error():
    belief = np.r_[np.full(100, 0.99), np.full(400, 0.001), [0.6, 0.5, 0.4]]
    weak = np.r_[np.ones(100), np.zeros(400), np.zeros(3)].astype(int)
    # All three labels in doubt are absent with a probability of 0.4 * 0.5 * 0.6.
    missing, low, high, *_ = describe_noise_rates(belief, weak)
    assert low == 0 < missing < high
    weak[:10] = 0
    missing, low, high, *_ = describe_noise_rates(belief, weak)
    assert 0 < low < missing < high


def test_common_records_have_longer_paths(rng):
    X = np.r_[rng.normal(0, 0.1, (200, 3)), [[3.0, 3.0, 3.0]]]
    paths = mean_path_length(X, random_state=0)
    assert paths[-1] == paths.min()
    assert paths[-1] < 0.6 * np.median(paths)


def test_path_length_is_that_of_the_trees(rng):
    X = rng.uniform(size=(256, 1))
    paths = mean_path_length(X, random_state=0)
    # A path is as long as a search in a random tree, 2 H(n - 1) - 2 (n - 1) / n on average.
    assert_allclose(paths.mean(), 2 * (np.log(255) + np.euler_gamma) - 2 * 255 / 256, rtol=0.1)


def test_lifetime_is_the_formula():
    found = lifetimes(np.array([2.0, 4.0, 4.0]), np.array([1, 3, 0]), 0.5)
    assert found.tolist() == [1, 2, 0]  # ceil(0.5*1*4/2), ceil(0.5*3*4/4), 0
