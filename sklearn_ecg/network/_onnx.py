"""Export to ONNX, for machines without Python and torch."""

import json
import logging
import warnings
from contextlib import contextmanager, redirect_stdout
from copy import deepcopy
from importlib.util import find_spec
from io import StringIO

import numpy as np
import torch
from torch import nn

from sklearn_ecg.network._files import describe_model
from sklearn_ecg.utils import whole_file


def export_onnx(classifier, path):
    """Write a fitted classifier as an ONNX file; see its ``to_onnx``."""
    if find_spec("onnx") is None or find_spec("onnxscript") is None:
        raise ImportError("to_onnx needs onnx and onnxscript: pip install sklearn_ecg[onnx].")
    description = json.dumps(describe_model(classifier))
    network = FromSignalsToProbabilities(classifier).eval()
    examples = {"signals": torch.zeros(2, classifier.n_leads_in_, classifier.n_times_)}
    if network.models is not None:
        names = classifier.answers_.extractor.get_feature_names_out()
        examples["features"] = torch.zeros(2, len(names))
    with _quiet():
        program = torch.onnx.export(
            network,
            tuple(examples.values()),
            input_names=list(examples),
            output_names=["probabilities"],
            dynamic_shapes={name: {0: "n_records"} for name in examples},
            dynamo=True,
            verbose=False,
        )
    model = program.model_proto
    entry = model.metadata_props.add()
    entry.key, entry.value = "sklearn_ecg", description
    with whole_file(path) as file:
        file.write(model.SerializeToString())


@contextmanager
def _quiet():
    """Silence the exporter: it reports its steps, missing optional libraries and shared names."""
    disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with redirect_stdout(StringIO()), warnings.catch_warnings(action="ignore"):
            yield
    finally:
        logging.disable(disabled)


class FromSignalsToProbabilities(nn.Module):
    """All steps from signals in mV to calibrated probabilities."""

    def __init__(self, classifier):
        super().__init__()
        self.network = deepcopy(classifier.module_).cpu()
        self.multilabel = classifier.labels_.multilabel
        answers, decisions = classifier.answers_, classifier.decisions_
        self.models = None if answers is None else answers.models
        self.share = decisions.share
        constants = {
            "missing": np.where(classifier.learned_, 0.0, np.nan),
            "lead_scale": classifier.reader_.lead_scale_,
            "slope": decisions.slope,
            "offset": decisions.offset,
        }
        if answers is not None:
            constants |= {"feature_slope": answers.slope, "feature_offset": answers.offset}
        for name, values in constants.items():
            self.register_buffer(name, torch.as_tensor(values, dtype=torch.float32))

    def forward(self, signals, features=None):
        # signals: (n_records, n_leads, n_times); features: (n_records, n_features)
        logits = self.network(signals / self.lead_scale[:, None])
        if self.models is not None:
            of_features = self.models(features) * self.feature_slope + self.feature_offset
            logits = self.share * logits + (1 - self.share) * of_features
        logits = logits * self.slope + self.offset
        logits = logits + self.missing  # (n_records, n_labels)
        if self.multilabel:
            return torch.sigmoid(logits)
        return torch.softmax(nn.functional.logsigmoid(logits), dim=1)
