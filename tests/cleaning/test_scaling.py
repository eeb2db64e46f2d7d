import numpy as np

from sklearn_ecg import AFPLabelCleaner
from sklearn_ecg.mixture import DirichletProcessGaussianMixture


def test_units_of_features_do_not_matter(table):
    X, _, weak, trusted = table
    units = np.array([1e-9, 1e-3, 1.0, 1e3, 1e45, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    mixture = DirichletProcessGaussianMixture(n_components=3)
    plain, scaled = (
        AFPLabelCleaner(mixture=mixture, max_iter=1, random_state=0)
        .fit(features, weak, trusted=trusted)
        .labels_
        for features in (X, X * units)
    )
    assert (plain == scaled).mean() > 0.99


def test_a_lone_value_far_from_all_others_does_not_stop_cleaning(table):
    X, weak, trusted = (part[:200] for part in (table[0], table[2], table[3]))
    mixture = DirichletProcessGaussianMixture(n_components=1)
    cleaner = AFPLabelCleaner(mixture=mixture, max_iter=1, random_state=0)
    lone = X.copy()
    lone[:, 0], lone[7, 0] = 0, 1e300
    lone[8, 1] = -1e45
    cleaner.fit(lone, weak, trusted=trusted)
    assert (cleaner.labels_[~trusted] != weak[~trusted]).any()
    assert cleaner.clean(lone[:9] * 10, weak[:9]).labels.shape == (9, 4)
