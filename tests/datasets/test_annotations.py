"""Annotations against wfdb's own reader."""

import numpy as np
import pytest
import wfdb

from sklearn_ecg.datasets._annotations import read_annotations
from sklearn_ecg.records._report import RecordError


@pytest.mark.parametrize(("folder", "step"), [("mitdb", 5), ("ludb/data", 211)])
def test_data_sets_are_read_as_wfdb_reads_them(shared_data, folder, step):
    paths = [path.with_suffix("") for path in sorted((shared_data / folder).glob("*.hea"))]
    extensions = ["atr"] if folder == "mitdb" else ["i", "avr", "v6"]
    files = [(path, extension) for path in paths for extension in extensions][::step]
    assert files
    for path, extension in files:
        samples, symbols = read_annotations(path, extension)
        expected = wfdb.rdann(str(path), extension)
        np.testing.assert_array_equal(samples, expected.sample)
        assert list(symbols) == expected.symbol


def test_every_symbol_long_gaps_and_notes(tmp_path):
    known = [symbol for symbol in wfdb.io.annotation.ann_label_table["symbol"] if symbol.strip()]
    steps = np.resize([1, 1023, 1024, 70_000, 5], len(known))
    notes = ["" if i % 3 else "(AFIB" + "!" * i for i in range(len(known))]
    samples = np.cumsum(steps)
    wfdb.wrann(
        "r",
        "atr",
        samples,
        known,
        subtype=np.arange(len(known)) % 4,
        num=np.arange(len(known)) % 3,
        aux_note=notes,
        write_dir=str(tmp_path),
    )
    found, symbols = read_annotations(tmp_path / "r", "atr")
    np.testing.assert_array_equal(found, samples)
    assert list(symbols) == known


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ([1 << 10 | 5], "its end mark is missing"),
        ([63 << 10 | 900, 0x4141, 0], "goes beyond its end"),
        ([59 << 10, 1, 0], "goes beyond its end"),
        ([45 << 10 | 3, 0], r"codes \[45\]"),
        ([15 << 10 | 3, 0], r"codes \[15\]"),
    ],
)
def test_damaged_files(tmp_path, words, problem):
    np.array(words, dtype="<u2").tofile(tmp_path / "r.atr")
    with pytest.raises(RecordError, match=rf"r\.atr .*{problem}"):
        read_annotations(tmp_path / "r", "atr")


def test_no_annotations(tmp_path):
    np.zeros(1, dtype="<u2").tofile(tmp_path / "r.atr")
    samples, symbols = read_annotations(tmp_path / "r", "atr")
    assert len(samples) == len(symbols) == 0
