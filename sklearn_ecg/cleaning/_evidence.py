"""Evidence for and against a label of a record, as plain values."""

import functools
import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata
from sklearn.neighbors import NearestNeighbors

from sklearn_ecg.cleaning._scaling import FeatureScaling
from sklearn_ecg.features._catalogue import catalogue

# A usual range needs at least so many trusted records with a label, and without it.
_MIN_EXAMPLES = 5
# Largest number of trusted records on each side to compare with.
_MOST_COMPARED = 5000
# Largest number of features that separate records with a label from those without it.
_MOST_FEATURES = 30
# Least score of a measurement. The score is the product of the separation by its feature (0 to 1)
# and the position of the value between the sides (-1 to 1).
_LEAST_SCORE = 0.2
# Two features are redundant if they correlate more closely, within both sides.
_ALIKE = 0.8
# Weight of features that readers of an ECG do not measure, such as the height of the beat at some
# time after R.
_UNFAMILIAR = 0.7
_MOST_MEASUREMENTS = 3
_MOST_SIMILAR = 3
_USUAL = (0.05, 0.95)


@dataclass(eq=False)
class LabelContrast:
    """The features that separate trusted records with a label from those without it.

    Attributes
    ----------
    features : ndarray of int of shape (n_chosen,)
        The features that separate best, the best first.
    separation : ndarray of shape (n_chosen,)
        ``(2 * AUC - 1) * worth``, from -1 to 1.
    values_with, values_without : ndarray of shape (n_trusted, n_chosen)
        Values of the trusted records.
    rows_with, rows_without : ndarray of int of shape (n_trusted,)
        Positions of the trusted records.
    alike : ndarray of bool of shape (n_chosen, n_chosen)
        Pairs of redundant features.
    """

    features: np.ndarray
    separation: np.ndarray
    values_with: np.ndarray
    values_without: np.ndarray
    rows_with: np.ndarray
    rows_without: np.ndarray
    alike: np.ndarray

    @classmethod
    def learn(cls, table, has_label, lacks_label, worth=1.0, ranks=None):
        """Compare trusted records.

        Parameters
        ----------
        table : ndarray of shape (n_records, n_features)
            NaN for features that were not measured.
        has_label, lacks_label : ndarray of bool of shape (n_records,)
            Trusted records.
        worth : ndarray of shape (n_features,), default=1.0
            Weight of each feature as a reason.
        ranks : callable, default=None
            Returns the result of `rank_values` for rows of the table.

        Returns
        -------
        LabelContrast, or None if there are too few records on one side
        """
        sides = [_spread(np.flatnonzero(side)) for side in (has_label, lacks_label)]
        n_with, n_without = map(len, sides)
        if min(n_with, n_without) < _MIN_EXAMPLES:
            return None
        rows = np.sort(np.concatenate(sides))
        ranks, is_known = rank_values(table[rows]) if ranks is None else ranks(rows)
        is_with = has_label[rows]
        surplus = ranks[is_with].sum(axis=0) - n_with * (n_with + 1) / 2
        separation = worth * (2 * surplus / (n_with * n_without) - 1)
        n_known = [is_known[side].sum(axis=0) for side in (is_with, ~is_with)]
        separation[np.minimum(*n_known) < _MIN_EXAMPLES] = 0
        features = np.argsort(-np.abs(separation), kind="stable")[:_MOST_FEATURES]
        within = ranks[:, features]
        for side in (is_with, ~is_with):
            within[side] -= within[side].mean(axis=0)
        size = np.sqrt((within**2).sum(axis=0))
        correlation = within.T @ within / np.maximum(np.outer(size, size), 1e-12)
        return cls(
            features,
            separation[features],
            *(table[np.ix_(side, features)] for side in sides),
            *sides,
            np.abs(correlation) > _ALIKE,
        )

    def scores(self, values):
        """Return the score of each measurement, for or against the label.

        Parameters
        ----------
        values : ndarray of shape (n_records, n_chosen)

        Returns
        -------
        ndarray of shape (n_records, n_chosen)
            From -1 (against) to 1 (for); 0 if not measured.
        """
        below = [_shares_below(side, values) for side in (self.values_with, self.values_without)]
        # If records with the label have lower values, use the shares above.
        with_it, without = np.where(self.separation > 0, below, 1 - np.array(below))
        # A value beyond the median of a side, away from the other side, fully belongs to the side.
        for_it, against = np.minimum(1, 2 * with_it), np.minimum(1, 2 * (1 - without))
        return np.nan_to_num(np.abs(self.separation) * (for_it - against))

    def choose(self, scores, n):
        """Return up to `n` features with the highest scores, without redundant ones.

        Parameters
        ----------
        scores : ndarray of shape (n_chosen,)
            Scores of one record.
        n : int

        Returns
        -------
        list of int
        """
        chosen = []
        for one in np.argsort(-scores, kind="stable"):
            if scores[one] < _LEAST_SCORE or len(chosen) == n:
                break
            if not self.alike[one, chosen].any():
                chosen.append(one)
        return chosen

    def usual(self, one):
        """Return the middle 90 % of the values of a feature, with and without the label."""
        return [
            np.nanquantile(side[:, one], _USUAL).tolist()
            for side in (self.values_with, self.values_without)
        ]

    def similar(self, values, asked):
        """Return the most similar other trusted records, the nearest first.

        Parameters
        ----------
        values : ndarray of shape (n_records, n_chosen)
        asked : ndarray of int of shape (n_records,)
            Positions of these records.

        Returns
        -------
        rows_with, rows_without : ndarray of int of shape (n_records, n_similar)
        """
        scaling = FeatureScaling.learn(np.r_[self.values_with, self.values_without])
        weights = np.abs(self.separation)
        points = scaling.standardise(values) * weights
        found = []
        for side, rows in (
            (self.values_with, self.rows_with),
            (self.values_without, self.rows_without),
        ):
            nearest = NearestNeighbors(n_neighbors=_MOST_SIMILAR + 1, algorithm="brute")
            nearest.fit(scaling.standardise(side) * weights)
            near = rows[nearest.kneighbors(points, return_distance=False)]
            # Move the record itself to the end, and cut it off.
            order = np.argsort(near == asked[:, np.newaxis], axis=1, kind="stable")
            found.append(np.take_along_axis(near, order, axis=1)[:, :_MOST_SIMILAR])
        return found


def find_evidence(asked, fitted, patterns=None, *, both_sides=True):
    """Find the evidence for and against labels of records.

    Parameters
    ----------
    asked : (ndarray of int of shape (n_asked,), ndarray of int of shape (n_asked,))
        Positions of records and labels.
    fitted : FittedLabels
    patterns : PatternEvidence, default=None
        Holds the rules, which are found on first access.
    both_sides : bool, default=True
        Whether to return up to three measurements of each side. If False, up to three of the
        decided side, or, for undecided labels, the three with the highest absolute scores.

    Returns
    -------
    list of n_asked lists of dict
        See `BaseLabelCleaner.evidence`.
    """
    record, label = asked
    found = [None] * len(record)
    for one in np.unique(label):
        rows = np.flatnonzero(label == one)
        of_label = _evidence_of_label(record[rows], int(one), fitted, patterns, both_sides)
        for row, of_record in zip(rows, of_label, strict=True):
            found[row] = of_record
    return found


def _evidence_of_label(record, label, fitted, patterns, both_sides):
    """Yield the evidence for and against a label of each record."""
    rules = _rules(record, label, fitted, patterns)
    contrast = fitted.contrast(label)

    @functools.cache
    def described(m):
        name = fitted.feature_names[contrast.features[m]]
        _, unit, normal = describe_feature(name)
        usual_with, usual_without = contrast.usual(m)
        return {
            "feature": str(name),
            "lead": _find_in_catalogue(name)[1] or "",
            "unit": unit,
            "usual_with": usual_with,
            "usual_without": usual_without,
            "normal": normal,
        }

    if contrast is not None:
        values = fitted.table[np.ix_(record, contrast.features)]
        scores, similar = contrast.scores(values), contrast.similar(values, record)
    for row, of_rules in enumerate(rules):
        evidence = [*fitted.facts(record[row], label), *of_rules]
        if contrast is None:
            evidence.append({"kind": "uncompared"})
        elif fitted.measured[record[row]]:
            chosen = _choose(contrast, scores[row], evidence[0], both_sides)
            evidence += [
                {
                    "kind": "measurement",
                    "value": float(values[row, m]),
                    "score": float(scores[row, m]),
                    **described(m),
                }
                for m in chosen
            ]
            nearest = (fitted.ids[side[row]].tolist() for side in similar)
            evidence.append(
                {"kind": "similar"}
                | dict(zip(("with_label", "without_label"), nearest, strict=True))
            )
        yield evidence


def _choose(contrast, scores, decision, both_sides):
    """Return the measurements to report."""
    if both_sides:
        sides = [scores, -scores]
    elif decision["provenance"] == "undecided":
        sides = [np.abs(scores)]
    else:
        sides = [scores if decision["label"] == 1 else -scores]
    return [m for side in sides for m in contrast.choose(side, _MOST_MEASUREMENTS)]


@dataclass(eq=False)
class FittedLabels:
    """The records that a cleaner was fitted to, and their labels.

    Attributes
    ----------
    table : ndarray of shape (n_records, n_features)
        NaN for features that were not measured.
    feature_names : sequence of str
    ids : ndarray of shape (n_records,)
    label_names : ndarray of str of shape (n_labels,)
    weak, labels : ndarray of int8 of shape (n_records, n_labels)
        Labels before and after cleaning.
    belief : ndarray of shape (n_records, n_labels)
        Probability of each label.
    provenance : ndarray of str of shape (n_records, n_labels)
    learned : ndarray of bool of shape (n_labels,)
    sources : ndarray of shape (n_records, n_labels, n_sources)
        The votes behind the weak labels; NaN if unknown.
    source_names : ndarray of str of shape (n_sources,)
    """

    table: np.ndarray
    feature_names: Sequence[str]
    ids: np.ndarray
    label_names: np.ndarray
    weak: np.ndarray
    labels: np.ndarray
    belief: np.ndarray
    provenance: np.ndarray
    learned: np.ndarray
    sources: np.ndarray
    source_names: np.ndarray

    def __post_init__(self):
        self.measured = ~np.isnan(self.table).all(axis=1)
        familiar = np.array([_is_familiar(name) for name in self.feature_names])
        self._worth = np.where(familiar, 1.0, _UNFAMILIAR)
        self._ranks = {}

    def contrast(self, label):
        """Compare the trusted records with and without a label."""
        known = np.isin(self.provenance[:, label], ("trusted", "answered")) & self.measured
        present = self.labels[:, label]
        sides = known & (present == 1), known & (present == 0)
        return LabelContrast.learn(self.table, *sides, self._worth, self.ranks)

    def ranks(self, rows):
        """Return `rank_values` of rows, stored because most labels compare the same rows."""
        key = rows.tobytes()
        if key not in self._ranks:
            self._ranks = {key: rank_values(self.table[rows])}
        return self._ranks[key]

    def directions(self, record):
        """Return the direction of change of a record's labels.

        Returns
        -------
        ndarray of int of shape (n_labels,)
            1 if the label was added or may be missing; -1 if it was removed or may be wrong.
        """
        weak, labels = self.weak[record], self.labels[record]
        is_open = self.provenance[record] == "undecided"
        missing = (weak == 0) & (is_open | (labels == 1))
        wrong = (weak == 1) & (is_open | (labels == 0))
        return missing.astype(int) - wrong

    def facts(self, record, label):
        """Return the decision about a label of a record, its weak label, and other facts."""
        provenance = str(self.provenance[record, label])
        found = [
            {
                "kind": "decision",
                "provenance": provenance,
                "label": int(self.labels[record, label]),
            }
        ]
        if provenance != "trusted":
            found.append({"kind": "weak", "said": self.said(record, label)})
        if not self.measured[record]:
            found.append({"kind": "unmeasured"})
        if not self.learned[label]:
            found.append({"kind": "unlearned"})
        is_judged = self.measured[record] and self.learned[label]
        if is_judged and provenance not in ("trusted", "answered"):
            found.append({"kind": "belief", "probability": float(self.belief[record, label])})
            found += self.swap(record, label)
        return found

    def said(self, record, label):
        """Return the weak label, or, with several sources, a dict of their names and labels."""
        if len(self.source_names) == 1:
            return int(self.weak[record, label])
        said = np.nan_to_num(self.sources[record, label].astype(float), nan=-1.0).tolist()
        return {
            str(name): int(value) if value in (-1, 0, 1) else value
            for name, value in zip(self.source_names, said, strict=True)
        }

    def swap(self, record, label):
        """Return the label that was written in place of this one, or the reverse, if any."""
        directions, provenance = self.directions(record), self.provenance[record]
        others = directions * directions[label] == -1
        others &= self.learned & (provenance != "answered")
        if provenance[label] != "undecided":
            others &= provenance != "undecided"
        if not others.any():
            return []
        is_missing = directions[label] == 1
        moved = 1 - self.belief[record] if is_missing else self.belief[record]
        other = self.label_names[np.argmax(np.where(others, moved, -1.0))]
        speaks = "for" if is_missing else "against"
        return [{"kind": "swap", "with": str(other), "speaks": speaks}]


def _rules(record, label, fitted, patterns):
    """Return the most accurate rule against the label of each record, and the one for it."""
    if patterns is None:
        return [[] for _ in record]
    known = fitted.labels[record] == 1
    excluding = [
        (rule, rule.label, known[:, rule.label])
        for rule in filter(patterns.fires, patterns.exclusion_rules_)
        if rule.opposed == label
    ]
    including = [
        rule
        for rule in filter(patterns.fires, patterns.inclusion_rules_)
        if rule.target.label == label
    ]
    if including:
        scaled = FeatureScaling.learn(fitted.table[fitted.measured]).scale(fitted.table[record])
    including = [(rule, rule.source.label, rule.applies(scaled, known)) for rule in including]
    surest = [[] for _ in record]
    for rules, name, speaks in ((excluding, "excludes", "against"), (including, "includes", "for")):
        rules.sort(key=lambda one: -one[0].accuracy)
        for row, pieces in enumerate(surest):
            applying = ((rule, by) for rule, by, applies in rules if applies[row])
            for rule, by in itertools.islice(applying, 1):
                pieces.append(
                    {
                        "kind": "rule",
                        "rule": name,
                        "by": str(fitted.label_names[by]),
                        "accuracy": float(rule.accuracy),
                        "speaks": speaks,
                    }
                )
    return surest


def rank_values(values):
    """Return the ranks of values within their columns, and a mask of the known values.

    Missing values get a rank in the middle, so that they favour neither side.
    """
    return rankdata(FeatureScaling.learn(values).standardise(values), axis=0), ~np.isnan(values)


def _spread(rows):
    """Return at most _MOST_COMPARED rows, evenly spread."""
    if len(rows) <= _MOST_COMPARED:
        return rows
    return rows[np.linspace(0, len(rows) - 1, _MOST_COMPARED).astype(int)]


def _shares_below(reference, values):
    """Return the share of each column's reference below each value; equal ones count half."""
    shares = np.full(values.shape, 0.5)
    for column, (theirs, ours) in enumerate(zip(reference.T, values.T, strict=True)):
        theirs = np.sort(theirs[~np.isnan(theirs)])
        if len(theirs):
            below, up_to = (np.searchsorted(theirs, ours, side) for side in ("left", "right"))
            shares[:, column] = (below + up_to) / (2 * len(theirs))
    shares[np.isnan(values)] = np.nan
    return shares


def describe_feature(name):
    """Return a feature's name in words, its unit and its normal range, from the catalogue.

    Parameters
    ----------
    name : str
        Name of the feature; a feature that is not in the catalogue keeps it.

    Returns
    -------
    words, unit, normal : str

    Examples
    --------
    >>> from sklearn_ecg.cleaning._evidence import describe_feature
    >>> describe_feature("PR_interval_ms")
    ('PR interval', 'ms', '120-200')
    >>> describe_feature("P_per_QRS")
    ('P waves per beat', '', '1')
    >>> describe_feature("V5_R_peak_time_ms")
    ('R peak time in V5', 'ms', 'below 50 (V5 and V6)')
    >>> describe_feature("V1_R_peak_time_ms")  # the normal range is not for V1
    ('R peak time in V1', 'ms', '')
    """
    feature, lead = _find_in_catalogue(name)
    if feature is None:
        return name, "", ""
    if feature.unit:
        suffix = feature.unit.replace(" ", "_").replace("/", "_per_")
        words = feature.name.removesuffix("_" + suffix).replace("_", " ")
    else:
        words = feature.definition
        for end in (", ", ": ", "; "):
            words = words.split(end)[0]
    if not lead:
        return words, feature.unit, feature.normal
    _, _, leads = feature.normal.partition("(")
    normal = feature.normal if not leads or lead in re.findall(r"\w+", leads) else ""
    return f"{words} in {lead}", feature.unit, normal


@functools.cache
def _find_in_catalogue(name):
    """Return a feature and its lead, "" for features of the record; (None, None) if unknown."""
    for feature in catalogue():
        if feature.of != "each lead":
            if name == feature.name:
                return feature, ""
        elif name.endswith(f"_{feature.name}"):
            return feature, name.removesuffix(f"_{feature.name}")
    return None, None


def _is_familiar(name):
    """Whether readers of an ECG measure a feature."""
    feature, _ = _find_in_catalogue(name)
    if feature is None:  # the user's own feature
        return True
    # On paper, readers do not measure areas, slopes, or the variation of amplitudes.
    is_calculated = feature.unit in ("mV ms", "mV/s") or feature.name.endswith("_SD_mV")
    return bool(feature.unit or feature.normal) and not is_calculated
