"""Models as files."""

import copy
import json
import pickle

import numpy as np
import pytest
from skorch.callbacks import Callback

from sklearn_ecg import ECGRecords
from sklearn_ecg.network import LabelCorrelationECGClassifier, SignalAugmentation
from sklearn_ecg.network._files import _sum_of

load = LabelCorrelationECGClassifier.load


@pytest.fixture
def saved(tiny_fitted, tmp_path):
    tiny_fitted.save(tmp_path / "model")
    return tmp_path / "model"


def edit(folder, change):
    path = folder / "model.json"
    model = json.loads(path.read_text())
    change(model)
    del model["sha256"]
    path.write_text(json.dumps({**model, "sha256": _sum_of(model)}))


def weights_file(folder):
    (path,) = folder.glob("weights-*.safetensors")
    return path


def test_what_is_loaded_predicts_the_same(tiny_fitted, tiny_records, saved):
    loaded = load(saved)
    assert np.array_equal(
        loaded.predict_proba(tiny_records), tiny_fitted.predict_proba(tiny_records)
    )
    assert loaded.score(tiny_records) == tiny_fitted.score(tiny_records)
    assert loaded.classes_.tolist() == ["fast", "tall"]
    assert np.array_equal(loaded.label_correlation_, tiny_fitted.label_correlation_)
    assert loaded.history[-1]["train_loss"] == tiny_fitted.history[-1]["train_loss"]
    kept = set(tiny_fitted.get_params()) - {"random_state"}
    assert {k: loaded.get_params()[k] for k in kept} == {
        k: tiny_fitted.get_params()[k] for k in kept
    }
    pickle.loads(pickle.dumps(loaded)).predict(tiny_records)


def test_the_folder_says_in_words_what_the_model_expects(saved):
    model = json.loads((saved / "model.json").read_text())
    assert model["labels"]["names"] == ["fast", "tall"]
    assert model["input"]["lead_names"] == ["II", "V1"]
    assert model["input"]["sampling_rate"] == 100
    assert model["input"]["n_times"] == 100
    assert model["parameters"]["network__channels"] == [2, 2, 4]
    assert {path.name for path in saved.iterdir()} == {"model.json", model["weights"]["file"]}


def test_leads_are_found_by_name_after_loading(tiny_records, saved):
    loaded = load(saved)
    swapped = ECGRecords(np.asarray(tiny_records)[:, ::-1], 100, lead_names=["V1", "II"])
    assert np.array_equal(loaded.predict_proba(swapped), loaded.predict_proba(tiny_records))


def test_thresholds_calibration_and_odd_parameters_travel(tiny, tiny_records, tmp_path):
    trained = tiny(
        thresholds="tuned",
        calibration="sigmoid",
        augmentation=SignalAugmentation(gain=0.3),
        class_weight={"fast": np.float64(2.0)},
        random_state=np.random.RandomState(0),
        backbone="xresnet",
        network__channels=(4, 8),
    ).fit(tiny_records)
    trained.save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    assert np.array_equal(loaded.predict(tiny_records), trained.predict(tiny_records))
    assert np.array_equal(loaded.thresholds_, trained.thresholds_)
    assert loaded.augmentation.gain == 0.3
    assert loaded.class_weight == {"fast": 2.0}
    assert loaded.random_state is None


def test_classes_of_a_one_dimensional_y_travel(tiny, tiny_records, tmp_path):
    y = np.array([3, 7])[tiny_records.labels[:, 0]]
    trained = tiny().fit(np.asarray(tiny_records), y)
    trained.save(tmp_path)
    loaded = load(tmp_path)
    assert np.array_equal(
        loaded.predict(np.asarray(tiny_records)), trained.predict(np.asarray(tiny_records))
    )
    assert loaded.classes_.dtype == trained.classes_.dtype


@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (lambda f: (f / "model.json").unlink(), FileNotFoundError, "There is no .*model.json"),
        (lambda f: (f / "model.json").write_text("{"), ValueError, "is not JSON"),
        (lambda f: edit(f, lambda m: m.pop("format")), ValueError, "does not describe"),
        (
            lambda f: edit(f, lambda m: m.update(format_version=9)),
            ValueError,
            "format version 9, written by sklearn_ecg .*reads version 1",
        ),
        (lambda f: edit(f, lambda m: m.pop("input")), ValueError, "completely: input is missing"),
        (
            lambda f: edit(f, lambda m: m["input"].update(n_leads="two")),
            ValueError,
            "input.n_leads has the wrong type; got 'two'",
        ),
        (
            lambda f: (f / "model.json").write_text(
                (f / "model.json").read_text().replace('"fast"', '"slow"')
            ),
            ValueError,
            "was changed after it was saved, or is damaged",
        ),
        (
            lambda f: edit(f, lambda m: m["parameters"].update(no_such=1)),
            ValueError,
            "no parameter 'no_such'",
        ),
        (
            lambda f: edit(f, lambda m: m["labels"]["names"].pop()),
            ValueError,
            "labels.learned must be 1 times true or false",
        ),
        (
            lambda f: edit(f, lambda m: m["parameters"].update(network__hidden_dim=4)),
            ValueError,
            "do not belong to this model description.*size mismatch",
        ),
        (
            lambda f: weights_file(f).write_bytes(pickle.dumps(print)),
            ValueError,
            "safetensors is damaged, or belongs to another model",
        ),
        (lambda f: weights_file(f).unlink(), FileNotFoundError, "cannot be read"),
    ],
)
def test_spoiled_files_are_named(saved, spoil, error, message):
    spoil(saved)
    with pytest.raises(error, match=f"(?s){message}"):
        load(saved)


REFUSED = [
    ("weights.file", "../weights-00000000.safetensors"),
    ("labels.names", ["fast", "fast"]),
    ("labels.names", []),
    ("labels.dtype", "<U2"),
    ("labels.dtype", "<U1000000000"),
    ("labels.dtype", "M8[s]"),
    ("decisions.share", -0.1),
    ("decisions.slope", [1.0, -1.0]),
    ("decisions.offset", [0.0]),
    ("decisions.thresholds", [0.5, 1.5]),
    ("input.unit", "uV"),
    ("input.n_leads", 10**9),
    ("input.n_times", 10**12),
    ("input.lead_scale", [-0.1, 0.1]),
    ("input.sampling_rate", -100),
    ("input.reader.duration_s", 1e12),
    ("parameters.callbacks", None),
    ("parameters.checkpoint", "/tmp"),
    ("parameters.network__pretrained", "/etc/passwd"),
    ("parameters.memory", "cache"),
    ("parameters.thresholds", -3),
    ("parameters.features", {"extractor": "os.system", "parameters": {}}),
    ("parameters.network", {"yours": "os.system"}),
    ("parameters.network__hidden_dim", 10**9),
    ("parameters.network__n_layers", 10**9),
    ("parameters.network__n_heads", 0),
    ("parameters.network__dropout", 7.0),
    ("parameters.network__channels", [2] * 10**4),
    ("parameters.augmentation", {"augmentation": {"noise": -1}}),
    ("history", [{"train_loss": "low"}]),
]


@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_what_no_fit_writes_is_refused_also_with_a_new_checksum(saved, name, value):
    *places, last = name.split(".")

    def change(model):
        for place in places:
            model = model[place]
        model[last] = value

    edit(saved, change)
    with pytest.raises(ValueError):
        load(saved)


def places_in(value, place=()):
    """Yield the place of each value in a tree of dicts and lists."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        yield (*place, key)
        if isinstance(inner, dict | list):
            yield from places_in(inner, (*place, key))


def test_a_model_with_one_change_is_refused_or_answers(saved, tiny_records):
    rng = np.random.default_rng(0)
    odd = [None, True, -1, 0, 1e308, 10**12, float("inf"), "", "x" * 50, [], {}, [[]], {"items": 1}]
    intact = json.loads((saved / "model.json").read_text())
    places = [p for p in places_in(intact) if p[0] not in ("sha256", "history", "made_by")]
    del intact["sha256"]
    n_refused = 0
    for _ in range(150):
        place, value = places[rng.integers(len(places))], odd[rng.integers(len(odd))]
        model = inner = copy.deepcopy(intact)
        for key in place[:-1]:
            inner = inner[key]
        inner[place[-1]] = value
        (saved / "model.json").write_text(json.dumps({**model, "sha256": _sum_of(model)}))
        try:
            loaded = load(saved)
        except ValueError:
            n_refused += 1
            continue
        probabilities = loaded.predict_proba(tiny_records)
        assert ((probabilities >= 0) & (probabilities <= 1)).all(), (place, value)
    assert n_refused > 90


def test_a_model_is_what_was_fitted_and_not_what_was_set_later(tiny, tiny_records, tmp_path):
    trained = tiny().fit(tiny_records)
    expected = trained.predict_proba(tiny_records)
    trained.set_params(network__hidden_dim=16, network="medium", backbone=None, thresholds=0.9)
    trained.save(tmp_path)
    loaded = load(tmp_path)
    assert np.array_equal(loaded.predict_proba(tiny_records), expected)
    assert loaded.get_params()["network__hidden_dim"] == 8
    assert np.array_equal(loaded.predict(tiny_records), trained.predict(tiny_records))
    loaded.save(tmp_path)
    assert np.array_equal(load(tmp_path).predict_proba(tiny_records), expected)


def test_a_model_says_what_made_it(saved):
    made_by = json.loads((saved / "model.json").read_text())["made_by"]
    assert list(made_by) == ["sklearn_ecg", "torch", "scikit-learn", "numpy", "python", "time"]
    assert made_by["numpy"] == np.__version__


def test_history_keeps_what_json_can_hold(tiny, tiny_records, tmp_path):
    class Log(Callback):
        def on_epoch_end(self, net, **kwargs):
            net.history.record("score", np.float32(0.5))
            net.history.record("broken", float("nan"))
            net.history.record("figure", object())

    trained = tiny(callbacks=[Log()]).fit(tiny_records)
    trained.save(tmp_path)
    last = load(tmp_path).history[-1]
    assert last["score"] == 0.5
    assert last["valid_loss"] == trained.history[-1]["valid_loss"]
    assert not {"broken", "figure", "batches"} & set(last)


def test_only_a_fitted_model_can_be_saved_and_only_into_a_folder(tiny, tiny_fitted, tmp_path):
    with pytest.raises(ValueError, match="not fitted"):
        tiny().save(tmp_path / "model")
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="is a file; save writes a folder"):
        tiny_fitted.save(tmp_path / "file")


def test_a_loaded_model_is_fine_tuned_on_other_labels(tiny_fitted, tiny_records, saved):
    mine = tiny_records.with_labels(
        np.column_stack([1 - tiny_records.labels, tiny_records.labels[:, :1]]), ["a", "b", "c"]
    )
    loaded = load(saved).set_params(warm_start=True, max_epochs=1, lr=1e-6)
    loaded.fit(mine)
    assert loaded.classes_.tolist() == ["a", "b", "c"]
    assert loaded.predict_proba(mine).shape == (48, 3)
    before = tiny_fitted.module_.projection.weight.detach().numpy()
    after = loaded.module_.projection.weight.detach().numpy()
    np.testing.assert_allclose(after, before, atol=1e-4)


def test_what_was_set_after_fit_does_not_change_what_is_read(tiny, tiny_records, tmp_path):
    trained = tiny(highpass=0.5).fit(tiny_records)
    expected = trained.predict_proba(tiny_records)
    trained.set_params(highpass=None, duration_s=0.5).save(tmp_path)
    assert np.array_equal(load(tmp_path).predict_proba(tiny_records), expected)


def test_a_file_is_no_folder_of_a_model(tmp_path):
    path = tmp_path / "file"
    path.write_text("x")
    with pytest.raises(ValueError, match=f"{path} is a file. Name the folder that save"):
        load(path)
