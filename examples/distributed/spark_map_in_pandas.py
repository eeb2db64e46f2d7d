"""Measure features and predict labels by Spark, a shard of records at a time.

``pip install sklearn_ecg[distributed]``, then
``python examples/distributed/spark_map_in_pandas.py``; Spark needs Java. A row of the DataFrame is
a shard: lazy records, which hold no signals and know where these lie.
"""

import pickle
import tempfile

import pandas as pd
from pyspark.sql import SparkSession
from simulated_archive import make_archive

from sklearn_ecg.datasets import load_wfdb
from sklearn_ecg.shards import MeasureFeatures, PredictLabels


def run_on_spark(spark, step, records, shard_size=16):
    """Return a Spark DataFrame with a row for each record."""

    def run(frames):
        for frame in frames:
            for shard in map(pickle.loads, frame["shard"]):
                yield step(shard).assign(id=shard.ids)

    starts = range(0, len(records), shard_size)
    shards = [pickle.dumps(records[start : start + shard_size]) for start in starts]
    columns = spark.createDataFrame(step(records[:1]).assign(id="")).schema
    rows = spark.createDataFrame(pd.DataFrame({"shard": shards}))
    return rows.repartition(len(shards)).mapInPandas(run, columns)


def main():
    spark = SparkSession.builder.master("local[2]").getOrCreate()
    with tempfile.TemporaryDirectory() as folder:
        archive, model = make_archive(folder)
        records = load_wfdb(archive)
        for step in (MeasureFeatures(), PredictLabels(model)):
            alone = step(records).set_index(pd.Index(records.ids, name="id"))
            table = run_on_spark(spark, step, records).toPandas().set_index("id").loc[alone.index]
            print(f"{type(step).__name__}: as one process finds: {table.equals(alone)}")
    spark.stop()


if __name__ == "__main__":
    main()
