import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import entropy
from simulated_tables import fit_weak_table, make_table, make_weak_table, swap
from sklearn.naive_bayes import GaussianNB

from sklearn_ecg import AFPLabelCleaner
from sklearn_ecg.cleaning import CrossValidationLabelCleaner, DensityLabelCleaner
from sklearn_ecg.cleaning._decisions import Decisions
from sklearn_ecg.cleaning._label_errors import LabelErrors, LabelPrior, LabelSets
from sklearn_ecg.cleaning._questions import rank_questions
from sklearn_ecg.mixture import DirichletProcessGaussianMixture

COLUMNS = ["id", "label", "weak", "clean", "probability", "wrong", "difficulty", "value"]


@pytest.fixture(scope="module")
def hard():
    """A table whose features leave labels open, its truth, and the cleaner fitted to it."""
    X, truth, weak, trusted = make_weak_table()
    X = X + np.random.default_rng(0).normal(0, 1.5, X.shape)
    cleaner = AFPLabelCleaner(random_state=0).fit(X, weak, trusted=trusted)
    return X, truth, weak, trusted, cleaner


def places(questions):
    return questions["id"].to_numpy(), questions["label"].astype(int).to_numpy()


@pytest.mark.parametrize(
    "cleaner",
    [
        AFPLabelCleaner(random_state=0),
        AFPLabelCleaner(
            mixture=DirichletProcessGaussianMixture(n_components=2),
            method="paper",
            random_state=0,
        ),
        CrossValidationLabelCleaner(classifiers=GaussianNB(), cv=3, random_state=0),
        DensityLabelCleaner(),
    ],
    ids=["bayes", "paper", "votes", "neighbours"],
)
def test_every_label_that_is_neither_trusted_nor_answered_is_asked_once(cleaner):
    X, truth, weak, trusted = make_weak_table()
    weak, trust = weak.copy(), np.repeat(trusted[:, np.newaxis], 4, axis=1)
    X, rows = X.copy(), np.flatnonzero(~trusted)
    X[rows[0]], weak[rows[1:5]], trust[rows[-3:], 1] = np.nan, -1, True
    cleaner.fit(X, weak, trusted=trust)
    asked = cleaner.questions()
    assert list(asked) == COLUMNS
    rows, labels = places(asked)
    times = np.zeros(trust.shape, dtype=int)
    np.add.at(times, (rows, labels), 1)
    assert_array_equal(times, ~trust)
    assert_array_equal(asked["weak"], weak[rows, labels])
    assert_array_equal(asked["clean"], cleaner.labels_[rows, labels])
    assert asked[["wrong", "difficulty"]].stack().between(0, 1).all()
    assert (asked["value"] >= 0).all() and asked["value"].is_monotonic_decreasing
    right = cleaner.confidence_[rows, labels][asked["probability"].notna()]
    assert_allclose(asked["wrong"][asked["probability"].notna()], 1 - right, atol=1e-12)
    few = cleaner.questions(7, random_state=1)
    assert len(few) == 7
    answered = cleaner.with_answers(few.assign(answer=truth[places(few)]))
    left = answered.questions()
    assert len(left) == len(asked) - 7
    assert left.merge(few, on=["id", "label"]).empty


def test_draws_repeat_with_a_seed():
    cleaner = fit_weak_table()
    pd.testing.assert_frame_equal(
        cleaner.questions(50, random_state=3), cleaner.questions(50, random_state=3)
    )


@pytest.mark.parametrize("n_questions", [0, -1, 2.0, True, "3"])
def test_other_numbers_of_questions_are_refused(n_questions):
    with pytest.raises(ValueError, match="n_questions must be an int of at least 1, or None"):
        fit_weak_table().questions(n_questions)


def test_wrong_is_as_often_wrong_as_it_says(hard):
    _, truth, weak, _, cleaner = hard
    asked = cleaner.questions()
    held = np.where(cleaner.labels_ == -1, weak, cleaner.labels_)
    is_wrong = (held != truth)[places(asked)]
    for part in np.array_split(np.argsort(-asked["wrong"].to_numpy())[:400], 2):
        assert abs(is_wrong[part].mean() - asked["wrong"].iloc[part].mean()) < 0.1


def test_few_answers_in_this_order_find_most_errors_and_teach_the_rest(hard):
    _, truth, weak, _, cleaner = hard

    def n_wrong(cleaner):
        return (np.where(cleaner.labels_ == -1, weak, cleaner.labels_) != truth).sum()

    def answer(cleaner, asked):
        return cleaner.with_answers(asked.assign(answer=truth[places(asked)]))

    ours = answer(cleaner, cleaner.questions(40, random_state=0))
    ours = answer(ours, ours.questions(40, random_state=0))
    at_random = answer(cleaner, cleaner.questions().sample(80, random_state=0))
    assert n_wrong(ours) < 0.5 * n_wrong(cleaner) < n_wrong(at_random)


def test_one_answer_settles_both_labels_of_a_swap():
    """By brute force over the sets of two labels of which one was written for the other."""
    errors = LabelErrors(
        np.array([0.3, 0.3]),
        np.array([0.3, 0.3]),
        np.array([[0.98, 0.01, 0.005, 0.005], [0.005, 0.985, 0.005, 0.005], *[[0.25] * 4] * 2]),
        np.array([[0.01, 0.99], [0.99, 0.01], [0.5, 0.5]]),
    )
    said = np.array([[[1.0], [0.0]]])
    sets = LabelSets(
        np.array([0]), np.array([[0.35, 0.65]]), said, np.array([[0.4, 0.45]]), 2, None
    )
    prior = LabelPrior.of_single_labels(2)
    shares = sets.shares(prior, [errors])[0]
    belief = shares @ sets.sets[0]
    doubt = np.minimum(belief, 1 - belief)

    def left(label):
        total = 0
        for value in (0, 1):
            share = shares * (sets.sets[0, :, label] == value)
            has = share @ sets.sets[0]
            total += np.minimum(has, share.sum() - has).sum()
        return total

    resolved = doubt + sets.resolved_beyond(shares[np.newaxis])[0]
    first = np.argmax(resolved)
    assert_allclose(resolved[first], doubt.sum() - min(left(0), left(1)), atol=1e-6)
    # All errors are gone once both are answered.
    assert_allclose(resolved.sum(), doubt.sum(), atol=1e-6)
    assert resolved[first] > 1.2 * doubt[first]
    assert resolved[1 - first] < 0.6 * doubt[1 - first]


def test_the_second_half_of_a_swap_waits(hard):
    *_, cleaner = hard
    asked = cleaner.questions(60, random_state=0)
    by_wrong = cleaner.questions().sort_values("wrong", ascending=False).head(60)
    assert asked["id"].nunique() > 1.1 * by_wrong["id"].nunique()


def test_of_labels_equally_wrong_the_easy_one_comes_first():
    labels, belief = np.zeros((2, 1), dtype=np.int8), np.full((2, 1), 0.3)
    provenance, everything = np.full((2, 1), "confirmed"), np.ones((2, 1), dtype=bool)
    by_features = np.array([[0.5], [0.02]])
    decisions = Decisions(labels, provenance, 1 - belief, belief, None, by_features)
    rng = np.random.RandomState(0)
    record, _, found = rank_questions(decisions, labels, everything, everything, rng)
    assert_array_equal(record, [1, 0])
    assert_allclose(found["difficulty"], [entropy([0.02, 0.98], base=2), 1])
    assert_allclose(found["value"], 0.3 * (1 - 0.2 * found["difficulty"]))


def test_what_could_not_be_judged_is_as_wrong_as_weak_labels_are(hard):
    X, truth, weak, trusted, _ = hard
    X = X.copy()
    lost = np.flatnonzero(~trusted)[:20]
    X[lost] = np.nan
    cleaner = AFPLabelCleaner(random_state=0).fit(X, weak, trusted=trusted)
    asked = cleaner.questions()
    unjudged = asked[asked["id"].isin(lost)]
    assert unjudged["probability"].isna().all() and len(unjudged) == 80
    is_wrong = (weak != truth)[~trusted]
    for value, part in unjudged.groupby("weak"):
        rate = is_wrong[weak[~trusted] == value].mean()
        assert part["wrong"].nunique() == 1 and abs(part["wrong"].iloc[0] - rate) < 0.05


def test_twelve_thousand_records_of_31_labels_are_ranked_at_once():
    rng = np.random.default_rng(0)
    belief = rng.beta(0.05, 1, (12_000, 31))
    labels = (belief > 0.5).astype(np.int8)
    everything = np.ones(labels.shape, dtype=bool)
    provenance = np.full(labels.shape, "confirmed")
    decisions = Decisions(labels, provenance, np.maximum(belief, 1 - belief), belief)
    record, label, found = rank_questions(
        decisions, labels, everything, everything, np.random.RandomState(0)
    )
    assert len(np.unique(31 * record + label)) == labels.size
    assert (np.diff(found["value"]) <= 0).all()


def test_answers_keep_noise_rates_what_they_are():
    """Labels are asked about because they look wrong; the rates still are those of all labels."""
    X, truth, trusted = make_table(n_records=900, seed=1)
    weak = swap(truth, trusted, 0.2, seed=1)
    X = X + np.random.default_rng(1).normal(0, 1.0, X.shape)
    cleaner = AFPLabelCleaner(random_state=0).fit(X, weak, trusted=trusted)
    asked = cleaner.questions(150, random_state=0)
    cleaner = cleaner.with_answers(asked.assign(answer=truth[places(asked)]))
    missing = ((truth == 1) & (weak == 0))[~trusted].sum() / truth[~trusted].sum()
    assert abs(cleaner.noise_rates_["missing"].mean() - missing) < 0.05
