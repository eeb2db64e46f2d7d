"""Export to ONNX, for places where neither Python nor torch runs."""

import json
import os
import warnings
from contextlib import redirect_stdout
from copy import deepcopy
from io import StringIO

import torch
from torch import nn

from sklearn_ecg.network._saving import describe_model


def export_onnx(classifier, path):
    """Write a fitted classifier as an ONNX file; see its ``to_onnx``."""
    try:
        import onnx
    except ImportError as error:
        raise ImportError(
            "to_onnx needs onnx and onnxscript: pip install sklearn_ecg[onnx]."
        ) from error
    description = json.dumps(describe_model(classifier))
    network = FromSignalsToProbabilities(classifier).eval()
    examples = {"signals": torch.zeros(2, classifier.n_leads_in_, classifier.n_times_)}
    if network.trees is not None:
        examples["features"] = torch.zeros(2, len(classifier.features_.get_feature_names_out()))
    # The exporter reports its steps, and that it uses a name that several axes have but once.
    with redirect_stdout(StringIO()), warnings.catch_warnings(action="ignore"):
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
    onnx.save(model, os.fspath(path))


class FromSignalsToProbabilities(nn.Module):
    """All that stands between signals in mV and calibrated probabilities."""

    def __init__(self, classifier):
        super().__init__()
        self.network = deepcopy(classifier.module_).cpu()
        self.multilabel = classifier.multilabel_
        self.trees = classifier.feature_trees_
        self.share = classifier._share_of_network()
        for name in ("lead_center_", "lead_scale_", "calibration_slope_", "calibration_offset_"):
            values = torch.as_tensor(getattr(classifier, name), dtype=torch.float32)
            self.register_buffer(name, values)

    def forward(self, signals, features=None):
        # signals: (n_records, n_leads, n_times); features: (n_records, n_features)
        standardised = (signals - self.lead_center_[:, None]) / self.lead_scale_[:, None]
        logits = self.network(standardised)
        if self.trees is not None:
            logits = self.share * logits + (1 - self.share) * self.trees(features)
        logits = logits * self.calibration_slope_ + self.calibration_offset_
        # (n_records, n_labels)
        return torch.sigmoid(logits) if self.multilabel else torch.softmax(logits, dim=1)
