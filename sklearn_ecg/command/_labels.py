"""The option LABELS: labels, their sources, and who is trusted."""

import csv
from pathlib import Path

import click

from sklearn_ecg.command._parameters import names_of

#: Table of each record and label that `clean` writes and other subcommands read.
DETAILS = "details.csv"
# Columns that mean trust, or patients, if none is named.
_TRUSTED_COLUMNS = ("trusted", "reviewed")
_PATIENT_COLUMNS = ("patient", "patient_id")
_TRUSTED = ("trusted", "answered")
#: Metadata: statements of the machine, and of the reader who confirmed them.
STATEMENTS = ("machine_statements", "reader_statements")
_A_TABLE = click.Path(path_type=Path, exists=True, dir_okay=False)

_OF_TABLE = (
    click.option("--id-column", help="Column of record ids; by default the first."),
    click.option(
        "--label-columns",
        help="Columns of 1 and 0, separated by commas; by default all that no other option names.",
    ),
    click.option("--label-column", help="Column that holds names of labels, instead."),
    click.option("--separator", help='Text between the names in a cell, such as ";".'),
    click.option("--label-names", help="The wanted labels, separated by commas."),
    click.option(
        "--patient-column",
        help="Column of patients; by default patient or patient_id, else those of the files.",
    ),
)
_OF_TRUST = (
    click.option(
        "--trusted-column",
        help=f"Column of records with right labels; by default {' or '.join(_TRUSTED_COLUMNS)}.",
    ),
    click.option(
        "--trusted", type=_A_TABLE, help="A list of records with right labels, one a line."
    ),
    click.option(
        "--truth", type=_A_TABLE, help="A table of right labels, for some of the records."
    ),
    click.option(
        "--source",
        "sources",
        type=_A_TABLE,
        multiple=True,
        help="A table of labels from another reader or machine; may be repeated.",
    ),
)
#: Names of these options.
OF_LABELS = (
    "id_column",
    "label_columns",
    "label_column",
    "separator",
    "label_names",
    "patient_column",
    "trusted_column",
    "trusted",
    "truth",
    "sources",
)


def options_of_table(function):
    """Add the options of `label_by_table` to a subcommand."""
    for option in reversed(_OF_TABLE):
        function = option(function)
    return function


def options_of_labels(function):
    """Add the options of `label_records` to a subcommand."""
    for option in reversed(_OF_TRUST):
        function = option(function)
    return options_of_table(function)


def label_records(run, records, labels, *, trusted=None, truth=None, sources=(), **columns):
    """Return records with labels and trust, and the labels of several sources.

    Parameters
    ----------
    run : Run
    records : ECGRecords
    labels : Path, or None
        A table, a folder that `clean` has written, or None for statements in the files.
    trusted, truth : Path, default=None
    sources : sequence of Path, default=()
    **columns
        The other options.

    Returns
    -------
    records : ECGRecords, or CleanedRecords of a folder
    sources : dict of str to DataFrame, or None
        As for label cleaners. None if the records' labels are the only source.
    """
    import pandas as pd

    tables = {}
    if labels is None:
        records, tables = _of_statements(run, records, columns.get("label_names"))
    elif labels.is_dir():
        records = _of_cleaned(records, labels)
    else:
        records = label_by_table(run, records, labels, columns)
    if trusted is not None:
        records = records.with_labels(records.labels, trusted=_in_list(records.ids, trusted))
    run.say(f"Labels: {records!r}")
    if truth is None and not sources and not tables:
        return records, None
    # The first table gives the names of labels for all tables.
    columns["label_names"] = records.label_names.tolist()
    if columns.get("label_column") is None:
        columns["label_columns"] = columns.pop("label_names")
    columns |= {"trusted_column": None, "patient_column": None}
    tables = {"labels": records} | tables
    for path in sources:
        name, number = path.stem, 2
        while name in (*tables, "truth"):
            name, number = f"{path.stem} {number}", number + 1
        tables[name] = label_by_table(run, records, path, columns, says_trust=False)
    if truth is not None:
        tables["truth"] = label_by_table(run, records, truth, columns, says_trust=False)
    found = {name: pd.DataFrame(of.labels, of.ids, of.label_names) for name, of in tables.items()}
    return records, found


def label_by_table(run, records, path, columns, *, says_trust=True):
    """Return records with the labels of a table; `columns` as for `label_records`."""
    from sklearn_ecg.datasets import join_labels
    from sklearn_ecg.datasets._table_files import read_table
    from sklearn_ecg.records._report import Report

    columns = dict(columns)
    names = [str(name) for name in read_table(path, set(), Report()).columns]
    if columns.get("id_column") is None:
        columns["id_column"] = names[0]
        run.say(f"Rows of {path} are matched with records by the column {names[0]!r}")
    if says_trust and columns.get("trusted_column") is None:
        columns["trusted_column"] = next((n for n in names if n in _TRUSTED_COLUMNS), None)
    if says_trust and columns.get("patient_column") is None:
        columns["patient_column"] = next((n for n in names if n in _PATIENT_COLUMNS), None)
    columns["group_column"] = columns.pop("patient_column", None)
    for name in ("label_columns", "label_names"):
        columns[name] = names_of(columns.get(name))
    return join_labels(records, path, **columns)


def check_any_trusted(records, sources, what_to_do):
    """Raise if no record is trusted, so that errors cannot be learned."""
    is_said = records.trusted is not None and records.trusted.any()
    if not is_said and (sources is None or "truth" not in sources):
        raise ValueError(f"No labels are trusted, so errors cannot be learned. {what_to_do}")


def _of_cleaned(records, folder):
    import numpy as np

    from sklearn_ecg import CleanedRecords

    details = read_details(folder)
    ids, names = records.ids.astype(str), list(dict.fromkeys(details["label"]))
    if not np.isin(ids, details["id"]).any():
        raise ValueError(
            f"{folder} holds labels of {details['id'].iloc[0]} and others, but not of the "
            f"records, such as {ids[0]}. Pass the files that were cleaned."
        )
    wide = details.pivot(index="id", columns="label").reindex(ids)
    labels, weak, provenance, confidence = (
        wide[column][names].fillna(nothing).to_numpy()
        for column, nothing in (
            ("clean", -1), ("weak", -1), ("provenance", "undecided"), ("confidence", 0.5)
        )
    )  # fmt: skip
    trusted, groups = np.isin(provenance, _TRUSTED), records.groups
    if (trusted.all(axis=1) == trusted.any(axis=1)).all():
        trusted = trusted.all(axis=1)
    if "patient" in details:
        patients = details.drop_duplicates("id").set_index("id")["patient"].reindex(ids)
        # A record that was not cleaned counts as a patient of its own.
        groups = patients.where(patients.notna(), ids).to_numpy(dtype=str)
    return CleanedRecords(
        records.signals,
        records.sampling_rate,
        labels=labels.astype(np.int8),
        weak_labels=weak.astype(np.int8),
        provenance=provenance,
        confidence=confidence,
        lead_names=records.lead_names,
        ids=records.ids,
        groups=groups,
        label_names=names,
        trusted=trusted,
        metadata=records.metadata,
        report=records.report,
    )


def read_details(folder):
    """Return the table of each record and label that `clean` wrote."""
    import pandas as pd

    path = folder / DETAILS
    if not path.is_file():
        raise FileNotFoundError(
            f"{folder} is not a folder that `sklearn-ecg clean` has written: there is no {path}. "
            "Pass such a folder, or a table of labels."
        )
    text = dict.fromkeys(("id", "label", "patient", "provenance"), str)
    return pd.read_csv(path, dtype=text, keep_default_na=False)


def _in_list(ids, path):
    """Return which records a list names, by their ids or the ends of their ids."""
    import numpy as np
    import pandas as pd

    from sklearn_ecg.datasets._table_names import find_by_name
    from sklearn_ecg.utils import warn_user

    with open(path, encoding="utf-8-sig", newline="") as file:
        rows = [row[0].strip() for row in csv.reader(file) if row and row[0].strip()]
    owners, doubtful = find_by_name(pd.Index(rows, dtype=object), pd.Index(ids.astype(str)))
    unknown = [name for name, owner in zip(rows, owners, strict=True) if owner < 0]
    if len(unknown) == len(rows):
        raise ValueError(
            f"{path} names none of the records, such as {ids[0]}; its first line is "
            f"{rows[0] if rows else 'nothing'!r}. Write the id of a record, or a file name, in "
            "each line."
        )
    if unknown and unknown != rows[:1]:  # the first line may be a heading
        why = "fit several records" if unknown[-1] in doubtful else "fit no record"
        warn_user(
            f"{len(unknown)} of {len(rows)} lines of {path} {why}, such as {unknown[-1]!r}. They "
            "are ignored."
        )
    named = np.zeros(len(ids), dtype=bool)
    named[owners[owners >= 0]] = True
    return named


def _of_statements(run, records, label_names):
    """Return records with labels of machines' statements, and confirmed statements as truth."""
    from sklearn_ecg.datasets import statements_to_labels

    of_machine, of_reader = (_statements_of(records, name) for name in STATEMENTS)
    if not of_machine.map(len).any():
        raise ValueError(
            "The files hold no statements of a machine, which could be weak labels: pass a table "
            "as LABELS."
        )
    if label_names is None:
        found = [statements_to_labels(said)[0] for said in (of_machine, of_reader)]
        names = list(dict.fromkeys(name for labels in found for name in labels))
    else:
        names = names_of(label_names)
    weak, unknown = statements_to_labels(of_machine, names)
    run.say(
        f"Labels from the machine's statements: {', '.join(names)}. {len(unknown)} phrases "
        "are not understood; statements.csv lists them"
    )
    records = records.with_labels(weak)
    if not of_reader.map(len).any():
        return records, {}
    return records, {"truth": records.with_labels(statements_to_labels(of_reader, names)[0])}


def _statements_of(records, column):
    """Return the statements in a column of metadata; () where there are none."""
    import pandas as pd

    if records.metadata is not None and column in records.metadata:
        return records.metadata[column]
    return pd.Series([()] * len(records), records.ids, dtype=object)


def count_statements(records):
    """Return the statements of machines and readers, with their numbers and labels."""
    import pandas as pd

    from sklearn_ecg.datasets import statements_to_labels
    from sklearn_ecg.datasets._statements import _split

    rows = []
    for column in STATEMENTS:
        said_of = _statements_of(records, column)
        counts = said_of.map(lambda said: list(dict.fromkeys(said))).explode()
        by = column.removesuffix("_statements")
        rows += [(by, said, int(n)) for said, n in counts.value_counts().items()]
    table = pd.DataFrame(rows, columns=["by", "statement", "records"])
    labels, unknown = statements_to_labels([[said] for said in table["statement"]])
    present = [", ".join(labels.columns[row == 1]) for row in labels.to_numpy()]
    is_understood = [
        unknown.index.intersection(_split(said, 0)).empty for said in table["statement"]
    ]
    return table.assign(labels=present, is_understood=is_understood)
