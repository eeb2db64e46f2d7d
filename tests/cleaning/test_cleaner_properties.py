"""What holds of AFPLabelCleaner on any data."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from sklearn_ecg import AFPLabelCleaner
from sklearn_ecg.datasets import corrupt_labels
from sklearn_ecg.mixture import DirichletProcessGaussianMixture


def make_table(n_records=360, n_features=10, seed=0, spread=0.8):
    rng = np.random.default_rng(seed)
    truth = (rng.random((n_records, 4)) < 0.25).astype(np.int8)
    truth[:, 0] = ~truth[:, 1:].any(axis=1)
    effect = rng.normal(0, 1.5, (4, n_features))
    X = truth @ effect + rng.normal(0, spread, (n_records, n_features))
    return X, truth, rng.permutation(n_records) < n_records // 3


def with_noise(truth, trusted, rate, kind="swap", seed=0):
    weak = truth.copy()
    weak[~trusted] = corrupt_labels(truth[~trusted], rate, kind=kind, random_state=seed)
    return weak


def clean(X, weak, trusted, **options):
    mixture = DirichletProcessGaussianMixture(n_components=2)
    cleaner = AFPLabelCleaner(mixture=mixture, undecided="weak", random_state=0, **options)
    return cleaner.fit(X, weak, trusted=trusted).labels_


@pytest.fixture(scope="module")
def cleaned():
    """A table, its weak labels, who is trusted, and what cleaning made of it."""
    X, truth, trusted = make_table()
    weak = with_noise(truth, trusted, 0.2)
    return X, weak, trusted, clean(X, weak, trusted)


def test_permuting_records_permutes_the_result(cleaned, rng):
    X, weak, trusted, labels = cleaned
    order = rng.permutation(len(X))
    permuted = clean(X[order], weak[order], trusted[order])
    # Forests draw other records, so that a few labels near one half may differ.
    assert (permuted == labels[order]).mean() > 0.985


def test_permuting_features_permutes_nothing(cleaned, rng):
    X, weak, trusted, labels = cleaned
    permuted = clean(X[:, rng.permutation(X.shape[1])], weak, trusted)
    assert (permuted == labels).mean() > 0.985


def test_noise_never_raises_f1_on_average():
    scores = []
    for rate in (0, 0.2, 0.4):
        scores.append(0)
        for seed in range(2):
            X, truth, trusted = make_table(n_records=240, seed=seed, spread=2)
            labels = clean(X, with_noise(truth, trusted, rate, seed=seed), trusted)
            scores[-1] += f1_score(truth[~trusted], labels[~trusted], average="weighted") / 2
    assert scores[0] > 0.99 and scores == sorted(scores, reverse=True)


@pytest.mark.parametrize("kind", ["swap", "missing", "extra", "confused"])
def test_cleaning_does_more_good_than_harm(kind):
    before = after = 0
    for seed in range(2):
        X, truth, trusted = make_table(seed=seed)
        weak = with_noise(truth, trusted, 0.2, kind, seed)
        before += (weak != truth).sum()
        after += (clean(X, weak, trusted) != truth).sum()
    assert after < 0.7 * before


def test_features_that_say_nothing_do_no_harm(rng):
    X, truth, trusted = make_table()
    noise = rng.normal(size=X.shape)
    labels = clean(noise, truth, trusted)
    assert f1_score(truth[~trusted], labels[~trusted], average="weighted") >= 0.97


def test_constant_and_duplicated_features_are_harmless():
    X, truth, trusted = make_table()
    weak = with_noise(truth, trusted, 0.2)
    padded = np.c_[X, X, np.full((len(X), 2), 7.0)]
    errors = (clean(padded, weak, trusted) != truth).sum()
    assert errors < 0.5 * (weak != truth).sum()


def test_more_features_than_records_and_separable_data():
    X, truth, trusted = make_table(n_records=120, n_features=130, spread=0.01)
    weak = with_noise(truth, trusted, 0.2)
    assert (clean(X, weak, trusted) != truth).sum() < (weak != truth).sum() / 2


def test_labels_that_are_all_noise_leave_the_others_alone(rng):
    X, truth, trusted = make_table()
    weak = with_noise(truth, trusted, 0.1)
    noise = (rng.random(len(X)) < 0.3).astype(np.int8)
    labels = clean(X, np.c_[weak, noise], trusted)[:, :4]
    assert (labels != truth).sum() < 0.6 * (weak != truth).sum()
