"""The option FILES, and the records that they hold."""

from pathlib import Path

import click

from sklearn_ecg.command._parameters import names_of

_LEADS = "Names separated by commas, in the wanted order; by default those of most files."


def options_of_files(function):
    """Add the options of `open_files` to a subcommand."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


_OPTIONS = (
    click.option("--leads", help=_LEADS),
    click.option(
        "--missing-leads",
        type=click.Choice(["nan", "leave out"]),
        default="nan",
        show_default=True,
        help="What to do with records that lack some leads which cannot be computed from others.",
    ),
    click.option(
        "--sampling-rate",
        type=click.FloatRange(min=0, min_open=True),
        help="Hz. Other records are resampled to it; by default the rate of most files.",
    ),
    click.option(
        "--window",
        type=click.FloatRange(min=0, min_open=True),
        help="Cut long recordings into windows of so many seconds; by default they are not cut.",
    ),
    click.option(
        "--waveform",
        type=click.Choice(["rhythm", "median"]),
        default="rhythm",
        show_default=True,
        help="The recording, or the recorder's median beat.",
    ),
    click.option(
        "--csv-rate", type=click.FloatRange(min=0, min_open=True), help="Hz of CSV files."
    ),
    click.option("--csv-units", type=click.Choice(["mV", "uV", "V"]), help="Of CSV files."),
    click.option("--csv-leads", help="Of the columns of CSV files, separated by commas."),
    click.option(
        "--checksums/--no-checksums",
        default=True,
        show_default=True,
        help="Compare signals of WFDB with the checksums beside them.",
    ),
    click.option(
        "--cache",
        type=click.Path(path_type=Path, file_okay=False),
        help="A folder for copies of all signals, which are read faster than XML.",
    ),
    click.option("--jobs", type=int, help="Number of parallel processes."),
    click.option(
        "--anonymise",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        metavar="KEYFILE",
        help="Replace ids and patients by hashes; the key is in this file, 16 characters or more.",
    ),
)


def anonymised(records, key_file):
    """Return records without identifying data, if there is a file with a key."""
    if key_file is None:
        return records
    from sklearn_ecg.datasets import anonymise

    return anonymise(records, key_file.read_bytes().strip())


def open_files(run, files, options, *, verify=True):
    """Return the records of files, and report how many there are.

    Parameters
    ----------
    run : Run
    files : str or sequence of str
        As for `load_ecg_files`.
    options : dict
        Those of `options_of_files`; others are ignored.
    verify : bool, default=True
        Read every signal now; damaged ones are left out and reported.

    Returns
    -------
    ECGRecords
    """
    from sklearn_ecg.datasets import load_ecg_files
    from sklearn_ecg.records._report import lost_ecgs

    run.say(f"Opening {files if isinstance(files, str) else f'{len(files)} files'}")
    of_csv = {
        "sampling_rate": options["csv_rate"],
        "units": options["csv_units"],
        "lead_names": names_of(options["csv_leads"]),
    }
    of_csv = {name: value for name, value in of_csv.items() if value is not None}
    records = load_ecg_files(
        files if isinstance(files, str) else list(files),
        names_of(options["leads"]),
        options["sampling_rate"],
        options["cache"],
        window=options["window"],
        waveform=options["waveform"],
        missing_leads=options["missing_leads"],
        checksums=options["checksums"],
        csv=of_csv or None,
        verify=verify,
        verbose=run.verbose,
        n_jobs=options["jobs"],
    )
    n_unreadable = len(lost_ecgs(records.report))
    run.say(f"Opened {len(records)} records; {n_unreadable} files or records cannot be read")
    run.log("opened", n_records=len(records), n_unreadable=n_unreadable)
    return records
