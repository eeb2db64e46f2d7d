import inspect
import threading

import numpy as np
import pytest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline

from sklearn_ecg import (
    AFPLabelCleaner,
    ECGFeatureExtractor,
    ECGRecords,
    LabelCorrelationECGClassifier,
    OnCleanedLabels,
    TrustedKFold,
)
from sklearn_ecg.cleaning import CrossValidationLabelCleaner, DensityLabelCleaner
from sklearn_ecg.datasets import make_ecg_records
from sklearn_ecg.metrics import bootstrap_interval, challenge_fbeta_score, multilabel_report
from sklearn_ecg.mixture import DirichletProcessGaussianMixture
from sklearn_ecg.records import LazySignals
from sklearn_ecg.utils import warn_user


def test_a_caller_from_elsewhere_is_told_itself():
    with pytest.warns(RuntimeWarning, match="mind") as caught:
        line = inspect.currentframe().f_lineno + 1
        warn_user("mind", RuntimeWarning)
    assert (caught[0].filename, caught[0].lineno) == (__file__, line)


def fit(cleaner, X, y, trusted):
    cleaner.fit(X, y, trusted=trusted)


def fit_transform(cleaner, X, y, trusted):
    cleaner.fit_transform(X, y, trusted=trusted)


def fit_in_a_pipeline(cleaner, X, y, trusted):
    pipe = make_pipeline(cleaner, OnCleanedLabels(LogisticRegression()))
    pipe.fit(X, y, **{f"{pipe.steps[0][0]}__trusted": trusted})


@pytest.mark.parametrize("call", [fit, fit_transform, fit_in_a_pipeline])
@pytest.mark.parametrize(
    "cleaner",
    [
        AFPLabelCleaner(max_iter=1, mixture=DirichletProcessGaussianMixture(n_components=1)),
        CrossValidationLabelCleaner(classifiers=[LogisticRegression()], cv=2),
        DensityLabelCleaner(),
    ],
    ids=lambda cleaner: type(cleaner).__name__,
)
def test_warnings_point_at_the_users_line_however_deep_the_call(rng, call, cleaner):
    y = rng.integers(0, 2, (60, 2))
    y[:, 1] = np.arange(60) == 0
    X = y[:, :1] + rng.normal(0, 0.3, (60, 3))
    with pytest.warns(UserWarning, match="Too few examples of labels 1") as caught:
        call(cleaner, X, y, np.arange(60) < 30)
    few = next(warning for warning in caught if "Too few" in str(warning.message))
    source, first = inspect.getsourcelines(call)
    assert few.filename == __file__
    assert first + len(source) - 1 == few.lineno


Y = np.arange(12).reshape(6, 2) % 3 % 2
X = np.random.default_rng(0).normal(size=(60, 3))
RECORDS = make_ecg_records(6, leads=["I", "II", "V1"], duration_s=5, random_state=0)
RATE = RECORDS.sampling_rate


def read_all_but_one(row):
    if row == 1:
        raise OSError("disk is gone")
    return RECORDS.signals[row]


UNREAD = ECGRecords(
    LazySignals(read_all_but_one, RECORDS.shape), RATE, lead_names=RECORDS.lead_names
)
UNKNOWN_LEADS = ECGRecords(RECORDS.signals, RATE, lead_names=["I", "II", "X9"])
SWAPPED = ECGRecords(1000 * np.asarray(RECORDS.signals), RATE, lead_names=RECORDS.lead_names)
measured = make_pipeline(ECGFeatureExtractor(), SimpleImputer(keep_empty_features=True))
grid = {"estimator__C": [1.0]}
searched = GridSearchCV(OnCleanedLabels(LogisticRegression()), grid, cv=TrustedKFold(2))
gibbs = DirichletProcessGaussianMixture(30, inference="gibbs", max_iter=1, random_state=0)
net = LabelCorrelationECGClassifier(features=None, max_epochs=1, random_state=0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: multilabel_report(np.zeros((6, 2), int), y_pred=Y), "absent, or present, in all"),
        (lambda: challenge_fbeta_score(np.zeros((6, 2), int), 0 * Y), "neither present nor"),
        (lambda: bootstrap_interval(f1_of_both, *Y.T, n_resamples=99), "resamples have no score"),
        (lambda: measured.fit(UNREAD), "cannot be measured, and are NaN"),
        (lambda: measured.fit(UNKNOWN_LEADS), "cannot be measured"),
        (lambda: measured.fit(SWAPPED), "in doubt"),
        (lambda: searched.fit(X, X > 0), "No records are marked as trusted"),
        (
            lambda: cross_val_score(searched.estimator, X, X > 0, cv=TrustedKFold(2)),
            "No records are marked",
        ),
        (lambda: AFPLabelCleaner().fit_transform(X, X > 0), "No records are marked as trusted"),
        (lambda: gibbs.fit_predict(X), "Assignments still changed"),
        (lambda: net.fit(UNREAD, RECORDS.labels), "1 of 6 records"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_warnings_of_public_calls_point_at_the_call(call, message):
    with pytest.warns(UserWarning, match=message) as caught:
        call()
    found = next(warning for warning in caught if message in str(warning.message))
    assert (found.filename, found.lineno) == (__file__, call.__code__.co_firstlineno)


def f1_of_both(y_true, y_pred):
    return f1_score(y_true, y_pred, zero_division=np.nan) if y_true.any() else np.nan


def test_a_thread_that_no_line_of_the_user_has_called_is_told_the_place_in_the_package():
    with pytest.warns(UserWarning, match="mind") as caught:
        thread = threading.Thread(target=warn_user, args=("mind",))
        thread.start()
        thread.join()
    assert caught[0].filename == threading.__file__
