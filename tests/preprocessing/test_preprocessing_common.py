"""scikit-learn's own checks of the transformers of signals."""

import warnings

import numpy as np
import pytest
import sklearn
from numpy.testing import assert_array_equal
from sklearn.base import clone
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
def test_sklearn_checks(check_passes, estimator, check):
    check_passes(estimator, check)


FILTERS = [BandpassFilter(), BaselineFilter(), PowerlineFilter()]
ALL = [*FILTERS, Resampler(50), FixedLength(20), FixedLength(600), GapFiller(), LeadScaler()]


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


@pytest.mark.parametrize("transformer", ALL)
def test_equal_values_in_any_form_give_equal_results(transformer, rng, tmp_path):
    signals = rng.normal(size=(3, 2, 500)).astype(np.float16)
    single, double = signals.astype(np.float32), signals.astype(np.float64)
    np.save(tmp_path / "signals.npy", double)
    writeable = double.copy()
    writeable.flags.writeable = False
    forms = [
        (single, [signals, single.astype(">f4"), np.asfortranarray(single), list(signals)]),
        (double, [double.astype(">f8"), np.asfortranarray(double), list(double), writeable]),
        (
            double,
            [double.transpose(2, 1, 0).copy().transpose(2, 1, 0), double.astype(np.longdouble)],
        ),
        (double, [np.repeat(double, 2, axis=-1)[..., ::2], double[..., ::-1].copy()[..., ::-1]]),
        (double, [np.load(tmp_path / "signals.npy", mmap_mode="r")]),
    ]
    for plain, others in forms:
        expected = np.asarray(transformer.fit_transform(ECGRecords(plain, 250)))
        for other in others:
            found = np.asarray(transformer.fit_transform(ECGRecords(other, 250)))
            assert_array_equal(found, expected, strict=True)


@pytest.mark.parametrize(
    ("signals", "message"),
    [
        (np.zeros((2, 3, 4, 50)), "must have shape"),
        (np.zeros(50), "1D array"),
        (np.array(1.0), "scalar"),
        (np.zeros((2, 1, 0)), "no samples"),
        (np.zeros((1, 10**5, 1)), r"more leads \(100000\) than samples"),
        (np.zeros((2, 1, 50), dtype=complex), "Complex data"),
        (np.zeros((2, 1, 50), dtype="M8[s]"), "must be numbers"),
        (np.array([np.zeros((1, 50)), np.zeros((2, 40))], dtype=object), "different lengths"),
    ],
)
@pytest.mark.parametrize("transformer", ALL)
def test_arrays_that_are_no_signals_are_refused(transformer, signals, message):
    if "sampling_rate" in transformer.get_params():
        transformer = clone(transformer).set_params(sampling_rate=250)
    with pytest.raises(ValueError, match=message):
        transformer.fit_transform(signals)


@pytest.mark.parametrize(
    ("transformer", "message"),
    [
        (PowerlineFilter(0.01), r"frequency=0.01 Hz has 12499 multiples .* 50 or 60"),
        (PowerlineFilter(1e-300), "frequency must be a positive number of Hz"),
        (PowerlineFilter(np.nan), "frequency"),
        (PowerlineFilter(np.inf), "frequency"),
        (PowerlineFilter(1.5), "bandwidth=2 Hz must be below 1.5 Hz"),
        (PowerlineFilter(bandwidth=1e12), "bandwidth"),
        (PowerlineFilter(bandwidth=1e-300), "bandwidth"),
        (PowerlineFilter(50, n_harmonics=0), "n_harmonics"),
        (BandpassFilter(125, None), "low=125 Hz must be below half the sampling rate, 125 Hz"),
        (BandpassFilter(np.inf, None), "low"),
        (BandpassFilter(1e-80, None), "low"),
        (BandpassFilter(None, np.inf), "high"),
        (BandpassFilter(None, 1e-80), "high"),
        (Resampler(1e-9), "Hz leaves no sample|times apart"),
        (Resampler(1e12), "brought to 1e[+]12 Hz: .* 10000 times the other"),
        (Resampler(np.inf), "new_rate"),
        (FixedLength(10**12), r"FixedLength\(n_times=1000000000000.*does not fit into memory"),
        (FixedLength(duration_s=1e308), "does not fit into memory"),
    ],
)
def test_parameters_are_held_against_the_sampling_rate(transformer, message, rng):
    with pytest.raises(ValueError, match=message):
        transformer.fit_transform(ECGRecords(rng.normal(size=(3, 2, 500)), 250))


@pytest.mark.parametrize("rate", [1e-9, 1e12, np.inf, np.nan, 0, "250", None])
@pytest.mark.parametrize("transformer", [*FILTERS[1:], Resampler(50)])
def test_absurd_sampling_rates_are_refused(transformer, rate, rng):
    with pytest.raises(ValueError, match=r"rate|low|frequency"):
        clone(transformer).set_params(sampling_rate=rate).fit_transform(
            rng.normal(size=(3, 2, 500))
        )
