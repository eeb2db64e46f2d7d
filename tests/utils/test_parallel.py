"""Results of workers of any kind."""

import joblib
import pytest
from sklearn.utils.parallel import delayed

from sklearn_ecg.utils import in_parallel


@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing"])
def test_results_come_in_order_from_workers_of_any_kind(backend):
    with joblib.parallel_config(backend=backend):
        assert list(in_parallel((delayed(abs)(-i) for i in range(3)), n_jobs=1)) == [0, 1, 2]
    with joblib.parallel_config(backend=backend):
        found = in_parallel((delayed(abs)(-i) for i in range(3)), n_jobs=None, prefer="threads")
        assert list(found) == [0, 1, 2]
