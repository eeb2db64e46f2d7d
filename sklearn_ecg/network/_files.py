"""Models as files without code: a JSON text and a safetensors file of weights."""

import json
import os
from contextlib import contextmanager
from hashlib import sha256

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from skorch.history import History

from sklearn_ecg._version import __version__
from sklearn_ecg.features import ECGFeatureExtractor
from sklearn_ecg.network._augmentation import SignalAugmentation
from sklearn_ecg.network._decisions import Decisions
from sklearn_ecg.network._feature_models import FeatureModels
from sklearn_ecg.network._features import FeatureAnswers
from sklearn_ecg.network._labels import LabelSpace
from sklearn_ecg.network._model_schema import FORMAT, FORMAT_VERSION, check_model
from sklearn_ecg.network._parts import check_part_parameters
from sklearn_ecg.network._signal_reader import SignalReader
from sklearn_ecg.records import ECGRecords
from sklearn_ecg.utils import check_params, check_path, whole_file
from sklearn_ecg.utils._saved import made_by, writer_of

JSON_NAME = "model.json"
# The only class of extractors that a model may name.
_EXTRACTOR = "sklearn_ecg.features.ECGFeatureExtractor"
# Prefix of the trees' tensors in the weights file. No tensor of the network begins with it.
_OF_FEATURES, _CORRELATION = ".features.", ".label_correlation"

# Parameters that belong to one training or one machine: objects of a process, and paths.
_NOT_SAVED = {"callbacks", "checkpoint", "random_state", "network__pretrained"}
_NOT_SAVED_OF_EXTRACTOR = {"memory", "n_jobs", "verbose"}


def save_model(classifier, path):
    """Write a fitted classifier into a folder, and make the folder if it is missing."""
    path = check_path(path, "path")
    if path.exists() and not path.is_dir():
        raise ValueError(f"{path} is a file; save writes a folder.")
    weights = {
        name: values.detach().cpu().contiguous()
        for name, values in classifier.module_.state_dict().items()
    }
    if classifier.answers_ is not None:
        tensors = classifier.answers_.models.tensors()
        weights |= {_OF_FEATURES + name: values for name, values in tensors.items()}
    weights[_CORRELATION] = torch.from_numpy(classifier.label_correlation_)
    packed = save(weights)
    digest = sha256(packed).hexdigest()
    name = f"weights-{digest[:8]}.safetensors"
    model = describe_model(classifier) | {"weights": {"file": name, "sha256": digest}}
    text = json.dumps(model | {"sha256": _sum_of(model)}, indent=1, ensure_ascii=False)
    path.mkdir(parents=True, exist_ok=True)
    # The old model stays complete until the new text takes its place.
    for file_name, content in ((name, packed), (JSON_NAME, text.encode())):
        with whole_file(path / file_name) as file:
            file.write(content)
    for old in path.glob("weights-*.safetensors"):
        if old.name != name:
            old.unlink()


def describe_model(classifier):
    """Return everything but the weights of a fitted classifier, as values that JSON can hold."""
    labels, reader, decisions = classifier.labels_, classifier.reader_, classifier.decisions_
    names = labels.names
    if names.dtype.kind not in "iufbUO" or not all(
        isinstance(name, str | int | float | bool) for name in names.tolist()
    ):
        raise TypeError(f"Labels must be names or numbers to be saved; got {names!r}.")
    column_names = getattr(classifier, "feature_names_in_", None)
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "made_by": made_by(torch=torch.__version__),
        "labels": {
            "names": names.tolist(),
            "dtype": "O" if names.dtype.kind == "O" else names.dtype.str,
            "multilabel": bool(labels.multilabel),
            "learned": classifier.learned_.tolist(),
        },
        "decisions": {
            "is_taught": decisions.is_taught,
            "share": decisions.share,
            "slope": decisions.slope.tolist(),
            "offset": decisions.offset.tolist(),
            "thresholds": decisions.thresholds.tolist(),
        },
        "input": {
            "unit": "mV",
            "lead_names": None if reader.lead_names_ is None else list(reader.lead_names_),
            "n_leads": reader.n_leads_,
            "n_features_in": reader.n_features_in_,
            "sampling_rate": reader.sampling_rate_,
            "n_times": reader.n_times_,
            "lead_scale": reader.lead_scale_.tolist(),
            "may_lack": reader.may_lack_.tolist(),
            "column_names": None if column_names is None else column_names.tolist(),
            "reader": {
                name: _to_json(name, getattr(reader, name))
                for name in ("sampling_rate", "highpass", "duration_s", "crop_s")
            },
        },
        "features": _describe_features(classifier),
        "parameters": {
            name: _to_json(name, value)
            for name, value in _parameters(classifier).items()
            if not _is_of_training(name)
        },
        "history": [_numbers_of(epoch) for epoch in classifier.history],
    }


def _parameters(classifier):
    """Return the parameters of the last fit, with the present thresholds."""
    return classifier._fitted_with | {"thresholds": classifier.thresholds}


def _is_of_training(name):
    return name in _NOT_SAVED or name.startswith("callbacks__")


def load_model(make_classifier, path, *, device="auto", **parts):
    """Return the classifier that `save_model` wrote; the files' content is never run as code.

    Parameters
    ----------
    make_classifier : callable
        Takes parameters, and returns an unfitted classifier.
    path : path of a folder
    device : str
    **parts
        The user's own network or backbone, which no file can hold.
    """
    path = check_path(path, "path")
    if path.is_file():
        raise ValueError(f"{path} is a file. Name the folder that save has written.")
    model = _read_json(path / JSON_NAME)
    weights = _read_weights(path / model["weights"]["file"], model["weights"]["sha256"])
    with _complete(path):
        forbidden = sorted(filter(_is_of_training, model["parameters"]))
        if forbidden:
            raise ValueError(
                f"{path / JSON_NAME} sets {forbidden[0]!r}, which belongs to one training."
            )
        parameters = {
            name: parts[name] if name in parts else _from_json(name, value)
            for name, value in model["parameters"].items()
        }
        classifier = make_classifier(**parameters | {"device": device})
        check_params(classifier)
        check_part_parameters(classifier)
        classifier._fitted_with = classifier.get_params(deep=False)
        labels = model["labels"]
        names = np.array(labels["names"], dtype=labels["dtype"])
        classifier.label_correlation_ = weights.pop(_CORRELATION).numpy()
        n_labels = len(classifier.label_correlation_)
        if classifier.label_correlation_.shape != (len(names), len(names)):
            raise ValueError(
                f"{path / JSON_NAME} names {len(names)} labels, but the weights are of {n_labels}."
            )
        classifier.labels_ = LabelSpace(names, labels["multilabel"])
        classifier.learned_ = np.array(labels["learned"], dtype=bool)
        classifier.decisions_ = _restore_decisions(model["decisions"])
        classifier.reader_ = reader = _restore_reader(model["input"])
        if model["input"]["column_names"] is not None:
            classifier.feature_names_in_ = np.array(model["input"]["column_names"], dtype=object)
        classifier.answers_ = _restore_features(classifier, model["features"], weights)
        net = classifier._trainer(reader, classifier.labels_, classifier.label_correlation_)
    _check_sizes(model["parameters"], weights)
    classifier.net_ = net.restore(weights, History(model["history"]))
    return classifier


def _check_sizes(parameters, weights):
    """Raise before a network is made that would be larger than its weights."""
    n_values = sum(values.numel() for values in weights.values())
    # Each layer has tensors, and each unit of a layer has one value or more.
    most = {"network__n_layers": len(weights)}
    for name, value in parameters.items():
        sizes = value if isinstance(value, list) else [value]
        is_size = name.startswith("network__") and all(type(size) is int for size in sizes)
        if is_size and (len(sizes) > len(weights) or max(sizes) > most.get(name, n_values)):
            raise ValueError(
                f"The weights do not belong to this model description: with {name} of {max(sizes)} "
                f"the network would have more than their {n_values} values."
            )


def _restore_decisions(found):
    arrays = {k: np.array(found[k], dtype=float) for k in ("slope", "offset", "thresholds")}
    return Decisions(found["share"], **arrays, is_taught=found["is_taught"])


def _restore_reader(found):
    reader = SignalReader(**found["reader"])
    names = found["lead_names"]
    reader.lead_names_ = None if names is None else tuple(names)
    reader.n_leads_, reader.n_times_ = found["n_leads"], found["n_times"]
    reader.n_features_in_, reader.sampling_rate_ = found["n_features_in"], found["sampling_rate"]
    reader.lead_scale_ = np.array(found["lead_scale"], dtype=np.float32)
    reader.may_lack_ = np.array(found["may_lack"], dtype=bool)
    return reader


def _describe_features(classifier):
    """Return a model's features as values that JSON can hold, or None."""
    if classifier.answers_ is None:
        return None
    extractor = classifier.answers_.extractor
    if type(extractor) is not ECGFeatureExtractor:
        raise TypeError(
            f"The 'features' parameter holds a {type(extractor).__name__}, which save and to_onnx "
            "cannot write. Use ECGFeatureExtractor, or pickle the classifier."
        )
    return {
        **_to_json("features", extractor),
        "sampling_rate": extractor.sampling_rate_,
        "names": extractor.get_feature_names_out().tolist(),
        "slope": classifier.answers_.slope.tolist(),
        "offset": classifier.answers_.offset.tolist(),
    }


def _restore_features(classifier, found, weights):
    """Return the models of features, and remove their tensors from the weights."""
    if found is None:
        return None
    reader = classifier.reader_
    # Records with fewer samples than leads are refused, since their axes may be swapped.
    flat = ECGRecords(
        np.zeros((1, reader.n_leads_, reader.n_leads_ + 1)),
        found["sampling_rate"],
        lead_names=reader.lead_names_,
    )
    extractor = _from_json("features", found).fit(flat)
    names = extractor.get_feature_names_out().tolist()
    if names != found["names"]:
        raise ValueError(
            "The model was trained on other features than this version of sklearn_ecg measures: "
            f"{len(set(found['names']) ^ set(names))} names differ. Load it with the version "
            "that saved it, or train it again."
        )
    mine = [name for name in weights if name.startswith(_OF_FEATURES)]
    tensors = {name.removeprefix(_OF_FEATURES): weights.pop(name) for name in mine}
    models = FeatureModels.from_tensors(tensors)
    models.check(len(names))
    n_labels = {len(values) for values in models.tensors().values()}
    if n_labels != {len(classifier.labels_)}:
        raise ValueError(
            f"The model has {len(classifier.labels_)} labels, but its trees answer for "
            f"{', '.join(map(str, sorted(n_labels)))}."
        )
    slope, offset = (np.array(found[name], dtype=float) for name in ("slope", "offset"))
    return FeatureAnswers(extractor, models, slope, offset)


@contextmanager
def _complete(path):
    """Raise an error that names the folder where its content has the wrong form."""
    try:
        yield
    except (TypeError, AttributeError, LookupError, ArithmeticError, RuntimeError) as error:
        raise ValueError(
            f"{path / JSON_NAME}, or the weights beside it, do not describe a model completely: "
            f"{error!r}."
        ) from error


def _sum_of(model):
    return sha256(json.dumps(model, sort_keys=True).encode()).hexdigest()


def _read_json(path):
    try:
        model = json.loads(_read(path).decode(), parse_constant=_refuse)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"There is no {path}: name the folder that save has written."
        ) from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not JSON: {error}") from error
    if not isinstance(model, dict) or model.get("format") != FORMAT:
        raise ValueError(f"{path} does not describe a {FORMAT}.")
    if model.get("format_version") != FORMAT_VERSION:
        raise ValueError(
            f"{path} has format version {model.get('format_version')}, written by sklearn_ecg "
            f"{writer_of(model)}; this is sklearn_ecg {__version__}, which reads version "
            f"{FORMAT_VERSION}. Load it with that version, or save it anew."
        )
    if model.pop("sha256", None) != _sum_of(model):
        raise ValueError(
            f"{path} was changed after it was saved, or is damaged: its checksum differs. Change "
            "the parameters of the loaded classifier, and save it."
        )
    check_model(model, path)
    return model


def _read(path):
    """Return the bytes of a regular file; anything else, such as a pipe, could block."""
    if path.exists() and not path.is_file():
        raise ValueError(f"{path} is not a file.")
    return path.read_bytes()


def _refuse(constant):
    raise ValueError(f"{constant} is not a number.")


def _read_weights(path, expected_hash):
    try:
        packed = _read(path)
    except OSError as error:
        raise FileNotFoundError(
            f"{path} cannot be read ({error}). It belongs beside {JSON_NAME}."
        ) from error
    if sha256(packed).hexdigest() != expected_hash:
        raise ValueError(
            f"{path} is damaged, or belongs to another model than the {JSON_NAME} beside it: "
            "their checksums differ."
        )
    try:
        weights = load(packed)
    except SafetensorError as error:
        raise ValueError(f"{path} is not a safetensors file: {error}") from error
    for name, values in weights.items():
        # A threshold of trees may be infinite: then every record takes the first branch.
        is_finite = not values.isnan().any() and (
            name.startswith(_OF_FEATURES) or values.isfinite().all()
        )
        if not is_finite:
            raise ValueError(f"{path}: the values of {name} are not finite.")
    return weights


def _numbers_of(epoch):
    """Return the values of a whole epoch in the history that JSON can hold."""
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
    if type(value) is ECGFeatureExtractor:
        parameters = {
            k: v for k, v in value.get_params().items() if k not in _NOT_SAVED_OF_EXTRACTOR
        }
        return {
            "extractor": _EXTRACTOR,
            "parameters": {**parameters, "groups": list(parameters["groups"])},
        }
    if isinstance(value, dict):
        # In JSON, keys cannot be numbers.
        return {"items": [[_to_json(name, k), _to_json(name, v)] for k, v in value.items()]}
    if name in ("network", "backbone", "training__optimizer"):
        kind = value if isinstance(value, type) else type(value)
        return {"yours": f"{kind.__module__}.{kind.__qualname__}"}
    raise TypeError(
        f"The '{name}' parameter holds a {type(value).__name__}, which cannot be saved as JSON."
    )


def _from_json(name, value):
    if isinstance(value, list):
        return tuple(_from_json(name, item) for item in value)
    if not isinstance(value, dict):
        return value
    if "augmentation" in value:
        augmentation = SignalAugmentation(**value["augmentation"])
        check_params(augmentation)
        return augmentation
    if "extractor" in value:
        return _make_extractor(value)
    if "yours" in value:
        raise ValueError(
            f"The model was saved with a {name} of your own, {value['yours']}. Pass it to load: "
            f"load(path, {name}=...)."
        )
    return {_from_json(name, key): _from_json(name, item) for key, item in value["items"]}


def _make_extractor(found):
    """Return the unfitted extractor of a description; no other class is made."""
    if found["extractor"] != _EXTRACTOR:
        raise ValueError(
            f"The model's features come from {found['extractor']!r}; load makes only {_EXTRACTOR}."
        )
    forbidden = sorted(_NOT_SAVED_OF_EXTRACTOR & set(found["parameters"]))
    if forbidden:
        # Files of a cache are unpickled, which may run code.
        raise ValueError(
            f"The model's features must not name {forbidden[0]!r}, which belongs to one machine."
        )
    return ECGFeatureExtractor(**found["parameters"])
