"""Probabilities of networks: kept as text, and compared by a bootstrap."""

import base64
from functools import cache

import numpy as np
import pandas as pd

from benchmarks._report import Results
from sklearn_ecg.metrics import paired_bootstrap_test

DEFAULT = "default"
# With fewer patients who have a label, many a bootstrap has none of them, and no score.
MIN_PATIENTS = 8


def open_scored(page, command, records, *, fresh, keys=("network", "seed")):
    """Return the results of networks whose probabilities are of such records."""
    return Results(
        page,
        command,
        keys,
        about={"data": f"{len(records)} records, {records.n_labels} labels"},
        packages=("torch", "skorch"),
        fresh=fresh,
    )


def difference(rows, name, test, metric):
    """Return the mean difference to the default over the seeds that both have, as text."""
    said = {
        kind: {row["seed"]: row["probabilities"] for row in rows if row["network"] == kind}
        for kind in (name, DEFAULT)
    }
    seeds = sorted(set(said[name]) & set(said[DEFAULT]))
    if name == DEFAULT or not seeds:
        return ""
    packed = [tuple(said[kind][seed] for seed in seeds) for kind in (name, DEFAULT)]
    return compare_packed(metric, *packed, test)


@cache
def compare_packed(metric, one, other, test):
    """Return the mean difference over seeds, as text; once, since each new row shows it again."""
    compared = has_patients_enough(test)
    if not compared.any():
        return "too few patients"
    # Macro scores are means over columns: seeds side by side give the mean over seeds.
    scores = [
        np.hstack([unpack(text, test.labels.shape)[:, compared] for text in texts])
        for texts in (one, other)
    ]
    if metric == "f1_macro":
        scores = [(found >= 0.5).astype(int) for found in scores]
    truth = np.hstack([test.labels[:, compared]] * len(one))
    test_of = paired_bootstrap_test(metric, truth, *scores, groups=test.groups, random_state=0)
    return f"{test_of.difference:+.3f} ({test_of.low:+.3f} to {test_of.high:+.3f})"


def has_patients_enough(records):
    """Return which labels enough patients have, and enough lack, to be drawn anew."""
    patients = np.arange(len(records)) if records.groups is None else records.groups
    by_patient = [pd.DataFrame(records.labels == value).groupby(patients) for value in (1, 0)]
    fewest = np.min([with_value.any().sum() for with_value in by_patient], axis=0)
    return fewest >= MIN_PATIENTS


def left_out_of_differences(records):
    """Say which labels differences leave out."""
    rare = ", ".join(records.label_names[~has_patients_enough(records)])
    few = f" They leave out labels that fewer than {MIN_PATIENTS} patients have, or lack: {rare}."
    return few if rare else ""


def pack(probabilities):
    """Return probabilities as text, which differences are found from later."""
    return base64.b64encode(np.asarray(probabilities, dtype="<f2").tobytes()).decode()


def unpack(text, shape):
    return np.frombuffer(base64.b64decode(text), dtype="<f2").astype(np.float64).reshape(shape)


def pack_bits(predicted):
    """Return which labels are predicted, 1 or 0, as text."""
    return base64.b64encode(np.packbits(np.asarray(predicted, dtype=bool)).tobytes()).decode()


def unpack_bits(text, shape):
    packed = np.frombuffer(base64.b64decode(text), dtype=np.uint8)
    return np.unpackbits(packed, count=int(np.prod(shape))).astype(np.int64).reshape(shape)
