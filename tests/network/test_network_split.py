"""The held-out part and the batches."""

import numpy as np
import pytest
import torch

from sklearn_ecg.network._batches import Batches, SignalDataset
from sklearn_ecg.network._split import validation_mask


@pytest.mark.parametrize("seed", range(5))
def test_patients_stay_together_and_labels_are_shared_out(seed):
    rng = np.random.RandomState(seed)
    groups = rng.randint(0, 40, size=400)
    labels = (rng.uniform(size=(40, 3)) < [0.5, 0.2, 0.1])[groups]
    held_out = validation_mask(labels, groups, 0.2, rng)
    assert not set(groups[held_out]) & set(groups[~held_out])
    assert 0.1 < held_out.mean() < 0.3
    assert (labels[~held_out].sum(axis=0) > 0).all()


def test_labels_are_shared_out_better_than_by_chance():
    rng = np.random.RandomState(0)
    labels = rng.uniform(size=(200, 4)) < 0.05
    chosen = labels[validation_mask(labels, None, 0.2, rng)].sum(axis=0) / labels.sum(axis=0)
    assert np.abs(chosen - 0.2).max() < 0.1


def test_a_single_patient_is_split_by_record():
    held_out = validation_mask(np.ones((50, 1)), np.zeros(50), 0.2, np.random.RandomState(0))
    assert held_out.sum() == 10


def test_too_few_records_are_all_trained_on():
    assert not validation_mask(np.ones((19, 1)), None, 0.2, np.random.RandomState(0)).any()


@pytest.mark.parametrize(("n_records", "batch_size"), [(65, 64), (64, 64), (7, 3), (2, 64)])
def test_batches_hold_each_record_once_and_none_is_alone(n_records, batch_size):
    signals = torch.arange(n_records).reshape(-1, 1, 1)
    lengths = torch.ones(n_records, dtype=torch.int)
    dataset = SignalDataset(signals, lengths, torch.zeros(n_records, 1))
    batches = [x for (x, *_), _ in Batches(dataset, batch_size, torch.Generator().manual_seed(0))]
    sizes = [len(x) for x in batches]
    assert min(sizes) > 1
    assert max(sizes) <= batch_size
    assert sorted(torch.cat([x.ravel() for x in batches]).tolist()) == list(range(n_records))
