"""The PhysioNet/Computing in Cardiology Challenge 2017, with its original and revised labels."""

import numpy as np
import pandas as pd

from sklearn_ecg.datasets._bookkeeping import (
    find_folder,
    find_table,
    forget_labels,
    read_csv,
    report_absent,
    report_unlabelled,
    unique_rows,
)
from sklearn_ecg.datasets._challenge import names_of
from sklearn_ecg.datasets._collection import open_collection
from sklearn_ecg.datasets._files import find_headers
from sklearn_ecg.records import ECGRecords
from sklearn_ecg.records._report import Report

_TABLES = {"revised": "REFERENCE.csv", "original": "REFERENCE-original.csv"}
_SAMPLING_RATE = 300.0
_LABELS = ["N", "A", "O", "~"]
_DATASET = "the PhysioNet Challenge 2017 (REFERENCE.csv beside *.hea and *.mat or folders of them)"


def load_cinc2017(path, labels="revised", *, cache_dir=None) -> ECGRecords:
    """Load the PhysioNet/Computing in Cardiology Challenge 2017, or a part of it.

    Its organisers published labels, looked again at records on which the entries disagreed, and
    revised the labels. The two versions are real label noise and its correction.

    Parameters
    ----------
    path : path-like
        Folder with the tables of labels. The records are in it, or in folders of it.
    labels : {"revised", "original"}, default="revised"
        Labels of ``REFERENCE.csv``, or the first published ones of ``REFERENCE-original.csv``.
    cache_dir : path-like, default=None
        Folder for copies of the signals, from which epochs are read at the disk's speed. Only new
        and changed records are copied.

    Returns
    -------
    ECGRecords
        One lead of a hand-held device at 300 Hz, 9 to 61 s long. `ids` are the names of the files.
        Each record has exactly one of the labels N (normal rhythm), A (atrial fibrillation), O
        (other rhythm) and ~ (too noisy). Records without a row have unknown labels (-1). `report`
        names them, and rows without a record.

    Raises
    ------
    FileNotFoundError
        If the folder or the table is missing, or there are no records.
    ValueError
        If no record can be read, or the table has other columns.

    See Also
    --------
    load_challenge : The Challenges of 2020 and 2021, with 12 leads.
    sklearn_ecg.preprocessing.FixedLength : Bring records to one length.

    Notes
    -----
    Headers give 0 as the checksum of each signal, as published, so checksums are not compared. A
    file that was cut short is found; a file with other samples is not.

    References
    ----------
    Clifford GD et al. AF classification from a short single lead ECG recording: the
    PhysioNet/Computing in Cardiology Challenge 2017. Computing in Cardiology 44 (2017).
    https://doi.org/10.22489/CinC.2017.065-469

    Examples
    --------
    >>> from sklearn_ecg.datasets import load_cinc2017
    >>> weak = load_cinc2017("training2017", labels="original")  # doctest: +SKIP
    >>> truth = load_cinc2017("training2017", labels="revised")  # doctest: +SKIP
    >>> (weak.labels != truth.labels).any(axis=1).mean()  # doctest: +SKIP
    """
    if labels not in _TABLES:
        raise ValueError(f"labels must be one of {list(_TABLES)}; got {labels!r}.")
    folder = find_folder(path, dataset=_DATASET)
    table_file = find_table(folder, _TABLES[labels], dataset=_DATASET)
    report = Report()
    of_record, contradicting = _read_reference(table_file, report)
    paths = find_headers(folder, report, dataset=_DATASET)
    names = [path.name for path in paths]
    absent = of_record.index.difference(names)
    if len(absent):
        report_absent(report, absent, [f"{name}.hea" for name in absent], folder)
    collection = open_collection(
        paths,
        ids=names_of(paths, folder),
        sampling_rate=_SAMPLING_RATE,
        checksums=False,
        cache_dir=cache_dir,
        report=report,
    )
    given = of_record.reindex([names[position] for position in collection.kept])
    is_unknown = ~given.isin(_LABELS).to_numpy()
    problem = f"gives none of the labels {', '.join(_LABELS)} for the record"
    report_unlabelled(report, collection.ids[is_unknown], table_file, problem)
    is_unknown |= given.index.isin(contradicting)
    indicator = given.to_numpy()[:, np.newaxis] == np.array(_LABELS, dtype=object)
    return collection.to_records(labels=forget_labels(indicator, is_unknown), label_names=_LABELS)


def _read_reference(file, report):
    """Return the label of each record, and the records with contradicting rows."""
    table = read_csv(file, header=None, dtype=str, keep_default_na=False)
    if table.shape[1] != 2:
        raise ValueError(
            f"{file} has {table.shape[1]} columns, not two (record and label). Use the file as "
            "its publisher distributes it."
        )
    table.columns = ["record", "label"]
    table = table.apply(lambda column: column.str.strip())
    table, contradicting = unique_rows(table, "record", report, file)
    return pd.Series(table["label"].to_numpy(), index=table["record"].to_numpy()), contradicting
