"""Labels, ids, trust and answers: cleaners, splits, noise of known amount, vocabularies."""

import os
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from faults import make
from faults.cases import Area, is_clear
from sklearn_ecg import AFPLabelCleaner, OnCleanedLabels, TrustedKFold
from sklearn_ecg.datasets import (
    codes_to_labels,
    corrupt_labels,
    load_vocabulary,
    make_weak_labels,
    reader_confusion,
)
from sklearn_ecg.model_selection import patient_train_test_split

AREA = Area("labels and cleaning", make.cleaners)
X, TRUTH, WEAK, TRUSTED = make.table()


def _with(values, place, value, dtype=float):
    values = np.array(values, dtype=dtype)
    values[place] = value
    return values


# Labels that are none, for whatever takes labels.
NO_LABELS = {
    "None": None,
    "a number": 1,
    "labels of 2": WEAK + 1,
    "labels of 0.5": _with(WEAK, 0, 0.5),
    "labels that are infinite": _with(WEAK, 0, np.inf),
    "labels of text": WEAK.astype(str),
    "labels of objects": _with(WEAK, (0, 0), "AF", object),
    "four axes": WEAK[:, :, np.newaxis, np.newaxis],
    "no labels": WEAK[:, :0],
    "fewer records": WEAK[:-1],
    "dates": WEAK.astype("M8[s]"),
}


def _fit(kind, features=X, weak=WEAK, trusted=TRUSTED, **parameters):
    return make.small_cleaner(kind, **parameters).fit(features, weak, trusted=trusted)


for _example, _kind in enumerate(make.CLEANERS):
    _name = f"cleaning.{_kind.__name__}"
    AREA.errors(
        _name,
        {
            name: partial(lambda kind, weak: _fit(kind, weak=weak), _kind, weak)
            for name, weak in NO_LABELS.items()
        }
        | {
            "features of text": lambda kind=_kind: _fit(kind, np.full(X.shape, "high")),
            "features of one axis": lambda kind=_kind: _fit(kind, X[:, 0]),
            "no features": lambda kind=_kind: _fit(kind, X[:, :0]),
            "features that are infinite": lambda kind=_kind: _fit(kind, _with(X, 3, np.inf)),
            "trust of numbers": lambda kind=_kind: _fit(kind, trusted=np.arange(len(X))),
            "trust of too few": lambda kind=_kind: _fit(kind, trusted=TRUSTED[:5]),
            "trust of other records": lambda kind=_kind: _fit(
                kind, make.frame(X), trusted=pd.Series(TRUSTED).rename("x{}".format)
            ),
            "labels of other records": lambda kind=_kind: _fit(
                kind, make.frame(X), make.frame(WEAK).add_prefix("L").rename(index="x{}".format)
            ),
            "an unknown memory": lambda kind=_kind: _fit(kind, memory=3),
            "report before fit": lambda kind=_kind: kind().report(),
            "clean of other columns": lambda n=_example: make.cleaners()[n].clean(X[:, :2], WEAK),
            "answers that are a number": lambda n=_example: make.cleaners()[n].with_answers(3),
            "answers in a file that there is not": lambda n=_example: make.cleaners()[
                n
            ].with_answers("none.csv"),
            "a workbook in a folder that there is not": lambda n=_example: make.cleaners()[
                n
            ].to_excel("none/x.xlsx"),
            "a workbook of another suffix": lambda n=_example: make.cleaners()[n].to_excel("x.doc"),
        },
    )

    def _outliers(kind=_kind):
        """Two absurd rows do not switch cleaning off for the others."""
        features = X.copy()
        features[-1], features[-2] = 1000, -1000
        found = _fit(kind, features).labels_[:-2]
        wrong = ((found != TRUTH[:-2]) & (found != -1)).sum()
        before = _fit(kind).labels_[:-2]
        assert wrong <= ((before != TRUTH[:-2]) & (before != -1)).sum() + 6, wrong
        return "right"

    def _constant(kind=_kind):
        """Features that tell nothing leave the trusted labels as they are."""
        found = _fit(kind, X * 0)
        np.testing.assert_array_equal(found.labels_[TRUSTED], WEAK[TRUSTED])
        return "right"

    def _in_another_order(kind=_kind):
        """A table of labels finds its records by the index."""
        features = make.frame(X)
        weak = make.frame(WEAK, "L")
        found = _fit(kind, features, weak.iloc[::-1])
        np.testing.assert_array_equal(found.labels_, _fit(kind, features, weak).labels_)
        return "right"

    AREA.case(_name, "two rows of absurd values", "right", "error")(_outliers)
    AREA.case(_name, "features that are constant", "right", "error")(_constant)
    AREA.case(_name, "labels in another order, by index", "right", "error")(_in_another_order)
    AREA.case(_name, "a missing feature in a row", "right", "error")(
        lambda kind=_kind: (
            "right" if _fit(kind, _with(X, (5, 0), np.nan)).labels_.shape == WEAK.shape else ""
        )
    )

AREA.errors(
    "cleaning.AFPLabelCleaner",
    {
        "an unknown method": lambda: _fit(AFPLabelCleaner, method="magic"),
        "a confidence of 2": lambda: _fit(AFPLabelCleaner, min_confidence=2.0),
        "a confidence that is NaN": lambda: _fit(AFPLabelCleaner, min_confidence=np.nan),
        "negative caution": lambda: _fit(AFPLabelCleaner, caution=-1.0),
        "labels that exclude themselves": lambda: _fit(AFPLabelCleaner, exclusive=[["0", "0"]]),
        "unknown labels that exclude others": lambda: _fit(
            AFPLabelCleaner, exclusive=[["AF", "VT"]]
        ),
        "labels that imply in a circle, and exclude": lambda: _fit(
            AFPLabelCleaner, implies={"0": ["1"]}, exclusive=[["0", "1"]]
        ),
        "none trusted": lambda: _fit(AFPLabelCleaner, trusted=TRUSTED & False),
        "a random state of text": lambda: _fit(AFPLabelCleaner, random_state="seed"),
        "an unknown mixture": lambda: _fit(AFPLabelCleaner, mixture="k-means"),
    },
)


def _answers(table):
    return make.cleaners()[0].with_answers(table)


FREE = int(np.flatnonzero(~TRUSTED)[0])
ANSWERS = pd.DataFrame({"id": [FREE], "label": ["0"], "answer": [1]})
AREA.errors(
    "cleaning.AFPLabelCleaner",
    {
        "answers of 2": lambda: _answers(ANSWERS.assign(answer=2)),
        "answers of text": lambda: _answers(ANSWERS.assign(answer="perhaps")),
        "answers about unknown records": lambda: _answers(ANSWERS.assign(id="nobody")),
        "answers about unknown labels": lambda: _answers(ANSWERS.assign(label="VT")),
        "answers without ids": lambda: _answers(ANSWERS.drop(columns="id")),
        "answers that contradict each other": lambda: _answers(
            pd.concat([ANSWERS, ANSWERS.assign(answer=0)])
        ),
        "answers that contradict the trusted": lambda: _answers(
            ANSWERS.assign(id=0, answer=1 - WEAK[0, 0])
        ),
        "no answers": lambda: _answers(ANSWERS.iloc[:0]),
        "a workbook of other sheets": lambda: (
            ANSWERS.to_excel("a.xlsx", sheet_name="x"),
            _answers("a.xlsx"),
        ),
        "a workbook that is text": lambda: (Path("a.xlsx").write_text("id"), _answers("a.xlsx")),
        "answers in an empty file": lambda: (Path("a.csv").write_text(""), _answers("a.csv")),
        "answers of NULs": lambda: (Path("a.csv").write_bytes(bytes(99)), _answers("a.csv")),
        "a folder as answers": lambda: (os.mkdir("a.csv"), _answers("a.csv")),
    },
)


@AREA.case(
    "cleaning.AFPLabelCleaner", "answers in a workbook, ids as spreadsheets have them", "right"
)
def _():
    cleaner = make.cleaners()[0]
    cleaner.to_excel("a.xlsx")
    sheets = pd.read_excel("a.xlsx", sheet_name=None)
    sheets["review"] = pd.DataFrame({"id": [float(FREE)], "label": [0], "answer": [1.0]})
    with pd.ExcelWriter("b.xlsx") as writer:
        for name, sheet in sheets.items():
            sheet.to_excel(writer, sheet_name=name, index=False)
    assert cleaner.with_answers("b.xlsx").labels_[FREE, 0] == 1
    return "right"


@AREA.case("cleaning.AFPLabelCleaner", "labels that hypothesis makes up", "right")
def _():
    """Any labels of few records are cleaned, or refused by a clear error."""

    @make.made_up(max_examples=15)
    @given(
        st.lists(
            st.lists(st.sampled_from([0, 1, -1]), min_size=2, max_size=2), min_size=1, max_size=20
        ),
        st.randoms(use_true_random=False),
    )
    def try_it(weak, random):
        weak = np.array(weak)
        trusted = np.array([random.random() < 0.5 for _ in weak])
        try:
            found = AFPLabelCleaner(random_state=0).fit(X[: len(weak)], weak, trusted=trusted)
        except Exception as error:
            assert is_clear(error), f"{weak.tolist()}, {trusted.tolist()}: {error!r}"
        else:
            known = trusted[:, np.newaxis] & (weak != -1)
            assert (found.labels_[known] == weak[known]).all()

    try_it()
    return "right"


def _on_cleaned(y=WEAK, estimator=None, **parameters):
    estimator = LogisticRegression() if estimator is None else estimator
    return OnCleanedLabels(estimator, **parameters).fit(X, y)


AREA.errors(
    "cleaning.OnCleanedLabels",
    {
        name: partial(_on_cleaned, weak)
        for name, weak in NO_LABELS.items()
        if name not in ("None", "labels of text", "dates")
    }
    | {
        "an estimator that is none": lambda: _on_cleaned(estimator="trees"),
        "an unknown way with unknown labels": lambda: _on_cleaned(unknown="guess"),
        "weights of too few": lambda: OnCleanedLabels(LogisticRegression()).fit(
            X, WEAK, sample_weight=np.ones(3)
        ),
        "predict before fit": lambda: OnCleanedLabels(LogisticRegression()).predict(X),
        "other columns than those of fit": lambda: _on_cleaned().predict(X[:, :2]),
    },
)


def _split(weak=WEAK, trusted=TRUSTED, groups=None, **parameters):
    return list(TrustedKFold(**parameters).split(X, weak, groups=groups, trusted=trusted))


AREA.errors(
    "model_selection.TrustedKFold",
    {
        "one fold": lambda: _split(n_splits=1),
        "half a fold": lambda: _split(n_splits=2.5),
        "more folds than trusted records": lambda: _split(n_splits=10**6),
        "none trusted": lambda: _split(trusted=TRUSTED & False),
        "trust of numbers": lambda: _split(trusted=np.arange(len(X))),
        "trust of too few": lambda: _split(trusted=TRUSTED[:4]),
        "patients of too few": lambda: _split(groups=[1, 2]),
        "a patient that is missing": lambda: _split(groups=[None] + [1] * (len(X) - 1)),
        "one patient for all": lambda: _split(groups=np.ones(len(X))),
    },
)
AREA.errors(
    "model_selection.patient_train_test_split",
    {
        "nothing": lambda: patient_train_test_split(),
        "patients of too few": lambda: patient_train_test_split(X, groups=[1, 2]),
        "a patient that is missing": lambda: patient_train_test_split(
            X, groups=[None, *range(len(X) - 1)]
        ),
        "one patient for all": lambda: patient_train_test_split(X, groups=np.ones(len(X))),
        "a test of everyone": lambda: patient_train_test_split(
            X, groups=np.arange(len(X)), test_size=1.0
        ),
        "a test of NaN": lambda: patient_train_test_split(
            X, groups=np.arange(len(X)), test_size=np.nan
        ),
        "arrays of other lengths": lambda: patient_train_test_split(
            X, WEAK[:3], groups=np.arange(len(X))
        ),
    },
)
for _function, _call in {
    "datasets.corrupt_labels": lambda y: corrupt_labels(y, 0.1, random_state=0),
    "datasets.make_weak_labels": lambda y: make_weak_labels(y, random_state=0),
    "datasets.reader_confusion": lambda y: reader_confusion(y, {"a": TRUTH}),
}.items():
    AREA.errors(
        _function,
        {
            name: partial(_call, y)
            for name, y in NO_LABELS.items()
            if "reader" in _function or name not in ("fewer records", "no labels")
        },
    )
AREA.errors(
    "datasets.corrupt_labels",
    {
        "a rate of 2": lambda: corrupt_labels(TRUTH, 2.0),
        "a rate that is NaN": lambda: corrupt_labels(TRUTH, np.nan),
        "an unknown kind": lambda: corrupt_labels(TRUTH, 0.1, kind="typos"),
        "readers without their confusion": lambda: corrupt_labels(TRUTH, kind="readers"),
        "patients of too few": lambda: corrupt_labels(TRUTH, 0.1, groups=[1]),
        "a random state of text": lambda: corrupt_labels(TRUTH, 0.1, random_state="seed"),
    },
)
AREA.errors(
    "datasets.make_weak_labels",
    {
        "a share of 2": lambda: make_weak_labels(TRUTH, missing=2.0),
        "a share that is NaN": lambda: make_weak_labels(TRUTH, extra=np.nan),
        "confusion of other labels": lambda: make_weak_labels(TRUTH, confusion=np.ones((9, 9))),
    },
)
AREA.errors(
    "datasets.reader_confusion",
    {
        "answers of too few": lambda: reader_confusion(TRUTH, {"a": TRUTH[:3]}),
        "answers of 2": lambda: reader_confusion(TRUTH, {"a": TRUTH + 1}),
        "answers of other labels": lambda: reader_confusion(
            pd.DataFrame(TRUTH, columns=["AF", "VT"]),
            {"a": pd.DataFrame(TRUTH, columns=["AF", "PVC"])},
        ),
    },
)
AREA.errors(
    "datasets.load_vocabulary",
    {
        "an unknown system": lambda: load_vocabulary("icd-12"),
        "a number": lambda: load_vocabulary(3),
        "a path": lambda: load_vocabulary("../../etc/passwd"),
    },
)
AREA.errors(
    "datasets.codes_to_labels",
    {
        "an unknown system": lambda: codes_to_labels([["NORM"]], "icd-12"),
        "an unknown form": lambda: codes_to_labels([["NORM"]], "scp", by="colour"),
        "a number": lambda: codes_to_labels(3, "scp"),
        "None": lambda: codes_to_labels(None, "scp"),
        "a code that is None": lambda: codes_to_labels([[None]], "scp"),
        "a text for the codes of each": lambda: codes_to_labels("NORM", "scp"),
    },
)
