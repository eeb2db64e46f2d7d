"""The Challenge score against its published weights and a plain loop over records."""

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import UndefinedMetricWarning

from sklearn_ecg.datasets import codes_to_labels, load_vocabulary
from sklearn_ecg.metrics import challenge_score, challenge_weights

# Two rows of the published weights_abbreviations.csv of 2021, and the sums of all rows.
# fmt: off
CLASSES_2021 = [
    "AF", "AFL", "BBB", "Brady", "CLBBB|LBBB", "CRBBB|RBBB", "IAVB", "IRBBB", "LAD", "LAnFB", "LPR",
    "LQRSV", "LQT", "NSIVCB", "NSR", "PAC|SVPB", "PR", "PRWP", "PVC|VPB", "QAb", "RAD", "SA", "SB",
    "STach", "TAb", "TInv",
]
# fmt: on
ROWS_2021 = {
    "BBB": [
        *(0.475, 0.475, 1.0, 0.325, 0.475, 0.425, 0.325, 0.325, 0.375, 0.375, 0.325, 0.45, 0.475),
        *(0.375, 0.275, 0.3625, 0.4, 0.45, 0.4, 0.375, 0.375, 0.325, 0.325, 0.4, 0.475, 0.475),
    ],
    "PAC|SVPB": [
        *(0.3375, 0.3375, 0.3625, 0.4625, 0.3625, 0.4375, 0.4625, 0.4625, 0.4875, 0.4875, 0.4625),
        *(0.4125, 0.3875, 0.4875, 0.4125, 1.0, 0.4625, 0.4125, 0.4625, 0.2375, 0.4875, 0.4625),
        *(0.4625, 0.4625, 0.3375, 0.3375),
    ],
}
SUMS_2020 = {
    "AF": 9.5625,
    "AFL": 9.5625,
    "Brady": 10.3375,
    "CRBBB|RBBB": 10.6625,
    "IAVB": 10.3375,
    "IRBBB": 10.3375,
    "LAD": 10.8125,
    "LAnFB": 10.8125,
    "LBBB": 9.9125,
    "LPR": 10.3375,
    "LQRSV": 10.4625,
    "LQT": 10.2125,
    "NSIVCB": 10.8125,
    "NSR": 9.2375,
    "PAC|SVPB": 10.7125,
    "PR": 10.8125,
    "PVC|VPB": 10.8125,
    "QAb": 7.3625,
    "RAD": 10.8125,
    "SA": 10.3375,
    "SB": 10.3375,
    "STach": 10.8125,
    "TAb": 9.5625,
    "TInv": 9.5625,
}
SUMS_2021 = {
    "AF": 10.4625,
    "AFL": 10.4625,
    "BBB": 10.8375,
    "Brady": 11.0375,
    "CLBBB|LBBB": 10.8375,
    "CRBBB|RBBB": 11.5625,
    "IAVB": 11.0375,
    "IRBBB": 11.0375,
    "LAD": 11.6125,
    "LAnFB": 11.6125,
    "LPR": 11.0375,
    "LQRSV": 11.3875,
    "LQT": 11.1625,
    "NSIVCB": 11.6125,
    "NSR": 9.8375,
    "PAC|SVPB": 11.4875,
    "PR": 11.6625,
    "PRWP": 11.3875,
    "PVC|VPB": 11.6625,
    "QAb": 8.0625,
    "RAD": 11.6125,
    "SA": 11.0375,
    "SB": 11.0375,
    "STach": 11.6625,
    "TAb": 10.4625,
    "TInv": 10.4625,
}


@pytest.fixture
def labels(rng):
    names = ["AF", "NSR", "LAD", "PVC|VPB", "QAb"]
    return [pd.DataFrame(rng.integers(0, 2, (40, 5)), columns=names) for _ in range(2)]


def loop_score(weights, truth, predicted, normal):
    """The definition, record by record and pair by pair; sets of class names per record."""

    def total(outputs):
        score = 0.0
        for true, output in zip(truth, outputs, strict=True):
            for t in true:
                for p in output:
                    score += weights.loc[t, p] / max(len(true | output), 1)
        return score

    inactive = total([{normal}] * len(truth))
    return (total(predicted) - inactive) / (total(truth) - inactive)


def as_sets(labels):
    return [set(labels.columns[row == 1]) for row in labels.to_numpy()]


def test_weights_are_the_published_ones():
    weights = challenge_weights(2021)
    for name, row in ROWS_2021.items():
        np.testing.assert_allclose(weights.loc[name, CLASSES_2021], row, rtol=0, atol=1e-12)
    for year, sums in ((2020, SUMS_2020), (2021, SUMS_2021)):
        weights = challenge_weights(year)
        pd.testing.assert_frame_equal(weights, weights.T)
        assert (np.diag(weights) == 1).all()
        assert weights.sum().round(10).to_dict() == sums


@pytest.mark.parametrize("year", [2020, 2021])
def test_classes_are_those_of_the_vocabulary(year):
    vocabulary = load_vocabulary("snomed")
    scored = set(vocabulary[f"challenge_{year}"]) - {""}
    assert set(challenge_weights(year).columns) == scored


@pytest.mark.parametrize("year", [2020, 2021])
def test_agrees_with_the_definition(labels, year):
    truth, predicted = labels
    expected = loop_score(challenge_weights(year), as_sets(truth), as_sets(predicted), "NSR")
    assert challenge_score(truth, predicted, weights=year) == pytest.approx(expected)
    # The order of the columns, and classes that nobody has, change nothing.
    order = ["QAb", "LAD", "AF", "NSR", "PVC|VPB"]
    assert challenge_score(truth[order], predicted[order], weights=year) == pytest.approx(expected)
    more = [frame.assign(STach=0) for frame in labels]
    assert challenge_score(*more, weights=year) == pytest.approx(expected)


def test_normal_need_be_none_of_the_labels(labels):
    truth, predicted = (frame.drop(columns="NSR") for frame in labels)
    expected = loop_score(challenge_weights(), as_sets(truth), as_sets(predicted), "NSR")
    assert challenge_score(truth, predicted) == pytest.approx(expected)


def test_ends_of_the_scale(labels):
    truth, _ = labels
    assert challenge_score(truth, truth) == 1
    inactive = truth * 0
    inactive["NSR"] = 1
    assert challenge_score(truth, inactive) == 0
    assert challenge_score(truth, 1 - truth) < 0


def test_weights_of_ones_own(labels, tmp_path):
    truth, predicted = labels
    own = challenge_weights(2020)
    expected = challenge_score(truth, predicted, weights=2020)
    own.to_csv(tmp_path / "weights.csv")
    for weights in (own, tmp_path / "weights.csv", str(tmp_path / "weights.csv")):
        assert challenge_score(truth, predicted, weights=weights) == pytest.approx(expected)
    array = own.loc[truth.columns, truth.columns].to_numpy()
    assert challenge_score(truth, predicted, weights=array) == pytest.approx(expected)
    bare = truth.to_numpy(), predicted.to_numpy()
    assert challenge_score(*bare, weights=array, normal=1) == pytest.approx(expected)
    # Not symmetric: rows are true, columns predicted.
    one_way = np.array([[1.0, 0.5], [0.0, 1.0]])
    scores = [
        challenge_score([[1, 0], [0, 1]], y, weights=one_way, normal=0)
        for y in ([[0, 1], [0, 1]], [[1, 0], [1, 0]])
    ]
    # One of (1/2) / |{0, 1}| + 1, the other of 1 + 0 / |{0, 1}|, above 1 + 0; at best 2.
    assert scores == [0.25, 0.0]


def test_unknown_labels_have_no_part(labels):
    truth, predicted = labels
    hidden = truth.copy()
    hidden.iloc[:10, 0] = -1
    without = [frame.copy() for frame in labels]
    for frame in without:
        frame.iloc[:10, 0] = 0
    expected = challenge_score(*without)
    assert challenge_score(hidden, predicted) == pytest.approx(expected)
    assert challenge_score(hidden, 1 - predicted) != pytest.approx(expected)
    # Unknown normality: there an inactive classifier earns nothing, as any other.
    hidden = truth.copy()
    hidden.loc[:, "NSR"] = -1
    flipped = predicted.assign(NSR=1 - predicted["NSR"])
    assert challenge_score(hidden, predicted) == pytest.approx(challenge_score(hidden, flipped))


def test_weight_2_is_a_record_twice(labels):
    truth, predicted = labels
    weight = np.arange(len(truth)) % 3
    rows = np.repeat(np.arange(len(truth)), weight)
    expected = challenge_score(truth.iloc[rows], predicted.iloc[rows])
    assert challenge_score(truth, predicted, sample_weight=weight) == pytest.approx(expected)


def test_from_snomed_codes():
    codes = [["426783006"], ["164889003", "59118001"], ["713427006"], ["63593006"]]
    truth, _ = codes_to_labels(codes, "snomed", by="challenge_2021")
    assert challenge_score(truth, truth) == 1
    # Complete and plain right bundle branch block are one.
    assert truth["CRBBB|RBBB"].tolist() == [0, 1, 1, 0]


def test_undefined_where_all_are_normal():
    truth = pd.DataFrame({"NSR": [1, 1], "AF": [0, 0]})
    with pytest.warns(UndefinedMetricWarning, match="undefined where predicting normal"):
        assert np.isnan(challenge_score(truth, truth))


def test_bad_input_says_what_to_do(labels):
    truth, predicted = labels
    bare = truth.to_numpy(), predicted.to_numpy()
    with pytest.raises(ValueError, match="have no names, so they cannot be matched"):
        challenge_score(*bare)
    with pytest.raises(ValueError, match=r"These labels have no weights: PVC\. Leave"):
        challenge_score(*(frame.rename(columns={"PVC|VPB": "PVC"}) for frame in labels))
    with pytest.raises(ValueError, match="normal='N' is not one of the classes AF, AFL"):
        challenge_score(truth, predicted, normal="N")
    with pytest.raises(ValueError, match=r"weights must have the shape \(5, 5\) for 5 labels"):
        challenge_score(*bare, weights=np.eye(4))
    with pytest.raises(ValueError, match="weights must be finite"):
        challenge_score(*bare, weights=np.full((5, 5), np.nan), normal=0)
    with pytest.raises(ValueError, match="same unique class names as rows and as columns"):
        challenge_score(truth, predicted, weights=challenge_weights().iloc[::-1])
    with pytest.raises(ValueError, match="year must be 2020 or 2021; got 2022"):
        challenge_score(truth, predicted, weights=2022)
    with pytest.raises(ValueError, match=r"y_pred holds unknown labels \(-1\)"):
        challenge_score(truth, predicted.replace(1, -1))
    with pytest.raises(ValueError, match="y_pred has the labels"):
        challenge_score(truth, predicted[predicted.columns[::-1]])
    with pytest.raises(ValueError, match="sample_weight must hold a finite number of at least 0"):
        challenge_score(truth, predicted, sample_weight=-np.ones(40))
