"""Shards on Ray's workers, one of which is killed."""

import os

import joblib
import pytest
from pandas.testing import assert_frame_equal
from steps import KilledOnce, Telling

from sklearn_ecg.shards import run_shards

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
ray = pytest.importorskip("ray", reason="needs the extra: pip install sklearn_ecg[distributed]")


@pytest.fixture(scope="module")
def on_ray(importable):
    """Two worker processes, on which joblib works."""
    from ray.util.joblib import register_ray

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    register_ray()
    retrying = {"max_restarts": -1, "max_task_retries": 3}
    with joblib.parallel_config("ray", n_jobs=-1, ray_remote_args=retrying):
        yield
    ray.shutdown()


def test_a_killed_worker_is_replaced(work, archive, tmp_path, on_ray):
    step, expected = work
    mortal = KilledOnce(step, tmp_path)
    assert_frame_equal(run_shards(mortal, archive, tmp_path / "night", shard_size=4), expected)
    assert mortal.has_killed


@pytest.mark.parametrize("work", ["features"], indirect=True)
def test_where_ray_was_not_told_to_retry_the_same_call_goes_on(work, archive, tmp_path, on_ray):
    step, expected = work
    mortal = KilledOnce(step, tmp_path)
    options = {"folder": tmp_path / "night", "shard_size": 4}
    with joblib.parallel_config("ray", n_jobs=-1):
        with pytest.raises(ray.exceptions.RayActorError):
            run_shards(mortal, archive, **options)
        assert_frame_equal(run_shards(mortal, archive, **options), expected)


def test_a_worker_has_one_thread_and_loads_a_model_once(archive, model, tmp_path, on_ray):
    table = run_shards(Telling(model), archive, tmp_path, shard_size=4)
    assert (table["most_threads"] == 1).all()
    assert (table.groupby("process")["loads"].nunique() == 1).all()


def test_the_example_finds_what_one_process_finds(run_example):
    assert run_example("ray_cluster") == ["True", "True"]
