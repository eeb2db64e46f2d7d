"""
Clean weak labels and see why each changed
==========================================

You have ECGs with labels that may be wrong, and a few that a cardiologist has checked.
``AFPLabelCleaner`` learns from the checked ones, removes wrong labels from the
others, adds missing ones, and gives a reason for each change.

The records are simulated, so we know the truth and can count what the cleaner gets right.
"""

# %%
# Weak labels
# -----------
# A third of 450 records is trusted. In the others, one label in five is replaced with a wrong one.
import numpy as np

from sklearn_ecg import AFPLabelCleaner
from sklearn_ecg.datasets import corrupt_labels, make_ecg_records
from sklearn_ecg.metrics import label_cleaning_report
from sklearn_ecg.plotting import LabelCleaningDisplay

truth = make_ecg_records(450, sampling_rate=250, random_state=0)
trusted = np.arange(len(truth)) % 3 == 0
noisy = corrupt_labels(truth.labels, 0.2, random_state=0)
weak = truth.with_labels(np.where(trusted[:, None], truth.labels, noisy), trusted=trusted)
weak.label_counts()

# %%
# Clean them
# ----------
# The records know which of them are trusted. One call measures the ECGs and cleans the labels.
cleaner = AFPLabelCleaner(random_state=0)
cleaned = cleaner.fit_transform(weak)

# %%
# One mended record
# -----------------
# Blue is added, orange is removed. We show the record in which most labels were put right.
mended = ((cleaned.labels != cleaned.weak_labels) & (cleaned.labels == truth.labels)).sum(axis=1)
record = mended.argmax()
display = LabelCleaningDisplay.from_cleaned(cleaned, record=record)

# %%
# Why
# ---
# Each change has a sentence with measurements. The range in brackets holds the middle 90 % of
# the trusted records.
changes = cleaner.changes(reasons=True)
for change in changes[changes["id"] == cleaned.ids[record]].itertuples():
    print(f"{change.label}: {change.because}\n")

# %%
# How many errors are gone
# ------------------------
# Here the truth is known. A real archive has no truth, but ``confidence`` estimates for each
# label how probable it is that the label is right.
doubtful = ~trusted
n_before = (weak.labels[doubtful] != truth.labels[doubtful]).sum()
n_after = (cleaned.labels[doubtful] != truth.labels[doubtful]).sum()
print(f"{n_before} wrong labels before, {n_after} wrong or undecided after")
label_cleaning_report(truth.labels[doubtful], weak.labels[doubtful], cleaned[doubtful]).round(2)

# %%
# All changes at a glance:
overview = LabelCleaningDisplay.from_cleaned(cleaned, kind="overview")

# %%
# **Take away:** give the cleaner records and say which are trusted. You get labels, a probability
# for each, and a reason for each change. Simulated findings are plainer than real ones:
# :doc:`/results` tells how many errors are found in public archives, and :doc:`/cleaning` tells how
# the cleaner decides.
