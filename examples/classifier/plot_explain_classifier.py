"""
Where on the ECG does the classifier see it?
============================================

A classifier says "premature ventricular beat". Does it look at the premature beat? Attribution
flattens each stretch of each lead in turn and watches how the answer moves.
"""

# %%
# Train
# -----
# The network is told which records have premature beats, never which beats these are.
# ``features=None`` leaves out the trees, so that the network alone answers.
import numpy as np

from sklearn_ecg import LabelCorrelationECGClassifier
from sklearn_ecg.datasets import make_ecg_records
from sklearn_ecg.model_selection import patient_train_test_split
from sklearn_ecg.plotting import (
    ECGAttributionDisplay,
    LabelAttentionDisplay,
    LabelCorrelationDisplay,
)

records, beats = make_ecg_records(
    300,
    labels=("Normal", "AF", "PVC", "LBBB"),
    sampling_rate=250,
    random_state=0,
    return_beats=True,
)
train, test = patient_train_test_split(records, test_size=0.3, random_state=0)
classifier = LabelCorrelationECGClassifier(features=None, max_epochs=10, random_state=0)
_ = classifier.fit(train)

# %%
# Where it sees a premature beat
# ------------------------------
# Blue is where the probability falls if the signal is flattened, orange where it rises. We take
# the record of a new patient in which the classifier is surest.
pvc = list(test.label_names).index("PVC")
surest = np.argmax(classifier.predict_proba(test)[:, pvc] * (test.labels[:, pvc] == 1))
display = ECGAttributionDisplay.from_estimator(classifier, test, surest, label="PVC")

# %%
# The simulator knows where the premature beats are:
of_record = beats[beats["id"] == test.ids[surest]]
premature = of_record[of_record["kind"] == "PVC"]
print("They begin at", ", ".join(f"{time:.1f} s" for time in premature["qrs_onset_s"]))

# %%
# How much of what speaks for the label lies on them?
values = np.clip(display.values, 0, None).sum(axis=0)
times = np.arange(len(values)) / display.sampling_rate  # the network's, 100 Hz
on_beat = np.zeros(len(values), dtype=bool)
for beat in premature.itertuples():
    on_beat |= (times > beat.qrs_onset_s - 0.1) & (times < beat.t_offset_s + 0.1)
print(f"{values[on_beat].sum() / values.sum():.0%} of it, on {on_beat.mean():.0%} of the time")

# %%
# What the network has learned of labels
# --------------------------------------
# Label embeddings are made from this matrix: the share of the training records with the label
# below that has the label on the left.
correlation = LabelCorrelationDisplay.from_estimator(classifier)

# %%
# Each label's query attends to moments of the same record. Attention is a part of the network's
# work; attribution shows what its answer rests on.
attention = LabelAttentionDisplay.from_estimator(classifier, test[[surest]])

# %%
# **Take away:** look at a few attributions before you trust a classifier: a right answer for a
# wrong reason will not last in another hospital. :doc:`/network` lists the methods, with integrated
# gradients among them.
