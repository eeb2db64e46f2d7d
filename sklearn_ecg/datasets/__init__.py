"""Loaders of ECG data sets, simulated records, and label noise of a known amount."""

from sklearn_ecg.datasets._anonymise import anonymise
from sklearn_ecg.datasets._challenge import load_challenge
from sklearn_ecg.datasets._cinc2017 import load_cinc2017
from sklearn_ecg.datasets._corruption import corrupt_labels, make_weak_labels
from sklearn_ecg.datasets._cpsc2018 import load_cpsc2018
from sklearn_ecg.datasets._ecg_files import load_ecg_files, read_ecg
from sklearn_ecg.datasets._fetch import fetch_cpsc2018, fetch_ludb, fetch_mitdb, fetch_ptbxl
from sklearn_ecg.datasets._label_sources import label_sources
from sklearn_ecg.datasets._ludb import load_ludb, load_ludb_annotations
from sklearn_ecg.datasets._mitdb import load_mitdb
from sklearn_ecg.datasets._ptbxl import load_ptbxl
from sklearn_ecg.datasets._reader_noise import reader_confusion
from sklearn_ecg.datasets._simulated import make_ecg_records
from sklearn_ecg.datasets._statements import statements_to_labels
from sklearn_ecg.datasets._tables import join_labels, read_records
from sklearn_ecg.datasets._vocabulary import codes_to_labels, load_vocabulary
from sklearn_ecg.datasets._wfdb import load_wfdb
from sklearn_ecg.datasets._write import write_ecg_files

__all__ = [
    "anonymise",
    "codes_to_labels",
    "corrupt_labels",
    "fetch_cpsc2018",
    "fetch_ludb",
    "fetch_mitdb",
    "fetch_ptbxl",
    "join_labels",
    "label_sources",
    "load_challenge",
    "load_cinc2017",
    "load_cpsc2018",
    "load_ecg_files",
    "load_ludb",
    "load_ludb_annotations",
    "load_mitdb",
    "load_ptbxl",
    "load_vocabulary",
    "load_wfdb",
    "make_ecg_records",
    "make_weak_labels",
    "read_ecg",
    "read_records",
    "reader_confusion",
    "statements_to_labels",
    "write_ecg_files",
]
