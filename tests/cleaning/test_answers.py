import builtins
import sys

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from simulated_tables import make_weak_table
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.naive_bayes import GaussianNB

from sklearn_ecg import AFPLabelCleaner, ECGRecords
from sklearn_ecg.cleaning import CrossValidationLabelCleaner, DensityLabelCleaner
from sklearn_ecg.mixture import DirichletProcessGaussianMixture

NAMES = ["SR", "AF", "PVC", "LBBB"]
CLEANER = AFPLabelCleaner(
    mixture=DirichletProcessGaussianMixture(n_components=2), min_confidence=0.95, random_state=0
)
WITH_EACH = pytest.mark.parametrize(
    "cleaner",
    [
        CLEANER,
        DensityLabelCleaner(),
        CrossValidationLabelCleaner(classifiers=GaussianNB(), cv=3, random_state=0),
    ],
    ids=lambda cleaner: type(cleaner).__name__,
)


class Samples(TransformerMixin, BaseEstimator):
    """Features that are the samples themselves."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.stack([np.ravel(signal) for signal in X.signals])


@pytest.fixture(scope="module")
def data():
    """A noisy table whose index names records with zeros at their front."""
    X, truth, weak, trusted = make_weak_table()
    index = [f"{i:04d}" for i in range(len(X))]
    X = pd.DataFrame(X + np.random.default_rng(0).normal(0, 1.5, X.shape), index=index)
    truth, weak = (pd.DataFrame(y, index, NAMES) for y in (truth, weak))
    return X.add_prefix("feature_"), truth, weak, trusted


@pytest.fixture(scope="module")
def fitted(data):
    X, _, weak, trusted = data
    return clone(CLEANER).fit(X, weak, trusted=trusted)


def answer(asked, truth):
    right = [truth.at[row.id, row.label] for row in asked.itertuples()]
    return asked.assign(answer=right)


def test_answers_are_trusted_and_all_else_is_fitted_again(data, fitted):
    X, truth, weak, _ = data
    asked = fitted.undecided_.head(20)
    before = fitted.labels_.copy()
    cleaner = fitted.with_answers(answer(asked, truth))
    assert_array_equal(fitted.labels_, before)
    rows, labels = X.index.get_indexer(asked["id"]), [NAMES.index(x) for x in asked["label"]]
    assert (cleaner.provenance_[rows, labels] == "answered").all()
    assert (cleaner.confidence_[rows, labels] == 1).all()
    assert_array_equal(cleaner.labels_[rows, labels], truth.to_numpy()[rows, labels])
    left = cleaner.undecided_.merge(asked, on=["id", "label"])
    assert left.empty
    # All else gains: more errors go than were asked about.
    held = [np.where(one.labels_ == -1, weak, one.labels_) for one in (fitted, cleaner)]
    wrong = [labels != truth.to_numpy() for labels in held]
    assert wrong[0].sum() - wrong[1].sum() > wrong[0][rows, labels].sum()


def test_changes_and_report_count_what_answers_changed(data, fitted):
    _, truth, weak, _ = data
    cleaner = fitted.with_answers(answer(fitted.undecided_, truth))
    changes = cleaner.changes().query("provenance == 'answered'")
    given = answer(fitted.undecided_, truth).query("answer != weak")
    assert len(given)
    assert set(zip(changes["id"], changes["label"], strict=True)) == set(
        zip(given["id"], given["label"], strict=True)
    )
    report = cleaner.report()
    changed = cleaner.labels_ != weak
    decided = changed & (cleaner.labels_ != -1)
    assert_array_equal(report["added"] + report["removed"], decided.sum(axis=0))


def test_answers_come_in_rounds(data, fitted):
    _, truth, _, _ = data
    asked = fitted.undecided_
    at_once = fitted.with_answers(answer(asked.head(20), truth))
    first = fitted.with_answers(answer(asked.head(10), truth))
    second = first.with_answers(answer(asked[10:20], truth))
    assert_array_equal(second.labels_, at_once.labels_)
    assert_array_equal(second.provenance_, at_once.provenance_)


@WITH_EACH
def test_records_are_recognised_after_answers_and_signals_not_read_again(data, cleaner):
    X, truth, weak, trusted = data
    weak = weak.copy()
    weak.iloc[np.flatnonzero(~trusted)[:30], 1] = -1
    records = ECGRecords(
        X.to_numpy()[:, np.newaxis],
        10,
        labels=weak,
        ids=X.index.tolist(),
        trusted=trusted,
    )
    cleaner = clone(cleaner).set_params(features=Samples())
    cleaner.fit(records)
    extractor, cleaner.extractor_ = cleaner.extractor_, None
    asked = cleaner.undecided_.head(10)
    cleaner = cleaner.with_answers(answer(asked, truth))
    cleaner.extractor_ = extractor
    cleaned = cleaner.transform(records)
    assert_array_equal(cleaned.labels, cleaner.labels_)
    assert (cleaned.provenance == "answered").sum() == len(asked) == 10
    assert_array_equal(cleaned.weak_labels, weak)


def test_files_keep_ids_as_text_and_skip_what_is_not_answered(data, fitted, tmp_path):
    _, truth, _, _ = data
    asked = answer(fitted.undecided_.head(12), truth).astype({"answer": object})
    asked.loc[[3, 5], "answer"] = [np.nan, " "]
    asked["comment"] = "seen twice"
    asked.to_csv(tmp_path / "answers.csv", index=False)
    cleaner = fitted.with_answers(tmp_path / "answers.csv")
    assert (cleaner.provenance_ == "answered").sum() == 10
    assert_array_equal(cleaner.labels_, fitted.with_answers(asked).labels_)


def test_numbers_of_rows_name_records_of_an_array(data):
    X, _, weak, trusted = data
    cleaner = clone(CLEANER).fit(X.to_numpy(), weak.to_numpy(), trusted=trusted)
    asked = cleaner.undecided_.head(3)
    given = asked.assign(answer=1).astype({"id": float, "label": float})
    again = cleaner.with_answers(given)
    assert (again.labels_[asked["id"], asked["label"].astype(int)] == 1).all()


def test_an_unknown_label_of_a_trusted_record_can_be_answered(data):
    X, _, weak, trusted = data
    weak = weak.copy()
    one = X.index[trusted][0]
    weak.loc[one, "AF"] = -1
    cleaner = clone(CLEANER).fit(X, weak, trusted=trusted)
    cleaner = cleaner.with_answers(pd.DataFrame({"id": [one], "label": ["AF"], "answer": [1]}))
    assert cleaner.labels_[X.index.get_loc(one), 1] == 1


def table(*rows):
    return pd.DataFrame(rows, columns=["id", "label", "answer"])


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        (table(("9999", "AF", 1)), r"the record '9999', which the cleaner was not .* \(1 of 1"),
        (table((7, "AF", 1)), r"the record '7'.* read ids as text, with dtype=str"),
        (table(("0001", "VF", 0)), r"the label 'VF', but the cleaner has SR, AF, PVC, LBBB"),
        (
            table(("0001", "AF", "yes")),
            r"1 \(present\), 0 .* got 'yes' for label AF of record 0001",
        ),
        (table(("0001", "AF", 2)), r"got 2 for label AF of record 0001"),
        (table(("0001", "AF", -1)), r"got -1 for label AF"),
        (table(("0001", "AF", np.nan)), r"no answer in its 1 rows"),
        (table(("0001", "AF", 1), ("0001", "AF", 0)), r"both 1 and 0 .* AF of record 0001"),
        (table(("0001", "AF", 1)).drop(columns="answer"), r"no column answer; it has id, label"),
        (table(("0001", "AF", 1)).rename(columns={"id": "record"}), "no column id; it has record"),
    ],
)
def test_bad_answers_are_named(fitted, answers, message):
    with pytest.raises(ValueError, match=message):
        fitted.with_answers(answers)


def test_answers_are_a_table_or_a_file(fitted):
    with pytest.raises(TypeError, match="answers must be a DataFrame"):
        fitted.with_answers([1, 0])


def test_answers_that_contradict_what_is_known_are_named(data, fitted):
    X, _, weak, trusted = data
    one = X.index[trusted][0]
    wrong = table((one, "AF", 1 - weak.at[one, "AF"]))
    with pytest.raises(ValueError, match=rf"1 answers contradict .* AF of record {one}"):
        fitted.with_answers(wrong)
    right = table((one, "AF", weak.at[one, "AF"]))
    assert_array_equal(fitted.with_answers(right).labels_, fitted.labels_)
    asked = fitted.undecided_.head(1)
    again = fitted.with_answers(asked.assign(answer=1))
    with pytest.raises(ValueError, match="were answered before"):
        again.with_answers(asked.assign(answer=0))


def test_a_workbook_goes_to_a_person_and_comes_back(data, fitted, tmp_path):
    openpyxl = pytest.importorskip("openpyxl", reason="openpyxl is an extra ([excel])")
    _, truth, _, _ = data
    path = tmp_path / "cleaned.xlsx"
    fitted.to_excel(path)
    sheets = pd.read_excel(path, sheet_name=None, dtype={"id": str}, keep_default_na=False)
    assert list(sheets) == ["labels", "changes", "review", "report"]
    assert_array_equal(sheets["labels"][NAMES], fitted.labels_)
    assert_array_equal(sheets["labels"]["id"], truth.index)
    changes = fitted.changes(reasons=True)
    for name in ("id", "label", "weak", "clean", "provenance", "because", "similar_with"):
        assert_array_equal(sheets["changes"][name], changes[name])
    assert_array_equal(sheets["review"]["id"], fitted.undecided_["id"])
    assert_array_equal(sheets["report"]["label"], NAMES)
    assert_array_equal(sheets["report"]["added"], fitted.report()["added"])

    book = openpyxl.load_workbook(path)
    sheet = book["review"]
    column = [cell.value for cell in sheet[1]].index("answer") + 1
    given = answer(fitted.undecided_.head(5), truth)["answer"]
    for row, value in enumerate(given, start=2):
        sheet.cell(row, column).value = int(value)
    book.save(path)
    cleaner = fitted.with_answers(path)
    assert (cleaner.provenance_ == "answered").sum() == 5


def test_no_text_of_a_workbook_is_a_formula(data, tmp_path):
    openpyxl = pytest.importorskip("openpyxl", reason="openpyxl is an extra ([excel])")
    X, _, weak, trusted = data
    index = [f"=1+{i}" for i in range(len(X))]
    X, weak = X.set_axis(index), weak.set_axis(index)
    weak = weak.set_axis(["=SR", *NAMES[1:]], axis="columns")
    DensityLabelCleaner().fit(X, weak, trusted=trusted).to_excel(tmp_path / "cleaned.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "cleaned.xlsx")["labels"]
    assert (sheet["A2"].value, sheet["A2"].data_type) == ("=1+0", "s")
    assert (sheet["B1"].value, sheet["B1"].data_type) == ("=SR", "s")


def test_a_workbook_can_be_read_without_widening_its_columns(fitted, tmp_path):
    openpyxl = pytest.importorskip("openpyxl", reason="openpyxl is an extra ([excel])")
    fitted.to_excel(tmp_path / "cleaned.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "cleaned.xlsx")["changes"]
    assert sheet.auto_filter.ref == sheet.dimensions
    for column in sheet.iter_cols(max_row=2):
        width = sheet.column_dimensions[column[0].column_letter].width
        assert len(column[0].value) < width <= 60
    shown = {cell.number_format for cell in sheet[2] if isinstance(cell.value, float)}
    assert shown == {"0.000"}


def test_a_missing_openpyxl_is_named_with_the_cure(fitted, tmp_path, monkeypatch):
    imported = builtins.__import__

    def without_openpyxl(name, *args, **kwargs):
        if name == "openpyxl":
            raise ImportError(name)
        return imported(name, *args, **kwargs)

    monkeypatch.delitem(sys.modules, "openpyxl", raising=False)
    monkeypatch.setattr(builtins, "__import__", without_openpyxl)
    with pytest.raises(ImportError, match=r"to_excel needs openpyxl: pip install 'sklearn_ecg\["):
        fitted.to_excel(tmp_path / "cleaned.xlsx")
    with pytest.raises(ImportError, match="Reading a workbook needs openpyxl"):
        fitted.with_answers(tmp_path / "cleaned.xlsx")
