"""
Several readers: who errs, and how
==================================

Three residents and a machine have labelled the same ECGs, and they disagree. A majority vote counts
all of them alike. ``AFPLabelCleaner`` takes each as a source of its own, looks at
the ECG too, and estimates how often each of them errs.
"""

# %%
# Four sources
# ------------
# Each source drops and adds labels at rates of its own. The machine drops half of the labels AF.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sklearn_ecg import AFPLabelCleaner
from sklearn_ecg.datasets import make_ecg_records, make_weak_labels

labels = ("Normal", "AF", "LBBB", "RBBB", "PVC")
records = make_ecg_records(
    450, labels=labels, leads=["II", "V1", "V6"], sampling_rate=250, random_state=0
)
truth = records.labels
noise = {
    "Anna": {"missing": 0.05, "extra": 0.02, "confused": 0.02},
    "Ben": {"missing": 0.2, "extra": 0.05, "confused": 0.05},
    "Carl": {"missing": 0.1, "extra": 0.3, "confused": 0.1},
    "machine": {"missing": {"AF": 0.5, "PVC": 0.3}, "extra": 0.1, "confused": 0.1},
}
trusted = np.arange(len(records)) % 5 == 0
readings = {}
for seed, (source, rates) in enumerate(noise.items()):
    said = make_weak_labels(truth, **rates, label_names=labels, random_state=seed)
    readings[source] = pd.DataFrame(said, index=records.ids, columns=labels)
gold = pd.DataFrame(np.where(trusted[:, None], truth, -1), index=records.ids, columns=labels)

# %%
# Clean them together
# -------------------
# The sources go in as a dict of tables. A table named ``truth`` holds what is known for sure, and
# -1 where nothing is known.
cleaner = AFPLabelCleaner(random_state=0).fit(records, readings | {"truth": gold})

# %%
# Who errs
# --------
# Dark cells are frequent errors. Left of each pair of numbers is what was estimated, right of it
# the truth.
estimated = cleaner.noise_rates_["missing"].unstack(level=0).loc[list(labels), list(noise)]
true = pd.DataFrame(
    {
        source: ((said.to_numpy() == 0) & (truth == 1)).sum(axis=0) / (truth == 1).sum(axis=0)
        for source, said in readings.items()
    },
    index=labels,
)
figure, ax = plt.subplots(figsize=(6.5, 4.5), layout="constrained")
image = ax.imshow(estimated, cmap="Oranges", vmin=0, vmax=0.6, aspect="auto")
for row, column in np.ndindex(estimated.shape):
    ax.text(
        column,
        row,
        f"{estimated.iat[row, column]:.0%} | {true.iat[row, column]:.0%}",
        ha="center",
        va="center",
        color="white" if estimated.iat[row, column] > 0.35 else "black",
    )
ax.set_xticks(range(len(noise)), list(noise))
ax.set_yticks(range(len(labels)), labels)
ax.set_title("Labels that a source misses: estimated | true")
_ = figure.colorbar(image, label="estimated share")

# %%
# Against a majority vote
# -----------------------
votes = np.mean([said.to_numpy() for said in readings.values()], axis=0) > 0.5
candidates = {source: said.to_numpy() for source, said in readings.items()}
candidates |= {"majority vote": votes.astype(int), "cleaned": cleaner.labels_}
n_wrong = pd.Series(
    {name: (said[~trusted] != truth[~trusted]).sum() for name, said in candidates.items()}
)
figure, ax = plt.subplots(figsize=(6.5, 3.2), layout="constrained")
bars = ax.barh(n_wrong.index, n_wrong, color=["#b0b0b0"] * 4 + ["#767676", "#1f6fb4"])
ax.bar_label(bars, padding=4)
ax.invert_yaxis()
ax.set(xlabel="wrong or undecided labels", title=f"{(~trusted).sum()} records without a truth")
ax.spines[["top", "right"]].set_visible(False)

# %%
# **Take away:** keep what each reader said, instead of merging it into one column. The
# cleaner then knows whom to believe, label by label. :doc:`/cleaning` has the section on several
# readers, and :doc:`/review` lets them answer at the same desk.
