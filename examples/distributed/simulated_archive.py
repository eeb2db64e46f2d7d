"""What the examples of this folder work on: simulated records in WFDB files, and a saved model."""

from pathlib import Path

import wfdb

from sklearn_ecg import LabelCorrelationECGClassifier
from sklearn_ecg.datasets import make_ecg_records


def make_archive(folder):
    """Write 48 records of two leads, and a classifier that has seen them.

    Returns
    -------
    archive, model : Path
    """
    archive, model = Path(folder) / "archive", Path(folder) / "model"
    archive.mkdir()
    records = make_ecg_records(
        48, labels=["Normal", "AF"], leads=["I", "II"], sampling_rate=250, random_state=0
    )
    for name, signal in zip(records.ids, records.signals, strict=True):
        wfdb.wrsamp(
            name,
            fs=250,
            units=["mV"] * 2,
            sig_name=["I", "II"],
            p_signal=signal.T.astype(float),
            fmt=["16"] * 2,
            write_dir=str(archive),
        )
    LabelCorrelationECGClassifier(
        max_epochs=1, network__channels=(4, 8), network__hidden_dim=16, random_state=0
    ).fit(records).save(model)
    return archive, model
