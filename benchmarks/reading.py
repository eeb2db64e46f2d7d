"""Reading WFDB records: wfdb one by one, ours at first and from its cache, bare np.fromfile.

All files are in the operating system's cache before anything is measured, so that the work is
compared and not the disk. Each way turns every record into float32 in mV of shape
(n_leads, n_times), one after the other in one process; the samples must be equal bit for bit. The
ways take turns, and the best of their runs counts, because what else runs on the machine only
ever adds time.
"""

import argparse
import tempfile
import time

import numpy as np
import pandas as pd

from benchmarks._data import data_folder
from benchmarks._report import explanation, write_results
from sklearn_ecg.datasets._collection import Layout, open_collection
from sklearn_ecg.utils import LEADS_12

PARTS = {
    "PTB-XL, 100 Hz": ("ptb-xl", "records100"),
    "PTB-XL, 500 Hz": ("ptb-xl", "records500"),
    "CPSC2018, 500 Hz": ("cpsc2018", "wfdb"),
    "LUDB, 500 Hz": ("ludb", "data"),
}
N_PTBXL = 21_799


def main():
    arguments = parse_arguments()
    rows = [
        measure(name, data_folder(folder) / part, arguments)
        for name, (folder, part) in PARTS.items()
    ]
    frame = pd.DataFrame(rows).set_index("part")
    opening = measure_opening(arguments.runs)
    text = (
        f"{explanation(__doc__)}\nMilliseconds per record of 12 leads, the best of "
        f"{arguments.runs} runs:\n\n{frame.round(3).to_markdown()}\n\n"
        "`first read` opens the folder, reads and checks every header and every checksum, and "
        "reads every signal. `cached` is an epoch over the copies that `cache_dir=` left. "
        "`np.fromfile` is told all that headers say, checks nothing and scales to float32.\n\n"
        f"Opening {N_PTBXL:,} paths (PTB-XL's part, its files repeated): "
        f"{opening['index']:.2f} s as `load_ptbxl` opens them, by the data set's table, "
        f"{opening['headers']:.2f} s with every header read and checked."
    )
    page = f"reading{'_quick' * arguments.quick}"
    data = {"reading": rows, "opening": opening}
    write_results(page, "Reading records", text, data, command="reading", packages=("wfdb",))


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="50 records of each part, two runs")
    parser.add_argument("--runs", type=int, default=5)
    arguments = parser.parse_args()
    arguments.n_records = 50 if arguments.quick else None
    arguments.runs = 2 if arguments.quick else arguments.runs
    return arguments


def measure(name, folder, arguments):
    """Time every way of reading one part; return a row of the table."""
    import wfdb

    paths = sorted(str(path)[:-4] for path in folder.rglob("*.hea"))[: arguments.n_records]
    headers = [wfdb.rdheader(path) for path in paths]
    expected = [wfdb.rdrecord(path).p_signal.T.astype(np.float32) for path in paths]
    ways = {
        "wfdb.rdrecord": lambda: read_by_wfdb(wfdb, paths),
        "first read": lambda: open_collection(paths).signals,
        "np.fromfile": lambda: read_bare(headers, paths),
    }
    with tempfile.TemporaryDirectory() as cache_dir:
        started = time.perf_counter()
        cached = open_collection(paths, cache_dir=cache_dir).signals
        writing = time.perf_counter() - started
        ways["cached"] = lambda: cached
        for way, open_records in ways.items():
            for signal, other in zip(open_records(), expected, strict=True):
                if not np.array_equal(signal, other, equal_nan=True):
                    raise SystemExit(f"{way} reads other samples than wfdb in {folder}.")
        best = dict.fromkeys(ways, np.inf)
        for _ in range(arguments.runs):
            for way, open_records in ways.items():
                best[way] = min(best[way], seconds_of(open_records))
    row = {way: 1000 * seconds / len(paths) for way, seconds in best.items()}
    return {
        "part": name,
        "records": len(paths),
        **row,
        "writing the cache": 1000 * writing / len(paths),
        "wfdb / first read": row["wfdb.rdrecord"] / row["first read"],
        "cached / np.fromfile": row["cached"] / row["np.fromfile"],
    }


def seconds_of(open_records):
    started = time.perf_counter()
    for signal in open_records():
        signal.shape  # noqa: B018
    return time.perf_counter() - started


def read_by_wfdb(wfdb, paths):
    for path in paths:
        yield wfdb.rdrecord(path).p_signal.T.astype(np.float32)


def read_bare(headers, paths):
    """Read what the headers, parsed beforehand, say: 16-bit integers after some bytes."""
    for header, path in zip(headers, paths, strict=True):
        file = path[: path.rfind("/") + 1] + header.file_name[0]
        offset = header.byte_offset[0] or 0
        samples = np.fromfile(file, "<i2", offset=offset).reshape(-1, header.n_sig)
        signal = np.ascontiguousarray(samples.T).astype(np.float32)
        signal -= np.array(header.baseline, dtype=np.float32)[:, np.newaxis]
        signal /= np.array(header.adc_gain, dtype=np.float32)[:, np.newaxis]
        yield signal


def measure_opening(runs):
    """Time opening as many records as PTB-XL has, by their table and by their headers."""
    paths = sorted(str(path)[:-4] for path in data_folder("ptb-xl").rglob("*_lr.hea"))
    paths = (paths * (N_PTBXL // len(paths) + 1))[:N_PTBXL]
    # The copies among them would be left out by what headers say: only the time is of interest.
    ways = {"index": Layout(100, 1000, LEADS_12), "headers": None}
    best = dict.fromkeys(ways, np.inf)
    for _ in range(runs):
        for way, layout in ways.items():
            started = time.perf_counter()
            open_collection(paths, ids=np.arange(len(paths)), layout=layout)
            best[way] = min(best[way], time.perf_counter() - started)
    return best


if __name__ == "__main__":
    main()
