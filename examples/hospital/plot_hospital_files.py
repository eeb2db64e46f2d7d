"""
From a folder of mixed files to labelled records
================================================

A hospital's export is a folder of files in several formats. This example makes one, of simulated
records, and goes from its files to records with weak labels. One file is damaged, on purpose.
"""

# %%
# An export
# ---------
# Thirty records as WFDB, ten as CSV in a ZIP archive, one file that was cut, and a document that
# is no ECG at all.

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from sklearn_ecg.datasets import join_labels, load_ecg_files, make_ecg_records, write_ecg_files
from sklearn_ecg.plotting import ECGDisplay

folder = TemporaryDirectory()
exports = Path(folder.name) / "exports"
simulated = make_ecg_records(40, labels=("Normal", "AF", "LBBB"), random_state=0)
write_ecg_files(simulated[:30], exports / "ward", "wfdb")
write_ecg_files(simulated[30:], exports / "clinic", "csv")
shutil.make_archive(exports / "clinic", "zip", exports / "clinic")
shutil.rmtree(exports / "clinic")
with open(exports / "ward" / "P0000-0.dat", "r+b") as file:
    file.truncate(1000)
_ = (exports / "letter.pdf").write_bytes(b"%PDF-1.7")

# %%
# What is in it
# -------------
# Files are known by their content. What cannot be read is left out, and the report says why.

records = load_ecg_files(exports)
print(records)
print(records.report[["id", "problem"]].to_string())

# %%
# What files say beside their samples is metadata. These files say little. Those of a hospital also
# say age, sex, time, device, filters, the machine's measurements, and its statements.

print(records.metadata[["format", "stored_hz"]].value_counts().to_string())

# %%
# Labels by name
# --------------
# A table of labels finds its records by the files' names.

labelled = join_labels(records, exports / "ward" / "labels.csv", id_column="file")
print(labelled.label_counts().to_string())

# %%
# One of the records
# ------------------
# Signals are read when they are touched. The first record with a left bundle branch block:

lbbb = labelled.labels[:, list(labelled.label_names).index("LBBB")] == 1
shown = labelled.select_leads(["I", "II", "V1", "V6"])
display = ECGDisplay.from_records(shown, lbbb.argmax(), duration_s=5)
folder.cleanup()

# %%
# **Take away:** point ``load_ecg_files`` at the folder and read
# ``records.report`` before anything else. :doc:`/how_to/hospital_files` goes on from here to labels
# that are clean, and :doc:`/data` lists the formats.
