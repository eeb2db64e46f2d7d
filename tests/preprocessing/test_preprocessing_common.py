"""scikit-learn's own checks of the transformers of signals."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_ecg.preprocessing import (
    BandpassFilter,
    BaselineFilter,
    FixedLength,
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
        LeadScaler(),
    ]
)
def test_sklearn_checks(estimator, check):
    check(estimator)
