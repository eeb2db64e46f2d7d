"""scikit-learn's own checks of the transformers of signals."""

import warnings

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_array_equal
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_ecg import ECGRecords
from sklearn_ecg.preprocessing import (
    BandpassFilter,
    BaselineFilter,
    FixedLength,
    GapFiller,
    LeadScaler,
    PowerlineFilter,
    Resampler,
)


@parametrize_with_checks(
    [
        BandpassFilter(sampling_rate=100),
        BaselineFilter(sampling_rate=100),
        PowerlineFilter(30, sampling_rate=100),
        Resampler(50, sampling_rate=100),
        FixedLength(20),
        GapFiller(),
        LeadScaler(),
    ]
)
def test_sklearn_checks(estimator, check):
    check(estimator)


FILTERS = [BandpassFilter(), BaselineFilter(), PowerlineFilter()]


@pytest.mark.parametrize(
    "transformer", [*FILTERS, Resampler(50), FixedLength(20), GapFiller(), LeadScaler()]
)
def test_signals_are_never_frames(transformer, rng):
    records = ECGRecords(rng.normal(size=(3, 2, 500)), 250)
    with sklearn.config_context(transform_output="pandas"):
        out = transformer.set_output(transform="pandas").fit_transform(records)
    assert isinstance(out, ECGRecords)
    assert transformer.get_feature_names_out(["a"]) == ["a"]


@pytest.mark.parametrize("transformer", FILTERS)
@pytest.mark.parametrize("ragged", [False, True])
def test_infinity_is_missing(transformer, ragged, rng):
    signals = rng.normal(size=(2, 2, 500))
    signals[0, 1, 100] = np.nan
    infinite = np.where(np.isnan(signals), np.inf, signals)
    if ragged:
        signals, infinite = ([s[0], s[1, :, :400]] for s in (signals, infinite))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        out = transformer.fit_transform(ECGRecords(infinite, 250))
        expected = transformer.fit_transform(ECGRecords(signals, 250))
    for one, other in zip(out.signals, expected.signals, strict=True):
        assert_array_equal(one, other)
    if not ragged:
        plain = type(transformer)(sampling_rate=250).fit_transform(infinite)
        assert_array_equal(plain, expected.signals)


@pytest.mark.parametrize(
    ("transformer", "message"),
    [
        (BandpassFilter(50, 40), "low=50 must be below high=40"),
        (BaselineFilter(()), "windows_s must be positive"),
    ],
)
def test_parameters_are_checked_in_fit(transformer, message):
    with pytest.raises(ValueError, match=message):
        transformer.fit(ECGRecords(np.zeros((1, 1, 500)), 250))


def test_a_rate_that_leaves_no_sample():
    with pytest.raises(ValueError, match=r"new_rate=0\.001 Hz leaves no sample of signals of 2 s"):
        Resampler(1e-3).fit_transform(ECGRecords(np.zeros((1, 1, 500)), 250))
