"""
Is one classifier better than another?
======================================

Two classifiers differ by a hundredth. Would they on other patients? The bootstrap over patients
answers. ``bootstrap_interval`` gives an interval for one score, and
``compare_classifiers`` tests differences on the same resamples, which is
much sharper.
"""

# %%
# Three classifiers, the same test patients
# -----------------------------------------
import matplotlib.pyplot as plt
import numpy as np
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import RobustScaler

from sklearn_ecg import ECGFeatureExtractor, OnCleanedLabels
from sklearn_ecg.datasets import make_ecg_records
from sklearn_ecg.metrics import bootstrap_interval, compare_classifiers
from sklearn_ecg.model_selection import patient_train_test_split

records = make_ecg_records(700, leads=["II"], sampling_rate=250, noise=5, random_state=0)
train, test = patient_train_test_split(records, test_size=0.6, random_state=0)
extractor = ECGFeatureExtractor()
X_train, X_test = extractor.fit_transform(train), extractor.transform(test)
classifiers = {
    "boosted trees": HistGradientBoostingClassifier(max_iter=60, random_state=0),
    "extra trees": ExtraTreesClassifier(100, max_features=0.3, random_state=0),
    "15 neighbours": make_pipeline(SimpleImputer(), RobustScaler(), KNeighborsClassifier(15)),
}
probabilities = {
    name: OnCleanedLabels(classifier).fit(X_train, train.labels).predict_proba(X_test)
    for name, classifier in classifiers.items()
}

# %%
# A score with its interval
# -------------------------
# Patients are drawn, each with all of their records.
intervals = {
    name: bootstrap_interval("roc_auc", test.labels, scores, groups=test.groups, random_state=0)
    for name, scores in probabilities.items()
}
for name, found in intervals.items():
    print(f"{name}: {found.score:.3f}, 95 % from {found.low:.3f} to {found.high:.3f}")

# %%
# The differences
# ---------------
# Records that are hard are hard for all. On the same resamples this cancels.
table = compare_classifiers(
    "roc_auc",
    test.labels,
    probabilities,
    reference="boosted trees",
    groups=test.groups,
    random_state=0,
)
table.round(4)

# %%
# Intervals of two scores may overlap although one classifier is better: look at the interval of the
# difference, on the right. Where it does not cross the line, the difference is clear.
figure, axes = plt.subplots(1, 2, figsize=(7.2, 4.2), layout="constrained", sharey=True)
rows = np.arange(len(table))
axes[0].hlines(rows, table["low"], table["high"], color="#9ebfdc", linewidth=6)
axes[0].plot(table["score"], rows, "o", color="#1f6fb4", markersize=9)
axes[0].set(title="Score", xlabel="macro AUC")
others = table.index != "boosted trees"
axes[1].hlines(
    rows, table["difference_low"], table["difference_high"], color="#eec3a1", linewidth=6
)
axes[1].plot(table["difference"], rows, "o", color="#c8540a", markersize=9)
axes[1].axvline(0, color="#1a1a1a", linestyle=":")
for row, p_value in zip(rows[others], table["p_adjusted"][others], strict=True):
    place = (table["difference"].iloc[row], row - 0.2)
    axes[1].annotate(f"p = {p_value:.3f}", place, ha="center", bbox={"color": "white", "pad": 1})
axes[1].set(title="Difference to boosted trees", xlabel="macro AUC")
axes[0].set_yticks(rows, table.index)
axes[0].set_ylim(len(table) - 0.5, -0.5)
for ax in axes:
    ax.spines[["top", "right"]].set_visible(False)

# %%
# **Take away:** give an interval with each score, and test a difference as a difference. Both ask
# about other patients; they do not know how another training run would come out. :doc:`/metrics`
# has the scores, and ``corrected_resampled_ttest`` compares training runs.
