"""Work on large collections, a shard of records at a time, that an interruption does not undo."""

from sklearn_ecg.shards._run import iter_shards, run_shards
from sklearn_ecg.shards._steps import CleanLabels, MeasureFeatures, PredictLabels

__all__ = ["CleanLabels", "MeasureFeatures", "PredictLabels", "iter_shards", "run_shards"]
