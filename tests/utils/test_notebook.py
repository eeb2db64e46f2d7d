"""What estimators show in a notebook: parameters, and in short what was learned; all escaped."""

from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.utils.fixes import parse_version

from sklearn_ecg import (
    AFPLabelCleaner,
    ECGFeatureExtractor,
    LabelCorrelationECGClassifier,
    OnCleanedLabels,
)
from sklearn_ecg.cleaning import DensityLabelCleaner
from sklearn_ecg.datasets import make_ecg_records
from sklearn_ecg.mixture import DirichletProcessGaussianMixture
from sklearn_ecg.preprocessing import BandpassFilter

EVIL = "<script>alert(1)</script>"
pytestmark = pytest.mark.skipif(
    parse_version(sklearn.__version__) < parse_version("1.9"),
    reason="scikit-learn shows fitted attributes from version 1.9 on",
)


class Rows(HTMLParser):
    """The cells of all rows of all tables."""

    def __init__(self, html):
        super().__init__()
        self.rows, self.is_in_cell = [], False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
            self.is_in_cell = True

    def handle_endtag(self, tag):
        self.is_in_cell = self.is_in_cell and tag not in ("td", "th")

    def handle_data(self, data):
        if self.is_in_cell:
            self.rows[-1][-1] += data.strip()


def rows_of(estimator):
    """Return the rows of what a notebook shows of an estimator, by their first cells."""
    html = estimator._repr_html_()
    assert EVIL not in html
    return {row[0]: row[1:] for row in Rows(html).rows if row}


@pytest.fixture(scope="module")
def records():
    made = make_ecg_records(
        30, labels=["Normal", "AF"], leads=["I", "II"], duration_s=5, sampling_rate=100,
        random_state=0,
    )  # fmt: skip
    return made.with_labels(made.labels, ["Normal", EVIL], trusted=np.arange(30) < 15)


def test_a_cleaner_in_a_pipeline(rng):
    y = rng.integers(0, 2, (80, 2))
    X, weak, trusted = y + rng.normal(0, 0.2, y.shape), y.copy(), np.arange(80) < 40
    weak[70:, 0] = 1 - y[70:, 0]
    last = OnCleanedLabels(LogisticRegression())
    pipe = make_pipeline(AFPLabelCleaner(max_iter=1, random_state=0), last)
    assert "What was learned" not in pipe._repr_html_()
    rows = rows_of(pipe.fit(X, weak, afplabelcleaner__trusted=trusted))
    report = pipe[0].report()
    n_changed = (report["added"] + report["removed"]).sum()
    assert n_changed > 5
    assert rows["records"] == ["80, 40 of them trusted"]
    assert rows["labels changed"] == [f"{n_changed} of 80 that are not trusted"]
    assert rows["0"][:5] == [str(count) for count in report.iloc[0, :5]]
    assert rows["classifiers"] == ["2 of LogisticRegression"]
    assert rows["noise_rates_"][0] == "DataFrame(2, 6)"


def test_a_cleaner_of_labels_with_markup(rng):
    X = np.repeat(rng.normal(size=(40, 1)), 2, axis=1)
    y = np.repeat(X[:, :1] > 0, 30, axis=1).astype(int)
    names = [EVIL, *map(str, range(29))]
    cleaner = DensityLabelCleaner()
    rows = rows_of(cleaner.fit(X, pd.DataFrame(y, columns=names), trusted=np.arange(40) < 20))
    assert EVIL in rows
    assert "by label, most changes first, the first 12 of 30" in cleaner._repr_html_()


def test_an_extractor_and_a_filter(records):
    pipe = make_pipeline(BandpassFilter(0.5, 40), ECGFeatureExtractor(groups=["rhythm", "axes"]))
    rows = rows_of(pipe.fit(records))
    groups = pipe[1].describe_features()["group"].tolist()
    n_rhythm, n_axes = groups.count("rhythm"), groups.count("axes")
    assert rows["features"] == [f"{n_rhythm + n_axes}: rhythm {n_rhythm}, axes {n_axes}"]
    assert rows["leads"] == ["2: I, II"] and rows["sampling rate"] == ["100 Hz"]


def test_the_classifier(records):
    classifier = LabelCorrelationECGClassifier(
        features=None, max_epochs=2, validation_fraction=0.3, random_state=0
    )
    rows = rows_of(classifier.fit(records))
    assert rows["labels"] == [f"2: Normal, {EVIL}"] and rows["epochs"] == ["2"]
    best = min(epoch["valid_loss"] for epoch in classifier.history)
    assert rows["smallest validation loss"][0].startswith(f"{best:.4g}, in epoch")
    assert rows["reads"] == ["2.5 s at a time, at 100 Hz"]
    assert rows[EVIL] == [f"{classifier.thresholds_[1]:.3g}", "yes"]


def test_clusters(rng):
    X = np.vstack([rng.normal(size=(60, 2)), rng.normal(20, 1, size=(40, 2))])
    rows = rows_of(DirichletProcessGaussianMixture(5, random_state=0).fit(X))
    assert rows["clusters"] == ["2"] and rows["shares of the records"] == ["0.6, 0.4"]
