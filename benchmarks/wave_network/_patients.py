"""Who a record is of, and in which fold that patient is."""

import numpy as np

from benchmarks._data import data_folder
from sklearn_ecg.datasets import load_cinc2017, load_cpsc2018, load_ludb, load_ptbxl

N_FOLDS = 5


def deal_out():
    """Return the fold of every patient, with each database spread evenly over the folds."""
    fold_of = {}
    for patients in _patients():
        patients = sorted(set(patients) - fold_of.keys())
        order = np.random.default_rng(0).permutation(len(patients))
        fold_of |= {patients[i]: place % N_FOLDS for place, i in enumerate(order)}
    return fold_of


def _patients():
    """Yield the patients of each database; those of an earlier one come again in QTDB."""
    yield [ludb_patient(record) for record in load_ludb(data_folder("ludb")).ids]
    yield [mitdb_patient(path.stem) for path in data_folder("mitdb").glob("*.hea")]
    yield [qtdb_patient(path.stem) for path in data_folder("qtdb").glob("*.hea")]
    yield [f"ptb-xl {patient}" for patient in load_ptbxl(data_folder("ptb-xl")).groups]
    cpsc = load_cpsc2018(data_folder("cpsc2018") / "wfdb")
    yield [f"cpsc2018 {record}" for record in cpsc.ids]
    yield [f"cinc2017 {record}" for record in load_cinc2017(data_folder("cinc2017")).ids]


def ludb_patient(record):
    """Return who a record is of: every one is of another patient."""
    return f"ludb {record}"


def mitdb_patient(record):
    """Return who a record is of: 201 and 202 are the same man."""
    return f"mitdb {'201' if record == '202' else record}"


def qtdb_patient(record):
    """Return who a record is of: some are stretches of MIT-BIH's."""
    number = record.removeprefix("sel")
    of_mitdb = len(number) == 3 and number[0] in "12"
    return mitdb_patient(number) if of_mitdb else f"qtdb {record}"
