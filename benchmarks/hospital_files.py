"""Files of hospital formats: opening and reading them, memory, and 2,000 damaged ones of each.

1,000 files of 12 leads and 10 s, in nine formats, are written to a temporary folder: the real ones
that are at hand, each time with another patient, and simulated records. All are in the operating
system's cache before anything is measured, so that the work is compared and not the disk.

`open` is `load_ecg_files` on the folder of a format, which reads everything but the samples; `read`
is each of its signals, for which the file is read again. The other packages open and read each file
once. The ways take turns, and the best of their runs counts, because what else runs on the machine
only ever adds time. `equal` is the share of files whose samples are the same as the other package's
bit for bit, in single precision, and `uV` the largest difference.
"""

import argparse
import collections
import importlib
import os
import signal as signals_of_system
import tempfile
import time
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks._data import data_folder
from benchmarks._hospital_files import FORMATS, one_file, write_files
from benchmarks._report import explanation, to_markdown, write_results
from sklearn_ecg.datasets import load_ecg_files, read_ecg
from sklearn_ecg.records._report import RecordError
from sklearn_ecg.utils import canonical_lead

# Files, and damaged ones of each format.
QUICK = (90, 100)
_LIMIT_S, _HANGS_S = 1.0, 20
_SECONDS_OF_DAMAGED = 5.0
_PHILIPS_UV = 5


def main():
    arguments = parse_arguments()
    data_folder("hospital")
    with tempfile.TemporaryDirectory() as folder:
        folders = write_files(folder, arguments.n_files)
        for path in Path(folder).rglob("*.*"):
            path.read_bytes()
        mixed = measure_mixture(folder, arguments.runs)
        rows = [measure(name, own, arguments.runs) for name, own in folders.items()]
    damaged = [damage(name, arguments.n_damaged) for name in FORMATS]
    text = (
        f"{explanation(__doc__)}\nMilliseconds per file, the best of {arguments.runs} runs:\n\n"
        f"{table_of(rows)}\n\n"
        f"The folder of all {mixed['files']} opens in {mixed['opening_s']:.2f} s. Having read all "
        f"signals once, the process holds {mixed['first_MB']:.0f} MB; three times, "
        f"{mixed['last_MB']:.0f} MB.\n\n"
        f"{arguments.n_damaged} damaged files of each format, of {_SECONDS_OF_DAMAGED:g} s: bytes "
        "changed, numbers changed, parts cut out, repeated or filled with zeros, or the end cut "
        "off. `refused` ends in a `RecordError`, which `load_ecg_files` turns into a row of the "
        "report; `same` and `other` are read, with the samples of before or with others; anything "
        f"else would be in `failed`. `slow` took more than {_LIMIT_S:g} s, under tracemalloc, and "
        "`times` is the largest peak of memory in sizes of the file, beside that of the whole "
        f"file:\n\n{table_of(damaged)}"
    )
    page = f"hospital_files{'_quick' * arguments.quick}"
    data = {"formats": rows, "mixture": mixed, "damaged": damaged}
    write_results(
        page,
        "Files from hospitals",
        text,
        data,
        command="hospital_files",
        packages=("pydicom", "edfio", "sierraecg", "ecgdatakit", "wfdb", "pandas"),
    )


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="90 files, 100 damaged of each")
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    arguments.n_files, arguments.n_damaged = QUICK if arguments.quick else (1000, 2000)
    return arguments


def table_of(rows):
    return to_markdown(pd.DataFrame(rows).set_index("format").round(2))


def measure_mixture(folder, runs):
    opening = min(seconds_of(lambda: load_ecg_files(folder)) for _ in range(runs))
    records = load_ecg_files(folder)
    held = []
    for _ in range(3):
        for signal in records.signals:
            signal.sum()
        held.append(megabytes_held())
    return {
        "files": len(records),
        "opening_s": opening,
        "first_MB": held[0],
        "last_MB": held[-1],
    }


def megabytes_held():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def measure(name, folder, runs):
    """Time our reading of a format and that of the other packages that read it."""
    paths = sorted(str(path) for path in folder.iterdir() if path.suffix != ".dat")
    records = load_ecg_files(folder)
    if len(records) != len(paths):
        raise SystemExit(f"{len(paths)} files of {name}, {len(records)} read: {records.report}")
    peers = {peer: read for peer, read in PEERS[name].items() if is_installed(peer)}
    ways = {"open": lambda: load_ecg_files(folder), "read": lambda: list(map(len, records.signals))}
    with warnings.catch_warnings():
        # They warn of each file.
        warnings.simplefilter("ignore")
        for peer, read in peers.items():
            ways[peer] = lambda read=read: [read(path) for path in paths]
        best = dict.fromkeys(ways, np.inf)
        for _ in range(runs):
            for way, work in ways.items():
                best[way] = min(best[way], seconds_of(work))
        compared = {peer: differences(records, paths, read) for peer, read in peers.items()}
    ms = {way: 1000 * seconds / len(paths) for way, seconds in best.items()}
    row = {"format": name, "files": len(paths), "open": ms["open"], "read": ms["read"]}
    for number, peer in enumerate(PEERS[name]):
        tag = "" if not number else f" {number + 1}"
        row[f"other{tag}"] = peer if peer in peers else f"{peer}: not installed"
        row[f"other / read{tag}"] = ms[peer] / ms["read"] if peer in peers else np.nan
        equal, difference = compared.get(peer, (np.nan, np.nan))
        row[f"equal{tag}"], row[f"uV{tag}"] = equal, difference
    return row


def differences(records, paths, read):
    """Return the share of files with equal samples, and the largest difference in uV."""
    n_equal, largest = 0, 0.0
    for signal, path in zip(records.signals, paths, strict=True):
        theirs = {canonical_lead(lead): samples for lead, samples in read(path).items()}
        ours = dict(zip(records.lead_names, signal, strict=True))
        pairs = [(ours[lead], theirs[lead].astype(np.float32)) for lead in ours if lead in theirs]
        if len(pairs) < 8:
            raise SystemExit(f"{path}: leads {list(ours)} here, {list(theirs)} there")
        n_equal += all(np.array_equal(one, other, equal_nan=True) for one, other in pairs)
        gaps = [np.nanmax(np.abs(one - other)) for one, other in pairs]
        # What they read as no number at all is a difference without a size.
        largest = max(largest, *(1000 * gap for gap in gaps))
    return n_equal / len(paths), float(largest)


def seconds_of(work):
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def is_installed(package):
    try:
        importlib.import_module(package)
    except ImportError:
        return False
    return True


def by_pydicom(path):
    import pydicom

    item = pydicom.dcmread(path)
    channels = item.WaveformSequence[0].ChannelDefinitionSequence
    names = [channel.ChannelSourceSequence[0].CodeMeaning for channel in channels]
    names = [name.removeprefix("Lead ").removesuffix(" (Einthoven)") for name in names]
    return dict(zip(names, item.waveform_array(0).T / 1000, strict=True))


def by_edfio(path):
    import edfio

    return {signal.label: signal.data / 1000 for signal in edfio.read_edf(path).signals}


def by_sierraecg(path):
    import sierraecg

    leads = sierraecg.read_file(path).leads
    return {lead.label: np.asarray(lead.samples) * _PHILIPS_UV / 1000 for lead in leads}


def by_wfdb(path):
    import wfdb

    record = wfdb.rdrecord(path.removesuffix(".hea"))
    return dict(zip(record.sig_name, record.p_signal.T, strict=True))


def by_pandas(path):
    table = pd.read_csv(path)
    return {name.split(" ")[0]: table[name].to_numpy() for name in table.columns[1:]}


def by_ecgdatakit(path):
    from ecgdatakit import FileParser

    return {lead.label: np.asarray(lead.samples) for lead in FileParser().parse(path).leads}


PEERS = {
    "DICOM": {"pydicom": by_pydicom, "ecgdatakit": by_ecgdatakit},
    "SCP-ECG": {"ecgdatakit": by_ecgdatakit},
    "GE MUSE XML": {"ecgdatakit": by_ecgdatakit},
    "HL7 aECG": {"ecgdatakit": by_ecgdatakit},
    "Philips XML": {"sierraecg": by_sierraecg, "ecgdatakit": by_ecgdatakit},
    "EDF": {"edfio": by_edfio, "ecgdatakit": by_ecgdatakit},
    "ISHNE": {"ecgdatakit": by_ecgdatakit},
    "WFDB": {"wfdb": by_wfdb},
    "CSV": {"pandas": by_pandas},
}


def damage(name, n_damaged):
    """Read damaged files of a format, and count what becomes of it."""
    rng = np.random.default_rng(0)
    files = one_file(name, _SECONDS_OF_DAMAGED)
    main_file = next(file for file in files if not file.endswith(".dat"))
    whole = sum(map(len, files.values()))
    counts, slowest, times = collections.Counter(), 0.0, 0.0
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = write(folder, files) / main_file
        expected = np.asarray(read_ecg(path).signals)
        _, _, usual = outcome(path, expected)
        for i in range(n_damaged):
            # Of WFDB one of the two files at a time.
            chosen = list(files)[i % len(files)]
            damaged = files | {chosen: mutated(files[chosen], rng)}
            write(folder, damaged)
            result, seconds, allocated = outcome(path, expected)
            counts[result] += 1
            counts["slow"] += seconds > _LIMIT_S
            size = max(whole, sum(map(len, damaged.values())))
            slowest, times = max(slowest, seconds), max(times, allocated / size)
    kinds = ("refused", "same", "other", "failed", "slow")
    row = {"format": name, "files": n_damaged} | {kind: counts[kind] for kind in kinds}
    return row | {"slowest s": slowest, "times": times, "times, whole": usual / whole}


def write(folder, files):
    for file, content in files.items():
        (Path(folder) / file).write_bytes(content)
    return Path(folder)


def outcome(path, expected):
    """Return what becomes of reading a file, the seconds and the peak of memory."""
    previous = signals_of_system.signal(signals_of_system.SIGALRM, _end)
    signals_of_system.alarm(_HANGS_S)
    tracemalloc.start()
    started = time.perf_counter()
    try:
        signal = np.asarray(read_ecg(path).signals)
        is_same = np.array_equal(signal, expected, equal_nan=True)
        result = "same" if is_same else "other"
    except RecordError:
        result = "refused"
    except Exception as error:
        result = "failed"
        print(f"{path.name}: {error!r}", flush=True)
    seconds = time.perf_counter() - started
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    signals_of_system.alarm(0)
    signals_of_system.signal(signals_of_system.SIGALRM, previous)
    return result, seconds, peak


def _end(number, frame):
    raise TimeoutError(f"it took more than {_HANGS_S} s")


def mutated(content, rng):
    """Return a file with one to three damages."""
    for _ in range(rng.integers(1, 4)):
        content = _DAMAGES[rng.integers(len(_DAMAGES))](bytearray(content), rng)
        if not content:
            break
    return bytes(content)


def _change_bytes(content, rng):
    # Often near the beginning, where the numbers stand by which the rest is read.
    end = len(content) if rng.random() < 0.5 else min(len(content), 2048)
    for place in rng.integers(end, size=rng.integers(1, 9)):
        content[place] = rng.integers(256)
    return content


def _change_numbers(content, rng):
    digits = [place for place in range(min(len(content), 8192)) if 48 <= content[place] <= 57]
    for place in rng.choice(digits, min(3, len(digits)), replace=False) if digits else ():
        content[place] = rng.choice(np.frombuffer(b"0123456789-.e", np.uint8))
    return content


def _cut_end(content, rng):
    return content[: rng.integers(len(content))]


def _cut_out(content, rng):
    begin, end = np.sort(rng.integers(len(content), size=2))
    return content[:begin] + content[min(end, begin + 4096) :]


def _repeat(content, rng):
    begin, end = np.sort(rng.integers(len(content), size=2))
    part = content[begin : min(end, begin + 4096)]
    return content[:begin] + part * int(rng.integers(2, 5)) + content[begin:]


def _fill(content, rng):
    begin = rng.integers(len(content))
    end = min(len(content), begin + int(rng.integers(1, 4096)))
    content[begin:end] = bytes([rng.choice([0, 255, 32])]) * (end - begin)
    return content


_DAMAGES = (_change_bytes, _change_numbers, _cut_end, _cut_out, _repeat, _fill)


if __name__ == "__main__":
    main()
