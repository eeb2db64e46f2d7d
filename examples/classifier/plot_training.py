"""
Train the classifier, and check what it promises
================================================

``LabelCorrelationECGClassifier`` is a neural network and trees behind a
scikit-learn interface. This example trains it, looks at how training went, and asks whether a
probability of 80 % is right in 80 % of the cases.
"""

# %%
# Train
# -----
# Some patients are held out of training, to choose the best epoch, to calibrate the probabilities
# and to learn a threshold for each label. ``features=None`` leaves out the trees, so that this
# example is quick; leave it away for your own records.
import matplotlib.pyplot as plt
import numpy as np

from sklearn_ecg import LabelCorrelationECGClassifier
from sklearn_ecg.datasets import make_ecg_records
from sklearn_ecg.metrics import multilabel_report
from sklearn_ecg.model_selection import patient_train_test_split
from sklearn_ecg.plotting import TrainingHistoryDisplay

# sphinx_gallery_thumbnail_number = 2
records = make_ecg_records(
    600,
    labels=("Normal", "AF", "PVC", "LBBB"),
    leads=["II", "V1"],
    sampling_rate=250,
    noise=12,
    random_state=0,
)
train, test = patient_train_test_split(records, test_size=0.5, random_state=0)
classifier = LabelCorrelationECGClassifier(
    max_epochs=12, features=None, validation_fraction=0.25, random_state=0
)
_ = classifier.fit(train)

# %%
# How training went
# -----------------
# Blue is the loss on the patients that were held out; the ring marks the epoch that was kept.
display = TrainingHistoryDisplay.from_estimator(classifier)

# %%
# Scores on new patients
# ----------------------
# At the thresholds that the classifier has learned, one for each label.
probabilities = classifier.predict_proba(test)
multilabel_report(
    test.labels, probabilities, threshold=classifier.thresholds_, label_names=test.label_names
).round(2)

# %%
# Do probabilities keep their promise?
# ------------------------------------
# Records are sorted into bins by what was promised. On the line, as many have the label as
# promised; dots grow with the number of answers in the bin.
promised, present = probabilities.ravel(), test.labels.ravel()
bins = np.clip((promised * 8).astype(int), 0, 7)
n_in_bin = np.bincount(bins, minlength=8)
mean_promised = np.bincount(bins, promised, minlength=8) / n_in_bin
share_present = np.bincount(bins, present, minlength=8) / n_in_bin
figure, ax = plt.subplots(figsize=(5.2, 4.8), layout="constrained")
ax.plot([0, 1], [0, 1], color="grey", linestyle=":")
ax.plot(mean_promised, share_present, color="#1f6fb4")
ax.scatter(mean_promised, share_present, s=10 + 0.6 * n_in_bin, color="#1f6fb4", alpha=0.6)
ax.set(
    xlabel="probability that the classifier gives",
    ylabel="share that has the label",
    title="All labels of the new patients",
)
ax.spines[["top", "right"]].set_visible(False)

# %%
error = np.average(np.abs(mean_promised - share_present), weights=n_in_bin)
print(f"Mean distance from the line: {error:.3f}")

# %%
# **Take away:** look at the history before you believe a score, and at the reliability before you
# believe a probability. :doc:`/network` explains calibration and thresholds, and
# :doc:`/how_to/report_with_thresholds` reports at thresholds of your own.
