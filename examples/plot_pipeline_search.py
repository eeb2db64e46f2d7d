"""
Search cleaning thresholds in a Pipeline
========================================

Cleaner and classifier are steps of a standard scikit-learn `Pipeline`. Any scikit-learn classifier
can take the network's place inside `OnCleanedLabels`, and `TrustedKFold` scores against trusted
labels alone. Here on a table of measurements, as people who have their own features hold it.
"""

# %%
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklearn_ecg import AFPLabelCleaner, ECGFeatureExtractor, OnCleanedLabels, TrustedKFold
from sklearn_ecg.datasets import corrupt_labels, make_ecg_records

records = make_ecg_records(450, leads=("II", "V1", "V5"), sampling_rate=250, random_state=1)
table = ECGFeatureExtractor().set_output(transform="pandas").fit_transform(records)
trusted = np.arange(len(records)) % 3 == 0
noisy = corrupt_labels(records.labels, 0.3, random_state=0)
y_weak = np.where(trusted[:, None], records.labels, noisy)
table.iloc[:3, :6]

# %%
# A grid over thresholds
# ----------------------
# `min_confidence` is how probable a label must be, or its absence, for it to be decided; else it is
# left undecided, and so out of training. Nothing that does not depend on a threshold is computed
# again where the cleaner has a `memory`.
cache = TemporaryDirectory()
pipeline = make_pipeline(
    AFPLabelCleaner(memory=cache.name, random_state=0),
    OnCleanedLabels(HistGradientBoostingClassifier(max_iter=30, max_features=0.2, random_state=0)),
)
search = GridSearchCV(
    pipeline,
    {"afplabelcleaner__min_confidence": [0.5, 0.6, 0.7, 0.8, 0.9, 0.95]},
    cv=TrustedKFold(3, trusted=trusted, groups=records.groups),
    scoring="f1_macro",
)
search.fit(table, y_weak, afplabelcleaner__trusted=trusted)
results = pd.DataFrame(search.cv_results_)
results[["params", "mean_test_score", "std_test_score"]]

# %%
# Against training on the weak labels as they are
# -----------------------------------------------
weak_only = GridSearchCV(pipeline[-1], {}, cv=search.cv, scoring="f1_macro").fit(table, y_weak)
figure, axes = plt.subplots(figsize=(5, 3))
axes.errorbar(
    results["param_afplabelcleaner__min_confidence"].astype(float),
    results["mean_test_score"],
    results["std_test_score"],
    marker="o",
    capsize=3,
    label="on cleaned labels",
)
axes.axhline(weak_only.best_score_, color="grey", linestyle="--", label="on weak labels")
axes.set(xlabel="min_confidence", ylabel="macro F1 on trusted records")
axes.legend()
figure.tight_layout()
