import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold, KFold, ShuffleSplit
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier

from sklearn_ecg.cleaning import CrossValidationLabelCleaner


class Threshold(ClassifierMixin, BaseEstimator):
    """Says yes where the only feature exceeds a value, whatever it was trained on."""

    def __init__(self, value=0.0):
        self.value = value

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return (X[:, 0] > self.value).astype(int)


@pytest.fixture
def noisy(rng):
    y = np.r_[np.ones((40, 1)), np.zeros((60, 1))].astype(int)
    return rng.normal(2 * y + 0.3 * np.arange(3), 1.0), y


@pytest.mark.parametrize(("criterion", "least_refusals"), [("S1", 5), ("S2", 4), ("S3", 3)])
def test_a_label_is_wrong_if_enough_say_no(criterion, least_refusals):
    # Records 0 ... 5 are refused by 5, 4, ... 0 of the classifiers.
    X = np.tile(np.arange(6.0), 10)[:, np.newaxis]
    y = np.ones((60, 1), dtype=int)
    y[30:54] = 0
    trusted = np.arange(60) >= 54
    median, span = 2.5, 5.0  # the cleaner measures in units of the features' range
    voters = [Threshold((value - median) / span) for value in np.arange(5) + 0.5]
    cleaner = CrossValidationLabelCleaner(criterion, classifiers=voters).fit(X, y, trusted=trusted)
    refusals = 5 - X[:, 0]
    expected = np.where((refusals >= least_refusals) & ~trusted, 0, y[:, 0])
    assert_array_equal(cleaner.labels_[:, 0], expected)
    agreeing = np.where(expected == 1, 5 - refusals, refusals) / 5
    assert_allclose(cleaner.confidence_[~trusted, 0], agreeing[~trusted])


def test_agrees_with_a_plain_loop(noisy):
    X, y = noisy
    trusted = np.arange(100) % 5 == 0
    voters = [GaussianNB(), KNeighborsClassifier(3), DecisionTreeClassifier(random_state=1)]
    cleaner = CrossValidationLabelCleaner("S3", classifiers=voters, cv=KFold(4))
    cleaner.fit(X, y, trusted=trusted)
    low, median, high = np.percentile(X, [10, 50, 90], axis=0)
    scaled, weak = (X - median) / (high - low), np.flatnonzero(~trusted)
    for fold in np.array_split(weak, 4):
        others = np.setdiff1d(np.arange(100), fold)
        says = [v.fit(scaled[others], y[others, 0]).predict(scaled[fold]) for v in voters]
        refusals = len(voters) - np.sum(says, axis=0)
        assert_array_equal(
            cleaner.provenance_[fold, 0] == "removed", (refusals >= 2) & (y[fold, 0])
        )


def test_no_one_votes_on_a_record_that_it_knows(noisy):
    X, y = noisy
    y[90:, 0] = 1
    # A nearest neighbour that knew the record would confirm every label.
    voter = KNeighborsClassifier(1)
    cleaner = CrossValidationLabelCleaner(classifiers=voter, random_state=0)
    cleaner.fit(X, y, trusted=np.arange(100) % 9 == 0)
    assert (cleaner.provenance_[90:] == "removed").sum() >= 6


def test_patients_stay_together_with_a_splitter_for_groups(rng):
    # Records of a patient are equal, and its label is wrong in all of them.
    X = np.repeat(np.r_[rng.normal(5, 1, (10, 2)), rng.normal(0, 1, (10, 2))], 5, axis=0)
    groups = np.repeat(np.arange(20), 5)
    y = (groups < 10).astype(int)
    y[groups == 15] = 1
    trusted = groups == 19
    voter = KNeighborsClassifier(3)
    blind = CrossValidationLabelCleaner(classifiers=voter, random_state=0)
    blind.fit(X, y, trusted=trusted, groups=groups)
    assert (blind.labels_[groups == 15] == 1).all()
    by_patient = CrossValidationLabelCleaner(classifiers=voter, cv=GroupKFold(5))
    by_patient.fit(X, y, trusted=trusted, groups=groups)
    assert (by_patient.labels_[groups == 15] == 0).all()


def test_defaults_are_the_five_of_the_paper_and_seeded(noisy):
    X, y = noisy
    y[60:80] = 1
    trusted = np.arange(100) % 5 == 0
    first, second = (
        CrossValidationLabelCleaner(cv=3, random_state=4).fit(X, y, trusted=trusted)
        for _ in range(2)
    )
    assert_array_equal(first.confidence_, second.confidence_)
    names = [type(classifier).__name__ for classifier in first.classifiers_[0]]
    assert names == [
        "SVC",
        "KNeighborsClassifier",
        "GaussianNB",
        "LinearDiscriminantAnalysis",
        "DecisionTreeClassifier",
    ]
    strict, lenient = (
        (CrossValidationLabelCleaner(c, cv=3, random_state=4).fit(X, y, trusted=trusted))
        for c in ("S1", "S3")
    )
    removed = [(c.provenance_ == "removed") for c in (strict, lenient)]
    assert (removed[0] <= removed[1]).all() and removed[0].sum() < removed[1].sum()


def test_more_features_than_records(rng):
    X, y = rng.normal(size=(40, 90)), (np.arange(40) % 2)[:, np.newaxis]
    cleaner = CrossValidationLabelCleaner(cv=3).fit(X + 3 * y, y, trusted=np.arange(40) < 10)
    assert_array_equal(cleaner.labels_, y)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"criterion": "S4"}, "'criterion' parameter"),
        ({"cv": 1}, "'cv' parameter"),
        ({"classifiers": []}, "classifiers is empty"),
        ({"classifiers": [Ridge()]}, "must be scikit-learn classifiers; got Ridge"),
        ({"cv": ShuffleSplit(2, random_state=0)}, "every weak record into exactly one test fold"),
    ],
)
def test_bad_parameters_are_named(noisy, parameters, message):
    X, y = noisy
    with pytest.raises(ValueError, match=message):
        CrossValidationLabelCleaner(**parameters).fit(X, y, trusted=np.arange(100) % 5 == 0)


def test_features_that_never_vary_teach_nothing(rng):
    labels, trusted = rng.integers(0, 2, (200, 2)), np.arange(200) < 80
    cleaner = CrossValidationLabelCleaner(random_state=0)
    with pytest.raises(ValueError, match="All features of X are the same for all 200 records"):
        cleaner.fit(np.zeros((200, 5)), labels, trusted=trusted)
    one_differs = np.zeros((200, 5))
    one_differs[100] = 1  # constant for those who judge it, who abstain
    cleaner.fit(one_differs, labels, trusted=trusted)
    np.testing.assert_array_equal(cleaner.labels_[100], labels[100])
