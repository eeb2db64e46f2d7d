"""Shards within Spark's mapInPandas, one of whose workers is killed."""

import shutil
import sys

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from steps import Kept, KilledOnce, Telling

from sklearn_ecg.shards import MeasureFeatures, run_shards

pytest.importorskip("pyspark", reason="needs the extra: pip install sklearn_ecg[distributed]")
if shutil.which("java") is None:
    pytest.skip("Spark needs Java", allow_module_level=True)


@pytest.fixture(scope="module")
def spark(importable):
    """Two workers of one thread; as on a cluster, a task that fails is tried again."""
    from pyspark.sql import SparkSession

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        builder = SparkSession.builder.master("local[2, 4]").config("spark.ui.enabled", "false")
        session = builder.config("spark.driver.bindAddress", "127.0.0.1").getOrCreate()
        yield session
        session.stop()


def run_on_spark(spark, step, records):
    from spark_map_in_pandas import run_on_spark

    table = run_on_spark(spark, step, records, shard_size=4).toPandas().set_index("id")
    return table.loc[pd.Index(records.ids)]


def test_a_killed_worker_is_replaced(work, archive, tmp_path, spark):
    step, expected = work
    mortal = KilledOnce(step, tmp_path)
    found = run_on_spark(spark, mortal, archive)
    assert mortal.has_killed
    assert_frame_equal(found, expected)


def test_a_worker_has_one_thread_and_loads_a_model_once(archive, model, spark):
    table = run_on_spark(spark, Telling(model), archive)
    assert (table["most_threads"] == 1).all()
    assert (table.groupby("process")["loads"].nunique() == 1).all()


def test_what_spark_has_kept_is_not_made_again(archive, tmp_path, spark):
    step = MeasureFeatures()
    found = run_on_spark(spark, Kept(step, tmp_path), archive)
    shards = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*/*.npz")}
    table = run_shards(step, archive, tmp_path)
    assert_frame_equal(found, table)
    assert shards == {path: path.stat().st_mtime_ns for path in tmp_path.glob("*/*.npz")}


def test_the_example_finds_what_one_process_finds(run_example):
    assert run_example("spark_map_in_pandas") == ["True", "True"]
