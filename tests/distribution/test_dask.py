"""Shards on Dask's workers, one of which is killed."""

import joblib
import pytest
from pandas.testing import assert_frame_equal
from steps import KilledOnce, Telling

from sklearn_ecg.shards import run_shards

distributed = pytest.importorskip(
    "distributed", reason="needs the extra: pip install sklearn_ecg[distributed]"
)


@pytest.fixture(scope="module")
def on_dask():
    """A cluster of three worker processes, one thread each, on which joblib works."""
    with (
        distributed.LocalCluster(
            n_workers=3, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
        joblib.parallel_config(backend="dask"),
    ):
        yield client


def test_a_killed_worker_is_replaced(work, archive, tmp_path, on_dask):
    step, expected = work
    mortal = KilledOnce(step, tmp_path)
    assert_frame_equal(run_shards(mortal, archive, tmp_path / "night", shard_size=4), expected)
    assert mortal.has_killed


def test_a_worker_has_one_thread_and_loads_a_model_once(archive, model, tmp_path, on_dask):
    table = run_shards(Telling(model), archive, tmp_path, shard_size=4)
    assert (table["most_threads"] == 1).all()
    assert (table.groupby("process")["loads"].nunique() == 1).all()
    assert table["process"].nunique() > 1


def test_the_example_finds_what_one_process_finds(run_example):
    assert run_example("dask_cluster") == ["True", "True"]
