"""DensityLabelCleaner: neighbours vote, by rules that depend on how densely they lie."""

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

    Every record's neighbourhood is a region of high or of low density, and each kind has its own
    rule. In a dense region most neighbours must have the label. In a sparse one, where what is
    rare is easily taken for wrong, a single neighbour is enough. Labels are removed and never
    added.

    Parameters
    ----------
    n_neighbors : int, default=10
        Neighbours of a record.
    dense_support : float, default=0.5
        Least share of neighbours with the label for it to stay in a dense region.
    sparse_support : float, default=0.1
        The same in a sparse region.
    features : transformer, default=None
        Makes a feature table of signals; by default `ECGFeatureExtractor()`. It does not run for
        input that is a table already.
    use_trusted : bool, default=True
        Whether trusted records are neighbours too. The published method has none.
    memory : str or joblib.Memory, default=None
        Keeps the features of signals.
    n_jobs : int, default=None
        Threads that look for neighbours.
    verbose : int, default=0
        Progress of feature extraction if positive.

    Attributes
    ----------
    labels_ : ndarray of int8 of shape (n_records, n_labels)
        The labels of the records of `fit` without those removed.
    provenance_ : ndarray of str of shape (n_records, n_labels)
        "trusted", "confirmed", "removed", or "undecided" for what could not be judged.
    confidence_ : ndarray of shape (n_records, n_labels)
        Share of the neighbours that agree with the cleaned label; not a calibrated probability.
    undecided_ : DataFrame
        Unknown labels (-1) and what could not be judged: id, label, weak, probability (share
        of neighbours with the label).
    noise_rates_ : DataFrame
        For each label ``wrong``, the share removed among weak records without it; ``missing``
        is NaN, since a filter does not look for missing labels.
    label_names_ : ndarray of str of shape (n_labels,)
    learned_ : ndarray of bool of shape (n_labels,)
        Whether the label had enough examples; the others are kept as they are.
    n_features_in_ : int

    See Also
    --------
    sklearn_ecg.AFPLabelCleaner : Adds missing labels too, and weighs the weak label as evidence.
    CrossValidationLabelCleaner : Asks classifiers in the place of neighbours.

    Notes
    -----
    The method is that of [1]_, to which [2]_ compares its own. Both say that neighbourhoods are
    split into regions of high and of low density, by how the neighbours lie, and that each kind
    has a filter rule of its own; neither of the texts at hand gives formulas. Reconstructed are
    therefore: the density, which is the inverse of the mean Euclidean distance to the neighbours,
    over features in units of their range; the split, by whether it reaches the mean of the
    neighbours' own densities; both rules and their thresholds; and the multi-label form, label
    by label over neighbourhoods that all labels share.

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
        """Find the neighbours of the records that teach, and judge the weak ones by theirs."""
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

    # The index is made again: it is compiled code's, which a file could bring to read anywhere.
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
        # Equal records lie at distance 0 and are as dense as can be.
        with np.errstate(divide="ignore"):
            dense = 1 / own >= (1 / theirs).mean(axis=1)
        known = self._taught[neighbours] != -1
        carriers = (self._taught[neighbours] == 1).sum(axis=1)
        n_known = known.sum(axis=1)
        support = np.divide(carriers, n_known, out=np.full(n_known.shape, 0.5), where=n_known > 0)
        needed = np.where(dense, self.dense_support, self.sparse_support)
        return support, (support < needed[:, np.newaxis]) & (n_known > 0)
