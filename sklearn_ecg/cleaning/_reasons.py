"""Why a label was changed, or left to a person: what a cardiologist can check."""

import functools
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import rankdata
from sklearn.neighbors import NearestNeighbors

from sklearn_ecg.cleaning._scaling import FeatureScaling
from sklearn_ecg.features._catalogue import catalogue

# Fewer trusted records than this with or without a label tell no usual range.
_MIN_EXAMPLES = 5
# Ranges and similar records are looked for among so many trusted records of each side.
_MOST_COMPARED = 5000
# So many features that tell records with a label from those without it are looked at.
_MOST_FEATURES = 30
# A measurement speaks from this product on: of how well its feature separates the trusted records
# (0 to 1) with how far the value lies on one side (-1 to 1).
_LEAST_SCORE = 0.2
# Within trusted records with a label, and within those without it, features that are correlated
# more closely than this say the same.
_ALIKE = 0.8
# What readers of an ECG do not measure, such as the height of the beat so long after R, is worth
# this much of what they do.
_UNFAMILIAR = 0.7
_MOST_MEASUREMENTS = 3
_MOST_SIMILAR = 3
_USUAL = (0.05, 0.95)


@dataclass(eq=False)
class LabelContrast:
    """What tells trusted records with a label from those without it.

    Attributes
    ----------
    features : ndarray of int of shape (n_chosen,)
        Those that separate best, the best first.
    separation : ndarray of shape (n_chosen,)
        From -1 to 1: twice the area under the ROC curve of the feature less 1, times its worth.
    values_with, values_without : ndarray of shape (n_trusted, n_chosen)
        Of the trusted records.
    rows_with, rows_without : ndarray of int of shape (n_trusted,)
    alike : ndarray of bool of shape (n_chosen, n_chosen)
    """

    features: np.ndarray
    separation: np.ndarray
    values_with: np.ndarray
    values_without: np.ndarray
    rows_with: np.ndarray
    rows_without: np.ndarray
    alike: np.ndarray

    @classmethod
    def learn(cls, table, has_label, lacks_label, worth=1.0):
        """Compare trusted records.

        Parameters
        ----------
        table : ndarray of shape (n_records, n_features)
            With NaN for what could not be measured.
        has_label, lacks_label : ndarray of bool of shape (n_records,)
            Trusted records.
        worth : ndarray of shape (n_features,), default=1.0
            Of a feature as a reason.

        Returns
        -------
        LabelContrast, or None where there are too few of one kind
        """
        sides = [_spread(np.flatnonzero(side)) for side in (has_label, lacks_label)]
        n_with, n_without = map(len, sides)
        if min(n_with, n_without) < _MIN_EXAMPLES:
            return None
        values = table[np.concatenate(sides)]
        # Gaps speak for neither side.
        ranks = rankdata(FeatureScaling.learn(values).standardise(values), axis=0)
        surplus = ranks[:n_with].sum(axis=0) - n_with * (n_with + 1) / 2
        separation = worth * (2 * surplus / (n_with * n_without) - 1)
        features = np.argsort(-np.abs(separation), kind="stable")[:_MOST_FEATURES]
        within = ranks[:, features]
        within[:n_with] -= within[:n_with].mean(axis=0)
        within[n_with:] -= within[n_with:].mean(axis=0)
        size = np.sqrt((within**2).sum(axis=0))
        correlation = within.T @ within / np.maximum(np.outer(size, size), 1e-12)
        return cls(
            features,
            separation[features],
            values[:n_with, features],
            values[n_with:, features],
            *sides,
            np.abs(correlation) > _ALIKE,
        )

    def scores(self, values):
        """Return how much each measurement speaks for the label, or against it.

        Parameters
        ----------
        values : ndarray of shape (n_records, n_chosen)

        Returns
        -------
        ndarray of shape (n_records, n_chosen)
            From -1 (against) to 1 (for); 0 for what was not measured.
        """
        below = [_shares_below(side, values) for side in (self.values_with, self.values_without)]
        # Where values with the label are the lower ones, the shares above count.
        with_it, without = np.where(self.separation > 0, below, 1 - np.array(below))
        # Half of either side lies on its far side, where nothing speaks against belonging to it.
        for_it, against = np.minimum(1, 2 * with_it), np.minimum(1, 2 * (1 - without))
        return np.nan_to_num(np.abs(self.separation) * (for_it - against))

    def choose(self, scores, n):
        """Return up to `n` features of highest score, of those alike one.

        Parameters
        ----------
        scores : ndarray of shape (n_chosen,)
            Of one record.
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
            np.nanquantile(side[:, one], _USUAL) for side in (self.values_with, self.values_without)
        ]

    def similar(self, values, asked):
        """Return the most similar trusted records, the nearest first; no record is its own.

        Parameters
        ----------
        values : ndarray of shape (n_records, n_chosen)
        asked : ndarray of int of shape (n_records,)
            The rows of these records.

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
            # The record itself goes last, and then out.
            order = np.argsort(near == asked[:, np.newaxis], axis=1, kind="stable")
            found.append(np.take_along_axis(near, order, axis=1)[:, :_MOST_SIMILAR])
        return found


def find_reasons(record, label, fitted, feature_names, *, evidence=None):
    """Say of labels because of what they were changed or left to a person.

    Parameters
    ----------
    record, label : ndarray of int of shape (n_asked,)
    fitted : FittedLabels
    feature_names : sequence of str
    evidence : PatternEvidence, default=None
        Knows the rules, which are found when they are asked for.

    Returns
    -------
    DataFrame of n_asked rows
        Columns because, swapped_with, rule, measurements, similar_with and similar_without, all
        of them text; empty where there is nothing to say.
    """
    found = [None] * len(record)
    worth = np.array([1.0 if _is_familiar(name) else _UNFAMILIAR for name in feature_names])
    for one in np.unique(label):
        asked = np.flatnonzero(label == one)
        reasons = _reasons_of_label(record[asked], one, fitted, feature_names, worth, evidence)
        for row, of_record in zip(asked, reasons, strict=True):
            found[row] = of_record
    columns = ["because", "swapped_with", "rule", "measurements"]
    return pd.DataFrame(found, columns=[*columns, "similar_with", "similar_without"], dtype=object)


def _reasons_of_label(record, label, fitted, feature_names, worth, evidence):
    """Yield the reasons of each record that is asked about."""
    rules = _rules(record, label, fitted, evidence)
    contrast = fitted.contrast(label, worth)

    @functools.cache
    def described(m):
        name = feature_names[contrast.features[m]]
        return _describe(contrast, m, name, fitted.label_names[label])

    if contrast is not None:
        values = fitted.table[np.ix_(record, contrast.features)]
        scores, similar = contrast.scores(values), contrast.similar(values, record)
    for row, rule in enumerate(rules):
        case = Case(fitted, record[row], label)
        swapped = case.swapped_with()
        telling, nearest = [], ("", "")
        if contrast is not None and fitted.measured[case.record]:
            telling = [
                (scores[row, m], _number(values[row, m]).join(described(m)))
                for m in case.telling(contrast, scores[row])
            ]
            nearest = [", ".join(map(str, fitted.ids[side[row]])) for side in similar]
        yield (
            case.because(swapped, rule, telling, compared=contrast is not None),
            "" if swapped is None else str(fitted.label_names[swapped]),
            rule,
            "; ".join(text for _, text in telling),
            *nearest,
        )


@dataclass(eq=False)
class FittedLabels:
    """What a cleaner knows of the records that it was fitted to.

    Attributes
    ----------
    table : ndarray of shape (n_records, n_features)
        With NaN for what could not be measured.
    ids : ndarray of shape (n_records,)
    label_names : ndarray of str of shape (n_labels,)
    weak, labels : ndarray of int8 of shape (n_records, n_labels)
        Before and after cleaning.
    belief : ndarray of shape (n_records, n_labels)
    provenance : ndarray of str of shape (n_records, n_labels)
    learned : ndarray of bool of shape (n_labels,)
    """

    table: np.ndarray
    ids: np.ndarray
    label_names: np.ndarray
    weak: np.ndarray
    labels: np.ndarray
    belief: np.ndarray
    provenance: np.ndarray
    learned: np.ndarray

    def __post_init__(self):
        self.measured = ~np.isnan(self.table).all(axis=1)

    def contrast(self, label, worth):
        """Compare the trusted records with and without a label."""
        known = np.isin(self.provenance[:, label], ("trusted", "answered")) & self.measured
        present = self.labels[:, label]
        return LabelContrast.learn(
            self.table, known & (present == 1), known & (present == 0), worth
        )

    def directions(self, record):
        """Return what becomes of the labels of a record.

        Returns
        -------
        ndarray of int of shape (n_labels,)
            1 where a label is added, or may be missing; -1 where one is removed, or may be wrong.
        """
        weak, labels = self.weak[record], self.labels[record]
        is_open = self.provenance[record] == "undecided"
        missing = (weak == 0) & (is_open | (labels == 1))
        wrong = (weak == 1) & (is_open | (labels == 0))
        return missing.astype(int) - wrong


class Case:
    """A label of a record."""

    def __init__(self, fitted, record, label):
        self.fitted, self.record, self.label = fitted, record, label
        self.name = fitted.label_names[label]
        self.provenance = fitted.provenance[record, label]
        self.is_open = self.provenance == "undecided"
        self.is_present = fitted.labels[record, label] == 1
        self.direction = fitted.directions(record)[label]

    def swapped_with(self):
        """Return the label that was written in the place of this one, or the reverse."""
        fitted, record = self.fitted, self.record
        others = fitted.directions(record) * self.direction == -1
        others &= fitted.learned & (fitted.provenance[record] != "answered")
        if not self.is_open:
            others &= fitted.provenance[record] != "undecided"
        is_judged = fitted.measured[record] and fitted.learned[self.label]
        if not others.any() or not is_judged or self.provenance == "answered":
            return None
        belief = fitted.belief[record]
        moved = belief if self.direction == -1 else 1 - belief
        return int(np.argmax(np.where(others, moved, -1.0)))

    def telling(self, contrast, scores):
        """Return the features that speak for what was decided; on either side if nothing was."""
        if not self.is_open:
            return contrast.choose(scores if self.is_present else -scores, _MOST_MEASUREMENTS)
        return contrast.choose(np.abs(scores), _MOST_MEASUREMENTS)

    def because(self, swapped, rule, telling, *, compared):
        """Return one sentence that gives the main reasons.

        Parameters
        ----------
        swapped : int, or None
        rule : str
        telling : list of (float, str)
            Scores of the measurements that speak, and the measurements in words.
        compared : bool
            Whether there are trusted records to compare with.
        """
        fitted, name = self.fitted, self.name
        if self.provenance == "answered":
            return f"A person answered that {name} is {'present' if self.is_present else 'absent'}"
        if self.provenance == "trusted":
            return f"{name} is trusted in this record, and was not questioned"
        if not fitted.measured[self.record]:
            return "None of the record's features could be measured"
        if not fitted.learned[self.label]:
            return f"Too few records with or without {name} to learn it"
        clauses = []
        if swapped is not None:
            other = fitted.label_names[swapped]
            gained, lost = (name, other) if self.direction == 1 else (other, name)
            perhaps = "perhaps " if self.is_open else ""
            clauses.append(f"{perhaps}{lost} written in the place of {gained}")
        if rule:
            clauses.append(rule)
        if telling and self.is_open:
            for side, sign in (("for", 1), ("against", -1)):
                words = [text for score, text in telling if score * sign > 0]
                clauses += [f"{side} {name}: {words[0]}"] if words else []
        elif telling:
            clauses.append(telling[0][1])
        elif not compared:
            clauses.append(f"too few trusted records with or without {name} to compare with")
        else:
            clauses.append("no single measurement tells")
        return "; ".join(clauses)


def _rules(record, label, fitted, evidence):
    """Return the rule that speaks most surely for each decision, in words, or ""."""
    rules = np.full(len(record), "", dtype=object)
    if evidence is None:
        return rules
    best = np.zeros(len(record))
    present = fitted.labels[record, label] == 1
    is_open = fitted.provenance[record, label] == "undecided"
    known = fitted.labels[record] == 1

    def speak(rule, applies, words):
        better = applies & (rule.accuracy > best)
        rules[better] = f"{words}, as in at least {100 * rule.accuracy:.0f} % of trusted records"
        best[better] = rule.accuracy

    for rule in filter(evidence.fires, evidence.exclusion_rules_):
        if rule.opposed == label:
            words = f"{fitted.label_names[rule.label]} excludes {fitted.label_names[label]}"
            speak(rule, known[:, rule.label] & (is_open | ~present), words)
    including = [
        rule
        for rule in filter(evidence.fires, evidence.inclusion_rules_)
        if rule.target.label == label
    ]
    if including:
        scaled = FeatureScaling.learn(fitted.table[fitted.measured]).scale(fitted.table[record])
    for rule in including:
        words = f"{fitted.label_names[rule.source.label]} includes {fitted.label_names[label]}"
        speak(rule, rule.applies(scaled, known) & (is_open | present), words)
    return rules


def _spread(rows):
    """Return so many rows as are compared, evenly spread over all."""
    if len(rows) <= _MOST_COMPARED:
        return rows
    return rows[np.linspace(0, len(rows) - 1, _MOST_COMPARED).astype(int)]


def _shares_below(reference, values):
    """Return which share of a column's reference lies below each value, equals counting half."""
    shares = np.full(values.shape, 0.5)
    for column, (theirs, ours) in enumerate(zip(reference.T, values.T, strict=True)):
        theirs = np.sort(theirs[~np.isnan(theirs)])
        if len(theirs):
            below, up_to = (np.searchsorted(theirs, ours, side) for side in ("left", "right"))
            shares[:, column] = (below + up_to) / (2 * len(theirs))
    shares[np.isnan(values)] = np.nan
    return shares


def _describe(contrast, one, feature_name, label_name):
    """Return what is written before and after the value of a measurement."""
    words, unit, normal = describe_feature(feature_name)
    usual = [" to ".join(map(_number, side)) for side in contrast.usual(one)]
    normal = f", normal {normal}" if normal else ""
    unit = f" {unit}" if unit else ""
    return f"{words} ", f"{unit} (records with {label_name} {usual[0]}, without {usual[1]}{normal})"


def describe_feature(name):
    """Return what a feature is called, its unit and its normal range, as the catalogue has them.

    Parameters
    ----------
    name : str
        Of any feature; one that is not in the catalogue is called by its name.

    Returns
    -------
    words, unit, normal : str

    Examples
    --------
    >>> from sklearn_ecg.cleaning._reasons import describe_feature
    >>> describe_feature("PR_interval_ms")
    ('PR interval', 'ms', '120-200')
    >>> describe_feature("P_per_QRS")
    ('P waves per beat', '', '1')
    >>> describe_feature("V1_R_peak_time_ms")
    ('R peak time in V1', 'ms', 'below 50 (V5 and V6)')
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
    return f"{words} in {lead}" if lead else words, feature.unit, feature.normal


def _find_in_catalogue(name):
    """Return a feature and its lead, which is empty for features of the record; or None twice."""
    for feature in catalogue():
        if feature.of != "each lead":
            if name == feature.name:
                return feature, ""
        elif name.endswith(f"_{feature.name}"):
            return feature, name.removesuffix(f"_{feature.name}")
    return None, None


def _is_familiar(name):
    """Whether readers of an ECG know a feature; they chose those that are not in the catalogue."""
    feature, _ = _find_in_catalogue(name)
    return feature is None or bool(feature.unit or feature.normal)


def _number(value):
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
