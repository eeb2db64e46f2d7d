"""What ``make dist`` runs where only the wheel is installed: its files, and the main job.

It stands outside of the test suite, which tests the sources.
"""

import tempfile
from importlib.metadata import files

import numpy as np
from sklearn.pipeline import make_pipeline

import sklearn_ecg
from sklearn_ecg import AFPLabelCleaner, LabelCorrelationECGClassifier
from sklearn_ecg.datasets import corrupt_labels, load_vocabulary, make_ecg_records
from sklearn_ecg.features import delineate


def main():
    folders = {path.parts[0] for path in files("sklearn_ecg") if path.suffix in (".py", ".csv")}
    assert folders == {"sklearn_ecg"}, f"the wheel installs {folders}"
    assert "site-packages" in sklearn_ecg.__file__, f"{sklearn_ecg.__file__} is no installed file"
    for name in dir(sklearn_ecg):
        getattr(sklearn_ecg, name)
    assert len(load_vocabulary())

    records = make_ecg_records(120, labels=("Normal", "AF", "PVC"), random_state=0)
    assert len(delineate(records.signals[0], records.sampling_rate))
    trusted = np.arange(120) % 3 == 0
    wrong = corrupt_labels(records.labels, 0.2, random_state=0)
    labels = np.where(trusted[:, None], records.labels, wrong)
    weak = records.with_labels(labels, trusted=trusted)
    pipe = make_pipeline(
        AFPLabelCleaner(random_state=0), LabelCorrelationECGClassifier(max_epochs=2, random_state=0)
    ).fit(weak)
    assert len(pipe[0].transform(weak).changes())
    probabilities = pipe.predict_proba(records)
    with tempfile.TemporaryDirectory() as folder:
        pipe[-1].save(f"{folder}/model")
        loaded = LabelCorrelationECGClassifier.load(f"{folder}/model")
    np.testing.assert_array_equal(loaded.predict_proba(records), probabilities)


if __name__ == "__main__":
    main()
