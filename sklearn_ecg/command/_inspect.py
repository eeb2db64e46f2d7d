"""``sklearn-ecg inspect``: summarises a folder of ECG files."""

import contextlib
from pathlib import Path

import click

from sklearn_ecg.command._files import anonymised, open_files, options_of_files
from sklearn_ecg.command._labels import count_statements
from sklearn_ecg.command._messages import with_options
from sklearn_ecg.command._run import options_of_run, write_report, write_table

# Number of values shown for each property.
_MOST_VALUES = 10
_COUNTED = {
    "format": "Format",
    "stored_hz": "Stored rate, Hz",
    "stored_leads": "Stored leads",
    "device": "Device",
    "site": "Site",
    "sex": "Sex",
    "high_pass_hz": "High-pass filter, Hz",
    "low_pass_hz": "Low-pass filter, Hz",
    "notch_hz": "Notch filter, Hz",
}


def _as_pdf(ctx, param, path):
    """Check the name now; otherwise the error would come after all files were read."""
    if path is not None and (path.suffix.lower() != ".pdf" or not path.absolute().parent.is_dir()):
        raise click.BadParameter(f"{str(path)!r} must be a .pdf file in an existing folder.")
    return path


@click.command("inspect")
@click.argument("files", metavar="FILES", nargs=-1, required=True)
@click.option(
    "-o", "--out", type=click.Path(path_type=Path, file_okay=False), help="Write tables here."
)
@click.option(
    "--sheet",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=_as_pdf,
    help="A PDF file for pictures of the records, twelve on a page.",
)
@click.option(
    "--max-records",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    help="The largest number of records in --sheet; of more records so many are drawn at random.",
)
@click.option(
    "--verify/--no-verify",
    default=True,
    show_default=True,
    help="Whether to read every signal, or only the headers.",
)
@click.option("--seed", type=int, default=0, show_default=True)
@options_of_files
@options_of_run
def inspect(run, files, out, sheet, max_records, verify, seed, **options):
    """Say what is in FILES, which files cannot be read, and why.

    \b
    The folder --out then holds
      summary.csv     the printed summary
      records.csv     metadata of each record
      statements.csv  phrases of machines and readers, how often they occur, and their labels
      report.csv      files that cannot be read, and other remarks on files
      settings.toml   all options, to repeat the run

    Example: sklearn-ecg inspect exports --sheet sheet.pdf
    """
    from sklearn_ecg.records._report import NothingReadError

    try:
        records = open_files(run, files[0] if len(files) == 1 else files, options, verify=verify)
    except NothingReadError as error:
        if options["anonymise"] is None:
            _print_report(error.report)
        raise
    records = anonymised(records, options["anonymise"])
    summary, statements = summarise(records), count_statements(records)
    click.echo(f"{records!r}\n")
    _print(summary)
    _print_statements(statements)
    _print_report(records.report)
    with run.writing_into(out) if out is not None else contextlib.nullcontext():
        if sheet is not None:
            from sklearn_ecg.plotting import save_contact_sheet

            run.say(f"Drawing {sheet}")
            n_shown = save_contact_sheet(
                records, sheet, max_records=max_records, random_state=seed, verbose=run.verbose
            )
            run.conclude(f"{n_shown} drawn in {sheet}.")
        if out is not None:
            write_table(summary, out / "summary.csv")
            write_table(_told(records), out / "records.csv")
            write_table(statements, out / "statements.csv")
            write_report(records.report, out)


def summarise(records):
    """Return a table of properties of records, their values, and the number of records."""
    import numpy as np
    import pandas as pd

    metadata = _told(records)
    rows = []
    lengths = records.signals.lengths
    if lengths is not None:
        rows += _range("Duration, s", pd.Series(np.asarray(lengths) / records.sampling_rate))
    if records.groups is not None:
        rows.append(("Patients", str(len(np.unique(records.groups))), len(records)))
    if "recorded_at" in metadata:
        rows += _range("Recorded at", metadata["recorded_at"])
    if "age_years" in metadata:
        rows += _range("Age, years", metadata["age_years"])
    for column, name in _COUNTED.items():
        if column not in metadata:
            continue
        values = metadata[column]
        values = values[values.notna() & (values.astype(str) != "")]
        counts = values.value_counts()
        rows += [
            (name, f"{value:g}" if isinstance(value, float) else str(value), int(n))
            for value, n in counts.head(_MOST_VALUES).items()
        ]
        if len(counts) > _MOST_VALUES:
            n_others = len(counts) - _MOST_VALUES
            rows.append((name, f"{n_others} others", int(counts.iloc[_MOST_VALUES:].sum())))
    return pd.DataFrame(rows, columns=["property", "value", "records"])


def _told(records):
    """Return the metadata of records; an empty table if there are none."""
    import pandas as pd

    if records.metadata is None:
        return pd.DataFrame(index=pd.Index(records.ids, name="id"))
    return records.metadata.rename_axis("id")


def _range(name, values):
    values = values.dropna()
    if not len(values):
        return []
    written = "{:.4g}".format if values.dtype.kind == "f" else str
    least, middle, most = map(written, (values.min(), values.median(), values.max()))
    return [(name, f"{least} to {most}, median {middle}", len(values))]


def _print(summary):
    for name, rows in summary.groupby("property", sort=False):
        values = "; ".join(
            f"{value} ({n})" for value, n in zip(rows["value"], rows["records"], strict=True)
        )
        click.echo(f"{name + ':':24}{values}")


def _print_statements(statements):
    for by, rows in statements.groupby("by", sort=False):
        n_others = len(rows) - _MOST_VALUES
        n_unknown = (~rows["is_understood"]).sum()
        click.echo(
            f"\nStatements of the {by}, the number of records that have them, and their labels "
            f"({n_unknown} of {len(rows)} are not understood):"
        )
        for row in rows.head(_MOST_VALUES).itertuples():
            means = (row.labels or "no label") if row.is_understood else "?"
            click.echo(f"  {row.records:6}  {row.statement}: {means}")
        if n_others > 0:
            click.echo(f"  and {n_others} others")


def _print_report(report):
    from sklearn_ecg.datasets._bookkeeping import n_named
    from sklearn_ecg.records._report import lost_ecgs

    n_files = report["id"].astype(str).map(n_named)
    is_lost = report.index.isin(lost_ecgs(report).index)
    is_other = ~report["kept"] & ~is_lost
    parts = {"Cannot be read": is_lost, "No ECGs": is_other, "Remarks": report["kept"]}
    for title, is_part in parts.items():
        rows = report[is_part]
        if not len(rows):
            continue
        click.echo(f"\n{title}:")
        counts = [
            (n_files[own.index].sum(), problem, own)
            for problem, own in rows.groupby("problem", sort=False)
        ]
        ordered = sorted(counts, key=lambda of_problem: -of_problem[0])
        for n, problem, own in ordered[:_MOST_VALUES]:
            first = own.iloc[0]
            text = with_options(f"{first['file']} {problem}. {first['what_to_do']}")
            click.echo(f"  {n:6}  {text}")
        if len(ordered) > _MOST_VALUES:
            click.echo(f"  and {len(ordered) - _MOST_VALUES} other problems")
