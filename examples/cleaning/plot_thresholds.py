"""
Choose how sure a change must be
================================

``min_confidence`` is the threshold of ``AFPLabelCleaner`` that matters most. A
label is changed or confirmed if the result is at least that probable; otherwise it is undecided,
and a person decides. This example shows what you gain and lose by raising it.
"""

# %%
# Labels that are hard to clean
# -----------------------------
# A single lead, much noise in it, and few features leave many labels in doubt. Two labels in five
# were replaced with wrong ones, and a quarter of the records is trusted. The extractor warns of
# records that are too noisy for it.
from tempfile import TemporaryDirectory

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sklearn_ecg import AFPLabelCleaner, ECGFeatureExtractor
from sklearn_ecg.datasets import corrupt_labels, make_ecg_records

records = make_ecg_records(400, leads=["II"], sampling_rate=250, noise=8, random_state=0)
table = ECGFeatureExtractor(groups=("rhythm", "intervals")).fit_transform(records)
trusted = np.arange(len(records)) % 4 == 0
noisy = corrupt_labels(records.labels, 0.4, random_state=0)
y_weak = np.where(trusted[:, None], records.labels, noisy)
is_error = y_weak != records.labels

# %%
# One fit for each threshold
# --------------------------
# Only the decision depends on ``min_confidence``. With ``memory`` the first fit takes time, and
# the others reuse its work.
cache = TemporaryDirectory()
rows = []
for min_confidence in (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99):
    cleaner = AFPLabelCleaner(
        min_confidence=min_confidence, undecided="weak", memory=cache.name, random_state=0
    ).fit(table, y_weak, trusted=trusted)
    is_changed = cleaner.labels_ != y_weak
    rows.append(
        {
            "min_confidence": min_confidence,
            "errors found": (is_changed & is_error).sum() / is_error.sum(),
            "changes right": (is_changed & is_error).sum() / is_changed.sum(),
            "mean confidence": cleaner.confidence_[is_changed].mean(),
            "undecided": len(cleaner.undecided_),
        }
    )
moved = pd.DataFrame(rows).set_index("min_confidence")
cache.cleanup()
moved.round(3)

# %%
# Errors found against right changes
# ----------------------------------
# To the right more errors are found; further up more of the changes are right. The circles grow
# with the number of labels that are left to a person.
figure, ax = plt.subplots(figsize=(6.5, 4.5), layout="constrained")
found, right = moved["errors found"], moved["changes right"]
ax.plot(found, right, color="#1f6fb4")
ax.scatter(found, right, s=20 + moved["undecided"], color="#1f6fb4", alpha=0.4)
for min_confidence in moved.index:
    ax.annotate(
        f"{min_confidence:g}",
        (found[min_confidence], right[min_confidence]),
        xytext=(10, 10),
        textcoords="offset points",
    )
ax.set(
    xlabel="share of errors found",
    ylabel="share of changes that are right",
    title="Choose min_confidence",
)
ax.margins(0.15)
ax.spines[["top", "right"]].set_visible(False)

# %%
# Without the truth
# -----------------
# You cannot draw this curve for your own records. But you can read two of its numbers from the
# cleaner: the mean ``confidence_`` of the changes estimates how many are right, and the length of
# ``undecided_`` is the work that is left.
gap = (moved["changes right"] - moved["mean confidence"]).abs().max()
print(f"The estimate differs from the truth by {gap:.3f} at most.")

# %%
# **Take away:** raise ``min_confidence`` if a wrong change costs you more than a missed error, and
# if somebody can answer the questions that this leaves. :doc:`/how_to/thresholds` chooses the
# threshold by a search, and :doc:`/cleaning` explains ``caution``, the other threshold.
