"""
Find ECGs that are not fit to be read
=====================================

An electrode came off, two were swapped, the mains hum. A classifier answers all the same.
``ECGFeatureExtractor.quality_report`` lists such records, the lead, and what to
do.
"""

# %%
# Spoil some records
# ------------------
# Sixty good records, of which we spoil five in ways that happen on a ward.
import matplotlib.pyplot as plt
import numpy as np

from sklearn_ecg import ECGFeatureExtractor
from sklearn_ecg.datasets import make_ecg_records
from sklearn_ecg.plotting import ECGDisplay

good = make_ecg_records(60, labels=("Normal", "AF", "PVC"), random_state=0)
names = list(good.lead_names)
times = np.arange(good.n_times) / good.sampling_rate
hum, off, gap, swapped, muscle = 3, 11, 19, 28, 35

signals = good.signals.copy()
signals[hum, names.index("V2")] += 0.3 * np.sin(2 * np.pi * 50 * times)
signals[off, names.index("V4")] = 0
signals[gap, names.index("V5"), 500:1600] = np.nan
signals[muscle, names.index("V6")] += np.random.default_rng(0).normal(0, 0.3, good.n_times)
# With the arms swapped, I is upside down, II and III change places, and so do aVR and aVL.
signals[swapped, :6] = signals[
    swapped, [names.index(lead) for lead in ("I", "III", "II", "aVL", "aVR", "aVF")]
]
signals[swapped, 0] *= -1
records = good.with_signals(signals)

# %%
# The five, each in the lead that shows it:
spoilt = {
    "mains hum in V2": (hum, "V2"),
    "electrode of V4 off": (off, "V4"),
    "gap in V5": (gap, "V5"),
    "arms swapped: I upside down": (swapped, "I"),
    "muscle noise in V6": (muscle, "V6"),
}
figure, axes = plt.subplots(len(spoilt), figsize=(7.5, 6), sharex=True, layout="constrained")
shown = times < 5
for ax, (problem, (record, lead)) in zip(axes, spoilt.items(), strict=True):
    signal = records.signals[record, names.index(lead), shown]
    ax.plot(times[shown], signal, color="#1a1a1a", linewidth=0.9)
    ax.set_title(problem, loc="left", color="#c8540a", fontweight="bold")
    ax.set(ylim=(np.nanmin(signal) - 0.4, np.nanmax(signal) + 0.4), yticks=[])
    ax.spines[["top", "right", "left"]].set_visible(False)
_ = axes[-1].set_xlabel("time (s)")

# %%
# The report
# ----------
# It has a row for each finding. A limb lead in which the beats are small is listed as noisy, even
# if its noise is low. So we look at the other findings first.
report = ECGFeatureExtractor().fit(records).quality_report(records)
plain = report[report["problem"] != "noisy"]
plain[["id", "lead", "problem", "value"]]

# %%
# It also says what to do:
for finding in plain.itertuples():
    print(f"{finding.id}, {finding.problem}: {finding.what_to_do}")

# %%
# The noisiest leads; their value is the noise in mV:
noisy = report[report["problem"] == "noisy"]
noisy.nlargest(3, "value")[["id", "lead", "problem", "value"]]

# %%
# Would you have seen it?
# -----------------------
# The record with swapped arms. In I all waves point down, and aVR looks like aVL.
display = ECGDisplay.from_records(records, swapped)

# %%
# **Take away:** look at the report before you clean or train, and leave out or mend what it
# lists. :doc:`/features` says how often it finds swapped electrodes in public archives, and how
# often it accuses the wrong.
