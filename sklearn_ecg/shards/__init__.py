"""Work on large collections in shards of records; an interrupted run can go on."""

from sklearn_ecg.shards._run import iter_shards, run_shards
from sklearn_ecg.shards._steps import CleanLabels, MeasureFeatures, PredictLabels

__all__ = ["CleanLabels", "MeasureFeatures", "PredictLabels", "iter_shards", "run_shards"]
