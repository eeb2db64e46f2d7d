"""The main job on real and on simulated records: labels get better, and training gains by it."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.metrics import f1_score, roc_auc_score
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

LEADS = ("II", "V1", "V6")
LABELS = ("Normal", "AF", "RBBB", "PAC", "PVC")


def make_weak(truth, rate=0.2):
    """A third of the records is trusted; `rate` of the others' labels is swapped."""
    trusted = np.arange(len(truth)) % 3 == 0
    noisy = corrupt_labels(truth.labels, rate, random_state=0)
    return truth.with_labels(np.where(trusted[:, None], truth.labels, noisy), trusted=trusted)


def label_f1(truth, weak, labels):
    """Weighted F1 of the weak records' labels before and after cleaning."""
    doubtful = ~weak.trusted
    report = label_cleaning_report(truth.labels[doubtful], weak.labels[doubtful], labels[doubtful])
    return report.loc["weighted avg", ["weak_f1", "clean_f1"]]


def test_mitdb(shared_data, few_trees):
    """Every fifteenth window of each of the 40 records, a third of the patients held out."""
    truth = load_mitdb(shared_data / "mitdb")[::15]
    truth = truth[(truth.labels == 1).any(axis=1)]
    train, test = next(TrustedKFold(3, trusted=True).split(truth, truth.labels))
    weak = make_weak(truth[train])
    pipeline = make_pipeline(
        AFPLabelCleaner(random_state=0),
        # Labels of single beats, which crops would miss.
        LabelCorrelationECGClassifier(
            backbone="residual", crop_s=None, max_epochs=6, random_state=0
        ),
    ).fit(weak)
    before, after = label_f1(truth[train], weak, pipeline[0].labels_)
    assert before < 0.85
    assert after > 0.92

    shown = truth.labels[test].any(axis=0) & ~truth.labels[test].all(axis=0)
    probabilities = pipeline.predict_proba(truth[test])
    # Patients whom no training saw: far from perfect, and far from chance, which is 0.5.
    assert roc_auc_score(truth.labels[test][:, shown], probabilities[:, shown]) > 0.65


def test_simulated_records(tmp_path):
    """A gradient boosting on cleaned labels beats the same on weak ones, on new patients."""
    memory = str(tmp_path)  # each record is measured once
    truth = make_ecg_records(320, labels=LABELS, leads=LEADS, sampling_rate=100, random_state=1)
    train, test = next(TrustedKFold(4, trusted=True).split(truth, truth.labels))
    weak = make_weak(truth[train], rate=0.3)
    boosting = OnCleanedLabels(
        HistGradientBoostingClassifier(max_iter=20, max_features=0.3, random_state=0),
        features=make_pipeline(ECGFeatureExtractor(memory=memory), SimpleImputer()),
    )
    on_clean = make_pipeline(AFPLabelCleaner(random_state=0, memory=memory), boosting).fit(weak)
    on_weak = clone(boosting).fit(weak, weak.labels)
    cleaned, raw = (
        f1_score(truth.labels[test], fitted.predict(truth[test]), average="macro")
        for fitted in (on_clean, on_weak)
    )
    assert cleaned > raw
    before, after = label_f1(truth[train], weak, on_clean[0].labels_)
    assert after > before + 0.05


@pytest.mark.parametrize("kind", ["swap", "missing", "extra", "confused"])
def test_every_kind_of_noise_is_reduced(kind, simulated_table):
    truth, table = simulated_table
    trusted = np.arange(len(truth)) % 3 == 0
    noisy = corrupt_labels(truth.labels, 0.3, kind=kind, random_state=0)
    weak = truth.with_labels(np.where(trusted[:, None], truth.labels, noisy), trusted=trusted)
    cleaner = AFPLabelCleaner(random_state=0).fit(table, weak.labels, trusted=trusted)
    before, after = label_f1(truth, weak, cleaner.labels_)
    assert after > before


@pytest.fixture(scope="module")
def simulated_table():
    truth = make_ecg_records(240, labels=LABELS, leads=LEADS, sampling_rate=100, random_state=2)
    return truth, ECGFeatureExtractor().fit_transform(truth)
