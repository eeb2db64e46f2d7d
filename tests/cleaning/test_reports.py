import numpy as np
import pytest
from numpy.testing import assert_array_equal
from simulated_tables import fit_weak_table, make_weak_table

from sklearn_ecg import AFPLabelCleaner
from sklearn_ecg.mixture import DirichletProcessGaussianMixture


@pytest.fixture(scope="module")
def table():
    return make_weak_table()


@pytest.fixture(scope="module")
def fitted():
    return fit_weak_table()


def test_review_list_is_what_is_undecided_first_what_resolves_most(table):
    X, _, weak, trusted = table
    X = X + np.random.default_rng(0).normal(0, 1.5, X.shape)
    cleaner = AFPLabelCleaner(random_state=0, min_confidence=0.7).fit(X, weak, trusted=trusted)
    review = cleaner.undecided_
    undecided = cleaner.provenance_ == "undecided"
    assert len(review) == undecided.sum() > 0
    assert undecided[review["id"], review["label"].astype(int)].all()
    assert ((review["probability"] - 0.5).abs() < 0.2).all()
    assert review["errors_resolved"].is_monotonic_decreasing
    # With swaps an answer puts right more than the label itself, and little is left for the other.
    own = review["probability"].clip(upper=1 - review["probability"])
    resolved = review["errors_resolved"]
    assert (resolved > own + 0.1).any() and (resolved < own - 0.1).any()
    kept = AFPLabelCleaner(random_state=0, min_confidence=0.7, undecided="weak")
    kept.fit(X, weak, trusted=trusted)
    assert_array_equal(kept.labels_[undecided], weak[undecided])


def test_report_adds_up(fitted, table):
    _, _, weak, trusted = table
    report = fitted.report()
    assert_array_equal(report["weak"], (weak[~trusted] == 1).sum(axis=0))
    given_up = ((fitted.labels_ == -1) & (weak == 1))[~trusted].sum(axis=0)
    assert_array_equal(
        report["clean"], report["weak"] + report["added"] - report["removed"] - given_up
    )
    assert report["learned"].all()


def test_unknown_labels_are_never_certain_and_reports_add_up(table):
    X, _, weak, trusted = table
    weak = weak.copy()
    weak[::7, 1] = -1
    mixture = DirichletProcessGaussianMixture(n_components=2)
    cleaner = AFPLabelCleaner(mixture=mixture, max_iter=1, random_state=0, undecided="weak")
    cleaner.fit(X, weak, trusted=trusted)
    assert (cleaner.confidence_[trusted & (weak[:, 1] == -1), 1] == 0.5).all()
    report = cleaner.report()
    assert_array_equal(report["clean"], report["weak"] + report["added"] - report["removed"])
