import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from simulated_tables import make_table, make_weak_table, swap
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklearn_ecg import AFPLabelCleaner, OnCleanedLabels, TrustedKFold
from sklearn_ecg.cleaning._bayes import BayesMethod, as_doubtful
from sklearn_ecg.cleaning._constraints import LabelConstraints
from sklearn_ecg.cleaning._decisions import Decisions
from sklearn_ecg.cleaning._discriminators import (
    Discriminators,
    ForestDiscriminator,
    KernelDiscriminator,
)
from sklearn_ecg.cleaning._pattern_evidence import PatternEvidence
from sklearn_ecg.mixture import DirichletProcessGaussianMixture


@pytest.fixture(scope="module")
def table():
    return make_weak_table()


@pytest.fixture(scope="module")
def fitted(table):
    X, _, weak, trusted = table
    return AFPLabelCleaner(random_state=0).fit(X, weak, trusted=trusted)


def test_noise_rates_are_estimated(fitted, table):
    _, truth, weak, trusted = table
    for label, rates in enumerate(fitted.noise_rates_.itertuples()):
        present = truth[~trusted, label] == 1
        given = weak[~trusted, label] == 1
        assert abs(rates.missing - (present & ~given).sum() / present.sum()) < 0.1
        assert abs(rates.wrong - (given & ~present).sum() / (~present).sum()) < 0.1
        assert 0 <= rates.missing_low <= rates.missing <= rates.missing_high <= 1
        assert 0 <= rates.wrong_low <= rates.wrong <= rates.wrong_high <= 1


def test_intervals_of_noise_rates_hold_the_true_rates():
    held, n_asked = 0, 0
    for seed in range(3):
        X, truth, trusted = make_table(n_records=400, seed=seed)
        X = X + np.random.default_rng(seed).normal(0, 1, X.shape)
        mixture = DirichletProcessGaussianMixture(n_components=2)
        cleaner = AFPLabelCleaner(mixture=mixture, max_iter=2, random_state=0)
        weak = swap(truth, trusted, 0.2, seed)
        rates = cleaner.fit(X, weak, trusted=trusted).noise_rates_
        true, given = truth[~trusted] == 1, weak[~trusted] == 1
        missing = (true & ~given).sum(axis=0) / true.sum(axis=0)
        wrong = (~true & given).sum(axis=0) / (~true).sum(axis=0)
        for name, rate in (("missing", missing), ("wrong", wrong)):
            held += ((rates[f"{name}_low"] <= rate) & (rate <= rates[f"{name}_high"])).sum()
            n_asked += len(rate)
    assert held >= 0.8 * n_asked


def test_confidence_is_the_share_that_is_right():
    X, truth, trusted = make_table(n_records=1500, seed=3)
    X = X + np.random.default_rng(0).normal(0, 1.2, X.shape)
    cleaner = AFPLabelCleaner(random_state=0, undecided="weak")
    cleaner.fit(X, swap(truth, trusted, 0.3), trusted=trusted)
    right = (cleaner.labels_ == truth)[~trusted]
    assert abs(right.mean() - cleaner.confidence_[~trusted].mean()) < 0.03
    doubtful = cleaner.confidence_[~trusted] < 0.8
    assert right[doubtful].mean() < 0.85 < right[~doubtful].mean()


def test_labels_that_no_trusted_record_has_can_be_cleaned_by_weak_ones_alone(table):
    X, truth, weak, trusted = table
    weak = weak.copy()
    shown = ~(trusted & (weak[:, 2] == 1))
    cleaner = AFPLabelCleaner(random_state=0)
    with pytest.warns(UserWarning, match="2 are learned from weak records alone"):
        cleaner.fit(X[shown], weak[shown], trusted=trusted[shown])
    labels, asked = cleaner.labels_[:, 2], ~trusted[shown]
    before = f1_score(truth[shown, 2][asked], weak[shown, 2][asked])
    filled = np.where(labels == -1, weak[shown, 2], labels)
    assert f1_score(truth[shown, 2][asked], filled[asked]) > before


def test_trusted_beliefs_are_lent_the_doubts_of_weak_ones(rng):
    belief = np.r_[np.ones(500), np.zeros(500), np.full(300, 0.9), np.full(700, 0.2)][:, None]
    trusted = np.arange(2000)[:, None] < 1000
    lent = as_doubtful(belief, trusted, np.array([True]), random_state=0)
    assert_array_equal(lent[1000:], belief[1000:])
    # 270 of the weak records' 410 expected positives believe 0.9, and 30 of 590 negatives.
    assert_allclose((lent[:500] == 0.9).mean(), 270 / 410, atol=0.07)
    assert_allclose((lent[500:1000] == 0.9).mean(), 30 / 590, atol=0.03)


def test_unknown_weak_labels_are_filled_in(table):
    X, truth, weak, trusted = table
    unknown = weak.copy()
    unknown[np.flatnonzero(~trusted)[:100]] = -1
    mixture = DirichletProcessGaussianMixture(n_components=2)
    cleaner = AFPLabelCleaner(mixture=mixture, max_iter=1, random_state=0)
    cleaner.fit(X, unknown, trusted=trusted)
    filled = (unknown == -1) & (cleaner.labels_ != -1)
    assert filled.sum() > 300
    assert (cleaner.labels_ == truth)[filled].mean() > 0.9


@pytest.fixture(scope="module")
def doubtful():
    """The table, with features that leave many labels in doubt."""
    X, truth, weak, trusted = make_weak_table()
    return X + np.random.default_rng(0).normal(0, 1.5, X.shape), truth, weak, trusted


def test_what_explains_decides_nothing(doubtful):
    X, _, weak, trusted = doubtful
    explained = AFPLabelCleaner(random_state=0).fit(X, weak, trusted=trusted)
    otherwise = AFPLabelCleaner(
        mixture=DirichletProcessGaussianMixture(n_components=1),
        min_support=200,
        min_rule_confidence=0.9,
        min_rule_correlation=0.9,
        max_exclusion=0.3,
        lifetime_rate=0.1,
        anchors=False,
        rules=False,
        discriminators=False,
        random_state=0,
    ).fit(X, weak, trusted=trusted)
    assert_array_equal(otherwise.labels_, explained.labels_)
    assert_array_equal(otherwise.confidence_, explained.confidence_)
    assert len(explained.patterns_) > len(otherwise.patterns_) and len(explained.exclusion_rules_)


def test_provenance_is_what_became_of_the_label(doubtful):
    X, _, weak, trusted = doubtful
    cleaner = AFPLabelCleaner(min_confidence=0.7, undecided="weak", random_state=0)
    cleaner.fit(X, weak, trusted=trusted)
    asked = ~trusted[:, np.newaxis] & np.ones(weak.shape, dtype=bool)
    for before, after, expected in (
        (0, 0, {"confirmed", "undecided"}),
        (1, 1, {"confirmed", "undecided"}),
        (0, 1, {"added"}),
        (1, 0, {"removed"}),
    ):
        found = cleaner.provenance_[asked & (weak == before) & (cleaner.labels_ == after)]
        assert set(found) == expected
    assert set(cleaner.provenance_[trusted].ravel()) == {"trusted"}


def test_more_confidence_is_fewer_changes_of_which_more_are_right(doubtful, tmp_path):
    X, truth, weak, trusted = doubtful
    n_changed, share_right, before = [], [], None
    for least in (0.5, 0.7, 0.9):
        cleaner = AFPLabelCleaner(
            min_confidence=least, undecided="weak", memory=str(tmp_path), random_state=0
        )
        cleaner.fit(X, weak, trusted=trusted)
        changed = cleaner.labels_ != weak
        assert (cleaner.confidence_[changed] >= least).all()
        assert before is None or not (changed & ~before).any()
        before = changed
        n_changed.append(changed.sum())
        share_right.append((cleaner.labels_ == truth)[changed].mean())
    assert n_changed[0] > n_changed[1] > n_changed[2] > 0
    assert share_right[0] < share_right[1] < share_right[2]


def test_confidence_of_changes_is_the_share_that_is_right():
    confidence, right = [], []
    for seed in range(4):
        X, truth, trusted = make_table(n_records=360, seed=seed)
        X = X + np.random.default_rng(seed).normal(0, 1.2, X.shape)
        weak = swap(truth, trusted, 0.25, seed)
        cleaner = AFPLabelCleaner(max_iter=1, undecided="weak", random_state=0).fit(
            X, weak, trusted=trusted
        )
        changed = cleaner.labels_ != weak
        confidence.append(cleaner.confidence_[changed].mean())
        right.append((cleaner.labels_ == truth)[changed].mean())
    assert abs(np.mean(confidence) - np.mean(right)) < 0.05


def test_single_records_are_cleaned_as_many_are(doubtful):
    X, _, weak, trusted = doubtful
    cleaner = AFPLabelCleaner(undecided="weak", random_state=0)
    cleaner.fit(X[trusted][:150], weak[trusted][:150], trusted=True)
    # With no weak records seen yet, each record has to tell by itself.
    together = cleaner.clean(X[~trusted][:12], weak[~trusted][:12])
    alone = [cleaner.clean(X[[i]], weak[[i]]) for i in np.flatnonzero(~trusted)[:12]]
    assert all(one.labels.shape == (1, 4) and np.isfinite(one.confidence).all() for one in alone)
    assert (np.concatenate([one.labels for one in alone]) == together.labels).mean() > 0.9


def test_single_records_are_cleaned_with_the_errors_that_fit_found(doubtful):
    X, truth, weak, trusted = doubtful
    cleaner = AFPLabelCleaner(undecided="weak", random_state=0)
    rows = np.flatnonzero(~trusted)[-50:]
    known = np.setdiff1d(np.arange(len(X)), rows)
    cleaner.fit(X[known], weak[known], trusted=trusted[known])
    alone = np.concatenate([cleaner.clean(X[[i]], weak[[i]]).labels for i in rows])
    assert (alone != truth[rows]).sum() < 0.8 * (weak[rows] != truth[rows]).sum()
    assert (alone == cleaner.clean(X[rows], weak[rows]).labels).mean() > 0.95


def make_method(constraints, min_confidence=0.55):
    evidence = PatternEvidence(
        DirichletProcessGaussianMixture(n_components=1),
        min_support=10,
        min_confidence=0.5,
        min_correlation=0.5,
        max_exclusion=0.02,
        anchors=False,
        rules=False,
        min_accuracy=0.0,
        random_state=0,
    )
    members = [ForestDiscriminator(100, random_state=0), KernelDiscriminator()]
    return BayesMethod(
        Discriminators(members),
        evidence,
        constraints=constraints,
        joint=True,
        caution=2.0,
        min_confidence=min_confidence,
        max_iter=2,
        random_state=0,
    )


@pytest.mark.parametrize("least", [0.5, 0.55, 0.9])
def test_records_of_one_class_come_out_with_exactly_one(rng, least):
    classes = rng.integers(0, 4, 400)
    truth = np.eye(4, dtype=np.int8)[classes]
    X = truth @ rng.normal(0, 1, (4, 8)) + rng.normal(0, 1, (400, 8))
    trusted = np.repeat((np.arange(400) < 130)[:, np.newaxis], 4, axis=1)
    hit = (rng.random(400) < 0.3) & ~trusted[:, 0]
    weak = np.eye(4, dtype=np.int8)[np.where(hit, (classes + rng.integers(1, 4, 400)) % 4, classes)]
    constraints = LabelConstraints(tuple("NAO~"), exactly_one=((0, 1, 2, 3),))
    method = make_method(constraints, least)
    decisions = method.fit(
        X,
        weak,
        trusted,
        np.zeros(weak.shape, dtype=bool),
        weak[..., np.newaxis].astype(float),
        learned=np.ones(4, dtype=bool),
        unseen=np.zeros(4, dtype=bool),
    )
    assert (decisions.labels.sum(axis=1) == 1).all()
    changed = (decisions.labels != weak[130:]).any(axis=1)
    assert changed.sum() > 10
    assert (decisions.labels == truth[130:]).all(axis=1)[changed].mean() > 0.6
    new = method.clean(X[130:], weak[130:], weak[130:, :, np.newaxis].astype(float))
    assert (new.labels.sum(axis=1) == 1).all()


def test_no_class_is_added_to_one_that_is_not_learned(rng):
    classes = rng.integers(0, 3, 300)
    weak = np.eye(4, dtype=np.int8)[classes]
    X = weak @ rng.normal(0, 2, (4, 6)) + rng.normal(0, 1, (300, 6))
    rare = np.arange(150, 160)
    weak[rare] = [0, 0, 0, 1]
    trusted = np.repeat((np.arange(300) < 100)[:, np.newaxis], 4, axis=1)
    for group in ({"at_most_one": ((0, 1, 2, 3),)}, {"exactly_one": ((0, 1, 2, 3),)}):
        constraints = LabelConstraints(tuple("NAO~"), **group)
        decisions = make_method(constraints).fit(
            X,
            weak,
            trusted,
            np.zeros(weak.shape, dtype=bool),
            weak[..., np.newaxis].astype(float),
            learned=np.array([True, True, True, False]),
            unseen=np.zeros(4, dtype=bool),
        )
        assert constraints.allowed(decisions.labels).all()
        assert (decisions.provenance[rare - 100, :3] == "undecided").any()


def test_what_goes_back_to_its_weak_label_breaks_no_other_constraint():
    constraints = LabelConstraints(tuple("abc"), implies=((0, 1), (1, 2)))
    method = make_method(constraints, min_confidence=0.7)
    method._learned = np.arange(3)
    weak = Decisions.keeping(np.zeros((1, 3), dtype=np.int8), np.zeros((1, 3), dtype=bool))
    # Only c is doubtful; b would be added without it, and a without b.
    belief = np.array([[0.9, 0.9, 0.6]])
    decisions = method._decide(weak, belief, np.zeros((1, 3)), belief)
    assert constraints.allowed(decisions.labels).all()
    assert_array_equal(decisions.provenance, [["undecided"] * 3])


def test_a_search_finds_how_confident_to_be(tmp_path):
    X, truth, trusted = make_table(seed=1)
    X = X + np.random.default_rng(1).normal(0, 1.5, X.shape)
    weak = swap(truth, trusted, 0.4)
    cleaner = AFPLabelCleaner(random_state=0, memory=str(tmp_path))
    search = GridSearchCV(
        make_pipeline(cleaner, OnCleanedLabels(LogisticRegression())),
        {"afplabelcleaner__min_confidence": [0.5, 0.7, 0.9, 0.99]},
        cv=TrustedKFold(3, trusted=trusted),
        scoring="roc_auc",
        refit=False,
    )
    search.fit(X, weak, afplabelcleaner__trusted=trusted)
    scores = search.cv_results_["mean_test_score"]
    assert len(set(scores)) == 4 and np.ptp(scores) > 0.002
    assert search.best_params_["afplabelcleaner__min_confidence"] in (0.7, 0.9)
