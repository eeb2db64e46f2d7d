"""Write the files that later versions must load: python tests/golden/write_golden.py VERSION.

A folder is named by the version that wrote it and is never written again. A new one is added where
the format of files has changed (`FORMAT_VERSION`), or where they hold something new.
"""

import json
import sys
from pathlib import Path

import numpy as np

from sklearn_ecg import AFPLabelCleaner, ECGRecords
from sklearn_ecg.cleaning import DensityLabelCleaner

HERE = Path(__file__).parent
CLEANERS = {"afp": AFPLabelCleaner, "density": DensityLabelCleaner}


def golden_records():
    """Return 40 records of two leads, by formulas alone, so that they are the same everywhere."""
    times, numbers = np.arange(100) / 100, np.arange(40)[:, np.newaxis]
    labels = np.hstack([numbers % 2, numbers // 2 % 2])
    waves = np.sin(2 * np.pi * times * np.where(labels[:, :1], 8, 2) + numbers)
    signals = np.stack([waves, waves * np.where(labels[:, 1:], 2, 0.3)], axis=1)
    return ECGRecords(
        signals, 100, lead_names=["II", "V1"], labels=labels, label_names=["fast", "tall"]
    )


def golden_table():
    """Return 60 records of three features, weak labels, and who is trusted, by formulas alone."""
    numbers = np.arange(60)
    truth = np.stack([numbers % 2, numbers // 3 % 2], axis=1)
    spread = np.sin(np.outer(numbers + 1, [1.3, 2.1, 3.7]))
    X = spread + np.column_stack([2 * truth, numbers % 5 / 5])
    weak, trusted = truth.copy(), numbers < 30
    weak[36::6] = 1 - weak[36::6]
    return X, weak, trusted


def write_cleaners(folder):
    """Save cleaners, and what they make of labels of records that they have not seen."""
    X, weak, trusted = golden_table()
    for name, kind in CLEANERS.items():
        seed = {"random_state": 0} if name == "afp" else {}
        cleaner = kind(**seed).fit(X, weak, trusted=trusted)
        cleaner.save(folder / f"{name}.skops")
        cleaned = cleaner.clean(X + 0.01, weak)
        answers = {
            "labels": cleaned.labels.tolist(),
            "confidence": cleaned.confidence.round(6).tolist(),
            "n_undecided": len(cleaner.undecided_),
        }
        (folder / f"{name}.json").write_text(json.dumps(answers))


def write_classifier(folder):
    """Save a classifier, and what it answers to the golden records."""
    from sklearn_ecg.network import LabelCorrelationECGClassifier

    classifier = LabelCorrelationECGClassifier(
        features=None,
        duration_s=1.0,
        crop_s=0.5,
        max_epochs=10,
        batch_size=16,
        lr=0.02,
        validation_fraction=0.5,
        thresholds="tuned",
        class_weight={"fast": 2.0},
        random_state=0,
        network__channels=(2, 2, 4),
        network__hidden_dim=8,
        network__n_heads=2,
    )
    folder.mkdir()
    records = golden_records()
    classifier.fit(records).save(folder)
    answers = {
        "probabilities": classifier.predict_proba(records).round(6).tolist(),
        "labels": classifier.predict(records).tolist(),
        "embeddings": classifier.transform(records)[0].round(5).tolist(),
    }
    (folder / "answers.json").write_text(json.dumps(answers))


if __name__ == "__main__":
    version = HERE / sys.argv[1]
    version.mkdir()
    write_cleaners(version)
    write_classifier(version / "classifier")
