"""What the examples of this folder work on: simulated records in WFDB files, and a saved model."""

from pathlib import Path

from sklearn_ecg import LabelCorrelationECGClassifier
from sklearn_ecg.datasets import make_ecg_records, write_ecg_files


def make_archive(folder):
    """Write 48 records of two leads, and a classifier that has seen them.

    Returns
    -------
    archive, model : Path
    """
    archive, model = Path(folder) / "archive", Path(folder) / "model"
    records = make_ecg_records(
        48, labels=["Normal", "AF"], leads=["I", "II"], sampling_rate=250, random_state=0
    )
    write_ecg_files(records, archive)
    LabelCorrelationECGClassifier(
        max_epochs=1, network__channels=(4, 8), network__hidden_dim=16, random_state=0
    ).fit(records).save(model)
    return archive, model
