"""What cleaning did: the table of a record, and bars over all records."""

import itertools

import matplotlib as mpl
import numpy as np
import pytest

from sklearn_ecg import CleanedRecords
from sklearn_ecg.datasets import make_ecg_records
from sklearn_ecg.plotting import LabelCleaningDisplay

mpl.use("Agg")
plt = pytest.importorskip("matplotlib.pyplot")

LABELS = ["Normal", "AF", "PVC"]
WEAK = [[1, 0, 0], [1, 1, 0], [0, 1, 1], [0, 0, 0]]
CLEAN = [[1, 0, 0], [0, 1, 1], [0, -1, 1], [0, 0, 0]]
PROVENANCE = [
    ["trusted", "trusted", "trusted"],
    ["excluded", "anchor", "included"],
    ["confirmed", "undecided", "confirmed"],
    ["confirmed", "confirmed", "confirmed"],
]


def make_cleaned(signals=None, sampling_rate=None, lead_names=None):
    return CleanedRecords(
        np.arange(8.0).reshape(4, 2) if signals is None else signals,
        sampling_rate,
        lead_names=lead_names,
        ids=["a", "b", "c", "d"],
        labels=CLEAN,
        weak_labels=WEAK,
        label_names=LABELS,
        provenance=PROVENANCE,
        confidence=np.linspace(0.45, 1, 12).reshape(4, 3),
    )


@pytest.fixture(scope="module")
def cleaned():
    records = make_ecg_records(4, random_state=0)
    return make_cleaned(records.signals, 500, records.lead_names)


def table(ax):
    """The texts of the table, line by line."""
    rows = {}
    for text in ax.texts:
        rows.setdefault(round(text.get_position()[1], 6), []).append(text)
    lines = [rows[height] for height in sorted(rows, reverse=True)]
    return [[text.get_text() for text in line] for line in lines], lines


def test_record_with_most_changes_by_default(cleaned):
    display = LabelCleaningDisplay.from_cleaned(cleaned)
    paper, below = display.axes_
    assert paper.get_title(loc="left") == "b"
    assert {"V1", "II"} <= {text.get_text() for text in paper.texts}
    words, texts = table(below)
    assert words == [
        ["label", "weak", "cleaned", "how", "confidence"],
        ["\N{MINUS SIGN} Normal", "present", "absent", "excluded", "0.60"],
        ["= AF", "present", "present", "anchor", "0.65"],
        ["+ PVC", "absent", "present", "included", "0.70"],
    ]
    colors = [line[0].get_color() for line in texts[1:]]
    assert len(set(colors)) == 3


def test_record_by_id_with_an_undecided_label(cleaned):
    display = LabelCleaningDisplay.from_cleaned(cleaned, record="c")
    words, _ = table(display.axes_[1])
    assert words[1:] == [
        ["? AF", "present", "unknown", "undecided", "0.80"],
        ["= PVC", "present", "present", "confirmed", "0.85"],
    ]


def test_record_without_labels(cleaned):
    display = LabelCleaningDisplay.from_cleaned(cleaned, record=3)
    words, _ = table(display.axes_[1])
    assert words[1:] == [["no labels, before or after"]]


def test_cleaned_feature_tables_have_no_paper():
    display = LabelCleaningDisplay.from_cleaned(make_cleaned())
    assert len(display.axes_) == 1
    assert display.axes_[0].get_title(loc="left") == "b"
    assert len(table(display.axes_[0])[0]) == 4


@pytest.mark.parametrize("table_only", [True, False])
def test_overview_counts_changes(cleaned, table_only):
    cleaned = make_cleaned() if table_only else cleaned
    display = LabelCleaningDisplay.from_cleaned(cleaned, kind="overview")
    (ax,) = display.axes_
    ticks = [tick.get_text() for tick in ax.get_yticklabels()]
    assert ticks == ["Normal  (kept 1)", "AF  (kept 1)", "PVC  (kept 1)"]
    legend = {text.get_text() for text in ax.get_legend().get_texts()}
    assert legend == {"excluded: 1", "included: 1", "undecided: 1"}
    widths = {bars.get_label(): [bar.get_width() for bar in bars] for bars in ax.containers}
    assert widths == {
        "excluded: 1": [-1, 0, 0],
        "included: 1": [0, 0, 1],
        "undecided: 1": [0, 1, 0],
    }
    assert ax.get_title() == "Label changes in 4 records"


def test_bars_stack_without_overlap():
    n = 30
    rng = np.random.default_rng(0)
    weak = rng.integers(0, 2, (n, 2))
    provenance = np.where(
        weak == 1,
        rng.choice(["removed", "excluded"], weak.shape),
        rng.choice(["added", "included"]),
    )
    cleaned = CleanedRecords(
        np.zeros((n, 2)),
        labels=1 - weak,
        weak_labels=weak,
        provenance=provenance,
        confidence=np.ones(weak.shape),
    )
    (ax,) = LabelCleaningDisplay.from_cleaned(cleaned, kind="overview").axes_
    for label in range(2):
        bars = [container[label] for container in ax.containers]
        spans = sorted(sorted((bar.get_x(), bar.get_x() + bar.get_width())) for bar in bars)
        assert spans[0][0] == -weak[:, label].sum()
        assert spans[-1][1] == n - weak[:, label].sum()
        for left, right in itertools.pairwise(spans):
            assert left[1] == right[0]


def test_overview_of_nothing_changed(cleaned):
    display = LabelCleaningDisplay.from_cleaned(cleaned[[0, 3]], kind="overview")
    assert "no changes" in [text.get_text() for text in display.axes_[0].texts]


@pytest.mark.parametrize("kind", ["record", "overview"])
def test_given_axes(cleaned, kind):
    figure, ax = plt.subplots()
    display = LabelCleaningDisplay.from_cleaned(cleaned, kind=kind, ax=ax)
    assert display.figure_ is figure
    assert len(plt.get_fignums()) == 1
    figure.canvas.draw()


def test_bad_arguments(cleaned):
    with pytest.raises(ValueError, match="kind must be 'record' or 'overview'; got 'bars'"):
        LabelCleaningDisplay.from_cleaned(cleaned, kind="bars")
    with pytest.raises(ValueError, match="holds no records"):
        LabelCleaningDisplay.from_cleaned(cleaned[:0])
    with pytest.raises(ValueError, match="no record with id 'z'"):
        LabelCleaningDisplay.from_cleaned(cleaned, record="z")
