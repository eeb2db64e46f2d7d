"""
How many records must be checked?
=================================

A cardiologist's time is short. How many ECGs should be checked before you clean the others, and do
rare labels need more? This example cleans the same labels with 20 to 320 trusted records.
"""

# %%
# Common and rare labels
# ----------------------
# A table of 1,500 records is drawn, as in an archive where one finding is common and another rare.
# Each finding moves two measurements, which overlap with those of records without it.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.metrics import f1_score

from sklearn_ecg import AFPLabelCleaner
from sklearn_ecg.datasets import corrupt_labels

prevalence = {"Normal": 0.4, "AF": 0.15, "LBBB": 0.06, "WPW": 0.02}
labels = list(prevalence)
rng = np.random.default_rng(0)
truth = (rng.random((1500, len(labels))) < list(prevalence.values())).astype(int)
table = rng.normal(2 * np.repeat(truth, 2, axis=1), 1)
pd.Series(truth.sum(axis=0), labels, name="records with the label").to_frame()

# %%
# Check more and more of them
# ---------------------------
# A quarter of the weak labels is wrong. Each time more records are trusted; the score is
# that of the records which never are.
order = rng.permutation(len(truth))
noisy = corrupt_labels(truth, 0.25, random_state=0)
others = order[320:]
scores = {0: f1_score(truth[others], noisy[others], average=None)}
for n_trusted in (20, 80, 160, 320):
    trusted = np.isin(np.arange(len(truth)), order[:n_trusted])
    y_weak = pd.DataFrame(np.where(trusted[:, None], truth, noisy), columns=labels)
    cleaner = AFPLabelCleaner(undecided="weak", random_state=0)
    cleaner.fit(table, y_weak, trusted=trusted)
    scores[n_trusted] = f1_score(truth[others], cleaner.labels_[others], average=None)
scores = pd.DataFrame.from_dict(scores, orient="index", columns=labels)
scores.round(3)

# %%
n_positive = dict(zip(labels, truth[others].sum(axis=0), strict=True))
figure, ax = plt.subplots(figsize=(7, 4.4), layout="constrained")
for label, marker in zip(labels, "osD^", strict=True):
    name = f"{label} ({n_positive[label]})"
    ax.plot(scores.index, scores[label], marker=marker, label=name)
ax.set(
    xlabel="records that were checked",
    ylabel="F1 of the labels of the others",
    title="Weak labels on the left, cleaned labels on the right",
)
ax.legend(title="label (its records)", frameon=False)
ax.spines[["top", "right"]].set_visible(False)

# %%
# How many examples a label had
# -----------------------------
# A label is learned from the trusted records that have it. Rare labels have few of them.
examples = pd.DataFrame(
    {n_trusted: truth[order[:n_trusted]].sum(axis=0) for n_trusted in scores.index[1:]},
    index=labels,
)
examples.rename_axis(index="label", columns="records that were checked")

# %%
# What the last records bring
# ---------------------------
# From the second to the last row of the scores:
gain = (scores.iloc[-1] - scores.iloc[1]).round(3)
print(gain.to_string())

# %%
# **Take away:** the first checked records bring most, and common labels gain little after them.
# Rare labels need more, so see to it that the records that you check show each label. A label that
# no trusted record shows is cleaned by what weak records say, and the cleaner warns.
# :doc:`/results/few_trusted` shows the same on public archives, and :doc:`/how_to/trusted_records`
# uses trusted records to tune the cleaner.
