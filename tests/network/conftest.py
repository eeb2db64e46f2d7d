"""Records and classifiers so small that a fit takes a fraction of a second."""

import numpy as np
import pytest

from sklearn_ecg import ECGRecords
from sklearn_ecg.network import LabelCorrelationECGClassifier


def _make_tiny_records(n_records=48, n_times=100, seed=0):
    """Two leads; the first label makes lead II fast, the second makes lead V1 tall."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, size=(n_records, 2))
    times = np.arange(n_times) / 100
    waves = np.sin(2 * np.pi * times * np.where(labels[:, :1] == 1, 8, 2))
    signals = np.stack([waves, waves * np.where(labels[:, 1:] == 1, 2, 0.3)], axis=1)
    return ECGRecords(
        signals + rng.normal(scale=0.1, size=signals.shape),
        100,
        lead_names=["II", "V1"],
        groups=np.arange(n_records) // 2,
        labels=labels,
        label_names=["fast", "tall"],
    )


def _make_tiny_classifier(**parameters):
    defaults = {
        "duration_s": 1.0,
        "max_epochs": 2,
        "lr": 5e-3,
        "random_state": 0,
        "backbone": "residual",
        "features": None,
        "highpass": None,
        "crop_s": None,
        "augmentation": None,
        "batch_size": 32,
        "validation_fraction": 0.15,
        "criterion__gamma_negative": 4.0,
        "criterion__clip": 0.05,
        "training__ema_decay": None,
        "network__dropout": 0.1,
        "network__channels": (2, 2, 4),
        "network__hidden_dim": 8,
        "network__n_heads": 2,
    }
    return LabelCorrelationECGClassifier(**{**defaults, **parameters})


@pytest.fixture(scope="module", autouse=True)
def _few_trees(few_trees):
    """No test of networks is about the number of trees beside them."""


@pytest.fixture(scope="session")
def make_tiny_records():
    """Make records of 1 s, or of another length."""
    return _make_tiny_records


@pytest.fixture(scope="session")
def tiny_records():
    """Forty-eight records of 1 s."""
    return _make_tiny_records()


@pytest.fixture(scope="session")
def tiny():
    """Make a classifier with a network of a few hundred weights."""
    return _make_tiny_classifier


@pytest.fixture(scope="session")
def tiny_fitted(tiny_records):
    """A classifier fitted on the tiny records; not to be changed."""
    return _make_tiny_classifier(max_epochs=12).fit(tiny_records)


@pytest.fixture(scope="session")
def weights_of():
    """Return all weights of a fitted classifier in one array."""

    def weights(classifier):
        state = classifier.module_.state_dict().values()
        return np.concatenate([values.double().numpy().ravel() for values in state])

    return weights
