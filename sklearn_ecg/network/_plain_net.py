"""skorch's net, dressed as a plain scikit-learn estimator."""

import inspect
from contextlib import contextmanager

from sklearn.base import BaseEstimator
from skorch import NeuralNet

from sklearn_ecg.network._parameters import is_part_parameter


class PlainNet(NeuralNet):
    """A net whose parameters are those of its constructor, and those of parts that were set."""

    # skorch's constructor would set these on each object, where scikit-learn takes them for
    # parameters.
    use_caching = "auto"
    history_ = None
    initialized_ = False
    virtual_params_ = {}
    _params_to_validate = frozenset()

    # skorch reads parameters from the instance's __dict__; ours are those of the constructor.
    @classmethod
    def _get_param_names(cls):
        """Return the constructor's parameters, and those of the one that gets its ``**kwargs``."""
        names = set()
        for owner in cls.__mro__[: cls.__mro__.index(PlainNet)]:
            if "__init__" not in vars(owner):
                continue
            _, *parameters = inspect.signature(owner.__init__).parameters.values()
            handed_on = {p.name for p in parameters if p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}
            names |= {p.name for p in parameters} - handed_on
            if not handed_on:
                break
        return sorted(names)

    get_metadata_routing = BaseEstimator.get_metadata_routing
    __repr__ = BaseEstimator.__repr__

    def get_params(self, deep=True):
        """Return the constructor's parameters, and those of parts that were set."""
        parts = {name: value for name, value in vars(self).items() if is_part_parameter(name)}
        return {**BaseEstimator.get_params(self, deep=deep), **parts}

    def set_params(self, **parameters):
        """Set the constructor's parameters, and those of parts, such as ``module__channels``."""
        self._set_part_parameters({k: v for k, v in parameters.items() if is_part_parameter(k)})
        rest = {k: v for k, v in parameters.items() if not is_part_parameter(k)}
        for name in rest:
            owner, separator, parameter = name.partition("__")
            if not separator or owner not in self._get_param_names():
                continue
            value = rest.get(owner, getattr(self, owner))
            if not hasattr(value, "set_params"):
                raise ValueError(
                    f"The '{name}' parameter cannot be set, since '{owner}' is {value!r}: first "
                    f"set '{owner}' to an object that has the parameter {parameter!r}."
                )
        BaseEstimator.set_params(self, **rest)
        return self

    def _set_part_parameters(self, parameters):
        for name in parameters:
            if not is_part_parameter(name):
                raise TypeError(f"{type(self).__name__} has no parameter {name!r}.")
        vars(self).update(parameters)

    @contextmanager
    def _as_before_where_it_fails(self):
        """Take back all that the block has set, should it fail."""
        before = dict(vars(self))
        try:
            yield
        except BaseException:
            vars(self).clear()
            vars(self).update(before)
            raise
