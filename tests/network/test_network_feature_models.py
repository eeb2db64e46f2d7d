"""Models as tensors say what scikit-learn's say, and what they have not seen stays unseen."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from sklearn_ecg.network import BoostedTrees, FeatureModels
from sklearn_ecg.network._feature_models import _BOOSTING, _FOREST, RandomisedTrees


@pytest.fixture(scope="module")
def tables():
    """Features with ties, gaps and outliers, of records to learn from and of others; labels."""
    rng = np.random.default_rng(0)
    # Of finer values no more than 255 quantiles would count.
    table = rng.lognormal(size=(700, 6)).round(1).astype(np.float32)
    table[:, 1] = rng.integers(0, 3, 700)
    table[rng.random(table.shape) < 0.1] = np.nan
    table[::50, 2] = 1e30
    chance = 1 / (1 + np.exp(-np.nan_to_num(table[:, [0, 1]] - 1) - 2 * np.isnan(table[:, [3, 4]])))
    labels = (rng.random((700, 2)) < chance).astype(np.int8)
    return table[:500], labels[:500], table[500:]


def logits_of_scikit_learn(table, label, new, weight=None):
    boosting = HistGradientBoostingClassifier(
        early_stopping=False, random_state=0, min_samples_leaf=len(table) // 64, **_BOOSTING
    )
    return boosting.fit(table, label, sample_weight=weight).decision_function(new)


def test_logits_are_those_of_scikit_learn(tables):
    table, labels, new = tables
    trees = BoostedTrees.grow(table, labels, random_state=0)
    found = trees(torch.from_numpy(new))
    assert np.isnan(new).any()
    for column, label in enumerate(labels.T):
        expected = logits_of_scikit_learn(table, label, new)
        assert np.ptp(expected) > 1
        assert_allclose(found[:, column], expected, rtol=1e-4, atol=1e-4)


def test_fine_values_count_by_the_quantile_that_they_are_nearest_to():
    rng = np.random.default_rng(0)
    table = rng.standard_cauchy(size=(3000, 1)).astype(np.float32)
    labels = (table > 0.5).astype(np.int8)
    trees = BoostedTrees.grow(table, labels, random_state=0)
    new = torch.linspace(-3, 3, 6000)[:, np.newaxis]
    wrong = new[(trees(new) > 0) != (new > 0.5)]
    # A 255th of the records lies that near to the edge.
    assert ((wrong - 0.5).abs() < 0.02).all()


def test_values_next_to_a_threshold_go_where_they_went():
    # Neighbours in float32, between which no threshold of float32 lies.
    pair = np.array([1.0, np.nextafter(np.float32(1), np.float32(2))], dtype=np.float32)
    table = np.repeat(pair, 100)[:, np.newaxis]
    labels = np.repeat([[0], [1]], 100, axis=0)
    trees = BoostedTrees.grow(table, labels, random_state=0)
    assert torch.equal((trees(torch.from_numpy(table)) > 0).int(), torch.from_numpy(labels).int())


def test_unknown_labels_and_weights(tables):
    table, labels, new = tables
    masked, weights = labels.copy(), np.ones(labels.shape)
    masked[::3, 0] = -1
    weights[::4, 1] = 3
    found = BoostedTrees.grow(table, masked, weights, random_state=0)(torch.from_numpy(new))
    known = masked[:, 0] != -1
    expected = [
        logits_of_scikit_learn(table[known], labels[known, 0], new),
        logits_of_scikit_learn(table, labels[:, 1], new, weights[:, 1]),
    ]
    assert_allclose(found.T, expected, rtol=1e-4, atol=1e-4)


def test_a_label_that_never_varies_has_the_log_odds_of_its_share(tables):
    table, labels, new = tables
    constant = labels.copy()
    constant[:, 0] = 0
    found = BoostedTrees.grow(table, constant, random_state=0)(torch.from_numpy(new))
    assert_allclose(found[:, 0], np.log(0.5 / 500.5), rtol=1e-6)
    assert np.ptp(found[:, 1].numpy()) > 1
    unknown = np.full_like(constant, -1)
    nothing = BoostedTrees.grow(table, unknown, random_state=0)(torch.from_numpy(new))
    assert (nothing == 0).all()


def test_features_that_nobody_has_change_nothing(tables):
    table, labels, new = tables
    labels = labels[:, :1]
    wider = np.column_stack([table, np.full(len(table), np.nan)])
    found = BoostedTrees.grow(wider, labels, random_state=0)
    assert (found.columns < table.shape[1]).all()
    assert (
        found(torch.from_numpy(np.column_stack([new, np.zeros(len(new))])).float()).isfinite().all()
    )


def test_the_largest_values_are_told_apart():
    table = np.repeat(np.float32([-3e38, 3e38]), 50)[:, np.newaxis]
    labels = np.repeat([[0], [1]], 50, axis=0)
    trees = BoostedTrees.grow(table, labels, random_state=0)
    assert torch.equal((trees(torch.from_numpy(table)) > 0).int(), torch.from_numpy(labels).int())


def test_labels_of_another_shape_than_the_table_are_named(tables):
    table, labels, _ = tables
    for wrong in (labels[:, 0], labels[:-1]):
        with pytest.raises(ValueError, match="a row for each of the 500 records"):
            BoostedTrees.grow(table, wrong)


def test_trees_are_whole_in_their_tensors(tables):
    table, labels, new = tables
    trees = BoostedTrees.grow(table, labels, random_state=0)
    again = BoostedTrees(**trees.tensors())
    assert torch.equal(again(torch.from_numpy(new)), trees(torch.from_numpy(new)))


def shares_of_scikit_learn(table, label, new, weight=None):
    forest = ExtraTreesClassifier(20, random_state=0, **_FOREST)
    return forest.fit(table, label, sample_weight=weight).predict_proba(new)[:, 1]


def test_forests_have_the_shares_of_scikit_learn(tables):
    table, labels, new = tables
    masked, weights = labels.copy(), np.ones(labels.shape)
    masked[::3, 0] = -1
    weights[::4, 1] = 3
    forest = RandomisedTrees.grow(table, masked, weights, random_state=0, n_trees=20)
    shares = torch.sigmoid(forest(torch.from_numpy(new)))
    known = masked[:, 0] != -1
    expected = [
        shares_of_scikit_learn(table[known], labels[known, 0], new),
        shares_of_scikit_learn(table, labels[:, 1], new, weights[:, 1]),
    ]
    assert np.ptp(expected[0]) > 0.3
    assert_allclose(shares.T, np.clip(expected, 0.002, 0.998), atol=1e-5)


def test_a_forest_of_a_label_that_never_varies_has_its_share(tables):
    table, labels, new = tables
    constant = labels.copy()
    constant[:, 0] = 0
    constant[100:, 0] = -1
    found = RandomisedTrees.grow(table, constant, random_state=0, n_trees=5)(torch.from_numpy(new))
    assert_allclose(found[:, 0], np.log(0.5 / 100.5), rtol=1e-5)
    assert np.ptp(found[:, 1].numpy()) > 1


@pytest.fixture(scope="module")
def learned(tables):
    table, labels, _ = tables
    return FeatureModels.learn(table[:200], labels[:200], random_state=0, n_folds=2)


def test_models_answer_with_the_mean_of_their_folds(tables, learned):
    table, _, new = tables
    models, held_out = learned
    everything = torch.from_numpy(np.concatenate([table[:200], new]))
    boosted, forest = models.boosted, models.forest
    assert_allclose(models(everything), (boosted(everything) + 1.5 * forest(everything)) / 2)
    # A record is unseen by one of two folds; that of the two boosted models is half the answer.
    assert held_out.shape == (200, 2) and np.isfinite(held_out).all()
    assert np.corrcoef(held_out[:, 0], models(everything)[:200, 0])[0, 1] > 0.5


def test_held_out_answers_predict_new_records_as_well_as_they_say(tables):
    rng = np.random.default_rng(1)
    table = rng.normal(size=(900, 5)).astype(np.float32)
    labels = (rng.random((900, 1)) < 1 / (1 + np.exp(-2 * table[:, :1]))).astype(int)
    models, held_out = FeatureModels.learn(table[:300], labels[:300], random_state=0)
    claimed = roc_auc_score(labels[:300], held_out)
    found = roc_auc_score(labels[300:], models(torch.from_numpy(table[300:])))
    assert claimed > 0.75
    assert abs(claimed - found) < 0.06


@pytest.mark.parametrize("as_names", [False, True])
def test_nobody_is_judged_by_records_of_their_own(as_names):
    # Features tell who a patient is, and nothing else.
    rng = np.random.default_rng(0)
    patients = np.arange(60).repeat(4)
    table = rng.normal(size=(60, 4)).repeat(4, axis=0)
    labels = rng.integers(0, 2, size=(60, 1)).repeat(4, axis=0)
    groups = np.array([f"patient {number}" for number in patients]) if as_names else patients
    order = rng.permutation(len(patients))
    table, labels, groups = table[order], labels[order], groups[order]
    models, held_out = FeatureModels.learn(table, labels, groups=groups, random_state=0, n_folds=3)
    assert roc_auc_score(labels, models(torch.from_numpy(table).float())) > 0.95
    assert roc_auc_score(labels, held_out) < 0.7
    _, judged_by_own = FeatureModels.learn(table, labels, random_state=0, n_folds=3)
    assert roc_auc_score(labels, judged_by_own) > 0.9


def test_unknown_labels_count_as_little_as_labels_without_weight(tables):
    table, labels, new = (of[:60] for of in tables)
    masked, weights = labels.copy(), np.ones(labels.shape)
    masked[::3, 0] = -1
    weights[::3, 0] = 0
    # Folds are dealt out by labels, which must be the same.
    absent = np.where(masked == -1, 0, labels)
    by_mask = FeatureModels.learn(table, masked, random_state=0, n_folds=2)
    by_weight = FeatureModels.learn(table, absent, weights, random_state=0, n_folds=2)
    assert np.array_equal(by_mask[1], by_weight[1])
    new = torch.from_numpy(new)
    assert torch.equal(by_mask[0](new), by_weight[0](new))


def test_one_patient_leaves_nobody_to_judge_by(tables):
    table, labels, new = (of[:40] for of in tables)
    models, held_out = FeatureModels.learn(table, labels, groups=np.zeros(40), random_state=0)
    assert held_out is None
    assert np.ptp(models(torch.from_numpy(new))[:, 0].numpy()) > 0.1


@pytest.mark.parametrize("n_patients", [2, 3])
def test_few_patients_make_few_folds(tables, n_patients):
    table, labels, _ = (of[:30] for of in tables)
    groups = np.arange(30) % n_patients
    _, held_out = FeatureModels.learn(table, labels, groups=groups, random_state=0)
    assert np.isfinite(held_out).all()


def test_rare_labels_and_absent_ones_have_finite_answers(tables):
    table, _, new = (of[:60] for of in tables)
    rare = np.zeros((60, 3), dtype=int)
    rare[7, 0] = 1
    rare[:, 1] = 1
    rare[:, 2] = -1
    models, held_out = FeatureModels.learn(table, rare, random_state=0)
    found = models(torch.from_numpy(new))
    for logits in (held_out, found.numpy()):
        assert np.isfinite(logits).all()
        assert (logits[:, 0] < 0).mean() > 0.9
        assert (logits[:, 1] > 3).all()
        assert_allclose(logits[:, 2], 0, atol=1e-6)


def test_the_same_seed_gives_the_same_models(tables, learned):
    table, labels, _ = tables
    models, held_out = FeatureModels.learn(table[:200], labels[:200], random_state=0, n_folds=2)
    assert np.array_equal(held_out, learned[1])
    for name, tensor in models.tensors().items():
        assert torch.equal(tensor, learned[0].tensors()[name]), name


def test_models_are_whole_in_their_tensors(tables, learned):
    new = torch.from_numpy(tables[2])
    models, _ = learned
    tensors = models.tensors()
    assert all(len(tensor) == 2 for tensor in tensors.values())
    assert torch.equal(FeatureModels.from_tensors(tensors)(new), models(new))
    second = FeatureModels.from_tensors({name: of[1:] for name, of in tensors.items()})
    assert_allclose(second(new)[:, 0], models(new)[:, 1], rtol=1e-5, atol=1e-6)


def test_branches_in_a_circle_end():
    trees = {
        "columns": torch.zeros((1, 1, 3), dtype=torch.int64),
        "thresholds": torch.zeros((1, 1, 3)),
        "missing_left": torch.zeros((1, 1, 3), dtype=torch.bool),
        "branches": torch.tensor([[[[1, 2], [0, 2], [0, 1]]]]),
        "values": torch.zeros((1, 1, 3)),
    }
    assert RandomisedTrees(**trees)(torch.zeros((2, 1))).shape == (2, 1)


def test_models_are_exported_with_any_number_of_records(tables, learned):
    class Network(torch.nn.Module):
        def forward(self, features):
            return learned[0](features)

    new = torch.from_numpy(tables[2])
    program = torch.export.export(
        Network(), (new[:5],), dynamic_shapes={"features": {0: torch.export.Dim("records")}}
    )
    assert torch.equal(program.module()(new[:40]), learned[0](new[:40]))


def test_weights_of_another_shape_than_the_labels_are_named(tables):
    table, labels, _ = tables
    with pytest.raises(ValueError, match=r"the shape of labels, \(500, 2\); got shape \(500,\)"):
        FeatureModels.learn(table, labels, np.ones(500))
