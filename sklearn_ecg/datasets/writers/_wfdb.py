"""WFDB: a header and a file of 16-bit samples."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from sklearn_ecg.datasets.writers._to_write import MICROVOLTS_PER_MV
from sklearn_ecg.utils import whole_file, writing

SUFFIX = ".hea"
_INVALID = -(2**15)


def write(record, path):
    """Write a record; the header comes last, so that no header is without its samples."""
    import wfdb

    samples, steps = record.digital(_INVALID)
    n_leads = len(samples)
    with writing(path), TemporaryDirectory() as folder:
        wfdb.wrsamp(
            path.stem,
            fs=record.sampling_rate,
            units=["mV"] * n_leads,
            sig_name=list(record.lead_names),
            d_signal=samples.T,
            fmt=["16"] * n_leads,
            adc_gain=list(MICROVOLTS_PER_MV / steps),
            baseline=[0] * n_leads,
            comments=_comments(record),
            base_datetime=record.time,
            write_dir=folder,
        )
        header = (Path(folder) / path.name).read_bytes()
    # wfdb writes samples through NumPy, which does not report a full disk.
    with whole_file(path.with_suffix(".dat")) as file:
        file.write(samples.T.astype("<i2").tobytes())
    with whole_file(path) as file:
        file.write(header)


def _comments(record):
    age = record.fields.get("age_years")
    said = {
        "Age": "" if pd.isna(age) else f"{age:g}",
        "Sex": record.text("sex").capitalize(),
        "subject_id": record.patient,
        "Labels": ", ".join(record.present),
        "Absent": ", ".join(name for name, value in record.labels.items() if value == 0),
    }
    return [f"{name}: {' '.join(text.split())}" for name, text in said.items() if text]
