"""Good records, tables, files and models, for bad ones to be made of."""

import functools
from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, Phase, settings

from sklearn_ecg import (
    AFPLabelCleaner,
    ECGRecords,
    LabelCorrelationECGClassifier,
    OnCleanedLabels,
    cleaning,
)

RATE = 100
LEADS = ["I", "II"]
TWELVE = ["I", "II", "III", "aVR", "aVL", "aVF", *(f"V{n}" for n in range(1, 7))]
LABELS = ["AF", "PVC"]
# Every public cleaner, AFPLabelCleaner first.
CLEANERS = sorted(
    {getattr(cleaning, name) for name in cleaning.__all__} - {OnCleanedLabels},
    key=lambda kind: (kind is not AFPLabelCleaner, kind.__name__),
)


def signal(seed=0, n_leads=2, seconds=4, rate=RATE):
    """Return a signal in mV, in whole uV, of another heart rate for each seed."""
    times = np.arange(round(seconds * rate)) / rate
    phase = times % (0.6 + 0.03 * (seed % 16))
    beat = np.exp(-(((phase - 0.3) / 0.02) ** 2)) + 0.2 * np.exp(-(((phase - 0.5) / 0.05) ** 2))
    noise = np.random.default_rng(seed).normal(scale=0.01, size=(n_leads, len(times)))
    return np.round(beat * np.linspace(0.6, 1.2, n_leads)[:, np.newaxis] + noise, 3)


def signals(n_records=6, **options):
    return np.stack([signal(seed, **options) for seed in range(n_records)])


def ids(n_records=6):
    return [f"r{number}" for number in range(n_records)]


def labels(n_records=6):
    return np.random.default_rng(1).permutation(np.arange(2 * n_records) % 2).reshape(-1, 2)


def records(n_records=6, **fields):
    fields = {"ids": ids(n_records), "lead_names": LEADS} | fields
    return ECGRecords(signals(n_records), RATE, **fields)


def labelled(n_records=6, **fields):
    return records(n_records, labels=labels(n_records), label_names=LABELS, **fields)


def wfdb(folder, name, mv=None, *, header=None, seed=0, rate=RATE, leads=None, extra=""):
    """Write a WFDB record of 16-bit samples with its checksums; return its signal in mV.

    Parameters
    ----------
    folder : path
    name : str
    mv : ndarray, default=None
    header : callable, default=None
        Takes the text of the header, and returns the one that is written.
    """
    mv = signal(seed) if mv is None else mv
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    samples = np.round(mv * 1000).astype("<i2")
    (folder / f"{name}.dat").write_bytes(np.ascontiguousarray(samples.T).tobytes())
    lines = [f"{name} {len(mv)} {rate} {mv.shape[1]}"]
    for own, lead in zip(samples, leads or TWELVE, strict=False):
        total = int(own.sum(dtype=np.int16))
        lines.append(f"{name}.dat 16 1000/mV 16 0 {own[0]} {total} 0 {lead}")
    text = "\n".join(lines) + "\n" + extra
    (folder / f"{name}.hea").write_text(header(text) if header else text)
    return mv


def folder_of(n_records=2, folder="f", **options):
    """Write good WFDB records; return their signals by name."""
    return {f"g{n}": wfdb(folder, f"g{n}", seed=n, **options) for n in range(n_records)}


# The same ones each time, of which a failing one is not sought anew in fewer steps.
made_up = functools.partial(
    settings,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)


def flip(path, *places):
    """Flip a byte of a file at each of some shares of its length."""
    content = bytearray(Path(path).read_bytes())
    for place in places:
        content[int(place * len(content))] ^= 0xFF
    Path(path).write_bytes(content)


def cut(path, share):
    """Leave a share of a file."""
    content = Path(path).read_bytes()
    Path(path).write_bytes(content[: int(share * len(content))])


@functools.cache
def table(n_records=160):
    """Return features, true labels, weak labels and which records are trusted."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, size=(n_records, 2))
    features = rng.normal(scale=0.7, size=(n_records, 5)) + 1.5 * truth[:, np.arange(5) % 2]
    trusted = np.arange(n_records) < n_records // 3
    is_wrong = (rng.random(truth.shape) < 0.1) & ~trusted[:, np.newaxis]
    return features, truth, np.where(is_wrong, 1 - truth, truth), trusted


def frame(values, prefix="c"):
    columns = [f"{prefix}{number}" for number in range(np.shape(values)[1])]
    return pd.DataFrame(values, index=[f"p{n}" for n in range(len(values))], columns=columns)


def small_cleaner(kind, **parameters):
    """Return a cleaner that is fitted in a second, and always alike."""
    small = {"random_state": 0, "cv": 3}
    own = kind().get_params()
    return kind(**{name: value for name, value in small.items() if name in own} | parameters)


@functools.cache
def cleaners():
    """Return a fitted cleaner of each kind."""
    features, _, weak, trusted = table()
    return [small_cleaner(kind).fit(features, weak, trusted=trusted) for kind in CLEANERS]


def small_classifier(**parameters):
    """Return a classifier that is fitted in a second."""
    small = {
        "features": None,
        "duration_s": 4.0,
        "max_epochs": 1,
        "network__channels": (2, 2, 4),
        "network__hidden_dim": 8,
        "network__n_heads": 2,
        "random_state": 0,
    }
    return LabelCorrelationECGClassifier(**small | parameters)


@functools.cache
def classifier():
    return small_classifier().fit(labelled(24))


def prepare_models():
    cleaners()
    classifier()
