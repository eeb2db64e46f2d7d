"""
A map of ECGs from the classifier's embeddings
==============================================

A trained network makes a vector of numbers of each record before it decides. ECGs that look alike
to the network lie side by side there. This draws a map of records that it has never seen, and
finds the nearest ones to a given ECG.
"""

# %%
# Train, and embed new patients
# -----------------------------
# ``features=None`` leaves out the trees, which have no embeddings.
import matplotlib.pyplot as plt
import numpy as np
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors

from sklearn_ecg import LabelCorrelationECGClassifier
from sklearn_ecg.datasets import make_ecg_records
from sklearn_ecg.model_selection import patient_train_test_split
from sklearn_ecg.plotting import ECGDisplay

labels = ("Normal", "AF", "LBBB", "RBBB", "PVC")
records = make_ecg_records(600, labels=labels, sampling_rate=100, random_state=0)
train, test = patient_train_test_split(records, test_size=0.5, random_state=0)
classifier = LabelCorrelationECGClassifier(features=None, max_epochs=8, random_state=0)
embeddings = classifier.fit(train).transform(test)
embeddings.shape

# %%
# The map
# -------
# Principal components, from many dimensions to two. Records with one label have its colour, records
# with several are grey.
scaled = (embeddings - embeddings.mean(axis=0)) / (embeddings.std(axis=0) + 1e-6)
x, y = PCA(2).fit_transform(scaled).T
n_labels = test.labels.sum(axis=1)
figure, ax = plt.subplots(figsize=(6, 4.4), layout="constrained")
ax.scatter(x[n_labels > 1], y[n_labels > 1], s=14, color="#c9c9c9", label="several")
for label, column in zip(labels, test.labels.T, strict=True):
    chosen = (column == 1) & (n_labels == 1)
    ax.scatter(x[chosen], y[chosen], s=22, alpha=0.8, label=label)
ax.set(xticks=[], yticks=[], xlabel="first component", ylabel="second component")
ax.set_title("Each dot is an ECG of a new patient")
ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
ax.spines[["top", "right"]].set_visible(False)

# %%
# Find similar ECGs
# -----------------
# How often does the nearest ECG of another patient have the same labels?
order = NearestNeighbors(n_neighbors=3).fit(scaled).kneighbors(return_distance=False)
others = test.groups[order] != test.groups[:, np.newaxis]
nearest = order[np.arange(len(test)), others.argmax(axis=1)]
same = (test.labels[nearest] == test.labels).all(axis=1)
print(f"{same.mean():.0%} of {len(test)} records")

# %%
# One record with a premature beat, and the one that the network finds most alike:
record = np.flatnonzero((test.labels[:, labels.index("PVC")] == 1) & same)[0]
for position in (record, nearest[record]):
    ECGDisplay.from_records(test.select_leads(["II", "V1"]), position)

# %%
# **Take away:** ``transform`` gives vectors for maps, for search, and for classifiers of your own.
# :doc:`/how_to/embeddings` goes on with it.
