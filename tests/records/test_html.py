"""Records in a notebook: well-formed, safe, cheap, and never an error in the place of a table."""

import re
from xml.etree import ElementTree

import numpy as np
import pandas as pd

from sklearn_ecg import CleanedRecords, ECGRecords
from sklearn_ecg.records import LazySignals


def parse(records):
    html = records._repr_html_()
    return html, ElementTree.fromstring(html)


def paths(tree):
    return [path.get("d") for path in tree.iter("path")]


def tables(tree):
    return [
        [[cell.text for cell in row] for row in table.iter("tr")] for table in tree.iter("table")
    ]


def test_a_row_and_a_thumbnail_per_record(rng):
    records = ECGRecords(
        rng.normal(size=(9, 2, 500)),
        100,
        lead_names=["V1", "II"],
        groups=list("aabbccdde"),
        labels=np.eye(9, 3, dtype=int) - np.eye(9, 3, k=1, dtype=int),
        label_names=["AF", "PVC", "STE"],
        trusted=[True] * 3 + [False] * 6,
    )
    html, tree = parse(records)
    labels, shown = tables(tree)
    assert labels[0] == ["label", "records with it", "without", "unknown", "trusted with it"]
    assert labels[1] == ["AF", "1", "8", "0", "1"]
    assert labels[2] == ["PVC", "1", "7", "1", "1"]
    assert shown[0] == ["id", "trusted", "labels", "lead II"]
    assert shown[1][:3] == ["0", "yes", "AF, (1 unknown)"]
    assert shown[4][:3] == ["3", "no", "none"]
    assert len(shown) == 6 and len(paths(tree)) == 5
    assert "4 more records" in html and "5 patients" in html
    assert len(html) < 60_000


def test_markup_in_names_is_escaped():
    records = ECGRecords(
        np.zeros((1, 1, 9)),
        lead_names=["<b>I</b>"],
        ids=["<script>alert(1)</script>"],
        groups=["&"],
        labels=[[1]],
        label_names=['"><img src=x>'],
    )
    html, tree = parse(records)
    assert "<script" not in html and "<img" not in html and "<b>" not in html
    assert any(cell.text == "<script>alert(1)</script>" for cell in tree.iter("td"))


def test_thumbnails_keep_short_peaks_and_break_at_gaps():
    signal = np.zeros((1, 1, 20_000))
    signal[0, 0, 12_345] = 3.0
    signal[0, 0, 5_000:8_000] = np.nan
    _, tree = parse(ECGRecords(signal, 2000))
    (path,) = paths(tree)
    heights = [float(y) for y in re.findall(r"[ V]([-\d.]+)", path)]
    assert min(heights) < 3 and max(heights) > 33
    assert path.count("M") == 2
    assert "nan" not in path


def test_long_records_show_their_beginning():
    signal = np.zeros((1, 1, 60_000))
    signal[..., 5000:] = 5
    _, tree = parse(ECGRecords(signal, 100))
    heights = set(re.findall(r"[ V]([-\d.]+)", paths(tree)[0]))
    assert heights == {"18.0"}


def test_only_the_records_shown_are_read():
    touched = []

    def read(i):
        touched.append(i)
        if i == 1:
            raise OSError("disk <gone>")
        return np.full((1, 50), np.nan) if i == 2 else np.zeros((1, 50))

    html, tree = parse(ECGRecords(LazySignals(read, (10_000, 1, 50)), 10))
    assert touched == [0, 1, 2, 3, 4]
    assert "cannot be read: disk &lt;gone&gt;" in html
    assert "not recorded" in html
    assert len(paths(tree)) == 3


def test_tables_and_empty_collections_have_no_thumbnails():
    cleaned = CleanedRecords(
        [[0.1, 0.2]],
        labels=[[1]],
        weak_labels=[[1]],
        provenance=[["trusted"]],
        confidence=[[1.0]],
    )
    assert paths(parse(cleaned)[1]) == []
    assert paths(parse(ECGRecords(np.zeros((2, 1, 9)))[[]])[1]) == []


def test_what_cleaning_did_is_counted_by_label():
    cleaned = CleanedRecords(
        np.zeros((4, 1, 9)),
        labels=[[1, 0], [0, 0], [-1, 0], [1, 1]],
        weak_labels=[[1, 0], [1, 0], [1, 0], [0, 1]],
        provenance=[["trusted"] * 2, ["removed", "confirmed"], ["undecided", "confirmed"],
                    ["added", "confirmed"]],
        confidence=np.ones((4, 2)),
        label_names=["AF", "<i>"],
    )  # fmt: skip
    _, tree = parse(cleaned)
    header, *rows = tables(tree)[0]
    assert header == ["label", "records with it", "without", "added", "removed", "undecided"]
    assert rows == [["AF", "2", "1", "1", "1", "1"], ["<i>", "1", "3", "0", "0", "0"]]


def test_many_labels_and_what_was_not_loaded_stay_short():
    report = pd.DataFrame(
        {"id": ["x"], "file": ["x.dat"], "problem": ["is empty"], "what_to_do": [""],
         "kept": [False]}
    )  # fmt: skip
    records = ECGRecords(np.zeros((2, 1, 9)), labels=np.zeros((2, 30), int), report=report)
    html, tree = parse(records)
    assert len(tables(tree)[0]) == 22 and "and 10 more labels" in html
    assert "1 left out when they were loaded: see records.report" in html
