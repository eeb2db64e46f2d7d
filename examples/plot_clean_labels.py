"""
Clean weak labels and see why each changed
==========================================

Records of 12 leads are simulated, a third of them is trusted, and a fifth of the labels of the
rest is swapped for wrong ones. The cleaner mends them and says how it came to each change.
"""

# %%
# Weak labels
# -----------
# `corrupt_labels` makes noise of known amount, so that cleaning can be scored.
import numpy as np

from sklearn_ecg import AFPLabelCleaner
from sklearn_ecg.datasets import corrupt_labels, make_ecg_records
from sklearn_ecg.metrics import label_cleaning_report
from sklearn_ecg.plotting import LabelCleaningDisplay

truth = make_ecg_records(600, sampling_rate=250, random_state=0)
trusted = np.arange(len(truth)) % 3 == 0
noisy = corrupt_labels(truth.labels, 0.2, random_state=0)
weak = truth.with_labels(np.where(trusted[:, None], truth.labels, noisy), trusted=trusted)
weak

# %%
# Clean them
# ----------
# The records know which of them are trusted, so there is nothing else to say.
cleaner = AFPLabelCleaner(random_state=0)
cleaned = cleaner.fit_transform(weak)
cleaner.report()

# %%
# How well did it do? An undecided label counts as its weak label.
label_cleaning_report(truth.labels[~trusted], weak.labels[~trusted], cleaned[~trusted]).round(3)

# %%
# Every change has a reason
# -------------------------
# Which label, what it was and is, how it came about, and how probable that is:
cleaned.changes().head(10)

# %%
# What the cleaner leaves to a person, first what puts most labels right:
cleaner.undecided_.head()

# %%
# One mended record as a clinician reads it:
changed = ((cleaned.labels != cleaned.weak_labels) & (cleaned.labels == truth.labels)).sum(axis=1)
LabelCleaningDisplay.from_cleaned(cleaned[[changed.argmax()]])
