"""Tests of bringing records to one length."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_ecg.preprocessing import FixedLength
from sklearn_ecg.records import ECGRecords


@pytest.mark.parametrize(
    ("align", "longer", "shorter"),
    [
        ("start", [0, 1, 2, 3], [7, 8, 0, 0]),
        ("center", [1, 2, 3, 4], [0, 7, 8, 0]),
        ("end", [2, 3, 4, 5], [0, 0, 7, 8]),
    ],
)
def test_what_is_kept_and_where_it_stands(align, longer, shorter):
    records = ECGRecords([np.arange(6.0)[None], np.array([[7.0, 8.0]])])
    fixed = FixedLength(4, align=align).fit_transform(records)
    assert_array_equal(fixed.signals, [[longer], [shorter]])


def test_duration_and_missing_as_nan():
    records = ECGRecords(np.ones((2, 1, 300)), 100)
    fixed = FixedLength(duration_s=5, pad_value=np.nan).fit_transform(records)
    assert fixed.n_times == 500
    assert np.isnan(fixed.signals).sum() == 2 * 200


def test_plain_arrays_of_both_shapes(rng):
    signals = rng.normal(size=(3, 2, 100))
    assert_array_equal(FixedLength(60, align="start").fit_transform(signals), signals[..., :60])
    assert_array_equal(
        FixedLength(60, align="start").fit_transform(signals[:, 0]), signals[:, 0, :60]
    )


@pytest.mark.parametrize("lengths", [{}, {"n_times": 10, "duration_s": 1.0}])
def test_exactly_one_length(rng, lengths):
    with pytest.raises(ValueError, match="Exactly one of n_times and duration_s"):
        FixedLength(**lengths).fit(rng.normal(size=(3, 2, 100)))
    with pytest.raises(ValueError, match="Exactly one of n_times and duration_s"):
        FixedLength(**lengths).fit(ECGRecords(rng.normal(size=(3, 2, 100)), 100))
