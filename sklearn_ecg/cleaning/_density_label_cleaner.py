"""DensityLabelCleaner: neighbours vote, by rules that depend on their density."""

import numbers

import joblib
import numpy as np
from sklearn.neighbors import NearestNeighbors

from sklearn_ecg.cleaning._base import BaseLabelCleaner
from sklearn_ecg.cleaning._decisions import Decisions
from sklearn_ecg.cleaning._filter import (
    filter_labels,
    find_learned,
    removal_rates,
    teaching_records,
)
from sklearn_ecg.cleaning._scaling import FeatureScaling
from sklearn_ecg.utils import HasMethods, Interval, announce


class DensityLabelCleaner(BaseLabelCleaner):
    """Remove given labels that a record's neighbours do not share (data distribution filtering).

    The neighbourhood of a record is a region of high or of low density, and each kind has its own
    rule. In a dense region, at least half of the neighbours must have the label. In a sparse region
    one of ten neighbours is enough, because rare labels must not be taken for errors. The cleaner
    removes labels, and never adds any.

    Parameters
    ----------
    n_neighbors : int, default=10
        Number of neighbours of a record.
    dense_support : float, default=0.5
        Least share of neighbours with the label to keep it in a dense region.
    sparse_support : float, default=0.1
        The same in a sparse region.
    features : transformer, default=None
        Turns signals into a table of features; by default `ECGFeatureExtractor()`. It is not used
        if the input is a table.
    use_trusted : bool, default=True
        Whether trusted records are neighbours too. The published method has no trusted records.
    memory : str or joblib.Memory, default=None
        Stores the features of signals.
    n_jobs : int, default=None
        Number of threads that search for neighbours.
    verbose : int, default=0
        If positive, writes the name of each stage, and shows progress bars.

    Attributes
    ----------
    labels_ : ndarray of int8 of shape (n_records, n_labels)
        The labels of the records of `fit`, without removed ones.
    provenance_ : ndarray of str of shape (n_records, n_labels)
        "trusted", "confirmed", "removed", or "undecided" for labels that could not be judged.
    confidence_ : ndarray of shape (n_records, n_labels)
        Share of the neighbours that agree with the cleaned label; not a calibrated probability.
    undecided_ : DataFrame
        The review list of labels that are unknown (-1) or could not be judged: id, label, weak,
        probability (share of neighbours with the label), errors_resolved (the smaller share).
    noise_rates_ : DataFrame
        Per label ``wrong``, the share of removed labels among the weak records without the label.
        ``missing`` is NaN, because the cleaner does not search for missing labels.
    label_names_ : ndarray of str of shape (n_labels,)
        Names of the labels.
    learned_ : ndarray of bool of shape (n_labels,)
        Whether the label had enough examples; other labels do not change.
    n_features_in_ : int
        ``X.shape[1]``: the number of leads, of samples, or of features of a table.

    See Also
    --------
    sklearn_ecg.AFPLabelCleaner : Also adds missing labels, and weighs the weak label as evidence.
    CrossValidationLabelCleaner : Classifiers vote in place of neighbours.

    Notes
    -----
    The method was published in [1]_, and [2]_ compares its own with it. Both say that
    neighbourhoods are regions of high or low density, and that each kind has its own rule. Neither
    gives formulas in the texts at hand. These parts are reconstructions:

    * The density is the inverse of the mean Euclidean distance to the neighbours, over features in
      units of their range.
    * A region is dense if its density reaches the mean density of the neighbours.
    * The rules are the two thresholds above.
    * With several labels, all labels share the neighbourhoods, and each is judged alone.

    References
    ----------
    .. [1] Chen, Wang, Jiang, Label noise filtering based on the data distribution. Journal of
       Tsinghua University (Science and Technology) 59(4), 262-269 (2019).
    .. [2] Han et al., Label cleaning for ECG data based on abnormality feature patterns. Journal
       of Computer Research and Development 60(11) (2023), section 5.3.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_ecg.cleaning import DensityLabelCleaner
    >>> rng = np.random.default_rng(0)
    >>> truth = rng.integers(0, 2, size=(300, 1))
    >>> X = rng.normal(3 * truth, 0.5, size=(300, 4))
    >>> trusted = np.arange(300) < 100
    >>> weak = truth.copy()
    >>> weak[100:116] = 1  # some of them wrongly
    >>> cleaner = DensityLabelCleaner().fit(X, weak, trusted=trusted)
    >>> (weak != truth).sum(), (cleaner.labels_ != truth).sum()
    (np.int64(8), np.int64(3))
    """

    _parameter_constraints = {
        "n_neighbors": [Interval(numbers.Integral, 1, None, closed="left")],
        "dense_support": [Interval(numbers.Real, 0, 1, closed="both")],
        "sparse_support": [Interval(numbers.Real, 0, 1, closed="both")],
        "features": [HasMethods(["fit", "transform"]), None],
        "use_trusted": ["boolean"],
        "memory": [str, joblib.Memory, None],
        "n_jobs": [numbers.Integral, None],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        n_neighbors=10,
        *,
        dense_support=0.5,
        sparse_support=0.1,
        features=None,
        use_trusted=True,
        memory=None,
        n_jobs=None,
        verbose=0,
    ):
        self.n_neighbors = n_neighbors
        self.dense_support = dense_support
        self.sparse_support = sparse_support
        self.features = features
        self.use_trusted = use_trusted
        self.memory = memory
        self.n_jobs = n_jobs
        self.verbose = verbose

    def _fit(self, table, labels, trusted, answered, groups, sources):
        weak, teaches = teaching_records(trusted, use_trusted=self.use_trusted)
        self.learned_ = find_learned(labels[teaches], self.label_names_)
        self._scaling = FeatureScaling.learn(table)
        if self.learned_.any():
            verdict = self._find_neighbours(self._scaling.standardise(table), labels, weak, teaches)
            decisions = filter_labels(labels[weak], *verdict)
        else:
            decisions = Decisions.keeping(labels[weak], trusted[weak])
        self._noise_rates = removal_rates(decisions, self.learned_ & ~trusted[weak])
        return decisions

    def _clean(self, table, weak, sources):
        found = self._neighbours.kneighbors(self._scaling.standardise(table))
        return filter_labels(weak, *self._apply_rules(*found))

    def _find_neighbours(self, X, labels, weak, teaches):
        """Find the neighbours of the training records, and judge the weak ones."""
        announce("Finding neighbours", self.verbose)
        self._taught = labels[teaches]
        self._taught_X = X[teaches]
        self._index()
        # Without an argument, no record is a neighbour of itself.
        distances, found = self._neighbours.kneighbors()
        self._distances = distances.mean(axis=1)
        judged = weak[teaches]
        return self._apply_rules(distances[judged], found[judged])

    def _index(self):
        n_neighbors = min(self.n_neighbors, len(self._taught) - 1)
        self._neighbours = NearestNeighbors(n_neighbors=n_neighbors, n_jobs=self.n_jobs)
        self._neighbours.fit(self._taught_X)

    # The index is not saved but made again: a manipulated file could make its compiled code read
    # any memory.
    def __getstate__(self):
        return {
            name: value for name, value in super().__getstate__().items() if name != "_neighbours"
        }

    def __setstate__(self, state):
        super().__setstate__(state)
        if hasattr(self, "_taught_X"):
            self._index()

    def _apply_rules(self, distances, neighbours):
        own = distances.mean(axis=1)
        theirs = self._distances[neighbours]
        # The density of equal records, with distance 0, is infinite.
        with np.errstate(divide="ignore"):
            dense = 1 / own >= (1 / theirs).mean(axis=1)
        known = self._taught[neighbours] != -1
        carriers = (self._taught[neighbours] == 1).sum(axis=1)
        n_known = known.sum(axis=1)
        support = np.divide(carriers, n_known, out=np.full(n_known.shape, 0.5), where=n_known > 0)
        needed = np.where(dense, self.dense_support, self.sparse_support)
        return support, (support < needed[:, np.newaxis]) & (n_known > 0)
