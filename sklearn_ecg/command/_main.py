"""The command `sklearn-ecg`: runs a subcommand, and prints its errors in one line."""

import errno
import importlib
import os
import signal
import sys
import threading
from contextlib import contextmanager

import click

from sklearn_ecg._version import __version__
from sklearn_ecg.command._messages import warnings_in_one_line, with_options

#: Each is a function of this name, in a file of this name that is imported on demand.
SUBCOMMANDS = {
    "inspect": "Summarise a folder of ECG files.",
    "clean": "Clean the labels of ECG files.",
    "train": "Train a classifier on cleaned labels.",
    "predict": "Predict the labels of new files.",
    "evaluate": "Score labels or probabilities against the truth.",
    "review": "Let readers answer what the cleaner cannot decide.",
    "card": "Write the card of a model or of cleaned labels again.",
}
# Errors that a user can mend, with our messages. Any other error is a fault of this package.
_OF_USERS = (ValueError, OSError, ImportError, RuntimeError, TypeError)
_HINT = "SKLEARN_ECG_TRACEBACK=1 in the environment shows where it came from."


class Commands(click.Group):
    """The command ``sklearn-ecg``; its subcommands are listed by ``sklearn-ecg --help``."""

    def list_commands(self, ctx):
        return list(SUBCOMMANDS)

    def get_command(self, ctx, cmd_name):
        if cmd_name not in SUBCOMMANDS:
            return None
        return getattr(importlib.import_module(f"sklearn_ecg.command._{cmd_name}"), cmd_name)

    def format_commands(self, ctx, formatter):
        with formatter.section("Commands"):
            formatter.write_dl(list(SUBCOMMANDS.items()))

    def invoke(self, ctx):
        if not sys.stderr.isatty():
            # Without a terminal, such as in a scheduler's log, twice a minute is enough.
            os.environ.setdefault("TQDM_MININTERVAL", "30")
        try:
            with warnings_in_one_line(), _terminated_as_interrupted():
                return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("\nInterrupted. The same command goes on from here.", err=True)
            ctx.exit(130)
        except (click.ClickException, click.exceptions.Exit):
            raise
        except Exception as error:
            if ctx.params["traceback"] or getattr(error, "errno", None) == errno.EPIPE:
                raise
            text = with_options(str(error).strip())
            if not isinstance(error, _OF_USERS) or not text:
                text = f"{type(error).__name__}: {text} (unexpected). {_HINT}"
            click.echo(f"Error: {text}", err=True)
            ctx.exit(1)


@contextmanager
def _terminated_as_interrupted():
    """Handle a scheduler's signal to end like Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():  # only it may set handlers
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@click.command(
    "sklearn-ecg",
    cls=Commands,
    epilog="Exit codes: 0 success, 1 an error of the input or the machine, 2 an error of the "
    "command line or the settings, 3 some records could not be read (with --strict), 4 another "
    "run is using the folder, 130 interrupted: the same command goes on.",
)
@click.version_option(__version__, prog_name="sklearn-ecg")
@click.option(
    "--traceback",
    is_flag=True,
    envvar="SKLEARN_ECG_TRACEBACK",
    help="Show where an error came from, for developers.",
)
def main(traceback):
    """From a folder of exported ECGs to cleaned labels, a classifier and nightly predictions.

    FILES is a folder, a ZIP file, one file, or a pattern in quotes such as "exports/*.xml".
    """
