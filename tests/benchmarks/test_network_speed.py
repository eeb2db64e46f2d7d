"""What the network's speed is measured by."""

from types import SimpleNamespace

import torch

from benchmarks import network_speed


def test_operations_are_those_of_both_directions():
    # Each product of a linear layer costs two operations, forward, and backward for the weights;
    # the first layer's inputs need no gradient, those of the second do.
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(6, 5), torch.nn.Linear(5, 3))
    classifier = SimpleNamespace(module_=module, n_leads_in_=2, n_times_=3, device_="cpu")
    expected = 2 * 2 * 6 * 5 + 3 * 2 * 5 * 3
    assert network_speed.operations_per_record(classifier) == expected
    assert not module.training


def test_epochs_of_the_bare_loop_and_of_the_estimator_are_measured():
    arguments = SimpleNamespace(device="cpu", runs=1, quick=True)
    records = network_speed.make_records("small", arguments)
    ticks = iter(range(100))
    clock = network_speed.EpochClock(lambda: next(ticks))
    classifier = network_speed.make_classifier(
        arguments, duration_s=1.0, module__channels=(2, 2, 2), callbacks=[clock]
    ).fit(records)
    assert clock.seconds_ == [1, 1]
    weight = classifier.module_.backbone.projection.weight.detach().clone()
    assert network_speed.bare_epochs(classifier, _first_second(records), 2, clock.now) == [1, 1]
    after = classifier.module_.backbone.projection.weight
    assert 0 < (after - weight).abs().max() < 1e-6


def _first_second(records):
    return records.with_signals(records.signals[:, :, :100])


def test_the_page_tells_the_compile_time_apart():
    data = {
        "machine": "a machine",
        "rates": [{"precision": "bfloat16, compiled", "first epoch, s": 60.0}],
        "overheads": [{"backbone": "xresnet", "overhead, %": 1.0}],
        "memory": [],
    }
    text = network_speed.describe(data)
    assert "first epoch, s" in text and "compiled" in text
    assert "Peak memory:" not in text


def test_ways_to_train_are_told_as_multiples_of_eager_float32(monkeypatch):
    speeds = iter([100, 250, 400, 600] * 2)
    fits = []

    def make(arguments, **parameters):
        fits.append((parameters["backbone"], parameters["precision"], parameters["compile"]))
        return SimpleNamespace(fit=lambda records: None)

    monkeypatch.setattr(network_speed, "make_classifier", make)
    monkeypatch.setattr(
        network_speed, "rates_of", lambda *args: {"training, records/s": next(speeds)}
    )
    arguments = SimpleNamespace(device="cuda", widths=("small",), compile=True, quick=True)
    rows = network_speed.measure_rates(arguments)
    assert [row["training, times float32"] for row in rows] == [1, 2.5, 4, 6] * 2
    assert fits[4:] == [
        ("xresnet", "float32", False),
        ("xresnet", "bfloat16", False),
        ("xresnet", "bfloat16", True),
        ("xresnet", "bfloat16", "reduce-overhead"),
    ]


def test_a_peak_is_positive_and_finite():
    assert 0 < network_speed.measure_peak("cpu", size=64, n_runs=2) < 1e4
