"""What the network's speed is measured by."""

import json
from pathlib import Path
from types import SimpleNamespace

import torch

from benchmarks import network_speed


def test_operations_are_those_of_both_directions():
    # Each product of a linear layer costs two operations, forward, and backward for the weights;
    # the first layer's inputs need no gradient, those of the second do.
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(6, 5), torch.nn.Linear(5, 3))
    classifier = SimpleNamespace(module_=module, n_leads_in_=2, n_times_=3)
    expected = 2 * 2 * 6 * 5 + 3 * 2 * 5 * 3
    assert network_speed.operations_per_record(classifier) == expected
    assert not module.training


def test_epochs_of_the_bare_loop_and_of_the_estimator_are_measured():
    arguments = SimpleNamespace(device="cpu", runs=1, quick=True)
    records = network_speed.make_records("small", arguments)
    ticks = iter(range(100))
    clock = network_speed.EpochClock(lambda: next(ticks))
    classifier = network_speed.make_classifier(
        arguments, duration_s=1.0, network__channels=(2, 2, 2), callbacks=[clock]
    ).fit(records)
    assert clock.seconds_ == [1, 1]
    before = [weights.detach().clone() for weights in classifier.module_.parameters()]
    assert network_speed.bare_epochs(classifier, _first_second(records), 2, clock.now) == [1, 1]
    after = classifier.module_.parameters()
    moved = [(new - old).abs().max().item() for new, old in zip(after, before, strict=True)]
    assert 0 < max(moved) < 1e-6


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
        own = parameters.pop("backbone"), parameters.pop("training__precision")
        fits.append((*own, parameters))
        return SimpleNamespace(fit=lambda records: None)

    monkeypatch.setattr(network_speed, "make_classifier", make)
    monkeypatch.setattr(
        network_speed, "rates_of", lambda *args: {"training, records/s": next(speeds)}
    )
    arguments = SimpleNamespace(device="cuda", networks=("small",), compile=True, quick=True)
    rows = network_speed.measure_rates(arguments)
    assert [row["training, times float32"] for row in rows] == [1, 2.5, 4, 6] * 2
    assert fits[4:] == [
        ("xresnet", "float32", {"network": "small"}),
        ("xresnet", "bfloat16", {"network": "small"}),
        ("xresnet", "bfloat16", {"network": "small", "training__compile": True}),
        (
            "xresnet",
            "bfloat16",
            {"network": "small", "training__compile": True, "compile__mode": "reduce-overhead"},
        ),
    ]


def test_another_checkout_is_measured_in_turns(monkeypatch):
    old = [{"backbone": "xresnet", "width": "small", "precision": "float32"}]
    new = [{"backbone": "xresnet", "network": "small", "precision": "float32"}]
    speeds, asked = {"before": iter([100, 80]), "now": iter([90, 150])}, []

    def run(command, cwd, **options):
        name = "before" if str(cwd) == "there" else "now"
        asked.append(name)
        speed = next(speeds[name])
        rates = {"training, records/s": speed, "prediction, records/s": 2 * speed}
        rows = [row | rates for row in (old if name == "before" else new)]
        return SimpleNamespace(stdout=f"{rows[0]}\n{json.dumps(rows)}\n")

    monkeypatch.setattr(network_speed.subprocess, "run", run)
    arguments = SimpleNamespace(against=Path("there"), runs=2, device="cpu", threads=1, quick=False)
    rows = network_speed.measure_against(arguments)
    assert asked == ["now", "before"] * 2
    assert [(row["now"], row["before"], row["now / before"]) for row in rows] == [
        (150, 100, 1.5),
        (300, 200, 1.5),
    ]
    data = {"machine": "a machine", "rates": [], "overheads": [], "memory": [], "against": rows}
    assert "now / before" in network_speed.describe(data)


def test_a_peak_is_positive_and_finite():
    assert 0 < network_speed.measure_peak("cpu", size=64, n_runs=2) < 1e4
