"""Models as files that hold no code: a JSON text and a safetensors file of weights."""

import json
import os
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import numpy as np
from safetensors.torch import load, save
from skorch.history import History

from sklearn_ecg._version import __version__
from sklearn_ecg.features import ECGFeatureExtractor
from sklearn_ecg.network._augmentation import SignalAugmentation
from sklearn_ecg.network._feature_files import (
    CLASS,
    describe_features,
    extractor_from,
    parameters_of,
    restore_features,
    tree_weights,
)

FORMAT = "sklearn_ecg.LabelCorrelationECGClassifier"
FORMAT_VERSION = 1
_JSON_NAME, _WEIGHTS_NAME = "model.json", "weights.safetensors"

# What belongs to one training, not to the model: live objects, and a place on one machine.
_NOT_SAVED = {"callbacks", "checkpoint", "random_state"}


def save_model(classifier, path):
    """Write a fitted classifier into a folder, which is made where it is missing."""
    path = Path(path)
    if path.exists() and not path.is_dir():
        raise ValueError(f"{path} is a file; save writes a folder.")
    path.mkdir(parents=True, exist_ok=True)
    weights = {
        name: values.detach().cpu().contiguous()
        for name, values in classifier.module_.state_dict().items()
    }
    weights |= tree_weights(classifier)
    packed = save(weights)
    model = {**describe_model(classifier), "weights_sha256": sha256(packed).hexdigest()}
    text = json.dumps(model, indent=1, ensure_ascii=False, allow_nan=False)
    (path / _WEIGHTS_NAME).write_bytes(packed)
    (path / _JSON_NAME).write_text(text, encoding="utf-8")


def describe_model(classifier):
    """Return all but the weights of a fitted classifier as what JSON can hold."""
    lead_names = classifier.lead_names_in_
    classes = classifier.label_names_
    if classes.dtype.kind not in "iufbUO" or not all(
        isinstance(name, str | int | float | bool) for name in classes.tolist()
    ):
        raise TypeError(f"Labels must be names or numbers to be saved; got {classes!r}.")
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "sklearn_ecg": __version__,
        "labels": {
            "names": classes.tolist(),
            "dtype": "O" if classes.dtype.kind == "O" else classes.dtype.str,
            "multilabel": bool(classifier.multilabel_),
            "thresholds": getattr(classifier, "thresholds_", np.array([])).tolist(),
            "calibration_slope": classifier.calibration_slope_.tolist(),
            "calibration_offset": classifier.calibration_offset_.tolist(),
        },
        "input": {
            "unit": "mV",
            "lead_names": None if lead_names is None else list(lead_names),
            "n_leads": classifier.n_leads_in_,
            "n_features_in": classifier.n_features_in_,
            "sampling_rate": classifier.sampling_rate_,
            "n_times": classifier.n_times_,
            "lead_center": classifier.lead_center_.tolist(),
            "lead_scale": classifier.lead_scale_.tolist(),
        },
        "features": describe_features(classifier),
        "parameters": {
            name: _to_json(name, value)
            for name, value in classifier.get_params(deep=False).items()
            if name not in _NOT_SAVED and not name.startswith("callbacks__")
        },
        "history": [_numbers_of(epoch) for epoch in classifier.history],
    }


def load_model(make_classifier, path):
    """Return the classifier that `save_model` wrote; no code of the files is run.

    Parameters
    ----------
    make_classifier : callable
        Takes parameters and returns an unfitted classifier.
    path : path of a folder

    Returns
    -------
    classifier
        Fitted, with ``device_`` "cpu".
    """
    path = Path(path)
    model = _read_json(path / _JSON_NAME)
    with _complete(path):
        parameters = {name: _from_json(value) for name, value in model["parameters"].items()}
        classifier = make_classifier(**parameters)
        _set_learned(classifier, model)
    weights = _read_weights(path / _WEIGHTS_NAME, model.get("weights_sha256"))
    n_labels = len(classifier.label_names_)
    with _complete(path):
        if weights["label_correlation"].shape != (n_labels, n_labels):
            raise ValueError(
                f"{path / _JSON_NAME} names {n_labels} labels, but the weights are of "
                f"{len(weights['label_correlation'])}."
            )
        restore_features(classifier, model["features"], weights)
    classifier.label_correlation_ = weights["label_correlation"].numpy().astype(np.float64)
    classifier._restore_module(weights)
    return classifier


@contextmanager
def _complete(path):
    """Name the folder where something in its files is missing, or of another kind."""
    try:
        yield
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path / _JSON_NAME}, or {_WEIGHTS_NAME} beside it, does not describe a model "
            f"completely: {error!r}."
        ) from error


def _read_json(path):
    try:
        model = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"There is no {path}: name the folder that save has written."
        ) from error
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from error
    if not isinstance(model, dict) or model.get("format") != FORMAT:
        raise ValueError(f"{path} does not describe a {FORMAT}.")
    if model.get("format_version") != FORMAT_VERSION:
        raise ValueError(
            f"{path} has format version {model.get('format_version')}, written by sklearn_ecg "
            f"{model.get('sklearn_ecg')}; this is sklearn_ecg {__version__}, which reads version "
            f"{FORMAT_VERSION}. Load it with that version, or save it anew."
        )
    return model


def _read_weights(path, expected_hash):
    try:
        packed = path.read_bytes()
    except OSError as error:
        raise FileNotFoundError(
            f"{path} cannot be read ({error}); it belongs beside {_JSON_NAME}."
        ) from error
    if sha256(packed).hexdigest() != expected_hash:
        raise ValueError(
            f"{path} is damaged, or of another model than the {_JSON_NAME} beside it: their "
            "checksums differ."
        )
    return load(packed)


def _set_learned(classifier, model):
    labels, signals = model["labels"], model["input"]
    names = np.array(labels["names"], dtype=labels["dtype"])
    classifier._set_labels(names, labels["multilabel"])
    classifier.calibration_slope_ = np.array(labels["calibration_slope"], dtype=float)
    classifier.calibration_offset_ = np.array(labels["calibration_offset"], dtype=float)
    if labels["thresholds"]:
        classifier.thresholds_ = np.array(labels["thresholds"], dtype=float)
    lead_names = signals["lead_names"]
    classifier.lead_names_in_ = None if lead_names is None else tuple(lead_names)
    classifier.n_leads_in_ = signals["n_leads"]
    classifier.n_features_in_ = signals["n_features_in"]
    classifier.sampling_rate_ = signals["sampling_rate"]
    classifier.n_times_ = signals["n_times"]
    classifier.lead_center_ = np.array(signals["lead_center"], dtype=np.float32)
    classifier.lead_scale_ = np.array(signals["lead_scale"], dtype=np.float32)
    classifier.history_ = History(model["history"])


def _numbers_of(epoch):
    """What a history knows of an epoch as a whole, without what JSON has no form for."""
    plain = {k: v.item() if isinstance(v, np.generic) else v for k, v in epoch.items()}
    return {k: v for k, v in plain.items() if isinstance(v, int | float) and np.isfinite(v)}


def _to_json(name, value):
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, tuple | list):
        return [_to_json(name, item) for item in value]
    if isinstance(value, SignalAugmentation):
        return {"augmentation": value.get_params()}
    if isinstance(value, ECGFeatureExtractor):
        return {"extractor": CLASS, "parameters": parameters_of(value)}
    if isinstance(value, dict):
        # Keys may be numbers, which keys of JSON cannot be.
        return {"items": [[_to_json(name, k), _to_json(name, v)] for k, v in value.items()]}
    raise TypeError(
        f"The '{name}' parameter holds a {type(value).__name__}, which cannot be saved as JSON."
    )


def _from_json(value):
    if isinstance(value, list):
        return tuple(_from_json(item) for item in value)
    if isinstance(value, dict) and "augmentation" in value:
        return SignalAugmentation(**value["augmentation"])
    if isinstance(value, dict) and "extractor" in value:
        return extractor_from(value)
    if isinstance(value, dict):
        return {key: _from_json(item) for key, item in value["items"]}
    return value
