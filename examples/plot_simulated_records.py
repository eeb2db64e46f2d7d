"""
Simulated ECG records
=====================

`make_ecg_records` makes 12-lead records with labels, offline and seeded, for tests, examples and
teaching. Each label shows on the leads where a textbook says it shows.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np

from sklearn_ecg.datasets import make_ecg_records
from sklearn_ecg.plotting import ECGDisplay

records = make_ecg_records(200, random_state=0)
records

# %%
# A left bundle branch block on ECG paper
# ---------------------------------------
lbbb = np.flatnonzero(records.labels[:, list(records.label_names).index("LBBB")])[0]
ECGDisplay.from_records(records[[lbbb]])

# %%
# One record of each label, lead V1
# ---------------------------------
v1 = records.lead_names.index("V1")
figure, axes = plt.subplots(records.n_labels, figsize=(8, 10), sharex=True)
times = np.arange(records.n_times) / records.sampling_rate
for label, ax in enumerate(axes):
    alone = (records.labels[:, label] == 1) & (records.labels.sum(axis=1) == 1)
    record = alone.argmax()
    ax.plot(times, records.signals[record, v1], linewidth=0.8)
    ax.set_ylabel(records.label_names[label], rotation=0, ha="right")
axes[-1].set_xlabel("time (s)")
figure.tight_layout()
