"""
Clean the labels of a table, without signals
============================================

You have no signals, only a table: what the ECG machine measured, and labels from somewhere. This
is enough. A two-dimensional input is taken as a table of features, and no ECG is read.
"""

# %%
# A table as it comes out of an export
# ------------------------------------
# Rows are ECGs, with their ids as the index. Columns are measurements, and one is missing here and
# there. The numbers are drawn: AF has no PR interval and an irregular rhythm, LBBB a wide QRS.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sklearn_ecg import AFPLabelCleaner
from sklearn_ecg.datasets import make_weak_labels

rng = np.random.default_rng(0)
n_records = 600
ids = pd.Index([f"ECG{number:04d}" for number in range(n_records)], name="id")
truth = pd.DataFrame(
    {"AF": rng.random(n_records) < 0.3, "LBBB": rng.random(n_records) < 0.25}, index=ids
).astype(int)
af, lbbb = truth["AF"] == 1, truth["LBBB"] == 1
table = pd.DataFrame(
    {
        "heart_rate_bpm": rng.normal(72 + 18 * af, 14),
        "RR_variability_ms": np.exp(rng.normal(3.2 + 1.5 * af, 0.5)),
        "PR_interval_ms": np.where(af, np.nan, rng.normal(160, 22, n_records)),
        "QRS_duration_ms": rng.normal(94 + 52 * lbbb, 12),
        "QRS_axis_deg": rng.normal(40 - 50 * lbbb, 30),
    },
    index=ids,
)
table = table.mask(rng.random(table.shape) < 0.03)
table.head()

# %%
# The labels are a DataFrame with the same index. A cardiologist has checked 120 ECGs. In the others
# labels are missing, superfluous, or written in the place of the other.
checked = pd.Series(np.arange(n_records) < 120, index=ids)
noisy = make_weak_labels(truth, missing=0.15, extra=0.1, confused=0.05, random_state=0)
weak = noisy.where(~checked, truth)

# %%
# Clean
# -----
# Rows find each other by the index, so that the order of the labels does not matter.
cleaner = AFPLabelCleaner(random_state=0)
cleaner.fit(table, weak.sample(frac=1, random_state=0), trusted=checked)
changes = cleaner.changes(reasons=True)
changes[["id", "label", "weak", "clean", "provenance", "confidence"]].head()

# %%
# Why the first five changed:
for change in changes.head().itertuples():
    print(f"{change.id}, {change.label} {change.provenance}: {change.because}")

# %%
# The measurements tell the story
# -------------------------------
# Each dot is an ECG. LBBB was added where QRS is wide and removed where it is narrow. For AF, the
# rhythm decides.
figure, axes = plt.subplots(1, 2, figsize=(7.6, 4.8), layout="constrained")
shown = {"LBBB": ("QRS_duration_ms", "QRS_axis_deg"), "AF": ("RR_variability_ms", "heart_rate_bpm")}
for ax, (label, (x, y)) in zip(axes, shown.items(), strict=True):
    now = pd.Series(cleaner.labels_[:, list(cleaner.label_names_).index(label)], index=ids)
    for value, color, word in ((0, "#c9c9c9", "absent"), (1, "#6b6b6b", "present")):
        kept = table[(now == value) & (weak[label] == value)]
        ax.scatter(kept[x], kept[y], s=10, color=color, label=f"{word}, kept")
    n_changed = []
    for value, marker, color in ((1, "^", "#1f6fb4"), (0, "v", "#c8540a")):
        changed = table[(now == value) & (weak[label] != value)]
        word = "added" if value else "removed"
        n_changed.append(f"{len(changed)} {word}")
        ax.scatter(changed[x], changed[y], s=40, marker=marker, color=color, label=word)
    ax.set(xlabel=x.replace("_", " "), ylabel=y.replace("_", " "))
    ax.set_title(f"{label}: {', '.join(n_changed)}")
    ax.spines[["top", "right"]].set_visible(False)
axes[1].set_xscale("log")
_ = figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)

# %%
n_before = (weak != truth).to_numpy().sum()
n_after = (cleaner.labels_ != truth.to_numpy()).sum()
print(f"{n_before} wrong labels before, {n_after} wrong or undecided after")

# %%
# **Take away:** a table of measurements and a table of labels are enough to clean labels.
# :doc:`/how_to/data_frame` goes on from here to files and spreadsheets.
