"""scikit-learn's own checks of the feature extractor, with records of a single lead."""

from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_ecg import ECGFeatureExtractor


@parametrize_with_checks([ECGFeatureExtractor(sampling_rate=100)])
def test_sklearn_checks(check_passes, estimator, check):
    check_passes(estimator, check)
