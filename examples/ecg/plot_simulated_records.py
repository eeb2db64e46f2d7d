"""
Nine findings, simulated
========================

You want to try something before the hospital's data arrive, or teach it.
``make_ecg_records`` makes 12-lead records with labels, offline and
seeded. Each finding shows on the leads where a textbook says that it shows.
"""

# %%
# One record of each label
# ------------------------
# For each label we look for a record that has this label alone, and cut 4 s of four leads: around
# the premature beat, where there is one.
import matplotlib.pyplot as plt
import numpy as np

from sklearn_ecg.datasets import make_ecg_records
from sklearn_ecg.plotting import ECGDisplay

records, beats = make_ecg_records(200, random_state=0, return_beats=True)
leads = records.select_leads(["II", "V1", "V3", "V5"])
alone = records.labels.sum(axis=1) == 1
figure, axes = plt.subplots(3, 3, figsize=(10, 7.5), layout="constrained", sharex=True, sharey=True)
for column, (label, ax) in enumerate(zip(records.label_names, axes.flat, strict=True)):
    record = (alone & (records.labels[:, column] == 1)).argmax()
    premature = beats.query("id == @records.ids[@record] and kind == @label and kind != 'AF'")
    start_s = np.clip(premature["qrs_onset_s"].min() - 2, 0, 6) if len(premature) else 0
    start = round(start_s * records.sampling_rate)
    signals = leads.signals[record, :, start : start + round(4 * records.sampling_rate)]
    times = np.arange(signals.shape[1]) / records.sampling_rate
    for row, (lead, signal) in enumerate(zip(leads.lead_names, signals, strict=True)):
        ax.plot(times, signal - np.median(signal) - 2 * row, color="#1a1a1a", linewidth=0.8)
        ax.text(-0.25, -2 * row, lead, fontsize=8, color="#b3261e", ha="right", va="center")
    ax.set_title(label, fontweight="bold", loc="left")
    ax.set(xlim=(-0.2, 4), ylim=(-8, 2), xticks=range(5), yticks=[])
    ax.spines[["top", "right", "left"]].set_visible(False)
for ax in axes[-1]:
    ax.set_xlabel("time (s)")

# %%
# What you get
# ------------
# The records know their labels and patients. Two records of a patient share the axis,
# the amplitudes and the lasting findings.
records

# %%
# The true times of all beats come on request, to test detectors against.
beats.head().round(3)

# %%
# Less pleasant records
# ---------------------
# Noise, drift and electrodes that come off can be set too.
noisy = make_ecg_records(
    1,
    labels=("Normal",),
    noise={"wander": 0.15, "mains": 0.03, "muscle": 0.04},
    lead_off=["V4"],
    random_state=2,
)
display = ECGDisplay.from_records(noisy)

# %%
# **Take away:** try your whole work on simulated records first. The simulator is for tests,
# examples and teaching: its findings are plainer than those of real patients, and no result on them
# is evidence. :doc:`/data` lists what else can be loaded in one line.
