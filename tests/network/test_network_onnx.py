"""The exported file against the classifier."""

import json

import numpy as np
import pytest

ort = pytest.importorskip("onnxruntime", reason="needs the extra: pip install sklearn_ecg[onnx]")
onnx = pytest.importorskip("onnx", reason="needs the extra: pip install sklearn_ecg[onnx]")
pytest.importorskip("onnxscript", reason="needs the extra: pip install sklearn_ecg[onnx]")


def run(path, signals):
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(["probabilities"], {"signals": np.asarray(signals, dtype=np.float32)})[0]


@pytest.mark.parametrize(
    ("parameters", "one_dimensional"),
    [
        ({"calibration": "sigmoid"}, False),
        ({"network__attend_to": "labels", "network__shortcut": False}, True),
        ({"backbone": "xresnet", "network__channels": (4, 8)}, False),
    ],
    ids=["default", "paper", "xresnet"],
)
def test_the_file_gives_the_classifiers_probabilities(
    tiny, tiny_records, tmp_path, parameters, one_dimensional, capfd
):
    labels = tiny_records.labels[:, 0] if one_dimensional else tiny_records.labels
    trained = tiny(**parameters).fit(tiny_records, labels)
    path = tmp_path / "model.onnx"
    trained.to_onnx(path)
    assert capfd.readouterr() == ("", "")
    expected = trained.predict_proba(tiny_records)
    assert np.ptp(expected, axis=0).min() > 1e-3
    np.testing.assert_allclose(run(path, tiny_records), expected, atol=1e-4)
    one = run(path, np.asarray(tiny_records)[:1])
    np.testing.assert_allclose(one, expected[:1], atol=1e-4)
    metadata = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    model = json.loads(metadata["sklearn_ecg"])
    assert model["input"]["lead_names"] == ["II", "V1"]
    assert model["labels"]["names"] == trained.label_names_.tolist()
