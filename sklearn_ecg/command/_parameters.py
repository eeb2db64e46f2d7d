"""Names and parameters of estimators on the command line."""

import difflib
import tomllib

import click


def names_of(text):
    """Split names at commas; other values than text do not change."""
    return [name.strip() for name in text.split(",")] if isinstance(text, str) else text


def parameter_option(estimator):
    """Return the option --parameter, for an estimator's parameters without their own option."""
    return click.option(
        "-p",
        "--parameter",
        "parameters",
        multiple=True,
        metavar="NAME=VALUE",
        help=f"A parameter of {estimator}, with its value in TOML; may be repeated.",
    )


def read_parameters(texts, estimator):
    """Return parameters from texts such as ``"max_iter=3"``.

    Parameters
    ----------
    texts : sequence of str
    estimator : str
        Name of a class of `sklearn_ecg`.

    Returns
    -------
    dict
    """
    import sklearn_ecg

    parameters, known = {}, list(getattr(sklearn_ecg, estimator)().get_params())
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals or (name not in known and "__" not in name):
            close = difflib.get_close_matches(name, known, n=1)
            meant = f" Did you mean {close[0]!r}?" if close else ""
            raise click.BadParameter(
                f"{text!r} is not a parameter of {estimator} with its value, such as "
                f"random_state=0.{meant}",
                param_hint="--parameter",
            )
        try:
            parameters[name] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            parameters[name] = value  # a word
    return parameters
