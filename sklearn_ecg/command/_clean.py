"""``sklearn-ecg clean``: cleans the weak labels of files."""

from pathlib import Path

import click

from sklearn_ecg.command._files import anonymised, open_files, options_of_files
from sklearn_ecg.command._labels import (
    DETAILS,
    OF_LABELS,
    check_any_trusted,
    count_statements,
    label_records,
    options_of_labels,
)
from sklearn_ecg.command._parameters import parameter_option, read_parameters
from sklearn_ecg.command._queue import (
    QUEUE,
    FileOrURL,
    is_queue,
    read_answers,
    trust_sample,
    write_queue,
    write_sample,
)
from sklearn_ecg.command._run import WORK, options_of_run, out_option, write_report, write_table


def options_of_cleaning(function):
    """Add the options of `clean_labels` to a subcommand."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


_OPTIONS = (
    click.option(
        "--min-confidence",
        type=click.FloatRange(0.5, 1),
        default=0.55,
        show_default=True,
        help="A label is changed, or confirmed, if its probability is at least this.",
    ),
    click.option("--seed", type=int, default=0, show_default=True),
)


@click.command("clean")
@click.argument("files", metavar="FILES")
@click.argument("labels", required=False, type=click.Path(path_type=Path, exists=True))
@out_option("The folder for the results; is made if it is missing.")
@options_of_labels
@options_of_cleaning
@click.option(
    "--answers",
    type=FileOrURL(exists=True),
    help="The review list with its column answer filled in: labels.xlsx or review.csv of a run "
    "with another --out. Or a queue (queue.sqlite or the URL of a database); without --queue its "
    "questions are brought up to date.",
)
@click.option(
    "--queue",
    type=FileOrURL(exists=False),
    help="The queue of the review desk to make, or to bring up to date: a file, or the URL of a "
    f"database of PostgreSQL. By default {QUEUE} in the folder.",
)
@click.option("--no-queue", is_flag=True, help="Write no queue.")
@click.option(
    "--sample",
    type=click.IntRange(min=1),
    help="If no labels are trusted: write a queue about all labels of this many random records, "
    "and clean nothing. Clean again with --answers when they are answered.",
)
@click.option(
    "--questions",
    type=click.IntRange(min=1),
    help="The largest number of questions in the queue, with answered ones; by default 1000, or "
    "the number that it was made with.",
)
@parameter_option("AFPLabelCleaner")
@options_of_files
@options_of_run
def clean(run, files, labels, out, parameters, no_queue, **options):
    """Clean the weak labels of FILES with the help of trusted labels.

    LABELS is a table (CSV, Excel or Parquet) with a row per record, or per record and label.
    Without it the machine's statements in the files are the weak labels, and statements that a
    reader confirmed are trusted.

    \b
    The folder --out then holds
      labels.csv      cleaned labels: 1 present, 0 absent, -1 undecided; labels.parquet
                      too, as for details.csv (needs pyarrow)
      labels.xlsx     the same with changes, reasons and the review list (needs openpyxl)
      changes.csv     changed and undecided labels, with reasons
      review.csv      labels for a person to review; the first put most labels right
      queue.sqlite    the same for the review desk, with the signals; answers in it stay
      details.csv     each record and label: weak, clean, provenance, confidence
      by_label.csv    numbers of added, removed and undecided labels
      quality.csv     doubtful signals, such as swapped leads, and what to do
      statements.csv  without LABELS: phrases of machines and readers, and their meaning
      report.csv      files that cannot be read, and other remarks on files
      card.html       facts and limits for those who use the labels; card.md too
      settings.toml   all options, to repeat the run
      work/           measurements for the next run; may be deleted
    Example: sklearn-ecg clean exports labels.csv -o cleaned
    """
    if no_queue and options["queue"] is not None:
        raise click.UsageError("--queue and --no-queue exclude each other.")
    parameters = read_parameters(parameters, "AFPLabelCleaner")
    answers = options["answers"]
    asked = answers.parent if isinstance(answers, Path) else out
    if answers is not None and asked.resolve() == out.resolve() and not is_queue(answers):
        raise click.UsageError(f"{answers} would be overwritten: name another folder by --out.")
    if not (asked / WORK).is_dir():  # that folder has the measurements
        asked = out
    with run.writing_into(out):
        records, sources = read_labelled(run, files, labels, options)
        if options["sample"] is not None and answers is None:
            write_report(records.report, out)
            write_sample(run, records, out, options)
            return
        records, sources = trust_sample(answers, records, sources)
        cleaner, cleaned = clean_labels(run, records, sources, asked / WORK, parameters, options)
        _write(run, cleaner, cleaned, records, out)
        if labels is None:
            write_table(count_statements(records), out / "statements.csv")
        if not no_queue:
            write_queue(run, cleaner, records, out, options)
    changes = cleaned.changes()
    is_open, was_unknown = changes["provenance"] == "undecided", changes["weak"] == -1
    counts = {
        "n_records": len(cleaned),
        "n_changed": int((~is_open & ~was_unknown).sum()),
        "n_filled_in": int((~is_open & was_unknown).sum()),
        "n_undecided": int(is_open.sum()),
    }
    run.conclude(
        "{n_records} records, {n_labels} labels: {n_changed} labels changed, {n_filled_in} unknown "
        "ones filled in, {n_undecided} left undecided.".format(n_labels=cleaned.n_labels, **counts)
    )
    run.log("cleaned", **counts)


def read_labelled(run, files, labels, options):
    """Return the records of FILES with LABELS, and the labels of several sources, or None."""
    records = open_files(run, files, options)
    are_cleaned = labels is not None and labels.is_dir()
    if are_cleaned:  # these are named by the hashed ids
        records = anonymised(records, options["anonymise"])
    of_labels = {name: options[name] for name in OF_LABELS}
    records, sources = label_records(run, records, labels, **of_labels)
    if not are_cleaned:
        records = anonymised(records, options["anonymise"])
    if sources is not None:  # their rows must be those of the records
        sources = {name: table.set_axis(records.ids) for name, table in sources.items()}
    return records, sources


def clean_labels(run, records, sources, work, parameters, options):
    """Return the cleaner and the cleaned records; earlier measurements are in a folder."""
    from sklearn_ecg import AFPLabelCleaner, CleanedRecords

    if isinstance(records, CleanedRecords):
        raise ValueError("LABELS are cleaned already: pass the table of the weak ones.")
    check_any_trusted(
        records,
        sources,
        "Name a column by --trusted-column, a list of records by --trusted, or a table of labels "
        "that are right by --truth. If there are none, --sample 100 lets readers answer for 100 "
        "random records at the review desk.",
    )
    cleaner = AFPLabelCleaner(
        min_confidence=options["min_confidence"],
        random_state=options["seed"],
        n_jobs=options["jobs"],
        memory=str(work),
        verbose=run.verbose,
    ).set_params(**parameters)
    cleaned = cleaner.fit_transform(records, sources)
    answers = read_answers(run, cleaner, options.get("answers"))
    if answers is not None:
        cleaner = cleaner.with_answers(answers)
        cleaned = cleaner.transform(records)
    return cleaner, cleaned


def _write(run, cleaner, cleaned, records, out):
    import pandas as pd

    from sklearn_ecg.cards import cleaning_card

    run.say("Writing labels, reasons and the card")
    ids = pd.Index(cleaned.ids.astype(str), name="id")
    changes = cleaner.changes(reasons=True)
    tables = {
        "labels.csv": pd.DataFrame(cleaned.labels, ids, cleaned.label_names),
        "changes.csv": changes,
        "review.csv": cleaner.reasons(cleaner.undecided_.assign(answer="")),
        "by_label.csv": cleaner.report(),
        "quality.csv": cleaner.extractor_.quality_report(records),
        DETAILS: _details(cleaned, ids),
    }
    for name, table in tables.items():
        write_table(table, out / name, parquet=name in ("labels.csv", DETAILS))
    write_report(records.report, out)
    try:
        cleaner.to_excel(out / "labels.xlsx")
    except ImportError as error:
        click.echo(f"No workbook: {error}", err=True)
    card = cleaning_card(cleaner, cleaned)
    for name in ("card.html", "card.md"):
        card.save(out / name)


def _details(cleaned, ids):
    """Return a row per record and label."""
    import numpy as np
    import pandas as pd

    n_labels = cleaned.n_labels
    details = {"id": np.repeat(ids, n_labels), "label": np.tile(cleaned.label_names, len(ids))}
    if cleaned.groups is not None:
        details["patient"] = np.repeat(cleaned.groups.astype(str), n_labels)
    details |= {
        "weak": cleaned.weak_labels.ravel(),
        "clean": cleaned.labels.ravel(),
        "provenance": cleaned.provenance.ravel(),
        "confidence": cleaned.confidence.ravel(),
    }
    return pd.DataFrame(details)
