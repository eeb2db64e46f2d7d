"""The only file that imports scikit-learn's private parameter validation."""

from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    StrOptions,
    validate_parameter_constraints,
)

__all__ = ["HasMethods", "Interval", "StrOptions", "check_params"]


def check_params(estimator):
    """Check an estimator's parameters against its ``_parameter_constraints``.

    Each ``fit`` calls it explicitly, because skorch overrides the hook by which scikit-learn
    checks parameters.

    Raises
    ------
    sklearn.utils._param_validation.InvalidParameterError
        A ``ValueError`` that names the parameter, the allowed values and the value found.
    """
    validate_parameter_constraints(
        estimator._parameter_constraints,
        estimator.get_params(deep=False),
        caller_name=type(estimator).__name__,
    )
