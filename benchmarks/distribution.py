"""How much faster several workers measure features: joblib's processes, Dask's and Ray's.

Simulated records of 12 leads, 10 s at 500 Hz, in WFDB files, by `run_shards`, in shards of 16 into
an empty folder. Workers have a thread each; they have measured one shard each before the clock
starts, but Ray starts its workers anew for each call, and is timed with their start; those of Dask
keep their memory (docs/distributed.md). Each round
times the workers, then one process of one thread; shown are medians, and in brackets the least and
the most.
"""

import argparse
import contextlib
import os
import tempfile
import time
from pathlib import Path

import joblib
import pandas as pd
from threadpoolctl import threadpool_limits

from benchmarks._report import Results, explanation, grid, to_markdown
from sklearn_ecg.datasets import load_wfdb, make_ecg_records, write_ecg_files
from sklearn_ecg.shards import MeasureFeatures, run_shards

_SHARD_SIZE = 16


def main():
    arguments = parse_arguments()
    n_records, n_rounds = (32, 1) if arguments.quick else (640, arguments.rounds)
    results = Results(
        arguments.page or f"distribution{'_quick' * arguments.quick}",
        "distribution",
        ["engine", "workers", "round"],
        about={"records": f"{n_records} records"},
        packages=("joblib", "distributed", "ray"),
        fresh=arguments.fresh,
    )
    with tempfile.TemporaryDirectory() as folder:
        records = write_records(Path(folder) / "archive", n_records)
        for name in arguments.engines:
            settings = grid(engine=[name], workers=[arguments.workers], round=range(n_rounds))
            if todo := results.unmeasured(settings):
                with ENGINES[name](arguments.workers):
                    seconds_of(
                        records[: _SHARD_SIZE * arguments.workers], folder, arguments.workers
                    )
                    for setting in todo:
                        shared = seconds_of(records, folder, arguments.workers)
                        with joblib.parallel_config("loky"), threadpool_limits(1):
                            alone = seconds_of(records, folder, 1)
                        results.add(setting | {"seconds": shared, "alone_s": alone})
    results.show("Features by several workers", lambda: describe(results.rows, n_records))


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="32 records, one round")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--engines", nargs="+", default=list(ENGINES), choices=list(ENGINES))
    parser.add_argument("--page", help="write docs/results/PAGE instead of the usual page")
    parser.add_argument("--fresh", action="store_true", help="measure again what was measured")
    return parser.parse_args()


def write_records(folder, n_records):
    write_ecg_files(make_ecg_records(n_records, random_state=0), folder)
    return load_wfdb(folder)


def seconds_of(records, folder, n_jobs):
    with tempfile.TemporaryDirectory(dir=folder) as shards:
        started = time.perf_counter()
        run_shards(MeasureFeatures(), records, shards, shard_size=_SHARD_SIZE, n_jobs=n_jobs)
        return time.perf_counter() - started


# By default a worker gives memory back to the system after each array, and gets it anew.
_KEEP_MEMORY = {
    f"distributed.nanny.pre-spawn-environ.MALLOC_{name}_THRESHOLD_": 2**30
    for name in ("MMAP", "TRIM")
}


@contextlib.contextmanager
def on_dask(n_workers):
    import dask
    from distributed import Client, LocalCluster

    dask.config.set(_KEEP_MEMORY)
    options = {"n_workers": n_workers, "threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(**options) as cluster, Client(cluster), joblib.parallel_config("dask"):
        yield


@contextlib.contextmanager
def on_ray(n_workers):
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray
    from ray.util.joblib import register_ray

    ray.init(num_cpus=n_workers, include_dashboard=False, log_to_driver=False)
    register_ray()
    with joblib.parallel_config("ray", n_jobs=n_workers):
        yield
    ray.shutdown()


ENGINES = {"joblib": lambda _: joblib.parallel_config("loky"), "Dask": on_dask, "Ray": on_ray}


def describe(rows, n_records):
    rows = pd.DataFrame(rows).rename(columns={"alone_s": "seconds of one process"})
    rows["records per second"] = n_records / rows["seconds"]
    rows["times as fast"] = rows["seconds of one process"] / rows["seconds"]
    table = rows.drop(columns=["round", "run"]).groupby(["engine", "workers"], sort=False).agg(said)
    text = to_markdown(table.reset_index(), index=False)
    return f"{explanation(__doc__)}\n{n_records} records.\n\n{text}"


def said(values):
    return f"{values.median():.2f} ({values.min():.2f} to {values.max():.2f})"


if __name__ == "__main__":
    main()
