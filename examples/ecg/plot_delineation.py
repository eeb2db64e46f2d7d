"""
P, QRS and T of every beat
==========================

You want intervals, or the waves themselves. ``delineate`` finds P, QRS
and T in every lead, and ``ECGDisplay`` marks them on ECG paper. The
records are simulated, so we know what is in them.
"""

# %%
from sklearn_ecg.datasets import make_ecg_records
from sklearn_ecg.features import delineate
from sklearn_ecg.plotting import ECGDisplay

records = make_ecg_records(labels=("Normal", "AF", "PVC"), n_records=40, random_state=0)


def first_with(label):
    """Return the position of the first record that has this label alone."""
    wanted = records.labels[:, list(records.label_names).index(label)] == 1
    return (wanted & (records.labels.sum(axis=1) == 1)).argmax()


# %%
# On paper
# --------
# Four seconds of three leads, at 25 mm/s and 10 mm/mV. Each wave is shaded from onset to end;
# triangles stand above R peaks. Without ``duration_s`` and ``select_leads`` all of the ECG is
# drawn.
normal = first_with("Normal")
few = records.select_leads(["I", "II", "V5"])
display = ECGDisplay.from_records(few, normal, waves=True, duration_s=4)

# %%
# As a table
# ----------
# A row per lead and beat, in samples. NaN is a wave that is absent or could not be found.
waves = delineate(records.signals[normal], records.sampling_rate)
waves.head()

# %%
# What you want to know about single beats follows from it. PR intervals in lead II:
lead_ii = waves[waves["lead"] == records.lead_names.index("II")]
((lead_ii["qrs_onset"] - lead_ii["p_onset"]) * 1000 / records.sampling_rate).describe()

# %%
# Absent waves
# ------------
# In atrial fibrillation there are no P waves to mark.
display = ECGDisplay.from_records(
    records.select_leads(["II", "V1"]), first_with("AF"), waves=True, duration_s=6
)

# %%
# Beats that are unlike the others
# --------------------------------
# A premature ventricular beat: no P wave, a wide complex, a T wave the other way.
display = ECGDisplay.from_records(records.select_leads(["II", "V1"]), first_with("PVC"), waves=True)

# %%
# **Take away:** waves are a table, and a picture shows at once whether you can believe it.
# :doc:`/waves` says how they are found, how far they are off on public archives, and how NeuroKit
# goes on with them. ``ECGFeatureExtractor`` makes features of them.
