"""PTB-XL, with the tasks of its benchmark."""

import json
import os

import numpy as np
import pandas as pd

from sklearn_ecg.datasets._bookkeeping import (
    find_folder,
    find_table,
    forget_labels,
    read_csv,
    report_absent,
    report_unknown_codes,
    require_columns,
    unique_rows,
)
from sklearn_ecg.datasets._collection import Layout, open_collection
from sklearn_ecg.datasets._files import find_files
from sklearn_ecg.datasets._metadata import check_patients
from sklearn_ecg.datasets._table_metadata import table_metadata
from sklearn_ecg.datasets._vocabulary import codes_to_labels, load_vocabulary
from sklearn_ecg.records import ECGRecords
from sklearn_ecg.records._report import Report
from sklearn_ecg.utils import LEADS_12

# Task: (the column of the vocabulary that names its labels, the kind of its statements).
_TASKS = {
    "superdiagnostic": ("superclass", "diagnostic"),
    "subdiagnostic": ("subclass", "diagnostic"),
    "diagnostic": ("code", "diagnostic"),
    "form": ("code", "form"),
    "rhythm": ("code", "rhythm"),
    "all": ("code", None),
}
_FILE_COLUMNS = {100: "filename_lr", 500: "filename_hr"}
# Columns of the table besides the labels, by their names in the metadata.
_METADATA = {
    "patient_id": "patient_id",
    "age": "age_years",
    "sex": "sex",
    "recording_date": "recorded_at",
    "device": "device",
    "site": "site",
}
_SEXES = {0: "male", 1: "female"}
# The table's value for any age above 89, and the age used instead.
_OLD, _OLDEST = 300, 90
_DURATION_S = 10
_DATASET = "PTB-XL (ptbxl_database.csv beside records100/ or records500/)"


def load_ptbxl(
    path, sampling_rate=100, task="superdiagnostic", *, min_likelihood=0.0, cache_dir=None
) -> ECGRecords:
    """Load PTB-XL, or a part of it.

    At first only the table and the folders' contents are read; signals are read on demand.

    Parameters
    ----------
    path : path-like
        Folder that holds ``ptbxl_database.csv`` and ``records100/`` or ``records500/``.
    sampling_rate : {100, 500}, default=100
        Hz.
    task : {"superdiagnostic", "subdiagnostic", "diagnostic", "form", "rhythm", "all"}, \
            default="superdiagnostic"
        Labels as in PTB-XL's benchmark: for diagnoses 5 superclasses (CD, HYP, MI, NORM, STTC), 23
        subclasses or 44 statements; 19 statements for form, 12 for rhythm, or all 71.
    min_likelihood : float, default=0.0
        Least likelihood in percent of a diagnostic statement that counts. PTB-XL writes 0 if the
        cardiologist gave none, so the default counts every statement, as the benchmark does.
        Statements only about form or rhythm have no likelihood and always count.
    cache_dir : path-like, default=None
        Folder for copies of the signals, from which epochs are read at the disk's speed. Only new
        and changed records are copied.

    Returns
    -------
    ECGRecords
        12 leads of 10 s. `ids` are ``ecg_id``, `groups` the patients, `split` the folds 1 to 10
        (`strat_fold`: 9 to validate, 10 to test). `label_names` are all labels of the task in
        alphabetical order, also those without a positive. Records without any label of the task are
        kept with a row of zeros. The benchmark drops them: ``records[records.labels.any(axis=1)]``.
        `report` names records of the table without files. `metadata` are patient, age (90 for all
        above 89), sex, time, device, site, and the text of the report: of the machine if it was
        generated, else of the reader.

    Raises
    ------
    FileNotFoundError
        If the folder or the table is missing.
    ValueError
        If no record is found, or the table is not PTB-XL's.

    See Also
    --------
    load_vocabulary : Names of the statements in English and Chinese.

    Notes
    -----
    ``scp_statements.csv`` is not read: `load_vocabulary` holds its statements.

    References
    ----------
    Wagner P, Strodthoff N, Bousseljot R-D, Samek W, Schaeffter T. PTB-XL, a large publicly
    available electrocardiography dataset. Sci Data 7:154 (2020).
    https://doi.org/10.13026/kfzx-aw45

    Strodthoff N, Wagner P, Schaeffter T, Samek W. Deep learning for ECG analysis: benchmarks and
    insights from PTB-XL. IEEE J Biomed Health Inform 25(5):1519-1528 (2021).

    Examples
    --------
    >>> from sklearn_ecg.datasets import load_ptbxl
    >>> records = load_ptbxl("ptb-xl", task="rhythm")  # doctest: +SKIP
    >>> train, test = records[records.split <= 8], records[records.split == 10]  # doctest: +SKIP
    """
    _check_options(sampling_rate, task, min_likelihood)
    folder = find_folder(path, dataset=_DATASET)
    table_file = find_table(folder, "ptbxl_database.csv", dataset=_DATASET)
    file_column = _FILE_COLUMNS[sampling_rate]
    # As text: numbers beside a gap become floats, which lose digits of ids.
    table = read_csv(table_file, dtype={"ecg_id": str, "patient_id": str})
    require_columns(
        table, ["ecg_id", "patient_id", "scp_codes", "strat_fold", file_column], table_file
    )
    report = Report()
    table = _with_ids(table, table_file, report)
    table, contradicting = unique_rows(table, "ecg_id", report, table_file)
    table = _with_patients(table, table_file, report)
    files = table[file_column].astype(str)
    there = _is_there(folder, files, report)
    if not there.any():
        raise _nothing_there(folder, files, sampling_rate)
    if not there.all():
        report_absent(report, table["ecg_id"][~there].tolist(), files[~there], folder)
    table = table[there]
    collection = open_collection(
        [f"{folder}{os.sep}{file}" for file in files[there]],
        ids=table["ecg_id"].to_numpy(),
        layout=Layout(sampling_rate, _DURATION_S * sampling_rate, LEADS_12),
        cache_dir=cache_dir,
        report=report,
    )
    table = table.iloc[collection.kept]
    statements, is_unreadable = _statements(table, table_file, report)
    report_unknown_codes(report, statements, table["ecg_id"], "scp", table_file)
    labels = _labels(statements, task, min_likelihood)
    is_unknown = is_unreadable | table["ecg_id"].isin(contradicting).to_numpy()
    table = table.assign(patient_id=_as_numbers(table["patient_id"]))
    told = table.mask(table["ecg_id"].isin(contradicting))
    metadata = _metadata(told, collection.ids, report, table_file)
    check_patients(metadata, report, [table_file] * len(table))
    return collection.to_records(
        labels=forget_labels(labels, is_unknown),
        label_names=labels.columns,
        metadata=metadata,
        groups=table["patient_id"].to_numpy(),
        split=table["strat_fold"].to_numpy(),
    )


def _check_options(sampling_rate, task, min_likelihood):
    if sampling_rate not in _FILE_COLUMNS:
        raise ValueError(
            f"sampling_rate must be 100 or 500 (Hz), the rates of PTB-XL; got {sampling_rate!r}. "
            "For other rates resample with sklearn_ecg.preprocessing.Resampler."
        )
    if task not in _TASKS:
        raise ValueError(f"task must be one of {list(_TASKS)}; got {task!r}.")
    if not 0 <= min_likelihood <= 100:
        raise ValueError(
            f"min_likelihood must be a percentage from 0 to 100; got {min_likelihood!r}."
        )


def _with_ids(table, file, report):
    """Leave out rows without an id."""
    nameless = table["ecg_id"].isna()
    for row in np.flatnonzero(nameless):
        report.add(f"row {row + 1}", file, "gives no ecg_id", "Download the table again.")
    table = table[~nameless]
    return table.assign(ecg_id=_as_numbers(table["ecg_id"]))


def _as_numbers(names):
    """Return names as whole numbers, as in PTB-XL, if all are; 7.0 is one."""
    digits = names.str.strip().str.replace(r"\.0*$", "", regex=True)
    return digits.astype(np.int64) if digits.str.fullmatch(r"\d{1,18}").all() else names


def _with_patients(table, file, report):
    """Leave out records without a patient or a fold."""
    is_complete = table[["patient_id", "strat_fold"]].notna().all(axis=1)
    for id in table["ecg_id"][~is_complete]:
        report.add(id, file, "gives no patient_id or strat_fold", "Download the table again.")
    return table[is_complete]


def _is_there(folder, files, report):
    """Return which records have a header, by listing each folder once."""
    listed = {}
    there = np.empty(len(files), dtype=bool)
    for i, file in enumerate(files):
        inner, _, name = file.rpartition("/")
        if inner not in listed:
            place = folder / inner
            # A missing folder was not downloaded; one that cannot be read is an error.
            names = find_files(place, "", report, deep=False) if os.path.lexists(place) else []
            listed[inner] = set(map(os.path.basename, names))
        there[i] = f"{name}.hea" in listed[inner] or f"{name}.dat" in listed[inner]
    return there


def _nothing_there(folder, files, sampling_rate):
    first = files.iloc[0] if len(files) else ""
    other = 600 - sampling_rate
    hint = ""
    if (folder / f"records{other}").is_dir():
        hint = f" There is records{other}/: did you mean sampling_rate={other}?"
    return FileNotFoundError(
        f"None of the {len(files)} records at {sampling_rate} Hz in ptbxl_database.csv is in "
        f"{str(folder)!r}; the first would be {first}.hea.{hint} Pass the folder that holds "
        f"{_DATASET}."
    )


def _metadata(table, ids, report, file):
    columns = {column: name for column, name in _METADATA.items() if column in table}
    if "age" in table:
        table = table.assign(age=table["age"].where(table["age"] != _OLD, _OLDEST))
    if "sex" in table:
        table = table.assign(sex=table["sex"].map(_SEXES))
    if "report" in table:
        generated = table.get("initial_autogenerated_report", pd.Series(False, table.index))
        is_machine = generated.astype(bool)
        table = table.assign(
            machine_statements=table["report"].where(is_machine),
            reader_statements=table["report"].where(~is_machine),
        )
        columns |= {"machine_statements": "machine_statements"}
        columns |= {"reader_statements": "reader_statements"}
    return table_metadata(table, columns, ids, report, file)


def _statements(table, file, report):
    """Return the statements of each record with their likelihoods, and records without any."""
    parsed = {text: _parse(text) for text in pd.unique(table["scp_codes"])}
    statements = [parsed[text] for text in table["scp_codes"]]
    is_unreadable = np.array([own is None for own in statements], dtype=bool)
    for id, text in table.loc[is_unreadable, ["ecg_id", "scp_codes"]].itertuples(index=False):
        problem = f"gives {text!r} as scp_codes, which should read like {{'NORM': 100.0}}"
        report.add(id, file, problem, "Its labels are unknown (-1); correct the table.", kept=True)
    return [own or {} for own in statements], is_unreadable


def _parse(text):
    try:
        # The table holds Python dictionaries. With other quotation marks they are JSON, which is
        # parsed many times as fast.
        pairs = json.loads(text.replace("'", '"')).items()
        return {code: float(likelihood) for code, likelihood in pairs}
    except (AttributeError, TypeError, ValueError):
        return None


def _labels(statements, task, min_likelihood):
    by, kind = _TASKS[task]
    vocabulary = load_vocabulary("scp")
    kinds = dict(zip(vocabulary["code"], vocabulary["kinds"].str.split(), strict=True))
    codes = {code for code in kinds if kind is None or kind in kinds[code]}
    diagnostic = {code for code in kinds if "diagnostic" in kinds[code]}
    counting = [
        [
            code
            for code, likelihood in own.items()
            if code in codes and (code not in diagnostic or likelihood >= min_likelihood)
        ]
        for own in statements
    ]
    names = sorted(set(vocabulary.loc[vocabulary["code"].isin(codes), by]))
    labels, _ = codes_to_labels(counting, "scp", by=by, label_names=names)
    return labels
