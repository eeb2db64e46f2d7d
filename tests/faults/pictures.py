"""Figures and cards of bad input."""

import os
from functools import partial
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd

from faults import make
from faults.cases import Area
from sklearn_ecg import CleanedRecords
from sklearn_ecg.cards import Card, cleaning_card, model_card
from sklearn_ecg.plotting import (
    ECGAttributionDisplay,
    ECGDisplay,
    LabelAttentionDisplay,
    LabelCleaningDisplay,
    LabelCorrelationDisplay,
    TrainingHistoryDisplay,
)


def _prepare():
    mpl.use("Agg")
    make.prepare_models()


AREA = Area("figures and cards", _prepare)
R = make.labelled(24)


def _drawn(signal, rate=make.RATE, **options):
    return ECGDisplay(signal, rate, **options).plot()


AREA.errors(
    "plotting.ECGDisplay",
    {
        "a record that there is not": lambda: ECGDisplay.from_records(R, 99),
        "an id that there is not": lambda: ECGDisplay.from_records(R, "nobody"),
        "a start beyond the record": lambda: ECGDisplay.from_records(R, 0, start_s=1e6),
        "a start that is NaN": lambda: ECGDisplay.from_records(R, 0, start_s=np.nan),
        "no time": lambda: ECGDisplay.from_records(R, 0, duration_s=0),
        "an unknown layout": lambda: ECGDisplay.from_records(R, 0, layout="5x5"),
        "a speed of 0": lambda: ECGDisplay.from_records(R, 0, speed=0),
        "a gain of 0": lambda: ECGDisplay.from_records(R, 0, gain=0),
        "waves of another kind": lambda: ECGDisplay.from_records(R, 0, waves=3),
        "names of other leads": lambda: _drawn(make.signal(), lead_names=["I"]),
        "a rate of 0": lambda: _drawn(make.signal(), rate=0),
        "no samples": lambda: _drawn(make.signal()[:, :0]),
        "text": lambda: _drawn("signal"),
    },
)


def _can_be_drawn(signal):
    _drawn(signal).figure_.savefig("x.png")
    return "right"


for _name, _signal in {
    "NaN throughout": make.signal() * np.nan,
    "constant": make.signal() * 0,
    "one lead of NaN": np.stack([make.signal()[0], make.signal()[1] * np.nan]),
    "infinite samples": np.where(make.signal() > 0.5, np.inf, make.signal()),
    "samples of 1e30 mV": np.where(make.signal() > 0.5, 1e30, make.signal()),
}.items():
    AREA.case("plotting.ECGDisplay", _name, "right", "error")(partial(_can_be_drawn, _signal))

AREA.errors(
    "plotting.ECGAttributionDisplay",
    {
        "a record that there is not": lambda: ECGAttributionDisplay.from_estimator(
            make.classifier(), R, 99
        ),
        "an unknown label": lambda: ECGAttributionDisplay.from_estimator(
            make.classifier(), R, label="VT"
        ),
        "a start beyond the record": lambda: ECGAttributionDisplay.from_estimator(
            make.classifier(), R, start_s=1e6
        ),
        "a classifier before fit": lambda: ECGAttributionDisplay.from_estimator(
            make.small_classifier(), R
        ),
    },
)
AREA.errors(
    "plotting.LabelAttentionDisplay",
    {
        "other leads": lambda: LabelAttentionDisplay.from_estimator(
            make.classifier(), R.select_leads(["I"])
        ),
        "a classifier before fit": lambda: LabelAttentionDisplay.from_estimator(
            make.small_classifier(), R
        ),
    },
)


def _cleaned(n_records=24):
    labels = make.labels(24)[:n_records]
    return CleanedRecords(
        make.signals(24)[:n_records],
        make.RATE,
        labels=labels,
        weak_labels=labels,
        provenance=np.zeros(labels.shape, dtype=np.int8),
        confidence=np.ones(labels.shape),
    )


AREA.errors(
    "plotting.LabelCleaningDisplay",
    {
        "no records": lambda: LabelCleaningDisplay.from_cleaned(_cleaned(0)),
        "an unknown kind": lambda: LabelCleaningDisplay.from_cleaned(_cleaned(), kind="pie"),
        "a record that there is not": lambda: LabelCleaningDisplay.from_cleaned(
            _cleaned(), record=99
        ),
    },
)
AREA.errors(
    "plotting.LabelCorrelationDisplay",
    {
        "records without labels": lambda: LabelCorrelationDisplay.from_labels(make.records()),
        "labels of 2": lambda: LabelCorrelationDisplay.from_labels(make.labels() + 1),
        "names of too few labels": lambda: LabelCorrelationDisplay.from_labels(
            make.labels(), label_names=["a"]
        ),
        "a classifier before fit": lambda: LabelCorrelationDisplay.from_estimator(
            make.small_classifier()
        ),
    },
)
AREA.errors(
    "plotting.TrainingHistoryDisplay",
    {
        "a classifier before fit": lambda: TrainingHistoryDisplay.from_estimator(
            make.small_classifier()
        ),
        "something else": lambda: TrainingHistoryDisplay.from_estimator("model"),
    },
)
CARD = Card("Title", {"Labels": ["a text"]})
AREA.errors(
    "cards.Card",
    {
        "another suffix": lambda: CARD.save("card.pdf"),
        "a folder that there is not": lambda: CARD.save("none/card.md"),
        "a folder as file": lambda: (os.mkdir("card.md"), CARD.save("card.md")),
    },
)


@AREA.case("cards.Card", "texts that are HTML and Markdown", "right")
def _():
    code = "<script>alert(1)</script> | a | b |"
    card = Card(code, {code: [code, [code], pd.DataFrame({code: [code]})]})
    card.save("card.html")
    assert "<script" not in Path("card.html").read_text()
    return "right"


AREA.errors(
    "cards.model_card",
    {
        "a classifier before fit": lambda: model_card(make.small_classifier(), R),
        "records without labels": lambda: model_card(make.classifier(), make.records()),
        "labels of fewer records": lambda: model_card(make.classifier(), R, make.labels()[:3]),
        "no records": lambda: model_card(make.classifier(), R[:0]),
        "other leads": lambda: model_card(make.classifier(), R.select_leads(["I"])),
        "patients of fewer records": lambda: model_card(make.classifier(), R, groups=[1]),
        "no resamples": lambda: model_card(make.classifier(), R, n_resamples=0),
        "notes that are a number": lambda: model_card(make.classifier(), R, notes=3),
    },
)
AREA.errors(
    "cards.cleaning_card",
    {
        "a cleaner before fit": lambda: cleaning_card(type(make.cleaners()[0])(), _cleaned()),
        "records that were not cleaned": lambda: cleaning_card(make.cleaners()[0], R),
        "truth of fewer records": lambda: cleaning_card(
            make.cleaners()[0], _cleaned(), y_true=make.labels()[:3]
        ),
        "something else than a cleaner": lambda: cleaning_card(3, _cleaned()),
    },
)
