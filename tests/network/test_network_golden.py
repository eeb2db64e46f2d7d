"""Files of older versions are loaded, and answer as they did."""

import json
import runpy
from pathlib import Path

import numpy as np
import pytest

from sklearn_ecg.network import LabelCorrelationECGClassifier

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.mark.parametrize(
    "folder", sorted(GOLDEN.glob("*/classifier")), ids=lambda folder: folder.parent.name
)
def test_a_classifier_of_an_older_version_answers_as_it_did(folder):
    records = runpy.run_path(GOLDEN / "write_golden.py")["golden_records"]()
    answers = json.loads((folder / "answers.json").read_text())
    loaded = LabelCorrelationECGClassifier.load(folder)
    probabilities = loaded.predict_proba(records)
    np.testing.assert_allclose(probabilities, answers["probabilities"], atol=1e-5)
    np.testing.assert_allclose(loaded.transform(records)[0], answers["embeddings"], atol=1e-4)
    assert loaded.predict(records).tolist() == answers["labels"]
    assert loaded.class_weight == {"fast": 2.0}
