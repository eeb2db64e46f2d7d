"""The PhysioNet/Computing in Cardiology Challenges 2020 and 2021."""

from collections import Counter

import pandas as pd

from sklearn_ecg.datasets._bookkeeping import (
    find_folder,
    forget_labels,
    report_unknown_codes,
    report_unlabelled,
)
from sklearn_ecg.datasets._candidates import report_orphans
from sklearn_ecg.datasets._collection import open_collection
from sklearn_ecg.datasets._files import find_headers
from sklearn_ecg.datasets._vocabulary import codes_to_labels, load_vocabulary
from sklearn_ecg.records import ECGRecords
from sklearn_ecg.records._report import Report

_COLUMNS = {"scored": "challenge_2021", "scored_2020": "challenge_2020", "all": "abbreviation"}
_DATASET = "records of the PhysioNet Challenge 2020 or 2021 (*.hea and *.mat)"


def load_challenge(path, classes="scored", *, sampling_rate=None, cache_dir=None) -> ECGRecords:
    """Load 12-lead records in the form of the PhysioNet Challenges 2020 and 2021.

    Headers hold the diagnoses as SNOMED CT codes in a comment (``# Dx:`` or ``#Dx:``). All headers
    are read at once, signals on demand.

    Parameters
    ----------
    path : path-like
        Folder with ``*.hea`` and ``*.mat`` files, or with folders of them: a whole Challenge, one
        of its sources, or any part.
    classes : {"scored", "scored_2020", "all"}, default="scored"
        Labels to load: the 26 classes that the Challenge 2021 scores, the 24 of 2020, or every code
        of the vocabulary that occurs. Codes that the Challenge scores as one are one class, for
        example ``"CRBBB|RBBB"``; with "all" each code is a class.
    sampling_rate : float, default=None
        Hz. The sources were sampled at 257, 500 or 1000 Hz; records of another rate are resampled
        to this one. By default records of another rate than most are left out and reported.
    cache_dir : path-like, default=None
        Folder for copies of the signals, from which epochs are read at the disk's speed. Only new
        and changed records are copied.

    Returns
    -------
    ECGRecords
        `ids` are the records' names; `label_names` are the abbreviations of the Challenge, in
        alphabetical order. A record without a diagnosis has unknown labels (-1). A record with
        diagnoses outside `classes` alone has a row of zeros. `report` names unknown codes.
        `metadata` are age and sex, the codes (``machine_statements``), and ``source``, the folder
        within `path`.

    Raises
    ------
    FileNotFoundError
        If the folder is missing or holds no headers.
    ValueError
        If no record can be read.

    See Also
    --------
    load_vocabulary : The codes, their names and the scored classes.
    load_cpsc2018 : One of the sources, with its own nine classes.

    Notes
    -----
    The sources CPSC and PTB-XL use ventricular ectopics (164884008) for premature ventricular
    beats. The Challenge does not score this code, and here it does not count as ``"PVC|VPB"``
    either.

    References
    ----------
    Perez Alday EA et al. Classification of 12-lead ECGs: the PhysioNet/Computing in Cardiology
    Challenge 2020. Physiol Meas 41:124003 (2020).

    Reyna MA et al. Will two do? Varying dimensions in electrocardiography: the
    PhysioNet/Computing in Cardiology Challenge 2021. Computing in Cardiology 48 (2021).

    Examples
    --------
    >>> from sklearn_ecg.datasets import load_challenge
    >>> records = load_challenge("training", sampling_rate=500)  # doctest: +SKIP
    """
    if classes not in _COLUMNS:
        raise ValueError(f"classes must be one of {list(_COLUMNS)}; got {classes!r}.")
    folder = find_folder(path, dataset=_DATASET)
    report = Report()
    paths = find_headers(folder, report, dataset=_DATASET)
    collection = open_collection(
        paths,
        ids=names_of(paths, folder),
        sampling_rate=sampling_rate,
        cache_dir=cache_dir,
        report=report,
    )
    report_orphans(folder, ".mat", {f"{path}.mat" for path in paths}, collection.report)
    codes, has_codes = header_diagnoses(collection, f"{folder}/*.hea")
    report_unknown_codes(collection.report, codes, collection.ids, "snomed", f"{folder}/*.hea")
    labels = _labels(codes, _COLUMNS[classes])
    kept = [paths[position].parent.relative_to(folder) for position in collection.kept]
    return collection.to_records(
        labels=forget_labels(labels, ~has_codes),
        label_names=labels.columns,
        metadata=collection.metadata().assign(source=[part.as_posix() for part in kept]),
    )


def names_of(paths, folder):
    """Return the records' names; names that occur in several folders include the folder."""
    counts = Counter(path.name for path in paths)
    return [
        path.name if counts[path.name] == 1 else path.relative_to(folder).as_posix()
        for path in paths
    ]


def header_diagnoses(collection, file):
    """Return the SNOMED CT codes in the headers' comments, and which headers have any.

    Parameters
    ----------
    collection : Collection
        Its report gets the records without diagnoses.
    file : str
        Name for the report.

    Returns
    -------
    codes : list of list of str
    has_codes : ndarray of bool of shape (n_records,)
    """
    codes = []
    for header in collection.headers:
        text = _comment(header, "dx")
        own = [code.strip() for code in text.split(",")]
        codes.append([code for code in own if code and code.lower() != "unknown"])
    has_codes = pd.Series(codes).str.len().to_numpy() > 0
    without = collection.ids[~has_codes]
    report_unlabelled(collection.report, without, file, "gives no diagnosis (# Dx:)")
    return codes, has_codes


def _comment(header, name):
    for comment in header.comments:
        key, _, value = comment.partition(":")
        if key.strip().lower() == name:
            return value.strip()
    return ""


def _labels(codes, column):
    if column == "abbreviation":
        return codes_to_labels(codes, "snomed", by=column)[0]
    names = set(load_vocabulary("snomed")[column]) - {""}
    # The order of the official matrix of weights.
    return codes_to_labels(codes, "snomed", by=column, label_names=sorted(names, key=str.lower))[0]
