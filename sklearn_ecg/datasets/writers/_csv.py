"""CSV: a column of times in s, and one in mV for each lead."""

import numpy as np
import pandas as pd

from sklearn_ecg.utils import whole_file

SUFFIX = ".csv"


def write(record, path):
    """Write a record."""
    n_times = record.signal.shape[1]
    # Enough digits for the times of recordings of hours.
    columns = {"time (s)": [f"{t:.10g}" for t in np.arange(n_times) / record.sampling_rate]}
    for name, lead in zip(record.lead_names, record.signal, strict=True):
        columns[f"{name} (mV)"] = lead
    with whole_file(path) as file:
        pd.DataFrame(columns).to_csv(file, index=False, float_format="%.6g")
