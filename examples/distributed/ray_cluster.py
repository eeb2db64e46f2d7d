"""Measure features and predict labels on the workers of a Ray cluster.

``pip install sklearn_ecg[distributed]``, then ``python examples/distributed/ray_cluster.py``. On a
cluster of several machines give `ray.init` its address, and let all folders lie where every machine
sees them.
"""

import os
import tempfile
from pathlib import Path

import joblib
import ray
from ray.util.joblib import register_ray
from simulated_archive import make_archive

from sklearn_ecg.datasets import load_wfdb
from sklearn_ecg.shards import MeasureFeatures, PredictLabels, run_shards


def main():
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # or Ray reports its use to its makers
    ray.init(num_cpus=2, include_dashboard=False)
    register_ray()
    with tempfile.TemporaryDirectory() as folder:
        archive, model = make_archive(folder)
        records = load_wfdb(archive)
        for step in (MeasureFeatures(), PredictLabels(model)):
            with joblib.parallel_config("ray", n_jobs=-1):
                table = run_shards(step, records, Path(folder) / "by_ray")
            alone = run_shards(step, records, Path(folder) / "alone")
            print(f"{type(step).__name__}: as one process finds: {table.equals(alone)}")
    ray.shutdown()


if __name__ == "__main__":
    main()
