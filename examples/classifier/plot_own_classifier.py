"""
Your own classifier on cleaned labels
=====================================

You have a scikit-learn classifier that works, and labels that do not.
``OnCleanedLabels`` lets any classifier train on cleaned labels, inside a
standard Pipeline. This example compares what three classifiers learn from weak, cleaned and true
labels.
"""

# %%
# Weak training labels, new test patients
# ---------------------------------------
# One lead with much noise. A fifth of the training records is trusted; in the others two labels
# in five were replaced with wrong ones. The extractor warns of records that are too noisy for it.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_ecg import AFPLabelCleaner, ECGFeatureExtractor, OnCleanedLabels
from sklearn_ecg.datasets import corrupt_labels, make_ecg_records
from sklearn_ecg.model_selection import patient_train_test_split

labels = ("Normal", "AF", "LBBB", "PVC")
records = make_ecg_records(
    700, labels=labels, leads=["II"], sampling_rate=250, noise=8, random_state=0
)
train, test = patient_train_test_split(records, test_size=0.4, random_state=0)
extractor = ECGFeatureExtractor(groups=("rhythm", "intervals"))
X_train, X_test = extractor.fit_transform(train), extractor.transform(test)
trusted = np.arange(len(train)) % 5 == 0
noisy = corrupt_labels(train.labels, 0.4, random_state=0)
y_weak = np.where(trusted[:, None], train.labels, noisy)

# %%
# The Pipeline
# ------------
# The cleaner hands its labels to the wrapper. Undecided labels are left out, label by label.
classifiers = {
    "logistic regression": make_pipeline(
        SimpleImputer(), StandardScaler(), LogisticRegression(max_iter=1000)
    ),
    "random forest": RandomForestClassifier(100, random_state=0),
    "boosted trees": HistGradientBoostingClassifier(max_iter=50, random_state=0),
}
rows = []
for name, classifier in classifiers.items():
    pipeline = make_pipeline(AFPLabelCleaner(random_state=0), OnCleanedLabels(classifier))
    pipeline.fit(X_train, y_weak, afplabelcleaner__trusted=trusted)
    fitted = {
        "weak": OnCleanedLabels(classifier).fit(X_train, y_weak),
        "cleaned": pipeline,
        "true": OnCleanedLabels(classifier).fit(X_train, train.labels),
    }
    for kind, model in fitted.items():
        score = average_precision_score(test.labels, model.predict_proba(X_test), average="macro")
        rows.append({"classifier": name, "trained on": kind, "average precision": score})
scores = pd.DataFrame(rows).pivot(index="classifier", columns="trained on")["average precision"]
scores = scores.loc[list(classifiers), ["weak", "cleaned", "true"]]
scores.round(3)

# %%
# The same patients test all nine. Dots further to the right are better.
figure, ax = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
styles = {"weak": ("o", "#c8540a"), "cleaned": ("D", "#1f6fb4"), "true": ("|", "#1a1a1a")}
positions = range(len(scores))
ax.hlines(positions, scores.min(axis=1), scores.max(axis=1), color="#c9c9c9", zorder=0)
for kind, (marker, color) in styles.items():
    ax.plot(
        scores[kind],
        positions,
        marker,
        color=color,
        markersize=11,
        markeredgewidth=2,
        label=f"{kind} labels",
    )
ax.set_yticks(positions, scores.index)
ax.set(xlabel="macro average precision on new patients", ylim=(len(scores) - 0.5, -0.9))
ax.legend(frameon=False, ncols=3, loc="upper left")
ax.spines[["top", "right"]].set_visible(False)

# %%
regained = (scores["cleaned"] - scores["weak"]) / (scores["true"] - scores["weak"])
print("Share of the loss by wrong labels that cleaning brings back:")
print(regained.map("{:.0%}".format).to_string())

# %%
# **Take away:** two more lines in your Pipeline, and the classifier stays yours.
# :doc:`/how_to/existing_code` fits the cleaner into code that uses scikit-learn, imbalanced-learn,
# cleanlab or skorch, and :doc:`/records` says how labels travel.
