"""The model card: right figures, and the limits that each flaw of a test must bring up."""

import re

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, precision_score, recall_score, roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import LinearSVC

from sklearn_ecg import (
    CleanedRecords,
    ECGRecords,
    LabelCorrelationECGClassifier,
    OnCleanedLabels,
)
from sklearn_ecg.cards import model_card

NAMES = np.array(["AF", "LBBB", "PVC"])


class Told(ClassifierMixin, BaseEstimator):
    """A classifier that answers what it was told."""

    def __init__(self, probabilities=None, names=NAMES, calibration=None):
        self.probabilities = probabilities
        self.names = names
        self.calibration = calibration

    def fit(self, X=None, y=None):
        self.label_names_ = self.names
        return self

    def predict_proba(self, X):
        return self.probabilities[: len(X)]

    def predict(self, X):
        return (self.probabilities[: len(X)] >= 0.5).astype(int)


@pytest.fixture
def truth(rng):
    return (rng.random((200, 3)) < [0.5, 0.3, 0.2]).astype(int)


@pytest.fixture
def told(rng, truth):
    return Told(np.clip(truth * 0.3 + rng.random((200, 3)) * 0.7, 0, 1)).fit()


def records(truth, **fields):
    fields = {"groups": np.arange(len(truth)) // 2, "label_names": NAMES, **fields}
    signals = np.zeros((len(truth), 2, 20))
    return ECGRecords(signals, 100, lead_names=["I", "V1"], labels=truth, **fields)


def limits(card):
    return " ".join(card.sections["Limits"][0])


def point(text):
    return float(text.split()[0])


def test_scores_are_those_of_scikit_learn(told, truth):
    scores = model_card(told, records(truth)).sections["Scores"][1]
    predicted = told.predict(truth)
    for k, name in enumerate(NAMES):
        row = scores.loc[name]
        assert row["records with it"] == truth[:, k].sum()
        auc = roc_auc_score(truth[:, k], told.probabilities[:, k])
        assert point(row["AUROC"]) == pytest.approx(auc, abs=5e-4)
        f1 = f1_score(truth[:, k], predicted[:, k])
        assert point(row["F1"]) == pytest.approx(f1, abs=5e-4)
        assert row["precision"] == pytest.approx(precision_score(truth[:, k], predicted[:, k]))
        assert row["recall"] == pytest.approx(recall_score(truth[:, k], predicted[:, k]))
        low, high = map(float, re.findall(r"\d\.\d+", row["AUROC"])[1:])
        assert low < auc < high
    mean = scores.loc["mean over labels"]
    assert point(mean["AUROC"]) == pytest.approx(roc_auc_score(truth, told.probabilities), abs=5e-4)


def test_probabilities_beside_shares(told, truth):
    table = model_card(told, records(truth)).sections["Probabilities"][1]
    np.testing.assert_allclose(table["share of records"], truth.mean(axis=0))
    np.testing.assert_allclose(table["mean probability"], told.probabilities.mean(axis=0))
    brier = ((told.probabilities - truth) ** 2).mean(axis=0)
    np.testing.assert_allclose(table["Brier score"], brier)


def test_intervals_are_over_patients(told, truth):
    """Ten copies of each record under its patient tell no more than one."""

    def width(groups, y, probabilities):
        card = model_card(Told(probabilities).fit(), records(y, groups=groups))
        low, high = re.findall(r"\d\.\d+", card.sections["Scores"][1].loc["AF", "AUROC"])[1:]
        return float(high) - float(low)

    alone = width(np.arange(200), truth, told.probabilities)
    tenfold = np.repeat(truth, 10, axis=0), np.repeat(told.probabilities, 10, axis=0)
    assert width(np.repeat(np.arange(200), 10), *tenfold) == pytest.approx(alone, rel=0.2)
    assert width(np.arange(2000), *tenfold) < 0.5 * alone


def test_columns_with_names_come_in_any_order(told, truth):
    y = pd.DataFrame(truth, columns=NAMES)[["PVC", "AF", "LBBB"]]
    card = model_card(told, np.zeros((200, 4)), y)
    other = model_card(told, records(truth, groups=None))
    pd.testing.assert_frame_equal(card.sections["Scores"][1], other.sections["Scores"][1])


def test_a_good_test_has_few_limits(truth, rng):
    told = Told(rng.random((200, 3)), calibration="sigmoid").fit()
    train = records(truth, groups=np.arange(200) + 1000)
    card = model_card(told, records(truth), X_train=train, notes={"Use": "None at all."})
    assert list(card.sections) == [
        "Use", "Model", "Training data", "Test data", "Scores", "Probabilities", "Parameters",
        "Limits",
    ]  # fmt: skip
    assert len(card.sections["Limits"][0]) == 3
    assert "the leads I, V1 at 100 Hz only" in limits(card)


def test_unknown_labels_count_nowhere(told, truth):
    y = truth.copy()
    y[:50, 0] = -1
    card = model_card(told, records(y))
    auc = roc_auc_score(truth[50:, 0], told.probabilities[50:, 0])
    assert point(card.sections["Scores"][1].loc["AF", "AUROC"]) == pytest.approx(auc, abs=5e-4)
    assert "50 of 600 test labels are unknown" in limits(card)
    assert card.sections["Test data"][1].loc["AF", "unknown"] == 50


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda y: y * [1, 1, 0], "Not tested, because no test record has them: PVC"),
        (
            lambda y: np.maximum(y, [0, 1, 0]),
            "Not tested, because all test records have them: LBBB",
        ),
        (lambda y: y * (np.arange(200) < 20)[:, None], "fewer than 10 test patients have them: "),
    ],
)
def test_labels_that_were_not_tested_are_named(told, truth, change, message):
    assert message in limits(model_card(told, records(change(truth))))


def test_a_label_of_three_patients_has_no_interval(told, truth):
    y = truth.copy()
    y[6:, 2] = 0
    y[:6, 2] = 1  # six records of three patients
    scores = model_card(told, records(y)).sections["Scores"][1]
    assert scores.loc["PVC", "patients with it"] == 3
    assert "(" not in scores.loc["PVC", "AUROC"]
    assert "(" not in scores.loc["mean over labels", "AUROC"]
    assert "(" in scores.loc["AF", "AUROC"]


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        (np.arange(200) + 99, "1 of the 100 test patients also have training records, such as 99"),
        (None, "It is not known whether test patients also have training records"),
    ],
)
def test_patients_on_both_sides_are_told_of(told, truth, groups, message):
    card = model_card(told, records(truth), X_train=records(truth, groups=groups))
    assert message in limits(card)


def test_weak_and_cleaned_test_labels_are_told_of(told, truth):
    assert "30 of the 200 test records are not trusted" in limits(
        model_card(told, records(truth, trusted=np.arange(200) >= 30))
    )
    cleaned = CleanedRecords(
        np.zeros((200, 1, 20)), 100, labels=truth, weak_labels=truth, label_names=NAMES,
        provenance=np.full(truth.shape, "confirmed"), confidence=np.ones(truth.shape),
    )  # fmt: skip
    card = model_card(told, cleaned)
    assert "600 of the 600 test labels were made by a label cleaner" in limits(card)
    assert "patients of the test records are not known" in limits(card)


def test_another_rate_is_told_of(told, truth):
    train = ECGRecords(np.zeros((4, 2, 20)), 500, labels=truth[:4], label_names=NAMES)
    card = model_card(told, records(truth), X_train=train)
    assert "trained on records of 500 Hz, and tested on records of 100 Hz" in limits(card)


def test_training_on_cleaned_labels_is_told_of(told, truth):
    labels = truth.copy()
    labels[:3, 0] = 1 - labels[:3, 0]
    train = CleanedRecords(
        np.zeros((200, 4)), labels=labels, weak_labels=truth, label_names=NAMES,
        provenance=np.full(truth.shape, "added"), confidence=np.ones(truth.shape),
    )  # fmt: skip
    blocks = model_card(told, records(truth), X_train=train).sections["Training data"]
    assert blocks[0].loc["form", "value"] == "a table of 4 columns"
    assert blocks[1].startswith("The labels were cleaned: 3 of 600 differ")
    np.testing.assert_array_equal(blocks[2]["present"], labels.sum(axis=0))


@pytest.mark.parametrize("n_labels", [1, 2, 3])
@pytest.mark.parametrize(
    "classifier",
    [
        RandomForestClassifier(n_estimators=5, random_state=0),
        OnCleanedLabels(RandomForestClassifier(n_estimators=5, random_state=0)),
        MultiOutputClassifier(LogisticRegression()),
        make_pipeline(StandardScaler(), OnCleanedLabels(LogisticRegression())),
    ],
    ids=["forest", "on cleaned labels", "multi-output", "pipeline"],
)
def test_any_classifier(classifier, n_labels, truth, rng):
    y = truth[:, :n_labels]
    X = y + rng.normal(scale=0.3, size=y.shape)
    card = model_card(classifier.fit(X[:100], y[:100]), X[100:], y[100:], n_resamples=20)
    scores = card.sections["Scores"][1]
    assert list(scores.index[:-1]) == [str(k) for k in range(n_labels)]
    assert all(point(text) > 0.9 for text in scores["AUROC"])
    if hasattr(classifier, "steps"):
        assert "StandardScaler" in str(card) and "steps before it" in str(card)


def test_our_classifier(rng):
    y = rng.integers(0, 2, size=(40, 2))
    signals = rng.normal(scale=0.1, size=(40, 2, 200)) + y[:, :, None]
    given = ECGRecords(
        signals, 100, lead_names=["I", "II"], labels=y, label_names=["AF", "PVC"],
        groups=np.arange(40),
    )  # fmt: skip
    classifier = LabelCorrelationECGClassifier(
        features=None, duration_s=2.0, max_epochs=2, calibration=None, thresholds="tuned",
        validation_fraction=0.3, random_state=0,
    )  # fmt: skip
    classifier.fit(given)
    card = model_card(classifier, given, X_train=given, n_resamples=20)
    facts = card.sections["Model"][0]["value"]
    n_weights = sum(p.numel() for p in classifier.module_.parameters())
    assert facts["weights"] == f"{n_weights:,}"
    assert facts["epochs trained"] == "2" and "validation loss" in facts["best epoch"]
    assert facts["reads at a time"] == "200 samples, 2 s at 100 Hz"
    assert facts["leads, in this order"] == "I, II"
    assert card.sections["Parameters"][0].loc["max_epochs", "value"] == "2"
    assert f"AF {classifier.thresholds_[0]:.3f}" in card.sections["Scores"][0]
    assert "40 of the 40 test patients also have training records" in limits(card)
    assert "not calibrated" in limits(card) and "Thresholds were tuned" in limits(card)
    assert "<table>" in card.to_html() and "| AF |" in card.to_markdown()


def _quick(**parameters):
    return LabelCorrelationECGClassifier(
        **{"features": None, **parameters}, duration_s=0.2, max_epochs=1, network__channels=(2, 2),
        network__hidden_dim=4, network__n_heads=2, random_state=0,
    )  # fmt: skip


def test_measured_features_and_what_they_tune_are_told_of(truth, rng, few_trees):
    measured = pd.DataFrame(truth + rng.normal(scale=0.6, size=truth.shape), records(truth).ids)
    by_id = FunctionTransformer(lambda given: measured.loc[given.ids].to_numpy())
    classifier = _quick(features=by_id).fit(records(truth))
    card = model_card(classifier, records(truth), n_resamples=5)
    facts = card.sections["Model"][0]["value"]
    expected = "by FunctionTransformer; trees on them have the weight"
    assert facts["measured features"].startswith(expected)
    told = "learned from cross-fitted predictions"
    assert told in card.sections["Training data"][-1]
    text = card.sections["Scores"][0]
    for name, threshold in zip(NAMES, classifier.thresholds_, strict=True):
        assert f"{name} {threshold:.3f}" in text
    predicted = classifier.predict_proba(records(truth)) >= classifier.thresholds_
    f1 = f1_score(truth, predicted, average="macro")
    assert point(card.sections["Scores"][1].loc["mean over labels", "F1"]) == pytest.approx(
        f1, abs=5e-4
    )
    assert "not calibrated" not in limits(card) and "Thresholds were tuned" in limits(card)
    plain = model_card(classifier.set_params(thresholds=0.5), records(truth), n_resamples=5)
    assert "from a probability of 0.5 on" in plain.sections["Scores"][0]
    assert "Thresholds" not in limits(plain)


@pytest.mark.parametrize("knows_train", [True, False])
def test_held_out_records_are_told_of(truth, knows_train):
    train = records(truth, ids=[f"r{i}" for i in range(200)])
    mask = np.isin(np.arange(200), [3, 50, 117])
    classifier = _quick().fit(train, validation=mask)
    card = model_card(classifier, train, X_train=train if knows_train else None, n_resamples=5)
    text = card.sections["Training data"][-1]
    assert text.startswith("3 of them were held out")
    assert ("r3, r50, r117" in text) == knows_train


def test_a_card_says_that_nothing_was_held_out(truth, tmp_path, told):
    train = records(truth)
    classifier = _quick().fit(train)
    card = model_card(classifier, train, n_resamples=5)
    assert "No records were held out" in card.sections["Training data"][-1]
    assert "cross-fitted predictions" not in card.sections["Training data"][-1]
    assert "not calibrated" in limits(card) and "Thresholds" not in limits(card)
    assert "from a probability of 0.5 on" in card.sections["Scores"][0]
    classifier.save(tmp_path / "model")
    loaded = LabelCorrelationECGClassifier.load(tmp_path / "model", device="cpu")
    text = str(model_card(loaded, train, n_resamples=5))
    assert "not known which records were held out" in text
    assert "held out" not in str(model_card(told, train, n_resamples=5))


def test_a_card_of_what_a_search_has_found(truth):
    train = records(truth)
    pipeline = make_pipeline(FunctionTransformer(), _quick(validation_fraction=0.2))
    search = GridSearchCV(
        pipeline, {"labelcorrelationecgclassifier__lr": [1e-3, 2e-3]}, cv=2, error_score="raise"
    ).fit(train, train.labels)
    card = model_card(search, train, X_train=train, n_resamples=5)
    best = search.best_estimator_
    alone = model_card(best, train, X_train=train, n_resamples=5)
    facts = card.sections["Model"][0]["value"]
    assert facts["class"] == "sklearn_ecg.LabelCorrelationECGClassifier"
    assert facts["steps before it"] == "FunctionTransformer"
    assert facts["chosen by"].startswith("GridSearchCV, of 2 candidates by 2 folds")
    assert f"lr={search.best_params_['labelcorrelationecgclassifier__lr']}" in facts["chosen by"]
    pd.testing.assert_frame_equal(card.sections["Scores"][1], alone.sections["Scores"][1])
    n_held_out = len(best[-1].validation_indices_)
    assert f"{n_held_out} of them were held out" in str(card)
    assert card.title == "Model card: LabelCorrelationECGClassifier"


def test_a_search_that_was_not_refitted_has_no_card(truth, rng):
    X = truth + rng.normal(scale=0.3, size=truth.shape)
    forest = RandomForestClassifier(n_estimators=3, random_state=0)
    search = GridSearchCV(forest, {"max_depth": [1, 2]}, cv=2, refit=False)
    with pytest.raises(NotFittedError):
        model_card(search, X, truth)
    with pytest.raises(ValueError, match="with refit=False holds no fitted classifier"):
        model_card(search.fit(X, truth), X, truth)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"y_test": None}, ValueError, "y_test is None, and X_test has no labels"),
        ({"y_test": np.zeros((200, 2))}, ValueError, "y_test has 2 labels.*knows 3: AF, LBBB"),
        (
            {"y_test": pd.DataFrame(np.zeros((200, 3)), columns=list("abc"))},
            ValueError,
            "y_test has the labels a, b, c, but the classifier knows AF",
        ),
        ({"y_test": np.full((200, 3), 7)}, ValueError, "y_test must hold 1"),
        ({"groups": [1, 2]}, ValueError, "groups must hold one patient for each of the 200"),
        ({"min_positives": 0}, ValueError, "min_positives must be an integer of at least 1"),
        ({"n_resamples": 0}, ValueError, "n_resamples must be"),
        ({"notes": "for research"}, TypeError, "notes must be a dict"),
        ({"notes": {"Limits": "none"}}, ValueError, r"not replace the sections \['Limits'\]"),
        ({"X_train": np.zeros((3, 2)), "y_train": [[1]]}, ValueError, "y_train has labels for 1"),
    ],
)
def test_bad_input_names_the_argument(told, truth, arguments, error, message):
    with pytest.raises(error, match=message):
        model_card(told, np.zeros((200, 4)), **{"y_test": truth, **arguments})


def test_classifiers_that_a_card_cannot_describe(truth):
    X = np.zeros((200, 2))
    with pytest.raises(NotFittedError):
        model_card(RandomForestClassifier(), X, truth)
    with pytest.raises(TypeError, match="has no predict_proba"):
        model_card(MultiOutputClassifier(LinearSVC()).fit(X, truth), X, truth)
    classes = np.arange(200) % 3
    with pytest.raises(ValueError, match="multi-label classifiers"):
        model_card(RandomForestClassifier(n_estimators=2).fit(X, classes), X, truth)
    signals = np.random.default_rng(0).normal(size=(20, 50))
    classifier = LabelCorrelationECGClassifier(max_epochs=1).fit(signals, np.arange(20) % 2)
    with pytest.raises(ValueError, match="fitted to a one-dimensional y"):
        model_card(classifier, signals, truth[:20])


def make_cleaned(truth, provenance, **fields):
    return CleanedRecords(
        np.zeros((200, 1, 20)), 100, labels=truth, weak_labels=truth, label_names=NAMES,
        provenance=provenance, confidence=np.ones(truth.shape), **fields,
    )  # fmt: skip


def test_test_labels_that_were_trusted_were_made_by_nobody(told, truth):
    """A cleaner hands trusted records on as they are."""
    kept = make_cleaned(truth, np.full(truth.shape, "trusted"), trusted=np.ones(200, bool))
    assert "label cleaner" not in limits(model_card(told, kept))
    provenance = np.full(truth.shape, "trusted", dtype="<U9")
    provenance[:40, 1] = "confirmed"
    part = make_cleaned(truth, provenance, trusted=provenance == "trusted")
    card = model_card(told, part)
    assert "40 of the 600 test labels were made by a label cleaner" in limits(card)
    assert "40 of the 200 test records are not trusted" in limits(card)
    facts = card.sections["Test data"][0]["value"]
    assert facts["trusted"] == "160 of 200 records in all labels; 560 of 600 labels"


def test_training_records_that_were_only_taken_as_right_are_not_called_trusted(told, truth):
    taken = make_cleaned(truth, np.full(truth.shape, "trusted"), trusted=np.ones(200, bool))
    for X_train, text in (
        (taken, "all 200 records were taken as right; no label was checked"),
        (records(truth, trusted=True), "200 of 200 records"),
        (records(truth, trusted=np.arange(200) < 50), "50 of 200 records"),
    ):
        card = model_card(told, records(truth), X_train=X_train)
        assert card.sections["Training data"][0].loc["trusted", "value"] == text


def test_test_labels_find_their_records_by_index(told, truth):
    ids = [f"r{i}" for i in range(200)]
    X, y = records(truth, ids=ids), pd.DataFrame(truth, ids, NAMES)
    expected = model_card(told, X, n_resamples=20).sections["Scores"][1]
    found = model_card(told, X, y.iloc[::-1], n_resamples=20).sections["Scores"][1]
    pd.testing.assert_frame_equal(found, expected)
    with pytest.raises(ValueError, match=r"y_test does not name .*'r3'"):
        model_card(told, X, y.rename({"r3": "x"}))


def test_columns_of_a_table_are_not_taken_for_what_records_know(told, truth):
    X = pd.DataFrame({"groups": np.zeros(200), "trusted": 0.0, "labels": 1.0})
    card = model_card(told, X, truth, X_train=X, n_resamples=20)
    assert card.sections["Test data"][0].loc["patients", "value"] == "not known"
    assert "did not get their labels" in card.sections["Training data"][1]
