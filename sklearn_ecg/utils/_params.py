"""The one place that touches scikit-learn's private parameter validation."""

from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    StrOptions,
    validate_parameter_constraints,
)

__all__ = ["HasMethods", "Interval", "StrOptions", "check_params"]


def check_params(estimator):
    """Check an estimator's parameters against its ``_parameter_constraints``.

    scikit-learn does this by itself for its own ``BaseEstimator``, but a skorch net overrides
    the hook; one explicit call at the top of ``fit`` is the same for every estimator.

    Raises
    ------
    sklearn.utils._param_validation.InvalidParameterError
        A ``ValueError`` that names the parameter, what it may be and what it was.
    """
    validate_parameter_constraints(
        estimator._parameter_constraints,
        estimator.get_params(deep=False),
        caller_name=type(estimator).__name__,
    )
