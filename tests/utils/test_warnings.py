import inspect

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from sklearn_ecg import AFPLabelCleaner, OnCleanedLabels
from sklearn_ecg.cleaning import CrossValidationLabelCleaner, DensityLabelCleaner
from sklearn_ecg.mixture import DirichletProcessGaussianMixture
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
