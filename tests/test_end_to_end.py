"""The main job on real and on simulated records: labels get better, and training gains by it."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline

from sklearn_ecg import (
    AFPLabelCleaner,
    ECGFeatureExtractor,
    LabelCorrelationECGClassifier,
    OnCleanedLabels,
    TrustedKFold,
)
from sklearn_ecg.datasets import corrupt_labels, load_mitdb, make_ecg_records
from sklearn_ecg.metrics import label_cleaning_report


def make_weak(truth, rate=0.2):
    """A third of the records is trusted; `rate` of the others' labels is swapped."""
    trusted = np.arange(len(truth)) % 3 == 0
    noisy = corrupt_labels(truth.labels, rate, random_state=0)
    return truth.with_labels(np.where(trusted[:, None], truth.labels, noisy), trusted=trusted)


def test_mitdb(shared_data):
    """Every sixth window of each of the 40 records, a third of the patients held out."""
    truth = load_mitdb(shared_data / "mitdb")[::6]
    truth = truth[(truth.labels == 1).any(axis=1)]
    train, test = next(TrustedKFold(3).split(truth, truth.labels))
    weak = make_weak(truth[train])

    forest = make_pipeline(
        ECGFeatureExtractor(),
        RandomForestClassifier(100, min_samples_leaf=2, random_state=0),
    )
    pipeline = make_pipeline(AFPLabelCleaner(random_state=0), OnCleanedLabels(forest)).fit(weak)
    doubtful = ~weak.trusted
    report = label_cleaning_report(
        truth[train].labels[doubtful], weak.labels[doubtful], pipeline[0].labels_[doubtful]
    )
    before, after = report.loc["weighted avg", ["weak_f1", "clean_f1"]]
    assert before < 0.85
    assert after > 0.93

    classifier = LabelCorrelationECGClassifier(max_epochs=4, random_state=0)
    classifier.fit(weak, pipeline[0].labels_)
    predicted = classifier.predict(truth[test])
    chance = np.ones_like(predicted)
    truth_labels = truth[test].labels
    scores = [
        f1_score(truth_labels, labels, average="weighted", zero_division=0)
        for labels in (predicted, chance)
    ]
    assert scores[0] > scores[1]


def test_simulated_records():
    truth = make_ecg_records(400, sampling_rate=100, random_state=1)
    train, test = next(TrustedKFold(4).split(truth, truth.labels))
    weak = make_weak(truth[train])
    model = make_pipeline(ECGFeatureExtractor(), RandomForestClassifier(100, random_state=0))
    on_clean = make_pipeline(AFPLabelCleaner(random_state=0), OnCleanedLabels(model)).fit(weak)
    on_weak = OnCleanedLabels(model).fit(weak, weak.labels)
    cleaned, raw = (
        f1_score(truth[test].labels, fitted.predict(truth[test]), average="macro")
        for fitted in (on_clean, on_weak)
    )
    assert cleaned > raw
    doubtful = ~weak.trusted
    report = label_cleaning_report(
        truth[train].labels[doubtful], weak.labels[doubtful], on_clean[0].labels_[doubtful]
    )
    assert report.loc["weighted avg", "clean_f1"] > report.loc["weighted avg", "weak_f1"] + 0.05


@pytest.mark.parametrize("kind", ["swap", "missing", "extra", "confused"])
def test_every_kind_of_noise_is_reduced(kind):
    truth = make_ecg_records(300, sampling_rate=100, random_state=2)
    trusted = np.arange(300) % 3 == 0
    noisy = corrupt_labels(truth.labels, 0.3, kind=kind, random_state=0)
    weak = truth.with_labels(np.where(trusted[:, None], truth.labels, noisy), trusted=trusted)
    cleaned = AFPLabelCleaner(random_state=0).fit_transform(weak)
    report = label_cleaning_report(
        truth.labels[~trusted], weak.labels[~trusted], cleaned.labels[~trusted]
    )
    assert report.loc["weighted avg", "clean_f1"] > report.loc["weighted avg", "weak_f1"]
