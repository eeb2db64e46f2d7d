"""
From a folder of files to labels
================================

A hospital's export is a folder of files in whatever formats. This example makes one, of simulated
records, and goes from its files to records with weak labels.
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
# What files say beside their samples is metadata: here little, of a hospital's files age, sex,
# time, device, filters, what the machine measured, and its statements.

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

ECGDisplay.from_records(labelled[1]).figure_.suptitle(labelled.ids[1])

folder.cleanup()
