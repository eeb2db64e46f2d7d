"""
An ECG on paper, as your cardiologist prints it
===============================================

A cardiologist reads an ECG fastest in the layout that is usual at home.
``ECGDisplay`` draws a record on calibrated paper: 25 or 50 mm/s, 5, 10
or 20 mm/mV, in rows and columns of your choice. Printed without scaling, a millimetre is a
millimetre.
"""

# %%
# Three rows, four columns
# ------------------------
# This is the default for twelve leads, with lead II below throughout. The record is simulated,
# with a left bundle branch block.
from sklearn_ecg.datasets import make_ecg_records
from sklearn_ecg.plotting import ECGDisplay

# sphinx_gallery_thumbnail_number = 2
records = make_ecg_records(12, labels=("Normal", "AF", "LBBB"), random_state=1)
lbbb = records.labels[:, list(records.label_names).index("LBBB")].argmax()
display = ECGDisplay.from_records(records, lbbb)

# %%
# Six rows, two columns, Cabrera's order
# --------------------------------------
# In Germany, Sweden and elsewhere limb leads come in anatomical order, with -aVR, and paper runs at
# 50 mm/s.
display = ECGDisplay.from_records(
    records, lbbb, layout="6x2", cabrera=True, speed=50, duration_s=5, rhythm_strip=False
)

# %%
# One lead, with its waves
# ------------------------
# A rhythm strip: leads are chosen by name. ``waves=True`` marks P, QRS and T.
af = records.labels[:, list(records.label_names).index("AF")].argmax()
display = ECGDisplay.from_records(records.select_leads(["II"]), af, waves=True)

# %%
# Every lead in a row of its own
# ------------------------------
# ``"12x1"`` shows all ten seconds of all leads. A small ECG is easier to read at 20 mm/mV, a large
# one at 5.
display = ECGDisplay.from_records(records, af, layout="12x1", gain=5)

# %%
# For a document, save it as PDF. The figure has the size of the paper.
width, height = display.figure_.get_size_inches() * 25.4
print(f"{width:.0f} mm wide, {height:.0f} mm high")

# %%
# **Take away:** one call draws a record as it is printed where you work, true to scale. To look
# through many records, ``save_contact_sheet`` puts them into one PDF.
# :doc:`/waves` says what is marked.
