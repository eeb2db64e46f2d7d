"""Schema of a saved model's text: names, types and ranges."""

import re
from numbers import Real

import numpy as np

FORMAT = "sklearn_ecg.LabelCorrelationECGClassifier"
# Increase it with each change that gives older files another meaning or makes them unreadable. Then
# keep the code that reads the old version, and a file of it in `tests/golden`.
FORMAT_VERSION = 1

# Far more than any record has, but small enough for memory.
_MOST_LEADS, _MOST_TIMES, _MOST_BYTES_OF_NAMES = 1000, 2**23, 2**28

_NULL = type(None)
_SCHEMA = {
    "format": str,
    "format_version": int,
    "made_by": dict,
    "weights": {"file": str, "sha256": str},
    "labels": {"names": list, "dtype": str, "multilabel": bool, "learned": list},
    "decisions": {
        "is_taught": bool,
        "share": Real,
        "slope": list,
        "offset": list,
        "thresholds": list,
    },
    "input": {
        "unit": str,
        "lead_names": (list, _NULL),
        "n_leads": int,
        "n_features_in": int,
        "sampling_rate": (Real, _NULL),
        "n_times": int,
        "lead_scale": list,
        "may_lack": list,
        "column_names": (list, _NULL),
        "reader": {
            "sampling_rate": Real,
            "highpass": (Real, _NULL),
            "duration_s": (Real, _NULL),
            "crop_s": (Real, str, _NULL),
        },
    },
    "features": (dict, _NULL),
    "parameters": dict,
    "history": list,
}
_FEATURES = {
    "extractor": str,
    "parameters": dict,
    "sampling_rate": Real,
    "names": list,
    "slope": list,
    "offset": list,
}


def check_model(model, path):
    """Raise where the text of a model lacks an entry, or has one of a wrong type or range.

    Parameters
    ----------
    model : dict
    path : path
        For messages.
    """
    _check_kinds(model, _SCHEMA, path)
    if model["features"] is not None:
        _check_kinds(model["features"], _FEATURES, path, "features.")
    for name, (value, is_right, wanted) in _ranges(model).items():
        if not is_right(value):
            raise ValueError(f"{path}: {name} must be {wanted}; got {_shortened(value)}.")


def _check_kinds(found, wanted, path, place=""):
    for key, kind in wanted.items():
        name = f"{place}{key}"
        if key not in found:
            raise ValueError(f"{path} does not describe a model completely: {name} is missing.")
        value = found[key]
        if isinstance(kind, dict):
            if not isinstance(value, dict):
                raise ValueError(f"{path}: {name} must be an object; got {_shortened(value)}.")
            _check_kinds(value, kind, path, f"{name}.")
        elif not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise ValueError(f"{path}: {name} has the wrong type; got {_shortened(value)}.")


def _ranges(model):
    """Return {name: (value, check, description of right values)}."""
    labels, decisions, given = model["labels"], model["decisions"], model["input"]
    reader, features = given["reader"], model["features"]
    n_labels, n_leads, rate = len(labels["names"]), given["n_leads"], given["sampling_rate"]
    positive = (_is_positive, "a number above 0")
    factors = (_listed(_is_positive, n_labels), f"{n_labels} numbers above 0")
    numbers = (_listed(_is_number, n_labels), f"{n_labels} numbers")
    shares = (_listed(_is_share, n_labels), f"{n_labels} numbers from 0 to 1")
    ranges = {
        "weights.file": (
            model["weights"]["file"],
            lambda v: re.fullmatch(r"weights-[0-9a-f]{8}\.safetensors", v),
            "the name of a file beside it, weights-<hash>.safetensors",
        ),
        "labels.names": (labels["names"], _are_labels, "different names or numbers"),
        "labels.dtype": (
            labels["dtype"],
            lambda v: _holds(v, labels["names"]),
            "the type of an array of names",
        ),
        "labels.learned": (
            labels["learned"],
            _listed(lambda v: isinstance(v, bool), n_labels),
            f"{n_labels} times true or false",
        ),
        "decisions.share": (decisions["share"], _is_share, "from 0 to 1"),
        "decisions.slope": (decisions["slope"], *factors),
        "decisions.offset": (decisions["offset"], *numbers),
        "decisions.thresholds": (decisions["thresholds"], *shares),
        "input.unit": (given["unit"], lambda v: v == "mV", "mV"),
        "input.n_leads": (n_leads, lambda v: 0 < v <= _MOST_LEADS, f"from 1 to {_MOST_LEADS}"),
        "input.n_times": (
            given["n_times"],
            lambda v: 0 < v <= _MOST_TIMES,
            f"from 1 to {_MOST_TIMES}",
        ),
        "input.n_features_in": (
            given["n_features_in"],
            lambda v: v == n_leads or (n_leads == 1 and rate is None and v == given["n_times"]),
            "the number of leads, or the number of samples of a single lead",
        ),
        "input.lead_names": (
            given["lead_names"],
            lambda v: v is None or (_are_names(v) and len(v) == n_leads),
            f"{n_leads} different names, or null",
        ),
        "input.lead_scale": (
            given["lead_scale"],
            _listed(lambda v: _is_positive(v) and v < 1e6, n_leads),
            f"{n_leads} numbers above 0, in mV",
        ),
        "input.may_lack": (
            given["may_lack"],
            _listed(lambda v: isinstance(v, bool), n_leads),
            f"{n_leads} times true or false",
        ),
        "input.column_names": (
            given["column_names"],
            lambda v: v is None or (_are_names(v) and len(v) == given["n_features_in"]),
            f"{given['n_features_in']} different names, or null",
        ),
        "input.reader.sampling_rate": (reader["sampling_rate"], *positive),
        "input.sampling_rate": (
            rate,
            lambda v: v is None or v == reader["sampling_rate"],
            "the same as input.reader, or null",
        ),
        "input.reader.highpass": (
            reader["highpass"],
            lambda v: v is None or (_is_positive(v) and v < reader["sampling_rate"] / 2),
            "a number above 0 and below half of the sampling rate, or null",
        ),
        "input.reader.duration_s": (
            reader["duration_s"],
            lambda v: v is None or (_is_positive(v) and v * reader["sampling_rate"] <= _MOST_TIMES),
            f"a number of seconds with at most {_MOST_TIMES} samples, or null",
        ),
        "input.reader.crop_s": (
            reader["crop_s"],
            lambda v: v in (None, "auto") or _is_positive(v),
            'a number above 0, "auto" or null',
        ),
        "history": (
            model["history"],
            lambda v: all(isinstance(e, dict) and all(map(_is_recorded, e.values())) for e in v),
            "an object of numbers for each epoch",
        ),
    }
    if features is not None:
        ranges |= {
            "features.sampling_rate": (features["sampling_rate"], *positive),
            "features.names": (features["names"], _are_names, "different names"),
            "features.slope": (features["slope"], *factors),
            "features.offset": (features["offset"], *numbers),
        }
    return ranges


def _is_number(value):
    is_real = isinstance(value, Real) and not isinstance(value, bool)
    return is_real and abs(value) < 1e300  # no infinity, and no integer beyond floats


def _is_recorded(value):
    return isinstance(value, bool) or _is_number(value)


def _is_positive(value):
    return _is_number(value) and value > 0


def _is_share(value):
    return _is_number(value) and 0 <= value <= 1


def _listed(is_right, n):
    return lambda values: (
        isinstance(values, list) and len(values) == n and all(map(is_right, values))
    )


def _are_names(values):
    return all(isinstance(v, str) for v in values) and len(set(values)) == len(values)


def _are_labels(values):
    kinds = all(isinstance(v, str | bool) or _is_number(v) for v in values)
    return bool(values) and kinds and len(set(values)) == len(values)


def _holds(dtype, names):
    try:
        dtype = np.dtype(dtype)
        if dtype.kind not in "iufbUO" or dtype.itemsize * len(names) > _MOST_BYTES_OF_NAMES:
            return False
        held = np.array(names, dtype=dtype).tolist()
    except (TypeError, ValueError, OverflowError):
        return False
    return held == names and list(map(type, held)) == list(map(type, names))


def _shortened(value):
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:80]}... ({len(text)} characters)"
