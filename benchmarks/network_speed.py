"""Speed and memory of LabelCorrelationECGClassifier, beside a bare PyTorch loop.

12 leads, 10 s at 100 Hz, batches of 32, by default as many threads as there are cores. Training
is the best epoch but the first, prediction the best of several calls of `predict_proba`, from
records to probabilities, by the network alone (`features=None`). "bfloat16" calculates in it in
training and prediction; "auto" trains in it where the machine has it, and predicts in float32.

Overhead is what an epoch of the estimator takes beyond one of a loop of a dozen lines over the same
network, batches, loss, optimizer and schedule; the two take turns, and each counts by its best, on
a CPU in seconds of its time, which other processes disturb less.
Floating-point operations are those of matrix products and convolutions, forward and backward.
On a GPU they are also given as a share of what it reaches in one large product of bfloat16
matrices. The first epoch is told apart: it holds compilation, and the recording of CUDA graphs
("reduce-overhead").
Peak memory is that of a process that trains for two batches, with all that it has imported.
`--against FOLDER` measures the rates of another checkout too, in turns with its own.
"""

import argparse
import json
import multiprocessing
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from skorch.callbacks import Callback
from torch.utils.flop_counter import FlopCounterMode

from benchmarks._report import explanation, write_results
from sklearn_ecg import ECGRecords, LabelCorrelationECGClassifier
from sklearn_ecg.network import AsymmetricLoss
from sklearn_ecg.network._device import has_bfloat16

_BATCH = 32
_N_LABELS = 5
# Enough for a second or so per epoch on two cores.
_N_RECORDS = {"small": 512, "medium": 128, "paper": 64}
# Prints the rates of the checkout that it is run in, whatever its parameters are called.
_RATES = """
import json
from benchmarks.network_speed import measure_rates, parse_arguments
print(json.dumps(measure_rates(parse_arguments())))
"""


def main():
    arguments = parse_arguments()
    # Set, so that the estimator leaves the threads as they are.
    os.environ["OMP_NUM_THREADS"] = str(arguments.threads)
    torch.set_num_threads(arguments.threads)
    rates = measure_rates(arguments)
    overheads = [measure_overhead(backbone, arguments) for backbone in ("residual", "xresnet")]
    memory = measure_memory(arguments)
    data = {"rates": rates, "overheads": overheads, "memory": memory, "machine": machine(arguments)}
    if arguments.against is not None:
        data["against"] = measure_against(arguments)
    name = "network_speed" if arguments.device == "cpu" else "network_speed_cuda"
    name += "_quick" if arguments.quick else ""
    title = "Speed and memory of the network"
    packages = ("torch", "skorch")
    write_results(name, title, describe(data), data, command="network_speed", packages=packages)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--compile", action="store_true", help="also train by torch.compile")
    parser.add_argument(
        "--peak-tflops", type=float, help="of the device in bfloat16; on a GPU measured by default"
    )
    parser.add_argument(
        "--against", type=Path, help="another checkout, whose rates are measured in the same run"
    )
    parser.add_argument("--quick", action="store_true", help="small networks, few records, one run")
    arguments = parser.parse_args()
    arguments.networks = ("small",) if arguments.quick else tuple(_N_RECORDS)
    arguments.runs = 1 if arguments.quick else arguments.runs
    if arguments.device != "cpu" and arguments.peak_tflops is None:
        arguments.peak_tflops = measure_peak(arguments.device)
    return arguments


def make_records(network, arguments, *, rate=100):
    """Make noise with labels: how fast a network is does not depend on what it reads."""
    n_records = _N_RECORDS[network]
    if arguments.quick:
        n_records = 2 * _BATCH
    elif arguments.device != "cpu":
        n_records *= 16
    rng = np.random.default_rng(0)
    signals = rng.standard_normal((n_records, 12, 10 * rate), dtype=np.float32)
    labels = rng.integers(0, 2, size=(n_records, _N_LABELS))
    return ECGRecords(signals, rate, labels=labels)


def make_classifier(arguments, **parameters):
    defaults = {
        "batch_size": _BATCH,
        # Whole records, and nothing beside the network: what a bare loop does too.
        "features": None,
        "crop_s": None,
        "augmentation": None,
        "highpass": None,
        "training__ema_decay": None,
        "max_epochs": 1 + arguments.runs,
        "device": arguments.device,
        "random_state": 0,
    }
    return LabelCorrelationECGClassifier(**{**defaults, **parameters})


def measure_rates(arguments):
    """Measure training and prediction of each backbone, network and precision."""
    ways = [("float32", {}), ("bfloat16", {})]
    if arguments.compile:
        ways.append(("bfloat16", {"training__compile": True}))
        if arguments.device != "cpu":
            compiled = {"training__compile": True, "compile__mode": "reduce-overhead"}
            ways.append(("bfloat16", compiled))
    rows = []
    for backbone in ("residual", "xresnet"):
        for network in arguments.networks:
            records = make_records(network, arguments)
            for precision, compiled in ways:
                classifier = make_classifier(
                    arguments,
                    network=network,
                    backbone=backbone,
                    training__precision=precision,
                    **compiled,
                ).fit(records)
                rows.append(rates_of(classifier, records, arguments))
                print(rows[-1], flush=True)
            of_network = rows[-len(ways) :]  # of which the first is eager float32
            for row in of_network:
                row["training, times float32"] = (
                    row["training, records/s"] / of_network[0]["training, records/s"]
                )
    return rows


def measure_against(arguments):
    """Measure the rates of this checkout and of another in turns; return their best, as rows."""
    own = Path(__file__).resolve().parents[1]
    options = ["--device", arguments.device, "--threads", str(arguments.threads)]
    options += ["--quick"] if arguments.quick else ["--runs", str(arguments.runs)]
    best = {}
    for _ in range(arguments.runs):
        for name, folder in (("now", own), ("before", arguments.against)):
            command = [sys.executable, "-c", _RATES, *options]
            told = subprocess.run(
                command, cwd=folder, stdout=subprocess.PIPE, text=True, check=True
            )
            for row in json.loads(told.stdout.splitlines()[-1]):
                # The network had another name.
                key = row["backbone"], row.get("network", row.get("width")), row["precision"]
                for rate in ("training, records/s", "prediction, records/s"):
                    found = best.setdefault(key, {}).setdefault(rate, {})
                    found[name] = max(found.get(name, 0), row[rate])
    return [
        dict(zip(("backbone", "network", "precision"), key, strict=True))
        | {"rate": rate, **found, "now / before": found["now"] / found["before"]}
        for key, rates in best.items()
        for rate, found in rates.items()
        if len(found) == 2
    ]


def measure_peak(device, size=8192, n_runs=20):
    """Return the TFLOP/s that a device reaches in products of large bfloat16 matrices."""
    matrix = torch.randn(size, size, device=device, dtype=torch.bfloat16)
    seconds = []
    for _ in range(n_runs):
        started = time.perf_counter()
        (matrix @ matrix)[0, 0].item()  # which waits until the product is there
        seconds.append(time.perf_counter() - started)
    return 2 * size**3 / min(seconds) / 1e12


def rates_of(classifier, records, arguments):
    epochs = classifier.history[:, "dur"]
    seconds = min(seconds_of(classifier.predict_proba, records) for _ in range(arguments.runs))
    operations = operations_per_record(classifier)
    trained = len(records) / min(epochs[1:])
    parameters = classifier.get_params()
    compiled = ""
    if parameters.get("training__compile"):
        compiled = f", {parameters.get('compile__mode', 'compiled')}"
    row = {
        "backbone": classifier.backbone,
        "network": classifier.network,
        "weights (million)": sum(p.numel() for p in classifier.module_.parameters()) / 1e6,
        "precision": parameters["training__precision"] + compiled,
        "training, records/s": trained,
        "prediction, records/s": len(records) / seconds,
        "training, GFLOP/record": operations / 1e9,
        "training, GFLOP/s": trained * operations / 1e9,
        "first epoch, s": epochs[0],
        "other epochs, s": min(epochs[1:]),
    }
    if arguments.peak_tflops:
        row["share of the peak, %"] = trained * operations / arguments.peak_tflops / 1e10
    return row


def operations_per_record(classifier):
    """Count the floating-point operations of a training step, per record."""
    network = classifier.module_.train()
    device = next(network.parameters()).device
    signals = torch.zeros(2, classifier.n_leads_in_, classifier.n_times_, device=device)
    with FlopCounterMode(display=False) as counter:
        network(signals).sum().backward()
    network.zero_grad()
    network.eval()
    return counter.get_total_flops() / len(signals)


def measure_overhead(backbone, arguments):
    """Time epochs of the estimator and of a bare loop, in turn."""
    records = make_records("small", arguments)
    clock = EpochClock(time.process_time if arguments.device == "cpu" else time.perf_counter)
    classifier = make_classifier(arguments, backbone=backbone, max_epochs=3, callbacks=[clock])
    ours, bare = [], []
    for _ in range(1 + arguments.runs):
        classifier.fit(records)
        ours += clock.seconds_[1:]
        bare += bare_epochs(classifier, records, 3, clock.now)[1:]
    row = {
        "backbone": backbone,
        "estimator, s/epoch": min(ours),
        "bare loop, s/epoch": min(bare),
        "overhead, %": 100 * (min(ours) / min(bare) - 1),
    }
    print(row, flush=True)
    return row


class EpochClock(Callback):
    """Measure epochs by a clock of one's choice."""

    def __init__(self, now):
        self.now = now

    def on_train_begin(self, net, **kwargs):
        self.seconds_ = []

    def on_epoch_begin(self, net, **kwargs):
        self.started_ = self.now()

    def on_epoch_end(self, net, **kwargs):
        self.seconds_.append(self.now() - self.started_)


def bare_epochs(classifier, records, n_epochs, now):
    """Train the classifier's own network without it, and return the seconds of each epoch."""
    device = classifier.net_.device
    kind = torch.device(device).type
    network, loss_of = classifier.module_.train(), AsymmetricLoss()
    signals = torch.from_numpy(np.asarray(records.signals))
    labels = torch.tensor(records.labels)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-9, weight_decay=0.01)
    n_batches = -(-len(signals) // _BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=1e-9, total_steps=n_epochs * n_batches
    )
    seconds = []
    for _ in range(n_epochs):
        started = now()
        losses = []
        for rows in torch.randperm(len(signals)).tensor_split(n_batches):
            optimizer.zero_grad()
            with torch.autocast(kind, torch.bfloat16, enabled=has_bfloat16(device)):
                logits = network(signals[rows].to(device))
            loss = loss_of(logits.float(), labels[rows].to(device))
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        seconds.append(now() - started)
    return seconds


def measure_memory(arguments):
    """Measure training of the paper's network at 500 Hz, in processes of their own."""
    if arguments.quick:
        return []
    rows = []
    for backbone in ("residual", "xresnet"):
        for precision in ("float32", "bfloat16"):
            with multiprocessing.get_context("spawn").Pool(1) as pool:
                gigabytes = pool.apply(peak_gigabytes, (backbone, precision, arguments))
            rows.append({"backbone": backbone, "precision": precision, "peak, GB": gigabytes})
            print(rows[-1], flush=True)
    return rows


def peak_gigabytes(backbone, precision, arguments):
    torch.set_num_threads(arguments.threads)
    records = make_records("paper", arguments, rate=500)[: 2 * _BATCH]
    make_classifier(
        arguments,
        network="paper",
        backbone=backbone,
        sampling_rate=500,
        training__precision=precision,
        max_epochs=1,
    ).fit(records)
    if arguments.device != "cpu":
        return torch.cuda.max_memory_allocated(arguments.device) / 1e9
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def seconds_of(function, *arguments):
    started = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - started


def machine(arguments):
    if arguments.device != "cpu":
        peak = f"{arguments.peak_tflops:.0f} TFLOP/s in bfloat16"
        return f"{torch.cuda.get_device_name(arguments.device)}, {peak}, torch {torch.__version__}"
    capability = torch.backends.cpu.get_cpu_capability()
    return f"{arguments.threads} threads, {capability}, torch {torch.__version__}"


def describe(data):
    rates = pd.DataFrame(data["rates"])
    text = (
        f"{explanation(__doc__)}\nOn {data['machine']}.\n\n"
        f"{rates.round(2).to_markdown(index=False)}\n\n"
        "## Overhead of the estimator, small network\n\n"
        f"{pd.DataFrame(data['overheads']).round(3).to_markdown(index=False)}\n"
    )
    if data.get("against"):
        table = pd.DataFrame(data["against"]).round(2).to_markdown(index=False)
        text += f"\n## Beside another checkout\n\n{table}\n"
    if data["memory"]:
        table = pd.DataFrame(data["memory"]).round(2).to_markdown(index=False)
        text += f"\n## Peak memory: the paper's network, 500 Hz, batches of 32\n\n{table}\n"
    return text


if __name__ == "__main__":
    main()
