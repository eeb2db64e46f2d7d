"""Workers of one machine: what each of them has, and what is left when one is killed."""

import pytest
from pandas.testing import assert_frame_equal
from steps import KilledOnce, Telling

from sklearn_ecg.shards import run_shards


@pytest.mark.parametrize("work", ["features"], indirect=True)
def test_a_killed_worker_costs_its_shards_alone(work, archive, tmp_path):
    step, expected = work
    mortal = KilledOnce(step, tmp_path)
    options = {"shard_size": 4, "n_jobs": 2}
    with pytest.raises(RuntimeError, match=r"killed.* \d of 10 shards are made .*: call again"):
        run_shards(mortal, archive, tmp_path / "night", **options)
    assert mortal.has_killed
    assert_frame_equal(run_shards(mortal, archive, tmp_path / "night", **options), expected)


def test_a_worker_has_one_thread_and_loads_a_model_once(archive, model, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    monkeypatch.setenv("MKL_NUM_THREADS", "2")
    table = run_shards(Telling(model), archive, tmp_path, shard_size=4, n_jobs=2)
    assert (table["most_threads"] == 1).all()
    assert (table.groupby("process")["loads"].nunique() == 1).all()
