"""
Search the cleaner's thresholds with a classifier
=================================================

Which thresholds are best for the classifier that learns from the cleaned labels? A search tells:
cleaner and classifier are one scikit-learn Pipeline, and
``TrustedKFold`` scores it on trusted records alone.
"""

# %%
# Weak labels
# -----------
# A table of measurements of one noisy lead, as people hold it who have features of their own. A
# third of the records is trusted; in the others two labels in five were replaced with wrong ones.
# The extractor warns of records that are too noisy for it.
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ecg import AFPLabelCleaner, ECGFeatureExtractor, OnCleanedLabels, TrustedKFold
from sklearn_ecg.datasets import corrupt_labels, make_ecg_records

labels = ("Normal", "AF", "LBBB", "PVC")
records = make_ecg_records(
    450, labels=labels, leads=["II"], sampling_rate=250, noise=8, random_state=0
)
table = ECGFeatureExtractor(groups=("rhythm", "intervals")).fit_transform(records)
trusted = np.arange(len(records)) % 3 == 0
noisy = corrupt_labels(records.labels, 0.4, random_state=0)
y_weak = np.where(trusted[:, None], records.labels, noisy)

# %%
# The search
# ----------
# ``min_confidence`` says how probable a changed label must be. With ``memory``, a fold is cleaned
# once for all thresholds.
cache = TemporaryDirectory()
classifier = make_pipeline(
    SimpleImputer(), StandardScaler(), LogisticRegression(C=0.1, max_iter=1000)
)
pipeline = make_pipeline(
    AFPLabelCleaner(memory=cache.name, random_state=0), OnCleanedLabels(classifier)
)
search = GridSearchCV(
    pipeline,
    {"afplabelcleaner__min_confidence": [0.5, 0.6, 0.7, 0.8, 0.9, 0.97]},
    cv=TrustedKFold(4, trusted=trusted, groups=records.groups),
    scoring="average_precision",
)
search.fit(table, y_weak, afplabelcleaner__trusted=trusted)
results = pd.DataFrame(search.cv_results_)
results[["params", "mean_test_score", "std_test_score"]].round(3)

# %%
# Against weak and true labels
# ----------------------------
# The same folds for the same classifier, trained on the weak labels as they are and on the truth.
weak_only = GridSearchCV(pipeline[-1], {}, cv=search.cv, scoring=search.scoring)
weak_only.fit(table, y_weak)
best_possible = GridSearchCV(pipeline[-1], {}, cv=search.cv, scoring=search.scoring)
best_possible.fit(table, records.labels)
cache.cleanup()

figure, ax = plt.subplots(figsize=(6.2, 4.2), layout="constrained")
tried = results["param_afplabelcleaner__min_confidence"].astype(float)
mean, spread = results["mean_test_score"], results["std_test_score"]
ax.fill_between(tried, mean - spread, mean + spread, color="#1f6fb4", alpha=0.15)
ax.plot(tried, mean, "o-", color="#1f6fb4", label="cleaned labels")
ax.axhline(best_possible.best_score_, color="#1a1a1a", linestyle=":", label="true labels")
ax.axhline(weak_only.best_score_, color="#c8540a", linestyle="--", label="weak labels")
ax.set(xlabel="min_confidence", ylabel="macro average precision, trusted records")
ax.legend(title="trained on", frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
ax.spines[["top", "right"]].set_visible(False)

# %%
# A value that is ahead by less than the spread over folds is one of several good ones.
close = mean > mean.max() - spread[mean.idxmax()]
print(f"Best: {search.best_params_}")
print(f"As good within the spread: {', '.join(f'{value:g}' for value in tried[close])}")

# %%
# **Take away:** search thresholds by what the classifier is worth on trusted records, and believe a
# difference only if it exceeds the spread. :doc:`/how_to/thresholds` goes through both thresholds,
# and :doc:`/records` explains how labels travel through the Pipeline.
