"""Options of a run in a TOML file, to repeat it."""

import difflib
import os
import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import click
import tomli_w

from sklearn_ecg._version import __version__

NAME = "settings.toml"
_ABOUT = ("sklearn_ecg", "time")
_PASSWORD = re.compile(r"(://[^/:@\s]*:)\S*@")


def read_settings(ctx, param, path):
    """Take options from a file, unless the command line names them."""
    if path is None:
        return
    settings = _read(path)
    command = ctx.info_name
    commands = ctx.parent.command.list_commands(ctx.parent)
    for key in settings:
        if key not in (*_ABOUT, *commands):
            raise click.UsageError(
                f"{path} has the unknown key {key!r}.{_meant(key, commands)} Write options in the "
                f"table of their subcommand, [{command}]."
            )
    if not isinstance(settings.get(command), dict):
        raise click.UsageError(f"{path} has no table [{command}].")
    options = {option.name: option for option in ctx.command.params if option.expose_value}
    for key, value in settings[command].items():
        if key not in options:
            raise click.UsageError(
                f"{path} has the unknown key {key!r} in [{command}].{_meant(key, options)}"
            )
        option = options[key]
        if (getattr(option, "multiple", False) or option.nargs == -1) != isinstance(value, list):
            wanted = "a single value" if isinstance(value, list) else "a list, in brackets"
            raise click.UsageError(f"{key} in [{command}] of {path} must be {wanted}.")
    version = settings.get("sklearn_ecg", __version__)
    if version != __version__:
        click.echo(
            f"Warning: {path} is of sklearn_ecg {version}, and this is {__version__}: results may "
            "differ.",
            err=True,
        )
    ctx.default_map = settings[command]


def settings_of(ctx):
    """Return the given options of a run, as values for `tomli_w`."""
    # TOML has no value for an option that was not given.
    values = {option.name: ctx.params.get(option.name) for option in ctx.command.params}
    options = {name: _plain(value) for name, value in values.items() if value not in (None, ())}
    if "files" in options:
        options["files"] = _absolute(options["files"])
    about = {"sklearn_ecg": __version__, "time": datetime.now(UTC).replace(microsecond=0)}
    return {**about, ctx.info_name: options}


def write_settings(folder, settings):
    """Write the options of a run beside its result."""
    from sklearn_ecg.utils import whole_file

    command = list(settings)[-1]
    head = f"# To repeat this run: sklearn-ecg {command} --settings {NAME}\n\n"
    with whole_file(folder / NAME) as file:
        file.write(head.encode() + tomli_w.dumps(settings).encode())


def load_settings(folder):
    """Return the options of the run that wrote a folder, by subcommand."""
    path = Path(folder) / NAME
    if not path.is_file():
        raise FileNotFoundError(
            f"There is no {path}. Name a folder that `sklearn-ecg clean` or `sklearn-ecg train` "
            "has written."
        )
    return _read(path)


def without_password(text):
    """Return a text without the passwords of URLs.

    Examples
    --------
    >>> from sklearn_ecg.command._settings import without_password
    >>> without_password("postgresql+pg8000://desk:secret@db/ecg")
    'postgresql+pg8000://desk:***@db/ecg'
    """
    return _PASSWORD.sub(r"\1***@", text)


def _read(path):
    try:
        with open(path, "rb") as file:
            return tomllib.load(file)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        hint = " Write paths of Windows in single quotes." if "\\" in str(error) else ""
        raise click.UsageError(f"{path} is not a TOML file: {error}.{hint}") from error


def _plain(value):
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, str):
        return without_password(value)
    return str(value.absolute()) if isinstance(value, Path) else value


def _absolute(files):
    """Return absolute paths or patterns; URLs do not change."""
    if isinstance(files, list):
        return [_absolute(file) for file in files]
    return files if "://" in files else os.path.abspath(files)


def _meant(key, known):
    close = difflib.get_close_matches(key, list(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else f" Known are {', '.join(known)}."
