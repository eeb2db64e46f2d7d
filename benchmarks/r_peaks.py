"""R peaks on MIT-BIH: all 48 records of half an hour, one to one against the beat annotations.

Every method sees the first lead of each record; ours also both leads at once. A detection is right
if it is the only one paired with a beat within the tolerance. In record 207 marks of flutter waves
do not count as beats, and detections inside flutter are left out. NeuroKit's methods see what its
`ecg_clean` makes of the lead, by the method of the same name where there is one. `error` is the
median of detected minus annotated times: a detector may mark another point of the complex than the
annotators did, as pantompkins1985 does.
"""

import argparse
import json
import time
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks._beat_scores import SAMPLING_RATE, score_r_peaks
from benchmarks._data import data_folder
from benchmarks._delineators import add_fresh, kept
from benchmarks._report import explanation, write_results
from sklearn_ecg.features import detect_r_peaks

_NEUROKIT = (
    "neurokit",
    "pantompkins1985",
    "hamilton2002",
    "martinez2004",
    "gamboa2008",
    "elgendi2010",
    "kalidas2017",
    "nabian2018",
    "rodrigues2021",
    "khamis2016",
    "manikandan2012",
)
# More than five seconds for half an hour of one lead.
_NEUROKIT_SLOW = ("engzeemod2012", "zong2003", "christov2004", "promac")


def main():
    arguments = parse_arguments()
    folder = data_folder("mitdb")
    records = sorted(path.stem for path in folder.glob("*.hea"))
    if arguments.quick:
        records = records[::12]
    page = f"r_peaks{'_quick' * arguments.quick}"
    found = {name: look_at_all(method, folder, records) for name, method in OURS.items()}
    for name, method in peers(slow=arguments.slow).items():
        look = partial(look_at_all, method, folder, records)
        about = ", ".join(records)
        found[name] = kept(f"{page} {name}", look, about=about, fresh=arguments.fresh)
    predictions = read_predictions(arguments.predictions)
    rows = [measure(name, own, folder, predictions.get(name)) for name, own in found.items()]
    frame = pd.DataFrame(rows).set_index("method")
    frame = frame.drop(columns=["by_record", "errors", "F1 where it ran"], errors="ignore")
    text = (
        f"{explanation(__doc__)}\n"
        f"{len(records)} records. F1, sensitivity and precision in per cent; seconds are the "
        f"median for one record, on one core.\n\n{frame.round(2).to_markdown()}\n\n"
        f"{describe_ours(arguments.predictions)}\n\n{describe_failures(rows)}"
        f"Our hardest records, F1 at 150 ms:\n\n{hardest(rows).to_markdown()}"
    )
    packages = ("neurokit2", "wfdb", "sleepecg")
    write_results(page, "R peaks on MIT-BIH", text, rows, command="r_peaks", packages=packages)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="four records")
    parser.add_argument("--slow", action="store_true", help="also peers slower than 5 s a record")
    parser.add_argument(
        "--predictions",
        metavar="FILE",
        type=Path,
        help="JSON with our R peaks, found by detectors that never saw the record they look at: "
        '{"first lead": {"100": [77, 370, ...], ...}, "both leads": {...}}',
    )
    add_fresh(parser)
    return parser.parse_args()


def detect_in_first_lead(signal, sampling_rate):
    return detect_r_peaks(signal[0], sampling_rate)


OURS = {
    "sklearn_ecg, first lead": detect_in_first_lead,
    "sklearn_ecg, both leads": detect_r_peaks,
}


def read_predictions(file):
    """Return the R peaks of every record for each of our methods, or nothing."""
    if file is None:
        return {}
    return {f"sklearn_ecg, {leads}": found for leads, found in json.loads(file.read_text()).items()}


def peers(slow):
    """Return functions of (signal, sampling_rate) that look at the first lead."""
    methods = {"wfdb XQRS": detect_with_xqrs, "sleepecg": detect_with_sleepecg}
    for name in _NEUROKIT + (_NEUROKIT_SLOW if slow else ()):
        methods[f"NeuroKit {name}"] = NeuroKitDetector(name)
    return methods


def detect_with_xqrs(signal, sampling_rate):
    from wfdb.processing import xqrs_detect

    return xqrs_detect(signal[0], sampling_rate, verbose=False)


def detect_with_sleepecg(signal, sampling_rate):
    from sleepecg import detect_heartbeats

    return detect_heartbeats(signal[0], sampling_rate)


class NeuroKitDetector:
    """One of NeuroKit's methods, behind the cleaning that belongs to it."""

    def __init__(self, method):
        self.method = method

    def __call__(self, signal, sampling_rate):
        return detect_r_peaks(signal[0], sampling_rate, method=self.method)


def look_at_all(method, folder, records):
    """Return the R peaks that a method finds, a row each: record and sample.

    ``attrs`` holds the seconds that each record took, and the errors by record.
    """
    import wfdb

    tables, seconds, errors = [], [], {}
    for record in records:
        signal = wfdb.rdrecord(str(folder / record)).p_signal.T
        r_peaks = []
        started = time.perf_counter()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                r_peaks = method(signal, SAMPLING_RATE)
        except Exception as error:
            # A record on which a peer breaks down is one on which it found nothing.
            errors[record] = repr(error)
        seconds.append(time.perf_counter() - started)
        tables.append(pd.DataFrame({"record": record, "sample": np.asarray(r_peaks, dtype=float)}))
    table = pd.concat(tables, ignore_index=True)
    table.attrs = {"records": list(records), "seconds": seconds, "errors": errors}
    return table


def measure(name, table, folder, predictions=None):
    """Score what was found; return a row of the page. Predictions are scored in its place."""
    records, failed = table.attrs["records"], table.attrs["errors"]
    samples = {record: own.to_numpy() for record, own in table.groupby("record")["sample"]}
    found = {record: samples.get(record, np.empty(0)) for record in records}
    if predictions is not None:
        found = {record: predictions[record] for record in records}
    scores = score_r_peaks(folder, found)
    wide, narrow = scores[150], scores[50]
    row = {
        "method": name,
        "F1 at 150 ms": wide["f1"],
        "F1 at 50 ms": narrow["f1"],
        "sensitivity": wide["sensitivity"],
        "precision": wide["precision"],
        "missed": wide["missed"],
        "false": wide["false"],
        "error (ms)": wide["median_error_ms"],
        "seconds": float(np.median(table.attrs["seconds"])),
        "failed": len(failed),
        "by_record": wide["by_record"],
        "errors": failed,
    }
    if 0 < len(failed) < len(records):
        rest = {record: peaks for record, peaks in found.items() if record not in failed}
        row["F1 where it ran"] = [scores["f1"] for scores in score_r_peaks(folder, rest).values()]
    print({key: value for key, value in row.items() if key != "by_record"}, flush=True)
    return row


def describe_ours(predictions):
    if predictions:
        return (
            "Our R peaks are out of fold: the network that looked at a record was trained on other "
            "patients, in the same way as the one that is shipped."
        )
    return (
        "Our R peaks are those of `detect_r_peaks` as it is shipped. Its network was trained on "
        "these records: only `--predictions` gives scores to rely on."
    )


def describe_failures(rows):
    """Say what broke down, and how good it is elsewhere: the table counts its beats as missed."""
    text = ""
    for row in rows:
        if "F1 where it ran" in row:
            wide, narrow = row["F1 where it ran"]
            text += (
                f"{row['method']} raised an error on the records {', '.join(row['errors'])}, whose "
                f"beats count as missed; on the others its F1 is {wide:.2f} at 150 ms and "
                f"{narrow:.2f} at 50 ms.\n\n"
            )
    return text


def hardest(rows):
    """Return F1 of every method on the six records on which our first method does worst."""
    frame = pd.DataFrame({row["method"]: row["by_record"] for row in rows})
    return frame.nsmallest(6, next(iter(OURS))).T.round(1)


if __name__ == "__main__":
    main()
