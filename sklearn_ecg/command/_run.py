"""One run of a subcommand: settings, log, and progress on standard error."""

import functools
import importlib.util
from contextlib import contextmanager
from pathlib import Path

import click

from sklearn_ecg.command._lock import locked
from sklearn_ecg.command._messages import Log, with_options
from sklearn_ecg.command._settings import read_settings, settings_of, write_settings

_FILE = click.Path(path_type=Path, dir_okay=False)
#: Subfolder of a result for the state of an interrupted run.
WORK = "work"


class Run:
    """One run of a subcommand.

    Parameters
    ----------
    settings : dict
        From `settings_of`.
    quiet : bool
    log : Log

    Attributes
    ----------
    verbose : int
        For the estimators' parameter of the same name.
    """

    def __init__(self, settings, quiet, log):
        self.settings = settings
        self.verbose = 0 if quiet else 1
        self.log = log

    def say(self, stage):
        """Announce a stage, on standard error and in the log."""
        from sklearn_ecg.utils import announce

        announce(stage, self.verbose)
        self.log("stage", stage=stage)

    def conclude(self, text):
        """Print a result on standard output, unless the run is quiet."""
        if self.verbose:
            click.echo(text)

    @contextmanager
    def writing_into(self, folder):
        """Lock a folder for this run, and write the settings beside its result."""
        with locked(folder):
            yield folder
            write_settings(folder, self.settings)
        self.conclude(f"Written to {folder}.")
        self.log("written", folder=str(folder))


def options_of_run(function):
    """Add the options that all subcommands have; a `Run` takes their place in the call."""

    @click.option(
        "--settings",
        type=click.Path(path_type=Path, dir_okay=False, exists=True),
        is_eager=True,
        expose_value=False,
        callback=read_settings,
        help="A TOML file of options, such as settings.toml beside a result. Options on the "
        "command line come first.",
    )
    @click.option("--log", type=_FILE, help="Append JSON lines of all events to this file.")
    @click.option("--quiet", is_flag=True, help="Show no progress, and no names of written files.")
    @click.pass_context
    @functools.wraps(function)
    def run_it(ctx, quiet, log, **options):
        run = Run(settings_of(ctx), quiet, Log(log))
        with run.log.of_run(settings=run.settings):
            function(run, **options)

    return run_it


def out_option(help):
    """Return the required option --out."""
    return click.option(
        "-o", "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help=help
    )


def write_report(report, folder):
    """Write a loader's report, with names of options in its advice."""
    advice = report["what_to_do"].map(with_options)
    write_table(report.assign(what_to_do=advice), folder / "report.csv")


def write_table(table, path, *, parquet=False):
    """Write a table as CSV, and if asked also as Parquet where pyarrow is installed.

    Parameters
    ----------
    table : DataFrame
        Its index is written if it has a name; ids are written as text.
    path : Path
        The CSV file.
    parquet : bool, default=False
    """
    from sklearn_ecg.utils import whole_file

    if table.index.name is not None:
        table = table.reset_index()
    if "id" in table:
        table = table.assign(id=table["id"].astype(str))
    with whole_file(path) as file:
        table.to_csv(file, index=False)
    if not parquet or importlib.util.find_spec("pyarrow") is None:
        return
    with whole_file(path.with_suffix(".parquet")) as file:
        table.to_parquet(file, index=False)
