"""The held-out part and the batches."""

import numpy as np
import pytest
import torch
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_ecg.network._batches import Batches, SignalDataset
from sklearn_ecg.network._task import validation_mask


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


@pytest.mark.parametrize(("n_records", "batch_size"), [(65, 64), (7, 3), (2, 64), (3, 2), (5, 1)])
def test_batches_hold_each_record_once_and_none_is_alone(n_records, batch_size):
    signals = torch.arange(n_records).reshape(-1, 1, 1)
    lengths = torch.ones(n_records, dtype=torch.int)
    dataset = SignalDataset(signals, lengths, torch.zeros(n_records, 1))
    batches = [x for (x, *_), _ in Batches(dataset, batch_size, torch.Generator().manual_seed(0))]
    sizes = [len(x) for x in batches]
    assert min(sizes) > 1
    assert max(sizes) <= max(batch_size, 3)
    assert sorted(torch.cat([x.ravel() for x in batches]).tolist()) == list(range(n_records))


@pytest.mark.parametrize("batch_size", [1, 2, 48])
@pytest.mark.parametrize("backbone", ["xresnet", "residual"])
def test_crops_of_a_single_token_are_trained_on(tiny, tiny_records, backbone, batch_size):
    channels = (2, 2) if backbone == "xresnet" else (2, 2, 4)
    one_lead = tiny_records.select_leads(["II"])
    trained = tiny(
        backbone=backbone, network__channels=channels, crop_s=0.05, max_epochs=1,
        batch_size=batch_size, validation_fraction=None,
    ).fit(one_lead[:47])  # fmt: skip
    assert trained.n_times_ == 5
    assert np.isfinite(trained.history[-1]["train_loss"])
    assert np.isfinite(trained.decision_function(one_lead[:1])).all()


def test_a_user_names_the_records_to_hold_out(tiny, tiny_records, rng):
    mask = rng.permutation(48) < 15
    trained = tiny(validation_fraction=None, calibration="sigmoid").fit(
        tiny_records, validation=mask
    )
    assert np.array_equal(trained.validation_indices_, np.flatnonzero(mask))
    assert "valid_loss" in trained.history[-1]
    # They are what calibration goes by, and nothing else learns from them.
    labels = tiny_records.labels.copy()
    labels[mask] = 1 - labels[mask]
    other = tiny(validation_fraction=0.5, calibration="sigmoid", training__patience=None)
    other.fit(tiny_records.with_labels(labels), validation=mask)
    assert np.array_equal(other.validation_indices_, np.flatnonzero(mask))
    assert not np.array_equal(other.decisions_.offset, trained.decisions_.offset)
    assert np.array_equal(other.label_correlation_, trained.label_correlation_)


def test_a_label_that_only_held_out_records_have_is_not_learned_from_them(tiny, tiny_records):
    labels, mask = tiny_records.labels, np.arange(48) < 12
    absent, unknown = (
        np.where(mask[:, np.newaxis] | [True, False], labels, value) for value in (0, -1)
    )
    found = []
    for given, message in (
        (absent, "tall: no training record has it"),
        (unknown, "tall: unknown .-1. in all training records"),
    ):
        with pytest.warns(UserWarning, match=message) as caught:
            found.append(tiny().fit(tiny_records.with_labels(given), validation=mask))
        assert caught[0].filename == __file__
    assert np.isfinite(found[0].predict_proba(tiny_records)).all()
    assert np.isnan(found[1].predict_proba(tiny_records)[:, 1]).all()


def test_held_out_records_go_through_a_pipeline(tiny, tiny_records):
    mask = np.arange(48) < 12
    pipeline = make_pipeline(FunctionTransformer(), tiny())
    pipeline.fit(tiny_records, labelcorrelationecgclassifier__validation=mask)
    assert np.array_equal(pipeline[-1].validation_indices_, np.arange(12))


@pytest.mark.parametrize(
    ("validation", "message"),
    [
        (np.arange(12), r"validation must be a mask of True and False.*48 records; got int64"),
        (np.ones(12, bool), r"got bool values of shape \(12,\)"),
        (np.zeros(48, bool), "validation is False for all 48 records"),
        (np.arange(48) > 0, "47 of 48 records are held out, .*At least 2 must be left"),
    ],
)
def test_held_out_records_that_are_none_are_named(tiny, tiny_records, validation, message):
    with pytest.raises(ValueError, match=message):
        tiny().fit(tiny_records, validation=validation)


def test_weight_on_nothing_but_held_out_records_is_refused(tiny, tiny_records):
    mask = np.arange(48) >= 40
    with pytest.raises(ValueError, match="zero for all 40 training records"):
        tiny().fit(tiny_records, validation=mask, sample_weight=mask.astype(float))
