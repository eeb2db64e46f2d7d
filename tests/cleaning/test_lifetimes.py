import numpy as np
from numpy.testing import assert_allclose

from sklearn_ecg.cleaning._lifetimes import lifetimes, mean_path_length


def test_common_records_have_longer_paths(rng):
    X = np.r_[rng.normal(0, 0.1, (200, 3)), [[3.0, 3.0, 3.0]]]
    paths = mean_path_length(X, random_state=0)
    assert paths[-1] == paths.min()
    assert paths[-1] < 0.6 * np.median(paths)


def test_path_length_is_that_of_the_trees(rng):
    X = rng.uniform(size=(256, 1))
    paths = mean_path_length(X, random_state=0)
    # A path is as long as a search in a random tree, 2 H(n - 1) - 2 (n - 1) / n on average.
    assert_allclose(paths.mean(), 2 * (np.log(255) + np.euler_gamma) - 2 * 255 / 256, rtol=0.1)


def test_lifetime_is_the_formula():
    found = lifetimes(np.array([2.0, 4.0, 4.0]), np.array([1, 3, 0]), 0.5)
    assert found.tolist() == [1, 2, 0]  # ceil(0.5*1*4/2), ceil(0.5*3*4/4), 0
