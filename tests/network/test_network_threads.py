"""Fits and predictions beside others: threads, forked processes, and state that is not ours."""

import os
import random
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch import nn

from sklearn_ecg.network import LabelCorrelationECGClassifier


class NoisyNet(nn.Module):
    """Draws wherever layers can: first weights, dropout, noise, attention."""

    def __init__(self, n_leads, n_labels):
        super().__init__()
        self.first = nn.Linear(n_leads, 8)
        self.weight = nn.Parameter(torch.randn(8, n_labels))
        self.attention = nn.MultiheadAttention(8, 2, dropout=0.3, batch_first=True)
        self.dropout = nn.Dropout(0.3)

    def forward(self, x):
        tokens = self.first(x[..., ::10].transpose(1, 2))
        tokens = self.attention(tokens, tokens, tokens)[0]
        if self.training:
            tokens = tokens + 0.1 * torch.randn_like(tokens) * torch.rand(tokens.shape[-1])
        return self.dropout(tokens).mean(dim=1) @ self.weight


@pytest.mark.parametrize("network", ["small", NoisyNet])
def test_a_fit_is_the_same_alone_in_threads_and_beside_other_draws(
    tiny, tiny_records, weights_of, network
):
    classifier = tiny(augmentation="mild")
    if network is NoisyNet:
        classifier = LabelCorrelationECGClassifier(
            NoisyNet, features=None, crop_s=0.5, duration_s=1.0, max_epochs=2, random_state=0
        )

    def fit(_=None):
        return weights_of(clone(classifier).fit(tiny_records))

    alone, drawn, is_over = fit(), [], threading.Event()
    torch.manual_seed(3)
    expected = torch.rand(100)
    torch.manual_seed(3)

    def draw():
        while not is_over.is_set() or len(drawn) < 100:
            drawn.append(torch.rand(1).item())

    other = threading.Thread(target=draw)
    other.start()
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(fit, range(3)))
    is_over.set()
    other.join()
    assert all(np.array_equal(weights, alone) for weights in found)
    assert drawn[:100] == expected.tolist()


def test_global_state_stays_as_it_was(tiny, tiny_records, tmp_path):
    def state():
        return {
            "torch": torch.get_rng_state().tolist(),
            "numpy": repr(np.random.get_state()),  # noqa: NPY002
            "python": random.getstate(),
            "threads": torch.get_num_threads(),
            "dtype": torch.get_default_dtype(),
            "gradients": torch.is_grad_enabled(),
            "deterministic": torch.are_deterministic_algorithms_enabled(),
            "warnings": list(warnings.filters),
            "numpy errors": np.geterr(),
            "environment": dict(os.environ),
            "folder": os.getcwd(),
        }

    before = state()
    classifier = tiny(augmentation="mild").fit(tiny_records)
    classifier.transform(tiny_records)
    classifier.save(tmp_path)
    LabelCorrelationECGClassifier.load(tmp_path).predict(tiny_records)
    assert state() == before


def test_defaults_of_torch_do_not_change_a_fit(tiny, tiny_records, weights_of, tmp_path):
    alone = tiny(augmentation="mild", crop_s=0.5).fit(tiny_records)
    alone.save(tmp_path)
    torch.set_default_dtype(torch.float64)
    try:
        with torch.inference_mode():
            found = tiny(augmentation="mild", crop_s=0.5).fit(tiny_records)
        loaded = LabelCorrelationECGClassifier.load(tmp_path)
        assert np.array_equal(weights_of(found), weights_of(alone))
        assert np.array_equal(loaded.predict(tiny_records), alone.predict(tiny_records))
    finally:
        torch.set_default_dtype(torch.float32)


def test_eight_threads_predict_alike(tiny_fitted, tiny_records):
    expected = tiny_fitted.predict_proba(tiny_records)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: tiny_fitted.predict_proba(tiny_records), range(16)))
    assert all(np.array_equal(answers, expected) for answers in found)


_FORKS = """
import faulthandler, os, sys, time
import numpy as np, torch
from sklearn_ecg import LabelCorrelationECGClassifier
rng = np.random.default_rng(0)
X, y = rng.normal(size=(70, 2, 300)), rng.integers(0, 2, (70, 2))
made = lambda: LabelCorrelationECGClassifier(max_epochs=1, random_state=0)
fitted = made().fit(X, y)
expected = fitted.predict_proba(X)
assert torch.get_num_threads() == 2
pid = os.fork()
if not pid:
    faulthandler.dump_traceback_later(25)
    same = np.allclose(fitted.predict_proba(X), expected, atol=1e-5)
    made().fit(X, y)
    os._exit(0 if same else 1)
for _ in range(600):
    done, status = os.waitpid(pid, os.WNOHANG)
    if done:
        sys.exit(status)
    time.sleep(0.1)
os.kill(pid, 9)
sys.exit("the child waits for threads that were not copied with it")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
def test_a_forked_process_predicts_and_fits():
    environment = os.environ | {"OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "passive"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _FORKS],
        env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
