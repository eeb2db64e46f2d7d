"""Agreement of readers, and what is made of their answers."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit, logit
from sklearn.metrics import cohen_kappa_score, log_loss

from sklearn_ecg.review import ReaderModel, cohen_kappa, fleiss_kappa

LABELS = ["1dAVb", "RBBB", "LBBB", "SB", "AF", "ST"]
READERS = [
    "cardiologist1",
    "cardiologist2",
    "cardiology_residents",
    "emergency_residents",
    "medical_students",
    "dnn",
]


def some_answers(n_questions=200, n_readers=4, unanswered=0.3, seed=0):
    rng = np.random.default_rng(seed)
    truth = rng.random((n_questions, 1)) < 0.3
    answers = (truth ^ (rng.random((n_questions, n_readers)) < 0.1)).astype(float)
    answers[rng.random(answers.shape) < unanswered] = np.nan
    return answers


@pytest.mark.parametrize("seed", range(3))
def test_cohens_kappa_is_that_of_scikit_learn(seed):
    one, other = some_answers(seed=seed)[:, :2].T
    both = ~np.isnan(one) & ~np.isnan(other)
    found = cohen_kappa(one, np.where(np.isnan(other), -1, other))
    assert found.kappa == pytest.approx(cohen_kappa_score(one[both], other[both]))
    assert found.n_questions == both.sum()


def test_the_interval_of_kappa_is_that_of_a_bootstrap():
    one, other = some_answers(unanswered=0)[:, :2].T
    rng = np.random.default_rng(0)
    drawn = [
        cohen_kappa(one[rows], other[rows]).kappa
        for rows in rng.integers(len(one), size=(300, len(one)))
    ]
    assert cohen_kappa(one, other).standard_error == pytest.approx(np.std(drawn), rel=0.15)


def test_fleiss_kappa_is_what_counting_pairs_gives():
    answers = some_answers()
    shares, agreements = [], []
    for row in answers:
        given = row[~np.isnan(row)].tolist()
        if len(given) < 2:
            continue
        pairs = [(a, b) for m, a in enumerate(given) for b in given[m + 1 :]]
        agreements.append(np.mean([a == b for a, b in pairs]))
        shares.append(np.mean(given))
    chance = np.mean(shares) ** 2 + (1 - np.mean(shares)) ** 2
    found = fleiss_kappa(answers)
    assert found.kappa == pytest.approx((np.mean(agreements) - chance) / (1 - chance))
    assert found.low < found.kappa < found.high
    assert found.n_questions == len(shares)


def test_agreement_that_nothing_tells_of_is_nan():
    alone = fleiss_kappa([[1, np.nan], [np.nan, 0]])
    assert np.isnan(alone.kappa) and alone.n_questions == 0
    assert np.isnan(cohen_kappa([0, 0, 0], [0, 0, 0]).kappa)
    agreed = cohen_kappa([1, 0, 1], [1, 0, 1])
    assert agreed.kappa == 1 and np.isnan(agreed.low)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cohen_kappa([1, 2], [1, 0]), "first must be 1"),
        (lambda: cohen_kappa([1, 0], [1]), "first has 2 answers, second has 1"),
        (lambda: cohen_kappa(["yes"], [1]), "first must be an array of numbers"),
        (
            lambda: cohen_kappa(pd.Series([1, 0]), pd.Series([1, 0], index=[1, 2])),
            "different indices",
        ),
        (lambda: fleiss_kappa([1, 0]), "answers must have 2 axes"),
    ],
)
def test_answers_of_another_kind_have_no_kappa(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def read_by(answers_of, truth, *, double_share, seed, probability=None, n_readers=6):
    """Return answers, each question read by one reader, some by two; a third settles disputes."""
    rng = np.random.default_rng(seed)
    rows = []
    for record, label in np.ndindex(truth.shape):
        order = rng.permutation(n_readers)
        n_read = 1 + (rng.random() < double_share)
        said = [answers_of[reader][record, label] for reader in order[:3]]
        readers = [(reader, False) for reader in order[:n_read]]
        if n_read == 2 and said[0] != said[1]:
            readers.append((order[2], True))
        belief = np.nan if probability is None else probability[record, label]
        for (reader, is_final), answer in zip(readers, said, strict=False):
            question = record * truth.shape[1] + label
            rows.append((question, reader, label, answer, belief, is_final))
    columns = ["question", "reader", "label", "answer", "probability", "is_final"]
    return pd.DataFrame(rows, columns=columns)


def simulate(seed, *, n_records=150, n_labels=6, n_readers=6):
    """Return truth, what the cleaner believes, and what readers of different skill answer."""
    rng = np.random.default_rng(seed)
    odds = rng.normal(0, 1.5, size=(n_records, n_labels))
    truth = rng.random(odds.shape) < expit(odds)
    missed, imagined = (
        expit(logit(share) + rng.normal(0, 0.8, size=(n_readers, 1, 1))) for share in (0.08, 0.03)
    )
    drawn = rng.random((n_readers, *odds.shape))
    return truth, expit(odds), np.where(truth, drawn > missed, drawn < imagined).astype(int)


def probability_of(model, truth):
    return model.questions_["probability"].reindex(range(truth.size)).to_numpy()


def dawid_skene(answers, truth):
    """Return what crowd-kit makes of answers, label by label."""
    aggregation = pytest.importorskip("crowdkit.aggregation")
    found = np.zeros(truth.size)
    for _, own in answers.groupby("label"):
        own = own.assign(
            task=own["question"], worker=own["reader"], label=own["answer"].astype(int)
        )
        fitted = aggregation.DawidSkene(n_iter=20).fit(own[["task", "worker", "label"]])
        found[fitted.probas_.index] = fitted.probas_.reindex(columns=[0, 1], fill_value=0)[1]
    return found


def test_with_few_doubles_the_model_is_better_than_dawid_and_skene():
    truth, belief, answers_of = simulate(0, n_records=100)
    answers = read_by(answers_of, truth, double_share=0.1, seed=0, probability=belief)
    flat = truth.ravel()
    theirs = dawid_skene(answers, truth)
    for table in (answers, answers.drop(columns="probability")):
        ours = probability_of(ReaderModel(random_state=0).fit(table), truth)
        assert ((ours > 0.5) != flat).mean() <= ((theirs > 0.5) != flat).mean()
        assert log_loss(flat, ours) < 0.7 * log_loss(flat, np.clip(theirs, 0.001, 0.999))


def test_of_real_readers_the_model_errs_no_more_than_dawid_and_skene(shared_data):
    def read(name):
        return pd.read_csv(shared_data / "code-test" / f"{name}.csv")[LABELS].to_numpy(dtype=int)

    # Of records without a label a third: the others say the same.
    truth = read("gold_standard")
    rows = truth.any(axis=1) | (np.arange(len(truth)) % 3 == 0)
    truth = truth[rows]
    answers_of = [read(name)[rows] for name in READERS]
    rng = np.random.default_rng(0)
    odds = rng.normal(logit(truth.mean(axis=0)), 1.2, size=truth.shape) + 4.5 * truth
    answers = read_by(answers_of, truth, double_share=0.1, seed=0, probability=expit(odds))
    with_cleaner = probability_of(ReaderModel(random_state=0).fit(answers), truth)
    answers = answers.drop(columns="probability")
    alone = probability_of(ReaderModel(random_state=0).fit(answers), truth)
    theirs, flat = dawid_skene(answers, truth), truth.ravel() == 1
    n_wrong = [((found > 0.5) != flat).sum() for found in (with_cleaner, alone, theirs)]
    assert n_wrong[0] < 0.7 * n_wrong[2] and n_wrong[1] <= n_wrong[2]
    assert log_loss(flat, alone) < 0.9 * log_loss(flat, np.clip(theirs, 0.001, 0.999))


def test_trust_is_how_often_answers_are_right():
    right, trusted = [], []
    for seed in range(3):
        truth, belief, answers_of = simulate(seed)
        answers = read_by(answers_of, truth, double_share=0.1, seed=seed, probability=belief)
        settled = answers.groupby("question")["answer"].last()
        trust = ReaderModel(n_iter=200, random_state=0).fit(answers).trust(settled)
        trusted.append(trust)
        right.append(truth.ravel()[trust.index] == settled)
    right, trusted = np.concatenate(right), np.concatenate(trusted)
    assert right.mean() == pytest.approx(trusted.mean(), abs=0.02)
    doubtful = trusted < 0.9
    assert right[doubtful].mean() == pytest.approx(trusted[doubtful].mean(), abs=0.06)


def test_intervals_hold_what_readers_are():
    truth, belief, answers_of = simulate(1, n_records=400)
    answers = read_by(answers_of, truth, double_share=0.1, seed=1, probability=belief)
    readers = ReaderModel(random_state=0).fit(answers).readers_
    for name, value in (("sensitivity", 1), ("specificity", 0)):
        own = np.array([(said == value)[truth == value].mean() for said in answers_of])
        own = own[readers.index.astype(int)]
        held = (readers[f"{name}_low"] <= own) & (own <= readers[f"{name}_high"])
        assert held.sum() >= 5


def table(*rows):
    columns = ["reader", "question", "label", "answer", "probability", "is_final"]
    return pd.DataFrame(rows, columns=columns)


def test_three_right_answers_make_nobody_perfect():
    rows = [(who, n, "AF", 1, 0.9, False) for n in range(3) for who in ("Ann", "Bob")]
    found = ReaderModel(random_state=0).fit(table(*rows)).readers_by_label_.loc[("Ann", "AF")]
    assert found["sensitivity_low"] < 0.9 < found["sensitivity"] < 0.99


def test_a_final_answer_counts_more_but_not_without_limit():
    disputed = [("Ann", 1, "AF", 1, 0.5, False), ("Bob", 1, "AF", 0, 0.5, False)]

    def belief(*last):
        given = table(*disputed, *last)
        return ReaderModel(random_state=0).fit(given).questions_["probability"][1]

    usual, final = (belief(("Cem", 1, "AF", 1, 0.5, is_final)) for is_final in (False, True))
    assert usual < final < 0.999


def test_questions_go_by_id_and_label_where_they_have_no_number():
    answers = table(("Ann", 1, "AF", 1, 0.5, False), ("Ann", 2, "SB", 0, 0.5, False))
    by_number = ReaderModel(random_state=0).fit(answers)
    by_id = ReaderModel(random_state=0).fit(answers.rename(columns={"question": "id"}))
    assert by_id.questions_.index.tolist() == [(1, "AF"), (2, "SB")]
    assert by_id.questions_["probability"].tolist() == by_number.questions_["probability"].tolist()


def test_no_answers_are_a_model_that_knows_nothing():
    model = ReaderModel(random_state=0).fit(table())
    assert len(model.questions_) == len(model.readers_) == 0


@pytest.mark.parametrize(
    ("answers", "error", "message"),
    [
        ([1, 0], TypeError, "answers must be a DataFrame"),
        (table().drop(columns="reader"), ValueError, "no column 'reader'"),
        (table(("Ann", 1, "AF", "unsure", 0.5, False)), ValueError, "'unsure'"),
        (table(("Ann", 1, "AF", pd.NA, 0.5, False)), ValueError, "got <NA>"),
        (table(("Ann", 1, "AF", 1, 1.5, False)), ValueError, "between 0 and 1"),
        (table(("Ann", 1, None, 1, 0.5, False)), ValueError, "without label"),
        (table(("Ann", 1, "AF", 1, 0.5, "no")), ValueError, "is_final must be"),
        (
            table(("Ann", 1, "AF", 1, 0.5, False), ("Bob", 1, "SB", 1, 0.5, False)),
            ValueError,
            "2 labels for question 1",
        ),
    ],
)
def test_answers_that_cannot_be_are_refused(answers, error, message):
    with pytest.raises(error, match=message):
        ReaderModel().fit(answers)


def test_trust_is_of_questions_that_were_answered():
    model = ReaderModel(random_state=0).fit(table(("Ann", 1, "AF", 1, 0.5, False)))
    with pytest.raises(ValueError, match="question 2, for which fit saw no answer"):
        model.trust(pd.Series({2: 1}))


def test_who_decides_after_a_blind_answer_is_one_reader_with_two_answers():
    blind = [("Ann", 1, False), ("Bob", 0, False)]
    rows = [*blind, ("Bob", 1, True)]
    answers = pd.DataFrame(rows, columns=["reader", "answer", "is_final"])
    answers = answers.assign(question=1, label="AF", probability=0.5)
    decided = ReaderModel(random_state=0).fit(answers)
    open_ = ReaderModel(random_state=0).fit(answers.iloc[:2])
    assert decided.questions_["n_readers"].tolist() == [2]
    assert decided.readers_["n_answers"].to_dict() == {"Ann": 1, "Bob": 2}
    assert decided.questions_["probability"][1] > open_.questions_["probability"][1] + 0.2
