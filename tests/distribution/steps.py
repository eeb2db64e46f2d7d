"""Steps that are killed, or that tell of the worker they run in. Workers import this file."""

import os
import signal
from pathlib import Path

from threadpoolctl import threadpool_info

from sklearn_ecg.shards import _steps, run_shards


class KilledOnce:
    """A step whose process is killed in the third shard that any worker begins, and never again."""

    def __init__(self, step, folder):
        self.step = step
        self.settings = {"killed": type(step).__name__}
        self.folder = Path(folder)

    def __call__(self, records):
        frame = self.step(records)
        for number in range(3):
            try:
                (self.folder / f"began_{number}").touch(exist_ok=False)
            except FileExistsError:
                continue
            if number == 2:
                os.kill(os.getpid(), signal.SIGKILL)
            break
        return frame

    @property
    def has_killed(self):
        return (self.folder / "began_2").exists()


class Kept:
    """A step that keeps what it finds in a folder."""

    def __init__(self, step, folder):
        self.step = step
        self.folder = folder

    def __call__(self, records):
        return run_shards(self.step, records, self.folder).reset_index(drop=True)


class Telling(_steps.PredictLabels):
    """A step that tells its process, how often a model was loaded in it, and its threads."""

    def __call__(self, records):
        import torch

        before = torch.get_num_threads()
        frame = super().__call__(records)
        return frame.assign(
            process=os.getpid(),
            loads=_steps._load_classifier.cache_info().misses,
            most_threads=max([before, *(pool["num_threads"] for pool in threadpool_info())]),
        )
