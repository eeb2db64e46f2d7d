"""The option FILES, and the records that they hold."""

from pathlib import Path

import click

from sklearn_ecg.command._parameters import names_of

_LEADS = "Names separated by commas, in the order wanted; by default those that most files have."


def options_of_files(function):
    """Give a subcommand the options by which `open_files` opens FILES."""
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
        help="What becomes of records that lack some of them, and of which they do not follow.",
    ),
    click.option(
        "--sampling-rate",
        type=click.FloatRange(min=0, min_open=True),
        help="Hz, to which others are resampled; by default that of most files.",
    ),
    click.option(
        "--window",
        type=click.FloatRange(min=0, min_open=True),
        help="Seconds of the windows into which long recordings are cut; by default they are not.",
    ),
    click.option(
        "--waveform",
        type=click.Choice(["rhythm", "median"]),
        default="rhythm",
        show_default=True,
        help="The recording, or the median beat that the recorder made of it.",
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
        help="Hold signals of WFDB against the checksums beside them.",
    ),
    click.option(
        "--cache",
        type=click.Path(path_type=Path, file_okay=False),
        help="A folder for copies of all signals, which are read faster than XML is.",
    ),
    click.option("--jobs", type=int, help="Processes that work side by side."),
    click.option(
        "--anonymise",
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        metavar="KEYFILE",
        help="Write hashes of ids and patients, by the key of 16 characters or more in a file.",
    ),
)


def anonymised(records, key_file):
    """Return records without what tells who the patients are, if there is a file with a key."""
    if key_file is None:
        return records
    from sklearn_ecg.datasets import anonymise

    return anonymise(records, key_file.read_bytes().strip())


def open_files(run, files, options, *, verify=True):
    """Return the records of files, and say how many there are.

    Parameters
    ----------
    run : Run
    files : str or sequence of str
        As `load_ecg_files` takes them.
    options : dict
        Of `options_of_files`; others are not looked at.
    verify : bool, default=True
        Read every signal now, so that damaged ones are left out and reported.

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
