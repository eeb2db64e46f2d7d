import numpy as np
from numpy.testing import assert_allclose

from sklearn_ecg.cleaning._patterns import Pattern


def test_pattern_contains_what_lies_within_three_deviations():
    pattern = Pattern(0, True, "trusted", np.zeros(2), np.array([1.0, 4.0]), np.arange(3))
    X = np.array([[2.9, -5.9], [3.1, 0.0], [0.0, 6.1]])
    assert pattern.contains(X).tolist() == [True, False, False]
    assert_allclose(pattern.distance(np.array([[1.0, 2.0]])), 1)
