"""Bootstraps over patients, against scikit-learn's metrics, SciPy's intervals, and each other."""

import warnings
from functools import partial

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from sklearn_ecg.metrics import (
    bootstrap_interval,
    challenge_score,
    compare_classifiers,
    paired_bootstrap_test,
)
from sklearn_ecg.metrics._resampled_scores import resampled_scorer


def macro_f1(y_true, y_score):
    found = [f1_score(*pair) for pair in zip(y_true.T, (y_score >= 0.5).T, strict=True)]
    return np.mean(found)


REFERENCES = {
    "roc_auc": partial(roc_auc_score, average="macro"),
    "average_precision": partial(average_precision_score, average="macro"),
    "f1_macro": macro_f1,
}


@pytest.fixture
def data(rng):
    """Labels of 60 patients with 1 to 3 records each, and scores with ties."""
    patients = np.repeat(np.arange(60), rng.integers(1, 4, 60))
    y_true = rng.integers(0, 2, (len(patients), 3))
    return y_true, (y_true + rng.normal(size=y_true.shape)).round(1), patients


@pytest.mark.parametrize("metric", REFERENCES)
def test_all_resamples_at_once_score_as_one_by_one(data, rng, metric):
    y_true, y_score, _ = data
    counts = rng.multinomial(len(y_true), np.full(len(y_true), 1 / len(y_true)), size=20)
    found = resampled_scorer(metric, y_true, y_score)(counts)
    for count, score in zip(counts, found, strict=True):
        rows = np.repeat(np.arange(len(y_true)), count)
        assert score == pytest.approx(REFERENCES[metric](y_true[rows], y_score[rows]))


@pytest.mark.parametrize("metric", REFERENCES)
def test_unknown_labels_count_nowhere(data, metric):
    y_true, y_score, _ = data
    hidden = y_true.copy()
    hidden[5:40, 1] = -1
    (found,) = resampled_scorer(metric, hidden, y_score)(np.ones((1, len(y_true)), dtype=int))
    columns = []
    for truth, scores, labels in zip(y_true.T, y_score.T, hidden.T, strict=True):
        known = (labels != -1).nonzero()[0]
        columns.append(REFERENCES[metric](truth[known, np.newaxis], scores[known, np.newaxis]))
    assert found == pytest.approx(np.mean(columns))


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_names_and_functions_give_the_same_interval(data, method):
    y_true, y_score, patients = data
    arguments = {"groups": patients, "n_resamples": 60, "method": method, "random_state": 3}
    named = bootstrap_interval("roc_auc", y_true, y_score, **arguments)
    called = bootstrap_interval(roc_auc_score, y_true, y_score, **arguments)
    assert named.score == pytest.approx(roc_auc_score(y_true, y_score))
    np.testing.assert_allclose(named.distribution, called.distribution)
    assert (named.low, named.high) == pytest.approx((called.low, called.high))
    assert named.low < named.score < named.high
    assert named.standard_error == pytest.approx(named.distribution.std(ddof=1))


@pytest.mark.parametrize("method", ["percentile", "BCa"])
def test_intervals_are_those_of_scipy(rng, method):
    values = rng.exponential(size=40)

    def mean(y_true, y_score):
        return y_score.mean()

    found = bootstrap_interval(
        mean, values, values, method=method.lower(), n_resamples=6000, random_state=0
    )
    scipy = stats.bootstrap(
        (values,), np.mean, method=method, n_resamples=20000, random_state=np.random.default_rng(0)
    ).confidence_interval
    # Quantiles of so many resamples are known to about 1 % of the interval's width.
    width = scipy.high - scipy.low
    assert abs(found.low - scipy.low) < 0.04 * width
    assert abs(found.high - scipy.high) < 0.04 * width


def test_copies_of_records_of_one_patient_tell_nothing_new(data):
    y_true, y_score, patients = data
    arguments = {"n_resamples": 200, "random_state": 0}
    once = bootstrap_interval("roc_auc", y_true, y_score, groups=patients, **arguments)
    copied = [np.tile(values, (4, 1)) for values in (y_true, y_score)]
    four = bootstrap_interval("roc_auc", *copied, groups=np.tile(patients, 4), **arguments)
    assert (four.low, four.high) == pytest.approx((once.low, once.high))
    # Taken for independent they would seem to.
    without = bootstrap_interval("roc_auc", *copied, **arguments)
    assert without.high - without.low < 0.7 * (once.high - once.low)


def test_frames_reach_functions_as_frames(data):
    names = ["NSR", "AF", "LAD"]
    y_true = pd.DataFrame(data[0], columns=names)
    y_pred = pd.DataFrame(np.asarray(data[1] >= 0.5, dtype=int), columns=names)
    found = bootstrap_interval(challenge_score, y_true, y_pred, n_resamples=20, random_state=0)
    assert found.score == pytest.approx(challenge_score(y_true, y_pred))
    assert found.low < found.score < found.high


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_rare_labels_are_told_of(data, method):
    y_true, y_score, _ = data
    y_true[:, 2] = 0
    y_true[0, 2] = 1
    with pytest.warns(UndefinedMetricWarning, match=r"of 300 resamples have no score"):
        found = bootstrap_interval(
            "roc_auc", y_true, y_score, n_resamples=300, method=method, random_state=0
        )
    assert found.low < found.score < found.high
    # A single record is missing from a resample with probability 1/e.
    assert found.n_undefined == pytest.approx(300 / np.e, abs=30)
    assert len(found.distribution) == 300 - found.n_undefined
    y_true[0, 2] = 0
    with pytest.raises(ValueError, match="roc_auc needs records with and without each label; the"):
        bootstrap_interval("roc_auc", y_true, y_score)


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_the_same_classifier_twice_does_not_differ(data, method):
    y_true, y_score, patients = data
    test = paired_bootstrap_test(
        "roc_auc", y_true, y_score, y_score, groups=patients, method=method
    )
    assert (test.difference, test.low, test.high, test.p_value) == (0, 0, 0, 1)


def test_pairs_share_their_resamples(data, rng):
    y_true, y_score, patients = data
    other = y_score + 0.3 * rng.normal(size=y_score.shape)
    arguments = {"groups": patients, "n_resamples": 400, "random_state": 5}
    single = [bootstrap_interval("roc_auc", y_true, s, **arguments) for s in (y_score, other)]
    for method in ("percentile", "bca"):
        test = paired_bootstrap_test("roc_auc", y_true, y_score, other, method=method, **arguments)
        expected = single[0].distribution - single[1].distribution
        np.testing.assert_allclose(test.distribution, expected)
        assert test.difference == pytest.approx(single[0].score - single[1].score)
        assert test.low < test.difference < test.high
        # What both find hard does not blur the difference.
        assert test.high - test.low < 0.8 * (single[0].high - single[0].low)
    swapped = paired_bootstrap_test("roc_auc", y_true, other, y_score, **arguments)
    assert swapped.p_value == pytest.approx(test.p_value)
    assert swapped.difference == -test.difference


def test_p_values_are_uniform_where_nothing_differs():
    rng = np.random.default_rng(0)
    p_values = []
    for _ in range(150):
        y_true = rng.integers(0, 2, (80, 2))
        scores = y_true + rng.normal(size=(2, 80, 2))
        seed = int(rng.integers(2**31))
        test = paired_bootstrap_test("roc_auc", y_true, *scores, n_resamples=199, random_state=seed)
        p_values.append(test.p_value)
    assert stats.kstest(p_values, "uniform").pvalue > 0.01


def test_a_table_of_classifiers(data, rng):
    y_true, y_score, patients = data
    said = {
        "ours": y_score,
        "worse": y_score + rng.normal(size=y_score.shape),
        "coin": rng.normal(size=y_score.shape),
    }
    arguments = {"groups": patients, "n_resamples": 300, "random_state": 1}
    table = compare_classifiers("roc_auc", y_true, said, **arguments)
    assert list(table.index) == list(said)
    for name, scores in said.items():
        alone = bootstrap_interval("roc_auc", y_true, scores, **arguments)
        expected = [alone.score, alone.low, alone.high]
        assert table.loc[name, ["score", "low", "high"]].tolist() == pytest.approx(expected)
        if name != "ours":
            test = paired_bootstrap_test("roc_auc", y_true, scores, y_score, **arguments)
            row = table.loc[name, ["difference", "difference_low", "difference_high", "p_value"]]
            expected = [test.difference, test.low, test.high, test.p_value]
            assert row.tolist() == pytest.approx(expected)
    assert table.loc["ours", "difference":].isna().all()
    # Holm: the smallest of two p-values doubles, the larger one stays, unless it would be smaller.
    small, large = table["p_value"].sort_values()[:2]
    expected = sorted([2 * small, max(2 * small, large)])
    assert sorted(table["p_adjusted"].dropna()) == pytest.approx(expected)
    other = compare_classifiers("roc_auc", y_true, said, reference="coin", **arguments)
    assert other.loc["ours", "difference"] == -table.loc["coin", "difference"]


def test_repeatable(data):
    y_true, y_score, _ = data
    one, two = (
        bootstrap_interval("f1_macro", y_true, y_score, n_resamples=50, random_state=7)
        for _ in range(2)
    )
    np.testing.assert_array_equal(one.distribution, two.distribution)


def test_bad_input(data):
    y_true, y_score, patients = data
    interval = partial(bootstrap_interval, "roc_auc", y_true, y_score)
    with pytest.raises(ValueError, match=r"metric must be 'roc_auc', .* got 'auc'"):
        bootstrap_interval("auc", y_true, y_score)
    with pytest.raises(ValueError, match="n_resamples must be an integer from 2 to 1000000; got 1"):
        interval(n_resamples=1)
    with pytest.raises(ValueError, match="confidence_level must lie between 0 and 1; got 95"):
        interval(confidence_level=95)
    with pytest.raises(ValueError, match="method must be 'percentile' or 'bca'; got 'basic'"):
        interval(method="basic")
    with pytest.raises(ValueError, match="groups must hold one patient for each"):
        interval(groups=patients[1:])
    with pytest.raises(ValueError, match="needs at least 2 patients; groups has 1"):
        interval(groups=np.zeros(len(patients)))
    with pytest.raises(ValueError, match=r"y_true has .* records, but y_score has 3"):
        bootstrap_interval(roc_auc_score, y_true, y_score[:3])
    with pytest.raises(ValueError, match="y_scores must hold at least 2 classifiers; got 1"):
        compare_classifiers("roc_auc", y_true, {"ours": y_score})
    with pytest.raises(ValueError, match="reference='a' is not one of the classifiers b, c"):
        compare_classifiers("roc_auc", y_true, {"b": y_score, "c": y_score}, reference="a")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match="undefined on all resamples"):
            bootstrap_interval(lambda a, b: np.nan, y_true, y_score, n_resamples=5)


def test_patients_and_scores_find_their_records_by_index(data):
    y_true, y_score, patients = data
    ids = [f"r{i}" for i in range(len(patients))]
    frames = pd.DataFrame(y_true, ids), pd.DataFrame(y_score, ids), pd.Series(patients, ids)
    order = np.random.default_rng(0).permutation(ids)
    arguments = {"n_resamples": 20, "random_state": 0}
    y, scores, groups = frames[0], frames[1].loc[order], frames[2].loc[order]
    expected = bootstrap_interval("roc_auc", y_true, y_score, groups=patients, **arguments)
    for metric in ("roc_auc", REFERENCES["roc_auc"]):
        found = bootstrap_interval(metric, y, scores, groups=groups, **arguments)
        assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    pair = paired_bootstrap_test("roc_auc", y, scores, scores + 1.0, groups=groups, **arguments)
    assert pair.difference == 0


@pytest.mark.parametrize(
    ("y_score", "message"),
    [
        (np.full((20, 2), "0.5"), "y_score must be an array of numbers; got ndarray"),
        ([[0.1], [0.1, 0.2]] * 10, "y_score must be an array of numbers; got list"),
        (np.ma.masked_array(np.ones((20, 2)), np.eye(20, 2)), "y_score holds nan for record 0"),
        (np.ones((20, 2), dtype="M8[s]"), "datetime64"),
    ],
)
def test_scores_that_are_no_numbers_are_refused(y_score, message):
    y_true = np.tile([[0, 1], [1, 0]], (10, 1))
    with pytest.raises(ValueError, match=message):
        bootstrap_interval("roc_auc", y_true, y_score)


def test_more_resamples_than_anybody_waits_for_are_refused():
    y_true = np.tile([[0, 1], [1, 0]], (10, 1))
    with pytest.raises(ValueError, match="n_resamples must be an integer from 2 to 1000000"):
        bootstrap_interval("roc_auc", y_true, y_true, n_resamples=10**9)
