"""
A score against weak labels is no score
=======================================

Cross-validation on weak labels measures how well a classifier agrees with errors.
``TrustedKFold`` tests on trusted records alone, keeps a patient on one side, and
still trains on all weak records. This example compares both with the truth.
"""

# %%
# The same records with more and more errors
# ------------------------------------------
# A third of the records is trusted. In the others, up to 45 % of the labels are replaced with wrong
# ones.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.metrics import f1_score
from sklearn.model_selection import KFold, cross_val_score

from sklearn_ecg import ECGFeatureExtractor, OnCleanedLabels, TrustedKFold
from sklearn_ecg.datasets import corrupt_labels, make_ecg_records
from sklearn_ecg.model_selection import patient_train_test_split

labels = ("Normal", "AF", "LBBB", "PVC")
records = make_ecg_records(
    800, labels=labels, leads=["II"], sampling_rate=250, noise=4, random_state=0
)
train, new = patient_train_test_split(records, test_size=0.5, random_state=0)
extractor = ECGFeatureExtractor(groups=("rhythm", "intervals"))
X, X_new = extractor.fit_transform(train), extractor.transform(new)
trusted = np.arange(len(train)) % 3 == 0

# %%
# Three scores for each
# ---------------------
# The truth is the score on new patients, whose labels are right.
forest = OnCleanedLabels(ExtraTreesClassifier(40, min_samples_leaf=3, random_state=0))
rows = []
for noise_rate in (0.0, 0.15, 0.3, 0.45):
    noisy = corrupt_labels(train.labels, noise_rate, random_state=0)
    y_weak = np.where(trusted[:, None], train.labels, noisy)
    splits = {
        "KFold, on weak labels": KFold(3, shuffle=True, random_state=0),
        "TrustedKFold": TrustedKFold(3, trusted=trusted, groups=train.groups),
    }
    row = {
        name: cross_val_score(forest, X, y_weak, cv=cv, scoring="f1_macro").mean()
        for name, cv in splits.items()
    }
    row["truth, on new patients"] = f1_score(
        new.labels, forest.fit(X, y_weak).predict(X_new), average="macro"
    )
    rows.append(row | {"noise rate": noise_rate})
scores = pd.DataFrame(rows).set_index("noise rate")
scores.round(3)

# %%
figure, ax = plt.subplots(figsize=(6.5, 4.4), layout="constrained")
styles = {
    "KFold, on weak labels": {"color": "#c8540a", "marker": "o"},
    "TrustedKFold": {"color": "#1f6fb4", "marker": "D"},
    "truth, on new patients": {"color": "#1a1a1a", "linestyle": "--"},
}
for name, style in styles.items():
    ax.plot(scores.index, scores[name], label=name, linewidth=2, **style)
ax.set(xlabel="share of weak labels that were replaced", ylabel="macro F1", ylim=(0.5, 1))
ax.legend(frameon=False, loc="lower left")
ax.spines[["top", "right"]].set_visible(False)

# %%
off = (
    scores.sub(scores["truth, on new patients"], axis=0).abs().max().drop("truth, on new patients")
)
print("Farthest from the truth:")
print(off.round(2).to_string())

# %%
# **Take away:** choose classifiers and thresholds by a score on trusted records. They are few,
# so look at the spread over folds too. :doc:`/how_to/trusted_records` searches with it, and
# :doc:`/records` says what a fold holds.
