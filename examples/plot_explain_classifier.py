"""
Look into a classifier
======================

How training went, how good the classifier is on patients that it has not seen, what it learned of
how labels go together, and where on an ECG it sees a label.
"""

# %%
import numpy as np

from sklearn_ecg import LabelCorrelationECGClassifier
from sklearn_ecg.datasets import make_ecg_records
from sklearn_ecg.metrics import bootstrap_interval, multilabel_report
from sklearn_ecg.model_selection import patient_train_test_split
from sklearn_ecg.plotting import (
    ECGAttributionDisplay,
    LabelAttentionDisplay,
    LabelCorrelationDisplay,
    TrainingHistoryDisplay,
)

records = make_ecg_records(
    240, labels=("Normal", "AF", "PVC", "LBBB"), sampling_rate=250, random_state=0
)
train, test = patient_train_test_split(records, test_size=0.3, random_state=0)
classifier = LabelCorrelationECGClassifier(max_epochs=10, random_state=0)
classifier.fit(train)
TrainingHistoryDisplay.from_estimator(classifier)

# %%
# How good it is
# --------------
# Every score of every label, at the thresholds that the classifier has learned, and how sure the
# macro average is: not records but patients are resampled.
probabilities = classifier.predict_proba(test)
multilabel_report(
    test.labels, probabilities, threshold=classifier.thresholds_, label_names=test.label_names
).round(2)

# %%
found = bootstrap_interval(
    "f1_macro", test.labels, classifier.predict(test), groups=test.groups, random_state=0
)
print(f"macro F1 {found.score:.2f}, 95 % between {found.low:.2f} and {found.high:.2f}")

# %%
# How labels go together
# ----------------------
# The matrix from which label embeddings are made: of the training records with the label below, the
# share that has the label on the left.
LabelCorrelationDisplay.from_estimator(classifier)

# %%
# Where it sees a premature beat
# ------------------------------
# Each stretch of each lead is flattened in turn: blue is where the decision then falls, orange
# where it rises. The network was told which records have premature beats, but never which beats
# they are.
pvc = list(test.label_names).index("PVC")
surest = np.argmax(probabilities[:, pvc] * (test.labels[:, pvc] == 1))
ECGAttributionDisplay.from_estimator(classifier, test, surest, label="PVC")

# %%
# The same by integrated gradients, which share out the whole decision between all samples:
ECGAttributionDisplay.from_estimator(
    classifier, test, surest, label="PVC", method="integrated_gradients", layout="stacked"
)

# %%
# What the decoder attends to
# ---------------------------
# For the same record, the moments that each label's query looks at. Attention is a part of the
# network's work; what a decision rests on is what attribution shows.
LabelAttentionDisplay.from_estimator(classifier, test[[surest]])
