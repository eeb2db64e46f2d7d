"""OnCleanedLabels: cleaned labels win over y, and undecided ones are never trained on."""

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_ecg import CleanedRecords, ECGRecords, OnCleanedLabels
from sklearn_ecg.datasets import make_ecg_records


def make_cleaned(X, labels, weak=None, **fields):
    labels = np.asarray(labels)
    weak = 1 - np.abs(labels) if weak is None else weak
    return CleanedRecords(
        X,
        labels=labels,
        weak_labels=weak,
        provenance=np.full(labels.shape, "confirmed"),
        confidence=np.ones(labels.shape),
        **fields,
    )


@pytest.fixture
def table(rng):
    """A table of features, and labels that its first two columns decide."""
    X = rng.normal(size=(200, 4))
    return X, (X[:, :2] > 0).astype(int)


def test_cleaned_labels_win_over_y(table):
    X, y = table
    model = OnCleanedLabels(LogisticRegression()).fit(make_cleaned(X, y), 1 - y)
    assert model.score(X, y) > 0.9


def test_labels_that_nobody_cleaned_never_win_over_y(table):
    X, y = table
    signals = X[:, np.newaxis, :]

    class OnSignals(LogisticRegression):
        def fit(self, X, y):
            return super().fit(np.asarray(X)[:, 0], y)

        def predict(self, X):
            return super().predict(np.asarray(X)[:, 0])

    records = ECGRecords(signals, labels=1 - y)
    assert (
        OnCleanedLabels(OnSignals(), features="passthrough").fit(records, y).score(records, y) > 0.9
    )
    assert (
        OnCleanedLabels(OnSignals(), features="passthrough").fit(records).score(records, 1 - y)
        > 0.9
    )


class Recorder(DummyClassifier):
    """Remembers what it was fitted on."""

    def fit(self, X, y):
        self.seen_ = np.asarray(X)[:, 0].astype(int), np.asarray(y)
        return super().fit(X, y)


def test_mask_fits_each_label_on_the_records_where_it_is_known():
    X = np.arange(6.0)[:, np.newaxis]
    labels = np.array([[1, 0], [0, 1], [-1, 1], [1, -1], [-1, 0], [0, 0]])
    model = OnCleanedLabels(Recorder()).fit(make_cleaned(X, labels))
    for label, estimator in enumerate(model.estimators_):
        rows, y = estimator.seen_
        assert rows.tolist() == np.flatnonzero(labels[:, label] != -1).tolist()
        assert y.tolist() == labels[rows, label].tolist()
    assert model.n_records_dropped_ == 0


def test_drop_leaves_out_records_with_any_unknown_label():
    X = np.arange(6.0)[:, np.newaxis]
    labels = np.array([[1, 0], [0, 1], [-1, 1], [1, -1], [-1, 0], [0, 0]])
    model = OnCleanedLabels(Recorder(), unknown="drop").fit(make_cleaned(X, labels))
    assert {tuple(estimator.seen_[0]) for estimator in model.estimators_} == {(0, 1, 5)}
    assert model.n_records_dropped_ == 3


@pytest.mark.parametrize(
    "estimator", [RandomForestClassifier(random_state=0), ClassifierChain(LogisticRegression())]
)
def test_native_multi_label_classifiers_are_fitted_once(table, estimator):
    X, y = table
    model = OnCleanedLabels(estimator, unknown="drop").fit(
        make_cleaned(X, y, label_names=["A", "B"])
    )
    assert len(model.estimators_) == 1
    assert list(model.classes_) == ["A", "B"]
    assert model.predict_proba(X).shape == y.shape
    assert ((model.predict_proba(X) > 0.5) == (model.predict(X) == 1)).mean() > 0.99


def test_signals_are_measured_once_for_all_labels(rng):
    """Features are a property of the record, however many labels there are."""

    class Counting(FunctionTransformer):
        calls = 0

        def transform(self, X):
            Counting.calls += 1
            return np.asarray(X)[:, :, :2].reshape(len(X), -1)

    y = rng.integers(0, 2, size=(50, 3))
    records = ECGRecords(rng.normal(size=(50, 2, 30)), sampling_rate=10, labels=y)
    model = OnCleanedLabels(LogisticRegression(), features=Counting()).fit(records)
    assert Counting.calls == 1
    assert model.predict_proba(records).shape == (50, 3)
    assert Counting.calls == 2


def test_a_chain_cannot_mask_single_labels():
    cleaned = make_cleaned(np.zeros((3, 1)), [[1, 0], [0, -1], [0, 1]])
    with pytest.raises(ValueError, match=r"ClassifierChain .* unknown='drop'"):
        OnCleanedLabels(ClassifierChain(LogisticRegression())).fit(cleaned)


def test_a_label_that_never_varies_is_predicted_as_it_is(table):
    X, y = table
    labels = np.column_stack([y, np.zeros(len(y), int), np.ones(len(y), int)])
    model = OnCleanedLabels(LogisticRegression()).fit(make_cleaned(X, labels))
    assert (model.predict(X)[:, 2:] == [0, 1]).all()
    assert (model.predict_proba(X)[:, 2:] == [0, 1]).all()


def test_data_frames_keep_their_feature_names(table):
    X, y = table
    frame = pd.DataFrame(X, columns=["PR_ms", "QRS_ms", "QT_ms", "HR"])
    model = OnCleanedLabels(LogisticRegression()).fit(make_cleaned(frame, y))
    assert list(model.feature_names_in_) == list(frame.columns)
    assert model.predict(frame).shape == y.shape


@pytest.mark.parametrize("scoring", ["f1_macro", "roc_auc", "average_precision"])
def test_scorers_work_on_plain_arrays(table, scoring):
    X, y = table
    y = np.column_stack([y, 1 - y[:, 0]])
    model = OnCleanedLabels(LogisticRegression())
    assert cross_val_score(model, X, y, scoring=scoring, cv=3).min() > 0.9


def test_all_labels_undecided_is_said():
    labels = np.array([[1, -1], [0, -1]])
    cleaned = make_cleaned(np.zeros((2, 1)), labels, label_names=["AF", "STE"])
    with pytest.raises(ValueError, match=r"Label 'STE' is unknown.*undecided='weak'"):
        OnCleanedLabels(LogisticRegression()).fit(cleaned)
    with pytest.raises(ValueError, match=r"leaves no record.*unknown='mask'"):
        OnCleanedLabels(LogisticRegression(), unknown="drop").fit(cleaned)


def test_no_labels_at_all_is_said():
    with pytest.raises(ValueError, match="requires y to be passed"):
        OnCleanedLabels(LogisticRegression()).fit(ECGRecords(np.zeros((2, 1, 9))))


def test_clone_keeps_the_inner_parameters():
    model = OnCleanedLabels(LogisticRegression(C=3), unknown="drop")
    assert clone(model).get_params()["estimator__C"] == 3


def expected_failures(estimator):
    failures = {
        "check_supervised_y_2d": "a column is the indicator of one label, not a vector of classes",
    }
    if isinstance(estimator.estimator, RandomForestClassifier):
        for kind in ("dense", "sparse"):
            failures[f"check_sample_weight_equivalence_on_{kind}_data"] = (
                "forests draw from all records, whatever their weights"
            )
    return failures


@parametrize_with_checks(
    [
        OnCleanedLabels(LogisticRegression()),
        OnCleanedLabels(RandomForestClassifier(5, max_depth=3, random_state=0), unknown="drop"),
    ],
    expected_failed_checks=expected_failures,
)
def test_scikit_learn_checks(check_passes, estimator, check):
    check_passes(estimator, check)


def test_scores_in_a_search_with_metadata_routing():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, (80, 2))
    X = y + rng.normal(0, 0.3, (80, 2))
    with config_context(enable_metadata_routing=True):
        pipe = make_pipeline(StandardScaler(), OnCleanedLabels(LogisticRegression()))
        search = GridSearchCV(pipe, {"oncleanedlabels__unknown": ["mask"]}, cv=2).fit(X, y)
    assert search.best_score_ > 0.9


def test_score_refuses_unknown_labels():
    X, y = np.array([[0.0], [1.0], [0.1], [0.9]]), np.array([[0], [1], [0], [1]])
    classifier = OnCleanedLabels(LogisticRegression()).fit(X, y)
    with pytest.raises(ValueError, match="1 unknown labels"):
        classifier.score(X, [[0], [1], [0], [-1]])
    assert classifier.score(X, [[0], [1], [0], [0]], sample_weight=[1, 1, 1, 0]) == 1


SINGLE_LABEL_SCORES = [
    "roc_auc",
    "average_precision",
    "neg_log_loss",
    "neg_brier_score",
    "f1",
    "balanced_accuracy",
]


@pytest.mark.parametrize("scoring", SINGLE_LABEL_SCORES)
@pytest.mark.parametrize("is_column", [True, False])
@pytest.mark.parametrize("is_cleaned", [True, False])
def test_a_single_label_is_scored_as_two_classes(table, scoring, is_column, is_cleaned):
    """As scikit-learn scores the classifier inside, whatever form the label has."""
    X, y = table[0], table[1][:, 0]
    expected = get_scorer(scoring)(LogisticRegression().fit(X[:150], y[:150]), X[150:], y[150:])
    given = y[:, np.newaxis] if is_column else y
    train = make_cleaned(X[:150], y[:150, np.newaxis]) if is_cleaned else X[:150]
    model = OnCleanedLabels(LogisticRegression()).fit(train, given[:150])
    assert get_scorer(scoring)(model, X[150:], given[150:]) == pytest.approx(expected)


def test_a_single_label_keeps_its_name_and_the_form_of_y(table):
    X, y = table[0], table[1][:, :1]
    cleaned = make_cleaned(X, y, label_names=["AF"])
    inner = LogisticRegression().fit(X, y[:, 0])
    for given, shape in ((None, (200, 1)), (y, (200, 1)), (y[:, 0], (200,))):
        model = OnCleanedLabels(LogisticRegression()).fit(cleaned, given)
        assert model.classes_.tolist() == [0, 1] and model.label_names_.tolist() == ["AF"]
        assert model.predict(X).shape == shape
        np.testing.assert_allclose(model.predict_proba(X), inner.predict_proba(X))
        np.testing.assert_allclose(model.decision_function(X), inner.decision_function(X))


@pytest.mark.parametrize(
    "unknown_y", [lambda y: y, lambda y: np.ma.masked_array(np.where(y < 0, 1, y), y < 0)]
)
def test_unknown_single_labels_are_no_class(table, unknown_y):
    X, y = table[0], table[1][:, 0].copy()
    y[::3] = -1
    model = OnCleanedLabels(LogisticRegression()).fit(X, unknown_y(y))
    expected = LogisticRegression().fit(X[y != -1], y[y != -1])
    assert model.classes_.tolist() == [0, 1]
    np.testing.assert_array_equal(model.predict(X), expected.predict(X))


@pytest.mark.parametrize("estimator", [LinearSVC(), RidgeClassifier(), LogisticRegression()])
def test_decisions_are_those_of_one_versus_rest(table, estimator):
    X, y = table
    model = OnCleanedLabels(estimator).fit(make_cleaned(X, y))
    expected = OneVsRestClassifier(estimator).fit(X, y)
    np.testing.assert_allclose(model.decision_function(X), expected.decision_function(X))
    assert cross_val_score(OnCleanedLabels(estimator), X, y, scoring="roc_auc").min() > 0.9


def test_decisions_of_chains_and_of_labels_that_never_vary(table):
    X, y = table
    chain = OnCleanedLabels(ClassifierChain(LinearSVC())).fit(make_cleaned(X, y))
    assert ((chain.decision_function(X) > 0) == (chain.predict(X) == 1)).all()
    fixed = np.column_stack([np.zeros(200, int), y, np.ones(200, int)])
    decisions = OnCleanedLabels(LinearSVC()).fit(X, fixed).decision_function(X)
    assert (decisions[:, 0] < 0).all() and (decisions[:, 3] > 0).all()
    assert not hasattr(OnCleanedLabels(KNeighborsClassifier()), "decision_function")
    assert not hasattr(OnCleanedLabels(LinearSVC()), "predict_proba")


def test_records_without_weight_are_not_learned_from(table):
    X, y = table
    y = y.copy()
    y[:20, 0] = -1
    labels, weights = y.copy(), np.ones(200)
    labels[100:], weights[100:] = 1 - np.abs(labels[100:]), 0
    weighted = OnCleanedLabels(LogisticRegression()).fit(X, labels, sample_weight=weights)
    alone = OnCleanedLabels(LogisticRegression()).fit(X[:100], y[:100])
    np.testing.assert_allclose(weighted.predict_proba(X), alone.predict_proba(X), atol=1e-3)


def test_weights_that_nobody_would_read_are_refused(table):
    X, y = table
    with pytest.raises(ValueError, match="KNeighborsClassifier does not accept sample_weight"):
        OnCleanedLabels(KNeighborsClassifier()).fit(X, y, sample_weight=np.ones(200))
    with pytest.raises(ValueError, match=r"sample_weight must hold .* each of the 200"):
        OnCleanedLabels(LogisticRegression()).fit(X, y, sample_weight=np.ones(3))


@pytest.mark.parametrize("wrapper", [MultiOutputClassifier, OneVsRestClassifier])
def test_wrappers_that_hand_on_one_label_are_told_to_leave(table, wrapper):
    X, y = table
    with pytest.raises(ValueError, match=rf"CleanedRecords.* 2\. .*{wrapper.__name__}.*leave it"):
        wrapper(OnCleanedLabels(LogisticRegression())).fit(make_cleaned(X, y), y)


def test_chains_are_told_to_go_inside(table):
    X, y = table
    with pytest.raises(TypeError, match=r"OnCleanedLabels\(ClassifierChain\(estimator\)\)"):
        ClassifierChain(OnCleanedLabels(LogisticRegression())).fit(make_cleaned(X, y), y)


def test_tables_find_their_records_and_labels(table):
    ids = [f"r{i}" for i in range(200)]
    X = pd.DataFrame(table[0], ids)
    y = pd.DataFrame(table[1], ids, ["AF", "PVC"])
    weights = pd.Series(np.arange(200.0), ids)
    expected = OnCleanedLabels(LogisticRegression()).fit(X, y, sample_weight=weights)
    order = np.random.default_rng(0).permutation(ids)
    model = OnCleanedLabels(LogisticRegression())
    model.fit(X, y.loc[order], sample_weight=weights.loc[order])
    np.testing.assert_allclose(model.predict_proba(X), expected.predict_proba(X))
    score = expected.score(X, y)
    assert model.score(X, y.loc[order, ["PVC", "AF"]]) == score
    flat = OnCleanedLabels(LogisticRegression()).fit(X, y["AF"].loc[order])
    assert flat.score(X, y["AF"].loc[order]) > 0.9
    with pytest.raises(ValueError, match="y has the labels AF, STE, but the classifier was fitted"):
        model.score(X, y.set_axis(["AF", "STE"], axis=1))


def test_records_lend_their_names_to_labels_in_an_array(table):
    records = ECGRecords(table[0][:, np.newaxis], labels=1 - table[1], label_names=["AF", "PVC"])
    features = FunctionTransformer(lambda X: np.asarray(X)[:, 0])
    model = OnCleanedLabels(LogisticRegression(), features=features).fit(records, table[1])
    assert model.label_names_.tolist() == model.classes_.tolist() == ["AF", "PVC"]


def test_features_that_were_not_measured_are_named_with_the_cure(table):
    X, labels = table
    X = pd.DataFrame(X, index=[f"r{row}" for row in range(len(X))], columns=list("abcd"))
    holed = X.copy()
    holed.iloc[[7, 9], 2] = np.nan
    said = "2 of 200 records lack features; record r7 lacks c. .*make_pipeline.SimpleImputer"
    with pytest.raises(ValueError, match=f"contains NaN, which LogisticRegression .*{said}"):
        OnCleanedLabels(LogisticRegression()).fit(holed, labels)
    whole = OnCleanedLabels(LogisticRegression()).fit(X, labels)
    for answer in (whole.predict, whole.predict_proba, whole.decision_function):
        with pytest.raises(ValueError, match=said):
            answer(holed)
    cured = OnCleanedLabels(make_pipeline(SimpleImputer(), LogisticRegression()))
    assert cured.fit(holed, labels).predict(holed).shape == labels.shape


def test_measured_features_are_named_too():
    records = make_ecg_records(24, leads=("I", "II"), sampling_rate=100, random_state=0)
    with pytest.raises(ValueError, match="record P0000-0 lacks P_duration_ms"):
        OnCleanedLabels(LogisticRegression()).fit(records)
