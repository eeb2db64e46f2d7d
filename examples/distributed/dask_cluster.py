"""Measure features and predict labels on the workers of a Dask cluster.

``pip install sklearn_ecg[distributed]``, then ``python examples/distributed/dask_cluster.py``. On a
cluster of several machines give `Client` the scheduler's address, and let all folders lie where
every machine sees them.
"""

import tempfile
from pathlib import Path

import dask
import joblib
from distributed import Client, LocalCluster
from simulated_archive import make_archive

from sklearn_ecg.datasets import load_wfdb
from sklearn_ecg.shards import MeasureFeatures, PredictLabels, run_shards


def main():
    # Else a worker gives memory back to the system after each array, and takes twice the time.
    for name in ("MMAP", "TRIM"):
        dask.config.set({f"distributed.nanny.pre-spawn-environ.MALLOC_{name}_THRESHOLD_": 2**30})
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster),
    ):
        archive, model = make_archive(folder)
        records = load_wfdb(archive)
        for step in (MeasureFeatures(), PredictLabels(model)):
            with joblib.parallel_config("dask"):
                table = run_shards(step, records, Path(folder) / "by_dask")
            alone = run_shards(step, records, Path(folder) / "alone")
            print(f"{type(step).__name__}: as one process finds: {table.equals(alone)}")


if __name__ == "__main__":
    main()
