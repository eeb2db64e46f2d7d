"""scikit-learn's own checks."""

from sklearn.utils.estimator_checks import (
    check_no_attributes_set_in_init,
    parametrize_with_checks,
)

from sklearn_ecg.network import LabelCorrelationECGClassifier

ROUNDING = (
    "the check wants 1e-7, finer than single precision: convolutions sum in another order for "
    "another size of batch; test_predictions_do_not_depend_on_the_batch asserts 1e-5"
)
EXPECTED_FAILURES = {
    "check_supervised_y_2d": (
        "a two-dimensional y is always a multi-label indicator of 0, 1 and -1 here, also with one "
        "column; the check passes classes 0, 1, 2 in a column"
    ),
    "check_methods_subset_invariance": ROUNDING,
    "check_do_not_raise_errors_in_init_or_set_params": (
        "the check takes the name of **part_parameters for a parameter; a name that is none is a "
        "TypeError at once, as with any function of Python"
    ),
    "check_no_attributes_set_in_init": (
        "parameters of parts, such as network__dropout, are attributes too, as in skorch's nets; "
        "the check knows only those that the constructor names"
    ),
    "check_sample_weight_equivalence_on_dense_data": (
        "weights change the loss, not the batches, by which stochastic descent goes"
    ),
}


def _instance():
    return LabelCorrelationECGClassifier(
        max_epochs=6,
        batch_size=64,
        lr=2e-2,
        network__channels=(16,),
        network__hidden_dim=16,
        network__dropout=0.0,
        augmentation=None,
        training__ema_decay=None,
        # The checks' points of two coordinates are near to each other, for three digits.
        training__precision="float32",
    )


@parametrize_with_checks([_instance()], expected_failed_checks=lambda estimator: EXPECTED_FAILURES)
def test_scikit_learn_checks(check_passes, estimator, check):
    check_passes(estimator, check)


def test_nothing_but_parameters_is_set_by_the_constructor():
    classifier = LabelCorrelationECGClassifier()
    check_no_attributes_set_in_init(type(classifier).__name__, classifier)
