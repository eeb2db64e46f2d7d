"""F-beta and G-beta against a loop over records, and scikit-learn where both must agree."""

import numpy as np
import pytest
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import fbeta_score, jaccard_score

from sklearn_ecg.metrics import challenge_fbeta_score, challenge_gbeta_score


def loop_counts(y_true, y_pred):
    """TP, FP and FN of each label, record by record, as the definition has them."""
    counts = np.zeros((3, y_true.shape[1]))
    for truth, predicted in zip(y_true, y_pred, strict=True):
        share = 1 / max(int((truth == 1).sum()), 1)
        for k, (t, p) in enumerate(zip(truth, predicted, strict=True)):
            if t == 1 and p == 1:
                counts[0, k] += share
            elif t == 0 and p == 1:
                counts[1, k] += share
            elif t == 1 and p == 0:
                counts[2, k] += share
    return counts


@pytest.mark.parametrize("beta", [0.5, 2.0])
def test_agree_with_the_definition(rng, beta):
    y_true, y_pred = rng.integers(-1, 2, (60, 4)), rng.integers(0, 2, (60, 4))
    y_true[0] = 0
    tp, fp, fn = loop_counts(y_true, y_pred)
    f = (1 + beta**2) * tp / ((1 + beta**2) * tp + fp + beta**2 * fn)
    g = tp / (tp + fp + beta * fn)
    arguments = {"beta": beta, "average": None}
    np.testing.assert_allclose(challenge_fbeta_score(y_true, y_pred, **arguments), f)
    np.testing.assert_allclose(challenge_gbeta_score(y_true, y_pred, **arguments), g)
    assert challenge_fbeta_score(y_true, y_pred, beta=beta) == pytest.approx(f.mean())
    assert challenge_gbeta_score(y_true, y_pred, beta=beta) == pytest.approx(g.mean())


def test_agree_with_scikit_learn_where_records_have_one_label(rng):
    y_true = np.eye(4, dtype=int)[rng.integers(0, 4, 80)]
    y_pred = rng.integers(0, 2, y_true.shape)
    expected = fbeta_score(y_true, y_pred, beta=2, average="macro")
    assert challenge_fbeta_score(y_true, y_pred) == pytest.approx(expected)
    expected = jaccard_score(y_true, y_pred, average="macro")
    assert challenge_gbeta_score(y_true, y_pred, beta=1) == pytest.approx(expected)
    # Else they differ: a hit in a record of two labels counts half.
    assert challenge_fbeta_score([[1, 1], [1, 0]], [[1, 1], [0, 0]], average=None)[0] != (
        pytest.approx(fbeta_score([1, 1], [1, 0], beta=2))
    )


def test_weight_2_is_a_record_twice(rng):
    y_true, y_pred = rng.integers(0, 2, (30, 3)), rng.integers(0, 2, (30, 3))
    weight = np.arange(30) % 3
    rows = np.repeat(np.arange(30), weight)
    for score in (challenge_fbeta_score, challenge_gbeta_score):
        expected = score(y_true[rows], y_pred[rows])
        assert score(y_true, y_pred, sample_weight=weight) == pytest.approx(expected)


@pytest.mark.parametrize("score", [challenge_fbeta_score, challenge_gbeta_score])
def test_a_label_that_nobody_has_or_predicts(score):
    y_true, y_pred = [[1, 0], [1, 0], [0, 0]], [[1, 0], [0, 0], [0, 0]]
    scores = score(y_true, y_pred, average=None)
    assert np.isnan(scores).tolist() == [False, True]
    with pytest.warns(UndefinedMetricWarning, match="1 of 2 labels are neither present nor"):
        assert score(y_true, y_pred) == scores[0]


def test_bad_parameters():
    with pytest.raises(ValueError, match="beta must be positive; got 0"):
        challenge_fbeta_score([[1]], [[1]], beta=0)
    with pytest.raises(ValueError, match="average must be 'macro' or None; got 'micro'"):
        challenge_gbeta_score([[1]], [[1]], average="micro")
    with pytest.raises(ValueError, match="y_pred has 2 labels, but y_true has 1"):
        challenge_gbeta_score([[1]], [[1, 0]])
