"""Records as they come: unreadable, full of gaps, without a lead, at a rate that cannot be."""

import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.pipeline import make_pipeline

from sklearn_ecg import AFPLabelCleaner, ECGRecords
from sklearn_ecg.network import LabelCorrelationECGClassifier
from sklearn_ecg.records import LazySignals

LEADS = ["I", "II", "aVF", "V1"]
ANSWERS = ["predict", "predict_proba", "decision_function", "transform"]
IDS = [f"r{i}" for i in range(48)]


class Reader:
    """Reads records, but for those that raise an error or have another form."""

    def __init__(self, signals, spoiled):
        self.signals = signals
        self.spoiled = spoiled

    def __call__(self, i):
        bad = self.spoiled.get(i)
        if isinstance(bad, Exception):
            raise bad
        return self.signals[i] if bad is None else bad


def with_four_leads(records, **fields):
    second, chest = np.moveaxis(records.signals, 1, 0)
    first = np.cumsum(chest, axis=1) / 10
    signals = np.stack([first, second, second - first / 2, chest], axis=1)
    fields = {"lead_names": LEADS, "ids": IDS, "labels": records.labels} | fields
    return ECGRecords(signals, 100, label_names=["fast", "tall"], **fields)


@pytest.fixture(scope="module")
def records(tiny_records):
    return with_four_leads(tiny_records)


@pytest.fixture(scope="module")
def fitted(tiny, records):
    return tiny(max_epochs=4).fit(records)


def lazy(records, spoiled):
    return records.with_signals(
        LazySignals(Reader(np.asarray(records.signals), spoiled), records.signals.shape), 100
    )


def changed(records, row, leads, value=np.nan):
    signals = records.signals.copy()
    signals[row, leads] = value
    return records.with_signals(signals)


def quietly(function, *args):
    """Call without any warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return function(*args)


def with_one_warning(function, *args):
    """Call, and return the answer and the text of the one warning, which names this file."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        answer = function(*args)
    assert len(found) == 1, [str(warning.message) for warning in found]
    assert found[0].filename == __file__
    return answer, str(found[0].message)


# Records that cannot be read


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (OSError("disk"), "OSError: disk"),
        (ValueError("no header"), "ValueError: no header"),
        (np.zeros((3, 100)), r"of shape (3, 100), not 4 leads"),
        (np.zeros(100), "cannot be read"),
        (np.zeros((4, 0)), "cannot be read"),
        (np.full((4, 100), np.nan), "no finite sample"),
    ],
    ids=["OSError", "ValueError", "a lead too few", "one axis", "no sample", "NaN"],
)
def test_one_record_that_cannot_be_read_costs_no_other(fitted, records, answer, bad, reason):
    expected = getattr(fitted, answer)(records)
    found, message = with_one_warning(getattr(fitted, answer), lazy(records, {5: bad}))
    assert found.shape == expected.shape
    assert (found[5] == -1).all() if answer == "predict" else np.isnan(found[5]).all()
    others = np.arange(48) != 5
    assert_allclose(found[others], expected[others], atol=1e-5)
    assert "r5: " in message
    assert reason in message


def test_records_that_cannot_be_read_are_counted_and_the_first_are_named(fitted, records):
    spoiled = {row: OSError("disk") for row in range(5)}
    found, message = with_one_warning(fitted.predict_proba, lazy(records, spoiled))
    assert np.isnan(found[:5]).all()
    assert not np.isnan(found[5:]).any()
    assert "5 of 48 records" in message
    assert "And 2 more" in message
    found, message = with_one_warning(fitted.predict, lazy(records, {5: OSError("disk")})[5:6])
    assert (found == -1).all()


def test_a_class_that_is_unknown_is_none(tiny, records):
    y = np.where(records.labels[:, 0] == 1, "fast", "slow")
    fitted = tiny(max_epochs=1).fit(records, y)
    expected = fitted.predict(records)
    found, _ = with_one_warning(fitted.predict, changed(records, 7, slice(None)))
    assert found[7] is None
    assert_array_equal(np.delete(found, 7), np.delete(expected, 7))
    found, _ = with_one_warning(fitted.decision_function, changed(records, 7, slice(None)))
    assert found.shape == (48,)
    assert np.isnan(found[7])


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinity_is_a_gap(fitted, records, value):
    found, _ = with_one_warning(fitted.predict_proba, changed(records, 7, slice(None), value))
    assert np.isnan(found[7]).all()
    signals = records.signals.copy()
    signals[7, :, 50:53] = value
    assert np.isfinite(quietly(fitted.predict_proba, records.with_signals(signals))).all()


def test_signals_beyond_all_bounds_get_no_answer(fitted, records):
    wild = changed(records, 7, slice(None), 1e37 * (-1.0) ** np.arange(100))
    with pytest.warns(UserWarning, match="r7"):
        found = fitted.predict_proba(wild)
    assert np.isnan(found[7]).all()
    assert_allclose(np.delete(found, 7, 0), np.delete(fitted.predict_proba(records), 7, 0), 1e-4)


# Leads


@pytest.mark.parametrize("lead", [0, 1, 2])
def test_a_limb_lead_that_is_missing_is_computed(fitted, records, lead):
    expected = fitted.predict_proba(records)
    found = quietly(fitted.predict_proba, changed(records, 3, lead))
    assert_allclose(found, expected, atol=1e-5)
    rest = [name for i, name in enumerate(LEADS) if i != lead]
    found = quietly(fitted.predict_proba, records.select_leads(rest))
    assert_allclose(found, expected, atol=1e-5)


def test_a_chest_lead_that_is_missing_leaves_no_answer(fitted, records):
    expected = fitted.predict_proba(records)
    found, message = with_one_warning(fitted.predict_proba, changed(records, 3, 3))
    assert np.isnan(found[3]).all()
    assert_allclose(np.delete(found, 3, 0), np.delete(expected, 3, 0), atol=1e-5)
    assert "r3: " in message
    assert "V1" in message
    found, message = with_one_warning(fitted.predict_proba, records.select_leads(LEADS[:3]))
    assert found.shape == (48, 2)
    assert np.isnan(found).all()
    assert "V1" in message


def test_a_lead_that_training_lacked_too_may_be_missing(tiny, records):
    fitted = quietly(tiny(max_epochs=1).fit, changed(records, slice(0, 8), 3))
    assert np.isfinite(quietly(fitted.predict_proba, changed(records, 30, 3))).all()
    assert np.isfinite(quietly(fitted.predict_proba, records.select_leads(LEADS[:3]))).all()


def test_a_limb_lead_that_training_records_lack_is_computed(tiny, records, weights_of):
    whole = tiny(max_epochs=1).fit(records)
    gappy = quietly(tiny(max_epochs=1).fit, changed(records, slice(0, 8), 2))
    assert_allclose(gappy.lead_scale_, whole.lead_scale_, rtol=1e-3)
    assert_allclose(weights_of(gappy), weights_of(whole), atol=1e-3)
    assert not gappy.reader_.may_lack_.any()


@pytest.mark.parametrize(
    "names",
    [
        ["i", "ii", "avf", "v1"],
        ["Lead I", "MDC_ECG_LEAD_II", "AVF", "C1"],
        ["I", "II", "aVF", "V1"],
    ],
)
def test_leads_are_found_in_any_spelling_and_order(fitted, records, names):
    order = [3, 1, 0, 2]
    other = ECGRecords(
        records.signals[:, order], 100, lead_names=[names[i] for i in order], ids=IDS
    )
    assert_array_equal(quietly(fitted.predict_proba, other), fitted.predict_proba(records))


def test_a_modified_lead_is_another_lead(fitted, records):
    other = ECGRecords(records.signals[:, 1:], 100, lead_names=["MLII", "aVF", "V1"])
    found, message = with_one_warning(fitted.predict_proba, other)
    assert np.isnan(found).all()
    assert "II" in message


# Sampling rates


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_sampling_rate_that_is_off_leaves_no_answer(tiny, records, answer):
    fitted = tiny(max_epochs=1, highpass=0.5).fit(records)
    slow = ECGRecords(records.signals, 0.5, lead_names=LEADS, ids=IDS)
    found, message = with_one_warning(getattr(fitted, answer), slow)
    assert len(found) == 48
    assert (found == -1).all() if answer == "predict" else np.isnan(found).all()
    assert "0.5 Hz" in message
    fast = ECGRecords(records.signals, 1e6, lead_names=LEADS, ids=IDS)
    found, message = with_one_warning(getattr(fitted, answer), fast)
    assert (found == -1).all() if answer == "predict" else np.isnan(found).all()


# Empty batches


@pytest.mark.parametrize("empty", ["list", "records", "array", "table"])
def test_of_no_records_there_are_no_answers(fitted, records, empty):
    X = {
        "list": [],
        "records": records[:0],
        "array": np.empty((0, 4, 100)),
        "table": lazy(records, {})[:0],
    }[empty]
    width = fitted.transform(records[:2]).shape[1]
    for answer, columns in zip(ANSWERS, [2, 2, 2, width], strict=True):
        found = quietly(getattr(fitted, answer), X)
        assert found.shape == (0, columns)
        assert found.dtype.kind == ("i" if answer == "predict" else "f")


def test_empty_answers_have_the_shapes_of_full_ones(tiny, records):
    for y in (records.labels[:, :1], records.labels[:, 0], records.labels.sum(axis=1)):
        fitted = tiny(max_epochs=1).fit(records, y)
        for answer in ANSWERS:
            full = getattr(fitted, answer)(records[:4])
            assert quietly(getattr(fitted, answer), records[:0]).shape == (0, *full.shape[1:])


# Behind a cleaner


class Powers:
    """The power of each lead, as a transformer that costs nothing."""

    def get_params(self, deep=True):
        return {}

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.nan_to_num(np.square(np.asarray(X.signals))).mean(axis=2)


def test_a_cleaner_before_changes_nothing_of_it(tiny, tiny_records):
    records = with_four_leads(tiny_records, trusted=np.arange(48) % 2 == 0)
    pipeline = make_pipeline(
        AFPLabelCleaner(max_iter=1, random_state=0, features=Powers()), tiny(max_epochs=1)
    ).fit(records)
    expected = pipeline.predict_proba(records)
    spoiled = changed(changed(records, 3, slice(None)), 9, 3)
    with pytest.warns(UserWarning, match=r"r3: .*r9: .*V1") as found:
        answers = pipeline.predict_proba(spoiled)
    assert len(found) == 1
    assert found[0].filename == __file__
    assert np.isnan(answers[[3, 9]]).all()
    others = np.delete(np.arange(48), [3, 9])
    assert_allclose(answers[others], expected[others], atol=1e-5)
    assert pipeline.predict(records[:0]).shape == (0, 2)


# Fitting


def test_records_that_cannot_be_read_teach_nothing(tiny, records, weights_of):
    spoiled = lazy(records, {5: OSError("disk"), 11: np.full((4, 100), np.nan)})
    fitted, message = with_one_warning(tiny(validation_fraction=None).fit, spoiled)
    assert "2 of 48 records are left out of the training" in message
    assert "r5: " in message
    assert "r11: " in message
    rest = records[np.delete(np.arange(48), [5, 11])]
    expected = tiny(validation_fraction=None).fit(rest)
    assert_allclose(weights_of(fitted), weights_of(expected), atol=1e-5)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_of_nothing_nothing_is_learned(tiny, records, method):
    with pytest.raises(ValueError, match=r"No record .*be read.*OSError: disk"):
        getattr(tiny(), method)(lazy(records, {i: OSError("disk") for i in range(48)}))
    few = lazy(records, {i: OSError("disk") for i in range(1, 48)})
    with (
        pytest.warns(UserWarning, match="47 of 48 records are left out of the training"),
        pytest.raises(ValueError, match=r"47 cannot be read. At least 2 must be left"),
    ):
        getattr(tiny(validation_fraction=None), method)(few)


def test_a_label_of_which_nothing_is_known(tiny, records, tmp_path):
    labels = np.column_stack([records.labels, np.full(48, -1)])
    named = records.with_labels(labels, ["fast", "tall", "wide"])
    fitted, message = with_one_warning(tiny().fit, named)
    assert "wide" in message
    fitted.save(tmp_path)
    for model in (fitted, LabelCorrelationECGClassifier.load(tmp_path)):
        proba = quietly(model.predict_proba, named)
        assert np.isnan(proba[:, 2]).all()
        assert np.isfinite(proba[:, :2]).all()
        assert (quietly(model.predict, named)[:, 2] == -1).all()
        assert model.learned_.tolist() == [True, True, False]
    known = named.with_labels(np.column_stack([records.labels, np.ones(48)]), named.label_names)
    # What is known and not found is a miss; what is unknown has no part in the score.
    assert fitted.score(known) == pytest.approx(fitted.score(named) * 2 / 3)


def test_score_is_of_the_labels_that_were_learned(tiny, records):
    labels = np.column_stack([records.labels, np.full(48, -1)])
    classifier = tiny(max_epochs=1)
    with pytest.warns(UserWarning, match="unknown .-1. in all"):
        classifier.fit(records, labels)
    classifier.predict = lambda X: np.column_stack([records.labels, np.full(48, -1)])
    assert classifier.score(records, labels) == 1


def test_unknown_classes_of_a_one_dimensional_y_teach_nothing(tiny, records, weights_of):
    y = records.labels[:, 0].astype(int)
    y[::6] = -1
    fitted, message = with_one_warning(tiny(validation_fraction=None).fit, records, y)
    assert "8 of 48" in message
    assert fitted.classes_.tolist() == [0, 1]
    assert set(fitted.predict(records)) <= {0, 1}
    assert fitted.score(records, y) == np.mean((fitted.predict(records) == y)[y != -1])


def test_held_out_records_that_split_patients(tiny, tiny_records):
    _, message = with_one_warning(
        lambda: tiny(max_epochs=1).fit(tiny_records, validation=np.arange(48) < 9)
    )
    assert "validation splits 1 patients" in message
    quietly(lambda: tiny(max_epochs=1).fit(tiny_records, validation=np.arange(48) < 10))


def test_names_of_columns(tiny, tiny_records):
    table = pd.DataFrame(tiny_records.signals[:, 0], columns=[f"t{i}" for i in range(100)])
    fitted = tiny(max_epochs=1).fit(table, tiny_records.labels)
    assert fitted.feature_names_in_.tolist() == table.columns.tolist()
    assert fitted.n_features_in_ == 100
    for answer in ANSWERS:
        with pytest.raises(ValueError, match="feature names"):
            getattr(fitted, answer)(table[table.columns[::-1]])
        assert len(quietly(getattr(fitted, answer), table[:3])) == 3
    fitted.fit(tiny_records)
    assert not hasattr(fitted, "feature_names_in_")
