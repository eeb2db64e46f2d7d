"""
How wrong are my labels?
========================

Before you clean, you may want to know how bad the labels are.
``AFPLabelCleaner`` estimates two rates for each label: how often it is missing
where the record has the finding, and how often it is given where the record does not. Both come
with an interval.
"""

# %%
# Labels that differ in how wrong they are
# ----------------------------------------
# ``make_weak_labels`` drops each label at a rate that we choose. The
# cleaner is not told the rates. A fifth of the records is trusted.
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import PercentFormatter

from sklearn_ecg import AFPLabelCleaner
from sklearn_ecg.datasets import make_ecg_records, make_weak_labels

labels = ("Normal", "AF", "LBBB", "RBBB", "PVC")
truth = make_ecg_records(
    500, labels=labels, leads=["II", "V1", "V6"], sampling_rate=250, random_state=0
)
dropped = {"Normal": 0.02, "AF": 0.35, "LBBB": 0.1, "RBBB": 0.2, "PVC": 0.5}
noisy = make_weak_labels(
    truth.labels,
    missing=dropped,
    extra=0.05,
    confused=0.05,
    label_names=labels,
    random_state=0,
)
trusted = np.arange(len(truth)) % 5 == 0
y_weak = np.where(trusted[:, None], truth.labels, noisy)
weak = truth.with_labels(y_weak, trusted=trusted)

# %%
# Estimated and true rates
# ------------------------
# The truth is counted over the weak records, with the names that the cleaner uses.
cleaner = AFPLabelCleaner(random_state=0).fit(weak)
true, given = truth.labels[~trusted] == 1, y_weak[~trusted] == 1
rates = cleaner.noise_rates_.assign(
    true_missing=(true & ~given).sum(axis=0) / true.sum(axis=0),
    true_wrong=(~true & given).sum(axis=0) / (~true).sum(axis=0),
)
rates[["true_missing", "missing", "missing_low", "missing_high", "true_wrong", "wrong"]].round(3)

# %%
# Dots are estimates with their 95 % intervals, crosses the truth.
figure, axes = plt.subplots(1, 2, figsize=(7.2, 4.6), sharey=True, layout="constrained")
rows = range(len(rates))
for ax, kind, color in zip(axes, ("missing", "wrong"), ("#c8540a", "#1f6fb4"), strict=True):
    ax.hlines(rows, rates[f"{kind}_low"], rates[f"{kind}_high"], color, linewidth=3, alpha=0.5)
    ax.plot(rates[kind], rows, "o", color=color, markersize=8, label="estimated")
    ax.plot(rates[f"true_{kind}"], rows, "kx", markersize=8, mew=2, label="true")
    ax.xaxis.set_major_formatter(PercentFormatter(1))
    ax.set(xlim=(0, None), title=f"{kind} labels")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, loc="upper right", ncols=2)
axes[0].set_yticks(rows, rates.index)
axes[0].set_ylim(len(rates) - 0.5, -1)

# %%
inside = rates["true_missing"].between(rates["missing_low"], rates["missing_high"])
worst = rates["missing"].idxmax()
print(f"The interval holds the true share of missing labels for {inside.sum()} of {len(rates)}.")
print(f"Most often missing: {worst}, {rates.at[worst, 'missing']:.0%} of the records that have it.")

# %%
# **Take away:** ``noise_rates_`` tells which labels need a second look, before anybody reads an
# ECG. :doc:`/cleaning` says how the rates are estimated, and
# :doc:`/results/many_labels` how often the intervals hold.
