"""The China Physiological Signal Challenge 2018, in its two distributed forms."""

import os
from pathlib import Path

import numpy as np
import pandas as pd

from sklearn_ecg.datasets._bookkeeping import (
    find_folder,
    forget_labels,
    read_csv,
    report_absent,
    report_unknown_codes,
    report_unlabelled,
    require_columns,
    unique_rows,
)
from sklearn_ecg.datasets._challenge import header_diagnoses, names_of
from sklearn_ecg.datasets._collection import open_collection
from sklearn_ecg.datasets._files import find_files, find_headers, first_problem
from sklearn_ecg.datasets._mat_files import open_mat_files, said_of
from sklearn_ecg.datasets._table_metadata import table_metadata
from sklearn_ecg.datasets._vocabulary import codes_to_labels, load_vocabulary
from sklearn_ecg.records import ECGRecords
from sklearn_ecg.records._report import Report
from sklearn_ecg.utils import LEADS_12

_SAMPLING_RATE = 500.0
_LABEL_COLUMNS = ["First_label", "Second_label", "Third_label"]
_DATASET = "CPSC2018 (TrainingSet/*.mat beside REFERENCE.csv, or *.hea and *.mat)"


def load_cpsc2018(path, *, cache_dir=None) -> ECGRecords:
    """Load the China Physiological Signal Challenge 2018, or a part of it.

    It reads two forms: that of the PhysioNet Challenge 2020 (headers with SNOMED CT codes beside
    ``.mat`` files of integers), and the challenge's own (``.mat`` files with a struct ``ECG`` of
    sex, age and data, and labels in ``REFERENCE.csv``). If a folder holds both, the headers are
    used. Signals are read on demand.

    Parameters
    ----------
    path : path-like
        Folder with the records, or with folders of them.
    cache_dir : path-like, default=None
        Folder for copies of the signals, from which epochs are read at the disk's speed. Only new
        and changed records are copied.

    Returns
    -------
    ECGRecords
        12 leads at 500 Hz, mostly 6 to 60 s long; `FixedLength` brings them to one length. The nine
        labels are Normal, AF, I-AVB, LBBB, RBBB, PAC, PVC, STD and STE. Records without labels have
        unknown ones (-1), and `report` names them. `metadata` are age and sex.

    Raises
    ------
    FileNotFoundError
        If the folder is missing, or holds no records or no ``REFERENCE.csv`` for them.
    ValueError
        If no record can be read.

    See Also
    --------
    sklearn_ecg.preprocessing.FixedLength : Bring records to one length.
    load_challenge : The same records with the classes of the PhysioNet Challenges.

    References
    ----------
    Liu F et al. An open access database for evaluating the algorithms of electrocardiogram rhythm
    and morphology abnormality detection. J Med Imaging Health Inform 8(7):1368-1373 (2018).
    http://2018.icbeb.org/Challenge.html

    Examples
    --------
    >>> from sklearn_ecg.datasets import load_cpsc2018
    >>> records = load_cpsc2018("cpsc2018")  # doctest: +SKIP
    >>> records.report  # doctest: +SKIP
    """
    folder = find_folder(path, dataset=_DATASET)
    if find_files(folder, ".hea", Report()):
        return _load_with_headers(folder, cache_dir)
    return _load_with_reference(folder, cache_dir)


def _load_with_headers(folder, cache_dir):
    report = Report()
    paths = find_headers(folder, report, dataset=_DATASET)
    collection = open_collection(
        paths,
        ids=names_of(paths, folder),
        leads=LEADS_12,
        sampling_rate=_SAMPLING_RATE,
        cache_dir=cache_dir,
        report=report,
    )
    snomed, has_codes = header_diagnoses(collection, f"{folder}/*.hea")
    vocabulary = load_vocabulary("cpsc2018")
    of_snomed = dict(zip(vocabulary["snomed_ct"], vocabulary["code"], strict=True))
    codes = [[of_snomed.get(code, f"SNOMED CT {code}") for code in own] for own in snomed]
    labels = _labels(codes, collection.ids, collection.report, f"{folder}/*.hea")
    return collection.to_records(
        labels=forget_labels(labels, ~has_codes), label_names=labels.columns
    )


def _load_with_reference(folder, cache_dir):
    report = Report()
    files = _records_in(folder, report)
    reference, file, contradicting = _read_reference(folder, report)
    absent = [id for id in reference.index if id not in files]
    if absent:
        report_absent(report, absent, [f"{id}.mat" for id in absent], folder)
    ids, signals = open_mat_files(files, cache_dir, report)

    codes = [_codes(reference.loc[id]) if id in reference.index else [] for id in ids]
    labels = _labels(codes, ids, report, file)
    without = [id for id, own in zip(ids, codes, strict=True) if not own]
    report_unlabelled(report, without, file, "gives no labels for the record")
    is_unknown = np.isin(ids, [*without, *contradicting])
    said = pd.DataFrame([said_of(files[id]) for id in ids], columns=["sex", "age"])
    columns = {"sex": "sex", "age": "age_years"}
    metadata = table_metadata(said, columns, ids, report, f"{folder}/*.mat")
    return ECGRecords(
        signals,
        _SAMPLING_RATE,
        lead_names=LEADS_12,
        ids=ids,
        labels=forget_labels(labels, is_unknown),
        label_names=labels.columns,
        metadata=metadata,
        report=report.to_frame(),
    )


def _records_in(folder, report):
    """Return the path of each record's file by its name."""
    files = {}
    for path in map(Path, find_files(folder, ".mat", report)):
        first = files.setdefault(path.stem, path)
        if first is not path:
            problem = f"has the same name as a record that is read from {first}"
            report.add(path.stem, path, problem, "Move one of the two out of the folder.")
    if not files:
        raise FileNotFoundError(
            f"The folder {str(folder)!r} holds no records (*.mat).{first_problem(report)} "
            f"Give the folder that holds {_DATASET}."
        )
    return files


def _read_reference(folder, report):
    """Return the labels of all REFERENCE.csv, indexed by record."""
    found = map(Path, find_files(folder, "REFERENCE.csv", Report()))
    tables = [path for path in found if path.name == "REFERENCE.csv"]
    tables = tables or [folder.parent / "REFERENCE.csv"]
    if not os.path.isfile(tables[0]):
        raise FileNotFoundError(
            f"There is no REFERENCE.csv in {str(folder)!r} or beside it, so the records have no "
            "labels. Put it there, or read only the signals with scipy.io.loadmat."
        )
    parts = []
    for file in tables:
        part = read_csv(file, dtype=str, keep_default_na=False)
        require_columns(part, ["Recording", *_LABEL_COLUMNS], file)
        parts.append(part.assign(Recording=part["Recording"].str.strip()))
    reference, contradicting = unique_rows(
        pd.concat(parts).drop_duplicates(), "Recording", report, tables[0]
    )
    return reference.set_index("Recording"), tables[0], contradicting


def _codes(row):
    # A spreadsheet saves 5 as "5.0".
    codes = [code.strip().removesuffix(".0") for code in row[_LABEL_COLUMNS]]
    return [code for code in codes if code]


def _labels(codes, ids, report, file):
    report_unknown_codes(report, codes, ids, "cpsc2018", file)
    names = load_vocabulary("cpsc2018")["abbreviation"]
    return codes_to_labels(codes, "cpsc2018", by="abbreviation", label_names=names)[0]
