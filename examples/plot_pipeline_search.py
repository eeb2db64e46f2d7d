"""
Choose how sure a change must be
================================

`min_confidence` is the threshold that matters most: a label is changed, or confirmed, if what it
becomes is at least that probable, and left undecided if not. This example shows what it moves, and
searches it with a classifier in a standard scikit-learn `Pipeline`. Here on a table of
measurements, as people who have their own features hold it.
"""

# %%
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklearn_ecg import AFPLabelCleaner, ECGFeatureExtractor, OnCleanedLabels, TrustedKFold
from sklearn_ecg.datasets import corrupt_labels, make_ecg_records

# One lead and much noise leave many labels in doubt; then a threshold matters.
records = make_ecg_records(450, leads=["II"], sampling_rate=250, random_state=0)
table = ECGFeatureExtractor().set_output(transform="pandas").fit_transform(records)
trusted = np.arange(len(records)) % 4 == 0
noisy = corrupt_labels(records.labels, 0.5, random_state=0)
y_weak = np.where(trusted[:, None], records.labels, noisy)
table.iloc[:3, :6]

# %%
# What the threshold moves
# ------------------------
# Higher values change fewer labels, and leave more to a person. What is changed is right more
# often. Nothing but the decision depends on `min_confidence`, so that with a `memory` only the
# first of these fits takes time.
cache = TemporaryDirectory()
is_error = y_weak != records.labels
rows = []
for min_confidence in (0.5, 0.6, 0.7, 0.8, 0.9, 0.99):
    cleaner = AFPLabelCleaner(
        min_confidence=min_confidence, undecided="weak", memory=cache.name, random_state=0
    ).fit(table, y_weak, trusted=trusted)
    is_changed = cleaner.labels_ != y_weak
    rows.append(
        {
            "min_confidence": min_confidence,
            "errors found": (is_changed & is_error).sum() / is_error.sum(),
            "changes right": (is_changed & is_error).sum() / is_changed.sum(),
            "mean confidence of changes": cleaner.confidence_[is_changed].mean(),
            "undecided": len(cleaner.undecided_),
        }
    )
moved = pd.DataFrame(rows)
moved.round(3)

# %%
# The truth is known here, since the noise is our own. Elsewhere the mean `confidence_` of changes
# is what tells how many of them are right, and the length of `undecided_` how much work is left.
figure, axes = plt.subplots(figsize=(5, 3.5), layout="constrained")
for column, marker in (("changes right", "o"), ("mean confidence of changes", "s")):
    axes.plot(moved["errors found"], moved[column], marker=marker, label=column)
for row in moved.itertuples():
    axes.annotate(f"{row.min_confidence:g}", row[2:4], xytext=(6, 3), textcoords="offset points")
axes.margins(x=0.12, y=0.12)
axes.set(xlabel="share of errors found", ylabel="share of changes")
axes.legend(loc="lower left")

# %%
# A search with a classifier
# --------------------------
# What is best for a classifier that trains on cleaned labels, undecided ones left out, is found by
# a search. Any scikit-learn classifier can take the network's place inside `OnCleanedLabels`.
# `TrustedKFold` scores against trusted labels alone, and keeps a patient on one side.
# `caution` says how much noise must be seen to be believed; where there is much, it moves little.
classifier = ExtraTreesClassifier(50, min_samples_leaf=2, max_features=0.2, random_state=0)
pipeline = make_pipeline(
    AFPLabelCleaner(memory=cache.name, random_state=0), OnCleanedLabels(classifier)
)
search = GridSearchCV(
    pipeline,
    {
        "afplabelcleaner__caution": [0.0, 1.0],
        "afplabelcleaner__min_confidence": [0.5, 0.7, 0.9, 0.99],
    },
    cv=TrustedKFold(3, trusted=trusted, groups=records.groups),
    scoring="f1_macro",
)
search.fit(table, y_weak, afplabelcleaner__trusted=trusted)
results = pd.DataFrame(search.cv_results_)
results[["params", "mean_test_score", "std_test_score"]].round(3)

# %%
# Against training on the weak labels as they are
# -----------------------------------------------
# Too low a threshold trains on wrong changes, too high a one on few labels. The bars are the spread
# over folds: a best value that is ahead by less than that is one of several good ones.
weak_only = GridSearchCV(pipeline[-1], {}, cv=search.cv, scoring="f1_macro").fit(table, y_weak)
figure, axes = plt.subplots(figsize=(5, 3.5), layout="constrained")
for caution, part in results.groupby("param_afplabelcleaner__caution"):
    axes.errorbar(
        part["param_afplabelcleaner__min_confidence"].astype(float) + 0.003 * caution,
        part["mean_test_score"],
        part["std_test_score"],
        marker="o",
        capsize=3,
        label=f"on cleaned labels, caution {caution:g}",
    )
axes.axhline(weak_only.best_score_, color="grey", linestyle="--", label="on weak labels")
axes.set(xlabel="min_confidence", ylabel="macro F1 on trusted records")
axes.legend(loc="center left")
