"""Many records small on pages of a PDF file."""

import re

import matplotlib.pyplot as plt
import numpy as np
import pytest

from sklearn_ecg import ECGRecords
from sklearn_ecg.datasets import make_ecg_records
from sklearn_ecg.plotting import _contact_sheet, save_contact_sheet
from sklearn_ecg.records import LazySignals
from sklearn_ecg.records._report import RecordError, Report


def n_pages(path):
    return len(re.findall(rb"/Type /Page\b", path.read_bytes()))


@pytest.fixture
def records(rng):
    signals = rng.normal(scale=0.1, size=(14, 2, 500)).astype(np.float32)
    signals[3] = np.nan

    def read(row):
        if row == 2:
            raise RecordError("c.xml", "is cut", "Export it again.")
        return signals[row]

    report = Report()
    report.add("x", "x.xml", "is empty", "Export it again.")
    report.add("y", "y.pdf", "is no ECG in a format that is read, but a PDF document", "Nothing.")
    report.add("a", "a.xml", "was resampled", "Nothing.", kept=True)
    return ECGRecords(
        LazySignals(read, signals.shape), 100, lead_names=["I", "II"], report=report.to_frame()
    )


def test_all_are_shown_twelve_on_a_page_and_damaged_ones_as_such(records, tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(
        _contact_sheet, "_say", lambda ax, name, problem: said.append((name, problem))
    )
    assert save_contact_sheet(records, tmp_path / "sheet.pdf") == 15
    assert n_pages(tmp_path / "sheet.pdf") == 2
    assert [name for name, _ in said] == ["2", "3", "x.xml"]
    assert [problem.split()[-1] for _, problem in said] == ["again.", "sample.", "empty"]


def test_texts_below_the_leads_do_not_lie_on_each_other(tmp_path, monkeypatch):
    boxes, close = [], plt.close

    def closed(figure):
        for ax in figure.axes:
            texts = [text for text in ax.texts if text.get_va() == "bottom"]
            boxes.extend([text.get_window_extent() for text in texts])
        close(figure)

    monkeypatch.setattr(plt, "close", closed)
    save_contact_sheet(make_ecg_records(1, random_state=0), tmp_path / "sheet.pdf")
    scale, slot = boxes
    assert scale.x1 < slot.x0


def test_of_many_a_seeded_sample_is_shown(records, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(_contact_sheet, "_draw", lambda ax, records, item: drawn.append(item))
    for seed in (0, 0, 1):
        save_contact_sheet(records, tmp_path / "sheet.pdf", max_records=4, random_state=seed)
    assert drawn[:4] == drawn[4:8] != drawn[8:]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"path": "sheet.png"}, "path must end in .pdf; got 'sheet.png'"),
        ({"path": "sheet.pdf", "max_records": 0}, "max_records must be a positive integer; got 0"),
    ],
)
def test_wrong_arguments_are_named(records, arguments, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        save_contact_sheet(records, **arguments)
