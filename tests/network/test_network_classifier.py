"""LabelCorrelationECGClassifier as its users meet it."""

import copy
import pickle
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
import torch
from numpy.testing import assert_allclose
from packaging.version import Version
from scipy.signal import resample
from sklearn.base import clone
from sklearn.metrics import f1_score
from sklearn.model_selection import GridSearchCV, KFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from skorch.callbacks import Callback

from sklearn_ecg import CleanedRecords, ECGRecords
from sklearn_ecg.network import LabelCorrelationECGClassifier, LabelCorrelationNet
from sklearn_ecg.network._device import half_the_cores
from sklearn_ecg.preprocessing import GapFiller
from sklearn_ecg.records import LazySignals

NAMES = ["fast", "tall", "late"]


def make_signals(labels, n_times=250, seed=0):
    """Two leads whose first label is in the rhythm, the second in the height, the third in V1."""
    rng = np.random.default_rng(seed)
    times = np.arange(n_times) / 100
    rate = np.where(labels[:, 0] == 1, 3.0, 1.2)[:, None]
    height = np.where(labels[:, 1] == 1, 2.0, 0.7)[:, None]
    phase = rng.uniform(0, 1, size=(len(labels), 1))
    beats = height * np.exp(-(((times * rate + phase) % 1 - 0.5) ** 2) / 0.005)
    late = labels[:, [2]] * np.exp(-(((times * rate + phase) % 1 - 0.7) ** 2) / 0.005)
    signals = np.stack([beats, 0.3 * beats - late], axis=1)
    return signals + rng.normal(scale=0.05, size=signals.shape)


@pytest.fixture(scope="module")
def records():
    labels = np.random.default_rng(0).integers(0, 2, size=(96, 3))
    return ECGRecords(
        make_signals(labels),
        100,
        lead_names=["II", "V1"],
        groups=np.arange(96) // 4,
        labels=labels,
        label_names=NAMES,
    )


def make_classifier(**parameters):
    defaults = {
        "backbone": "residual",
        "features": None,
        "highpass": None,
        "augmentation": None,
        "criterion__gamma_negative": 4.0,
        "criterion__clip": 0.05,
        "network__dropout": 0.1,
        "training__ema_decay": None,
        "batch_size": 32,
        "validation_fraction": 0.15,
        "max_epochs": 10,
        "lr": 5e-3,
        "duration_s": 2.5,
        "random_state": 0,
    }
    return LabelCorrelationECGClassifier(**{**defaults, **parameters})


@pytest.fixture(scope="module")
def fitted(records):
    return make_classifier().fit(records)


def quick(**parameters):
    return make_classifier(**{"max_epochs": 1, **parameters})


def test_learns_what_it_has_not_seen(fitted):
    labels = np.random.default_rng(1).integers(0, 2, size=(60, 3))
    new = ECGRecords(make_signals(labels, seed=1), 100, lead_names=["II", "V1"])
    assert fitted.score(new, labels) > 0.9


def test_outputs_have_the_promised_forms(fitted, records):
    probabilities = fitted.predict_proba(records)
    assert probabilities.shape == (96, 3)
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    predicted = fitted.predict(records)
    assert predicted.dtype.kind == "i"
    assert np.array_equal(predicted, probabilities >= 0.5)
    assert np.array_equal(fitted.decision_function(records) >= 0, predicted)
    assert fitted.classes_.tolist() == NAMES
    assert (fitted.n_leads_in_, fitted.n_times_, fitted.sampling_rate_) == (2, 250, 100)
    assert len(fitted.history) <= 10
    assert {"train_loss", "valid_loss", "dur"} <= set(fitted.history[-1])
    assert fitted.label_correlation_.shape == (3, 3)


def test_a_higher_threshold_finds_fewer_labels(fitted, records):
    strict = copy.deepcopy(fitted).set_params(thresholds=0.9)
    assert np.array_equal(strict.predict(records), fitted.predict_proba(records) >= 0.9)


def test_predictions_do_not_depend_on_the_batch(fitted, records):
    whole = fitted.decision_function(records)
    alone = np.concatenate([fitted.decision_function(records[i]) for i in range(8)])
    np.testing.assert_allclose(alone, whole[:8], rtol=1e-4, atol=1e-5)


# Which labels count


def cleaned(records, labels):
    return CleanedRecords(
        records.signals,
        100,
        labels=labels,
        weak_labels=records.labels,
        provenance=np.full(labels.shape, "confirmed"),
        confidence=np.ones(labels.shape),
        label_names=NAMES,
        lead_names=["II", "V1"],
        groups=records.groups,
    )


def weights(classifier):
    return np.concatenate([w.detach().numpy().ravel() for w in classifier.module_.parameters()])


def test_cleaned_labels_win_over_y(records):
    other = 1 - records.labels
    trained = quick().fit(cleaned(records, other), records.labels)
    assert np.array_equal(weights(trained), weights(quick().fit(records, other)))


def test_y_wins_over_labels_that_nobody_cleaned(records):
    other = 1 - records.labels
    trained = quick().fit(records, other)
    assert np.array_equal(weights(trained), weights(quick().fit(records.with_labels(other))))
    assert not np.array_equal(weights(trained), weights(quick().fit(records)))


def test_names_come_from_a_data_frame_or_are_numbers(records):
    signals = np.asarray(records)
    frame = pd.DataFrame(records.labels, columns=["a", "b", "c"])
    assert quick().fit(records, frame).classes_.tolist() == ["a", "b", "c"]
    assert quick().fit(signals, records.labels).classes_.tolist() == [0, 1, 2]


def test_unknown_labels_do_not_move_the_network(records):
    # The one label that is known says present; if any unknown one counted, it would say absent.
    labels = records.labels.copy()
    labels[:, 2] = -1
    labels[0, 2] = 1
    trained = quick(network__shortcut=False, training__weight_decay=0, validation_fraction=None)
    trained.fit(records.with_labels(labels))
    assert trained.module_.label_head.bias[2] > 0


def test_a_label_without_positives_is_learned_as_absent(records):
    labels = records.labels.copy()
    labels[:, 1] = 0
    with pytest.warns(UserWarning, match="tall: no training record has it"):
        trained = make_classifier(max_epochs=5).fit(records.with_labels(labels))
    assert np.isfinite(trained.decision_function(records)).all()
    assert trained.predict(records)[:, 1].sum() == 0


def test_a_label_of_which_nothing_is_known_is_not_learned(records):
    labels = records.labels.copy()
    labels[:, 1] = -1
    with pytest.warns(UserWarning, match="tall: unknown .-1. in all training records"):
        unknown = make_classifier(max_epochs=5).fit(records.with_labels(labels))
    assert np.isnan(unknown.predict_proba(records)[:, 1]).all()
    assert np.isfinite(unknown.predict_proba(records)[:, [0, 2]]).all()
    assert (unknown.predict(records)[:, 1] == -1).all()


# One-dimensional y


def test_one_class_per_record(records):
    y = np.array(["slow", "quick"])[records.labels[:, 0]]
    trained = make_classifier().fit(records, y)
    assert trained.classes_.tolist() == ["quick", "slow"]
    np.testing.assert_allclose(trained.predict_proba(records).sum(axis=1), 1)
    assert trained.decision_function(records).shape == (96,)
    assert trained.score(records, y) == np.mean(trained.predict(records) == y)
    assert trained.score(records, y) > 0.9


# Scorers


def test_score_is_macro_f1_of_known_labels(fitted, records):
    predicted = fitted.predict(records)
    expected = f1_score(records.labels, predicted, average="macro")
    assert fitted.score(records) == pytest.approx(expected)
    labels = records.labels.copy()
    labels[::2, 0] = -1
    columns = [f1_score(labels[1::2, 0], predicted[1::2, 0])]
    columns += [f1_score(labels[:, k], predicted[:, k]) for k in (1, 2)]
    assert fitted.score(records, labels) == pytest.approx(np.mean(columns))


def test_score_goes_by_the_names_of_labels(fitted, records):
    expected = fitted.score(records)
    labels, names = records.labels, NAMES
    order = [2, 0, 1]
    named = pd.DataFrame(labels[:, order], columns=[names[k] for k in order])
    assert fitted.score(records, named) == expected
    assert fitted.score(records.with_labels(labels[:, order], named.columns)) == expected
    assert fitted.score(records, labels) == expected
    other = pd.DataFrame(labels, columns=["a", "b", "c"])
    with pytest.raises(ValueError, match=r"y has the labels a, b, c, but .* fast, tall, late"):
        fitted.score(records, other)
    with pytest.raises(ValueError, match="y has the labels a, b, c"):
        fitted.score(records.with_labels(labels, other.columns))
    with pytest.raises(ValueError, match=r"y has 2 labels, but .* 3: fast, tall, late"):
        fitted.score(records, labels[:, :2])
    with pytest.raises(ValueError, match="pass y, or records that have labels"):
        fitted.score(ECGRecords(records.signals, 100, lead_names=records.lead_names))


@pytest.mark.parametrize("n_labels", [2, 3])
def test_scorers_of_scikit_learn(records, n_labels):
    scorings = ["f1_macro", "roc_auc", "average_precision"]
    if n_labels == 3 and Version(sklearn.__version__) < Version("1.9"):
        scorings.remove("average_precision")  # of three labels since 1.9
    y = records.labels[:, :n_labels]
    scores = cross_validate(
        make_classifier(max_epochs=6), records, y, scoring=scorings, cv=2, error_score="raise"
    )
    for scoring in scorings:
        assert scores[f"test_{scoring}"].shape == (2,)
        assert (scores[f"test_{scoring}"] > 0.5).all(), scoring


def test_a_single_label_is_two_classes_to_scikit_learn(records):
    y = records.labels[:, :1]
    trained = quick().fit(records, y)
    assert trained.label_names_.tolist() == [0]
    assert trained.classes_.tolist() == [0, 1]
    assert_allclose(trained.predict_proba(records).sum(axis=1), 1)
    assert trained.predict(records).shape == (96, 1)
    assert np.array_equal(
        trained.predict(records)[:, 0], trained.predict_proba(records)[:, 1] >= trained.thresholds_
    )
    assert trained.decision_function(records).shape == (96,)


def test_scorers_of_scikit_learn_take_a_single_label(records):
    worst = {"roc_auc": 0.7, "average_precision": 0.7, "f1": 0.7, "neg_log_loss": -0.6}
    scores = cross_validate(
        make_classifier(max_epochs=15),
        records,
        records.labels[:, [1]],
        scoring=list(worst),
        cv=2,
        error_score="raise",
    )
    for scoring, least in worst.items():
        assert (scores[f"test_{scoring}"] > least).all(), scoring


# The ways of scikit-learn


def test_grid_search_in_a_pipeline_and_its_copies(records, forked):
    pipeline = make_pipeline(FunctionTransformer(), quick())
    grid = {"labelcorrelationecgclassifier__network__decoder": [True, False]}
    search = GridSearchCV(pipeline, grid, cv=KFold(2), scoring="f1_macro", n_jobs=2)
    search.fit(records, records.labels)
    expected = search.predict_proba(records)
    for other in (copy.deepcopy(search), pickle.loads(pickle.dumps(search))):
        assert np.array_equal(other.predict_proba(records), expected)


def test_joblib_file_and_parameters_survive(fitted, records, tmp_path):
    joblib.dump(fitted, tmp_path / "model.joblib")
    loaded = joblib.load(tmp_path / "model.joblib")
    assert np.array_equal(loaded.predict_proba(records), fitted.predict_proba(records))
    assert loaded.device == "auto"
    assert loaded.get_params() == fitted.get_params()
    assert np.array_equal(weights(loaded.fit(records)), weights(fitted))


def test_clone_is_unfitted_and_fit_learns_shapes_anew(fitted, records):
    other = clone(fitted)
    assert other.get_params() == fitted.get_params()
    assert not hasattr(other, "module_")
    refitted = copy.deepcopy(fitted).set_params(max_epochs=1)
    refitted.fit(np.asarray(records)[:, :1, :100], records.labels[:, :2])
    assert refitted.predict_proba(np.zeros((3, 1, 100))).shape == (3, 2)


def test_same_seed_same_network_and_torch_is_left_alone(records):
    torch.manual_seed(7)
    before = torch.random.get_rng_state()
    first = quick(max_epochs=2).fit(records)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(8)
    second = quick(max_epochs=2).fit(records)
    assert np.array_equal(weights(first), weights(second))
    third = quick(max_epochs=2, random_state=1).fit(records)
    assert not np.array_equal(weights(first), weights(third))


def test_groups_reach_the_split_by_routing(records):
    plain = ECGRecords(records.signals, 100, labels=records.labels)
    pipeline = make_pipeline(FunctionTransformer(), quick())
    with sklearn.config_context(enable_metadata_routing=True):
        pipeline.fit(plain, records.labels, groups=records.groups)
    held_out = pipeline[-1].validation_indices_
    assert not set(records.groups[held_out]) & set(np.delete(records.groups, held_out))


def test_ablations_and_sizes_are_parameters(records):
    for width, channels in [("small", 32), ("medium", 128)]:
        trained = quick(network=width, network__decoder=False).fit(records[:8])
        assert isinstance(trained.module_, LabelCorrelationNet)
        assert trained.module_.decoder is None
        assert trained.module_.identity.num_embeddings == channels


# Early stopping


def test_held_out_patients_stop_training_and_the_best_weights_return(records):
    noise = records.with_labels(np.random.default_rng(3).integers(0, 2, size=(96, 3)))
    trained = make_classifier(max_epochs=12, training__patience=2, calibration=None).fit(noise)
    losses = trained.history[:, "valid_loss"]
    assert len(losses) < 12
    held_out = noise[trained.validation_indices_]
    assert not set(held_out.groups) & set(np.delete(noise.groups, trained.validation_indices_))
    logits = torch.from_numpy(trained.decision_function(held_out))
    loss = trained.net_.criterion_(logits, torch.tensor(held_out.labels)).item()
    # The loss of batches is averaged over batches of nearly equal size.
    assert loss == pytest.approx(min(losses), rel=1e-2)


def test_without_a_held_out_part_all_epochs_run(records):
    trained = quick(max_epochs=3, validation_fraction=None).fit(records)
    assert len(trained.validation_indices_) == 0
    assert len(trained.history) == 3
    assert "valid_loss" not in trained.history[-1]


# What records bring along


def test_leads_are_found_by_name(fitted, records):
    swapped = ECGRecords(np.asarray(records)[:, ::-1], 100, lead_names=["V1", "II"])
    assert np.array_equal(fitted.predict_proba(swapped), fitted.predict_proba(records))
    more = np.concatenate([np.zeros((96, 1, 250)), np.asarray(records)], axis=1)
    more = ECGRecords(more, 100, lead_names=["aVR", "II", "V1"])
    assert np.array_equal(fitted.predict_proba(more), fitted.predict_proba(records))
    with pytest.raises(ValueError, match=r"has 3 leads, .* fitted with 2: \['II', 'V1'\]"):
        fitted.predict(ECGRecords(np.zeros((1, 3, 250)), 100))


def test_other_rates_are_resampled(fitted, records):
    faster = ECGRecords(resample(np.asarray(records), 625, axis=-1), 250)
    agree = fitted.predict(faster) == fitted.predict(records)
    assert agree.mean() > 0.97


def test_records_of_different_lengths_are_cut_and_padded(fitted, records):
    whole = np.asarray(records)[:3]
    ragged = [np.tile(whole[0], 2), whole[1], whole[2][:, :180]]
    found = fitted.predict_proba(ECGRecords(ragged, 100))
    expected = fitted.predict_proba(records[:3])
    np.testing.assert_allclose(found[:2], expected[:2], rtol=1e-4)
    assert np.isfinite(found[2]).all()
    quick().fit(ECGRecords(ragged * 2, 100), np.tile(records.labels[:3], (2, 1)))


def test_a_flat_lead_is_no_obstacle(records):
    signals = np.asarray(records).copy()
    signals[:, 1] = 0
    trained = quick().fit(signals, records.labels)
    assert trained.lead_scale_[1] == 1
    assert np.isfinite(trained.predict_proba(signals)).all()


class LongRecords:
    """A reader of records of an hour, of which only the beginning may be read."""

    def __init__(self, records):
        self.signals = records.signals

    def __call__(self, i):
        raise AssertionError("a whole record was read")

    def window(self, i, start, stop):
        assert stop <= self.signals.shape[2]
        return self.signals[i, :, start:stop]


@pytest.mark.parametrize("lengths", [None, np.arange(96) + 360_000])
def test_of_long_lazy_records_only_what_is_kept_is_read(fitted, records, lengths):
    shape = (96, 2, 360_000) if lengths is None else (96, 2)
    signals = LazySignals(LongRecords(records), shape, lengths=lengths)
    lazy = ECGRecords(signals, 100, lead_names=["II", "V1"])
    assert_allclose(fitted.predict_proba(lazy), fitted.predict_proba(records))
    assert_allclose(
        fitted.predict_proba(lazy.select_leads(["V1", "II"])), fitted.predict_proba(records)
    )


def test_leaves_cores_to_others_and_gives_them_back(records, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("joblib.cpu_count", lambda: 2)
    seen = []

    class Look(Callback):
        def on_batch_begin(self, net, **kwargs):
            seen.append(torch.get_num_threads())

    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        trained = quick(callbacks=[Look()]).fit(records)
        trained.predict(records)
        assert set(seen) == {1}
        assert torch.get_num_threads() == 2
        monkeypatch.setenv("OMP_NUM_THREADS", "2")
        with half_the_cores("cpu"):
            assert torch.get_num_threads() == 1
        monkeypatch.setenv("OMP_WAIT_POLICY", "passive")
        with half_the_cores("cpu"):
            assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_signals_are_not_changed(records):
    signals = np.asarray(records).astype(np.float32)
    before = signals.copy()
    quick().fit(signals, records.labels).predict(signals)
    assert np.array_equal(signals, before)


def test_quiet_unless_asked(records, capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        quick().fit(records)
    assert capsys.readouterr() == ("", "")
    quick(verbose=1).fit(records)
    assert "Training, epochs" in capsys.readouterr().err


# Gaps


@pytest.mark.parametrize("mark", [np.nan, np.inf])
@pytest.mark.parametrize("rate", [100, 250])
def test_gaps_are_bridged(records, mark, rate):
    """The line across a gap is what `GapFiller` draws; a lead that is missing is 0 mV."""
    gaps = np.array(records.signals)
    gaps[3, 0, 50:80] = gaps[4, 1, :7] = gaps[5, 1] = gaps[6, 0] = mark
    gaps = ECGRecords(gaps, rate, lead_names=["II", "V1"], labels=records.labels)
    filled = GapFiller().fit_transform(gaps)
    classifier = quick().fit(gaps)
    np.testing.assert_allclose(
        classifier.predict_proba(gaps), classifier.predict_proba(filled), atol=1e-3
    )


# Bad input


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda r: (r[:1], None), "at least 2 records; got n_samples=1"),
        (lambda r: (r[:0], None), "at least 2 records; got n_samples=0"),
        (lambda r: (r, r.labels + 1), "1 .present., 0 .absent. or -1 .unknown. only; got 2"),
        (lambda r: (r, r.labels[:-1]), "labels for 95 records, but X has 96"),
        (lambda r: (r, np.full((96, 2), -1)), "All labels in y are unknown"),
        (lambda r: (r, np.zeros(96)), "y has 1 class"),
        (lambda r: (r, [["AF"], ["AF", "PVC"]] * 48), r"names of a record's labels.*Binarizer"),
        (lambda r: (np.asarray(r), None), "requires y to be passed"),
        (lambda r: (r.with_labels(None), None), "requires y to be passed"),
        (
            lambda r: ([np.zeros((2, 200)), np.zeros((2, 300))], [[1], [0]]),
            "different lengths need a known sampling rate",
        ),
    ],
)
def test_bad_input_is_named(records, make, message):
    X, y = make(records)
    with pytest.raises(ValueError, match=message):
        quick().fit(X, y)


@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
def test_no_answer_is_not_an_absent_label(fitted, records):
    signals = records.signals.copy()
    signals[7] *= 1e30
    wild = records.with_signals(signals)
    with pytest.warns(UserWarning, match="1 of 96 records get no answer .*7: .*finite answer"):
        assert (fitted.predict(wild)[7] == -1).all()
    with pytest.raises(ValueError, match=r"Training diverged.*record 7"):
        quick(validation_fraction=None).fit(wild)


def test_scores_of_other_shapes_are_refused(fitted, records):
    with pytest.raises(ValueError, match=r"y has 2 labels, but .* fitted on 3: fast, tall, late"):
        fitted.score(records, records.labels[:, :2])
    with pytest.raises(ValueError, match="for each of the 96 records; got an array of shape"):
        fitted.score(records, sample_weight=np.ones(5))


def test_a_table_of_features_is_refused(records):
    table = CleanedRecords(
        np.zeros((4, 7)),
        labels=np.eye(4),
        weak_labels=np.eye(4),
        provenance=np.full((4, 4), "trusted"),
        confidence=np.ones((4, 4)),
    )
    with pytest.raises(TypeError, match="OnCleanedLabels"):
        quick().fit(table)


def test_arrays_of_unknown_rate_cannot_follow_records_of_known_rate(fitted, records):
    with pytest.raises(ValueError, match=r"ECGRecords\(X, sampling_rate="):
        fitted.predict(np.asarray(records))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"network": "huge"}, "The 'network' parameter of LabelCorrelationECGClassifier must be"),
        ({"lr": 0}, "The 'lr' parameter"),
        ({"validation_fraction": 1.0}, "The 'validation_fraction' parameter"),
        ({"calibration": "isotonic"}, "The 'calibration' parameter"),
        ({"device": "abacus"}, "The 'device' parameter"),
    ],
)
def test_bad_parameters_are_named(records, parameters, message):
    with pytest.raises(ValueError, match=message):
        quick(**parameters).fit(records)


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="asks for what is not there")
def test_a_device_that_torch_cannot_use_is_an_error(records):
    with pytest.raises(ValueError, match="'mps', which torch cannot use here"):
        quick(device="mps").fit(records)


@pytest.mark.skipif(torch.cuda.is_available(), reason="asks for a GPU where there is none")
def test_cuda_without_cuda_is_an_error(records):
    with pytest.raises(ValueError, match="'cuda', but torch finds no CUDA device"):
        quick(device="cuda").fit(records)


def test_no_records_give_no_predictions(fitted, records):
    assert fitted.predict(records[:0]).shape == (0, 3)
