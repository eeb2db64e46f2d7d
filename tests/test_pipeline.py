"""Cleaner and classifier in a standard Pipeline: fit, score, search, clone, pickle."""

import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import clone
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ecg import (
    AFPLabelCleaner,
    ECGFeatureExtractor,
    LabelCorrelationECGClassifier,
    OnCleanedLabels,
    TrustedKFold,
)
from sklearn_ecg.datasets import corrupt_labels, make_ecg_records
from sklearn_ecg.metrics import label_cleaning_report


@pytest.fixture(scope="module")
def truth():
    """Simulated records of many patients with true labels; few leads and labels, to be quick."""
    return make_ecg_records(
        160,
        labels=("Normal", "AF", "RBBB", "PVC"),
        leads=("II", "V1", "V6"),
        sampling_rate=100,
        random_state=0,
    )


@pytest.fixture(scope="module")
def weak(truth):
    """The same, 60 % of them weak with a fifth of the labels swapped."""
    trusted = np.arange(len(truth)) % 5 < 2
    noisy = corrupt_labels(truth.labels, 0.2, random_state=0)
    return truth.with_labels(np.where(trusted[:, None], truth.labels, noisy), trusted=trusted)


@pytest.fixture(scope="module")
def table(weak):
    """The records' features, as people who have their own measurements hold them."""
    return ECGFeatureExtractor().set_output(transform="pandas").fit_transform(weak)


def make_cleaner(**parameters):
    return AFPLabelCleaner(random_state=0, **parameters)


@pytest.fixture(scope="module")
def memory(tmp_path_factory):
    """A folder of what was measured and cleaned, so that one test does it for all."""
    return str(tmp_path_factory.mktemp("memory"))


def make_classifier(**parameters):
    defaults = {"features": None, "max_epochs": 2, "random_state": 0}
    smaller = {"network__channels": (8, 16), "network__hidden_dim": 16}
    return LabelCorrelationECGClassifier(**{**defaults, **smaller, **parameters})


def make_linear():
    imputer = SimpleImputer(keep_empty_features=True)
    return OnCleanedLabels(make_pipeline(imputer, StandardScaler(), LogisticRegression()))


def test_records_go_in_and_probabilities_come_out(weak, memory):
    pipeline = make_pipeline(make_cleaner(memory=memory), make_classifier())
    pipeline.fit(weak, weak.labels)
    probabilities = pipeline.predict_proba(weak[:7])
    assert probabilities.shape == (7, weak.n_labels)
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    assert set(np.unique(pipeline.predict(weak[:7]))) <= {0, 1}
    assert list(pipeline.classes_) == list(weak.label_names)
    assert 0 <= pipeline.score(weak[:7], weak.labels[:7]) <= 1


def test_the_classifier_takes_over_what_the_cleaner_has_measured(weak, monkeypatch, few_trees):
    measured = []
    transform = ECGFeatureExtractor.transform
    monkeypatch.setattr(
        ECGFeatureExtractor,
        "transform",
        lambda self, X: measured.append(len(X)) or transform(self, X),
    )
    pipeline = make_pipeline(make_cleaner(), make_classifier(features="auto", max_epochs=1))
    pipeline.fit(weak, weak.labels)
    assert sum(measured) == len(weak)
    assert pipeline[-1].answers_ is not None
    assert np.isfinite(pipeline.predict_proba(weak[:7])).all()


def test_plain_arrays_do_as_well_as_records(truth, weak):
    extractor = ECGFeatureExtractor(sampling_rate=weak.sampling_rate)
    pipeline = make_pipeline(make_cleaner(features=extractor), make_classifier())
    pipeline.fit(
        weak.signals,
        weak.labels,
        afplabelcleaner__trusted=weak.trusted,
        afplabelcleaner__groups=weak.groups,
    )
    assert pipeline.predict_proba(weak.signals[:5]).shape == (5, weak.n_labels)
    report = label_cleaning_report(truth.labels, weak.labels, pipeline[0].labels_)
    assert report.loc["weighted avg", "made"] < report.loc["weighted avg", "found"]


def test_the_classifier_learns_the_cleaned_labels(weak, memory):
    """The network trained after the cleaner is the one trained on the cleaner's labels."""
    cleaner = make_cleaner(undecided="weak", memory=memory)
    pipeline = make_pipeline(cleaner, make_classifier()).fit(weak)
    cleaned = pipeline[0].labels_
    alone = make_classifier().fit(weak, cleaned)
    np.testing.assert_allclose(pipeline.predict_proba(weak[:9]), alone.predict_proba(weak[:9]))
    on_weak = make_classifier().fit(weak, weak.labels)
    assert not np.allclose(alone.predict_proba(weak[:9]), on_weak.predict_proba(weak[:9]))


def test_grid_search_over_cleaning_thresholds_on_records(weak, memory):
    search = GridSearchCV(
        make_pipeline(make_cleaner(memory=memory), make_classifier()),
        {"afplabelcleaner__min_confidence": [0.55, 0.8]},
        cv=TrustedKFold(2),
        scoring="f1_macro",
        error_score="raise",
    )
    search.fit(weak, weak.labels)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_estimator_.predict(weak[:3]).shape == (3, weak.n_labels)


@pytest.mark.parametrize("as_frame", [True, False])
def test_grid_search_on_plain_arrays(weak, table, memory, as_frame):
    X, y = table, pd.DataFrame(weak.labels, columns=weak.label_names)
    if not as_frame:
        X, y = X.to_numpy(), y.to_numpy()
    search = GridSearchCV(
        make_pipeline(make_cleaner(memory=memory), make_linear()),
        {"afplabelcleaner__min_confidence": [0.55, 0.8]},
        cv=TrustedKFold(2, trusted=weak.trusted, groups=weak.groups),
        scoring="f1_macro",
        error_score="raise",
    )
    search.fit(X, y, afplabelcleaner__trusted=weak.trusted)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_metadata_routing_takes_trusted_and_groups_to_cleaner_and_splitter(weak, table, memory):
    with sklearn.config_context(enable_metadata_routing=True):
        cleaner = make_cleaner(memory=memory).set_fit_request(trusted=True, groups=True)
        search = GridSearchCV(
            make_pipeline(cleaner, make_linear()),
            {"afplabelcleaner__min_confidence": [0.55, 0.8]},
            cv=TrustedKFold(2),
            scoring="f1_macro",
            error_score="raise",
        )
        search.fit(table, weak.labels, trusted=weak.trusted, groups=weak.groups)
    provenance = search.best_estimator_[0].provenance_
    np.testing.assert_array_equal((provenance == "trusted").all(axis=1), weak.trusted)


def test_cross_validation_scores_trusted_records_alone(weak, table, memory):
    scores = cross_val_score(
        make_pipeline(make_cleaner(memory=memory), make_linear()),
        table,
        weak.labels,
        params={"afplabelcleaner__trusted": weak.trusted},
        cv=TrustedKFold(3, trusted=weak.trusted, groups=weak.groups),
        scoring="roc_auc",
    )
    assert len(scores) == 3 and np.isfinite(scores).all()


def test_clone_forgets_what_was_learned_and_keeps_parameters(weak, memory):
    cleaner = make_cleaner(min_confidence=0.7, memory=memory)
    pipeline = make_pipeline(cleaner, make_classifier())
    twin = clone(pipeline)
    pipeline.fit(weak)
    assert clone(pipeline)[0].get_params()["min_confidence"] == 0.7
    assert not hasattr(clone(pipeline)[0], "labels_")
    # Nothing learned was written into the parameters.
    assert str(clone(pipeline)) == str(twin)


def test_a_fitted_pipeline_survives_pickle_and_joblib(weak, memory, tmp_path):
    pipeline = make_pipeline(make_cleaner(memory=memory), make_classifier()).fit(weak)
    expected = pipeline.predict_proba(weak[:4])
    joblib.dump(pipeline, tmp_path / "pipeline.joblib")
    for twin in (
        pickle.loads(pickle.dumps(pipeline)),
        joblib.load(tmp_path / "pipeline.joblib"),
    ):
        np.testing.assert_array_equal(twin.predict_proba(weak[:4]), expected)
        pd.testing.assert_frame_equal(twin[0].report(), pipeline[0].report())


def test_a_fitted_cleaner_survives_skops(weak, table, memory):
    io = pytest.importorskip("skops.io", reason="skops is an extra ([test])")
    pipeline = make_pipeline(make_cleaner(memory=memory), make_linear())
    X = table
    pipeline.fit(X, weak.labels, afplabelcleaner__trusted=weak.trusted)
    stored = io.dumps(pipeline)
    twin = io.loads(stored, trusted=io.get_untrusted_types(data=stored))
    np.testing.assert_array_equal(twin.predict(X), pipeline.predict(X))


def test_an_estimator_that_does_not_know_cleaned_records_is_told_the_cure(weak, table, memory):
    pipeline = make_pipeline(make_cleaner(memory=memory), LogisticRegression())
    with pytest.raises(TypeError, match=r"OnCleanedLabels\(estimator\)"):
        pipeline.fit(table, weak.labels, afplabelcleaner__trusted=weak.trusted)


def test_fit_on_trusted_records_alone_then_clean_others(truth, weak, memory):
    cleaner = make_cleaner(memory=memory).fit(weak[weak.trusted])
    doubtful = weak[~weak.trusted]
    cleaned = cleaner.clean(doubtful, doubtful.labels)
    report = label_cleaning_report(truth.labels[~weak.trusted], doubtful.labels, cleaned)
    assert report.loc["weighted avg", "clean_f1"] > report.loc["weighted avg", "weak_f1"]


def test_signals_of_unknown_rate_are_refused_with_the_cure(weak):
    with pytest.raises(ValueError, match="sampling_rate"):
        make_cleaner().fit(weak.signals, weak.labels, trusted=weak.trusted)
