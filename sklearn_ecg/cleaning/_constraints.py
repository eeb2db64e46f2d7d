"""Constraints on the labels that a record can have together."""

import numbers
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

# If 10 % of all records had several labels or none, the chance that 30 records all have exactly one
# would be 4 %.
_MIN_RECORDS = 30
_NAMED_RECORDS = 3
_MIN_SHARE_OF_ALL = 0.95


@dataclass(frozen=True)
class LabelConstraints:
    """The sets of labels that a record can have; labels without a constraint are free.

    Attributes
    ----------
    label_names : tuple of str
    at_most_one, exactly_one : tuple of tuple of int
        Groups of labels, as positions. A record has at most, or exactly, one label of each group.
    implies : tuple of (int, int)
        Pairs (sublabel, superlabel), as positions. A record with the first has the second.

    Raises
    ------
    ValueError
        If the constraints contradict each other, so that some label would be impossible.

    Examples
    --------
    >>> from sklearn_ecg.cleaning._constraints import LabelConstraints
    >>> constraints = LabelConstraints(("AF", "SR", "PVC"), at_most_one=((0, 1),))
    >>> constraints.allowed([[1, 1, 0], [1, 0, 1], [0, 0, 0]])
    array([False,  True,  True])
    """

    label_names: tuple
    at_most_one: tuple = ()
    exactly_one: tuple = ()
    implies: tuple = ()

    def __post_init__(self):
        implied = self._implied()
        self._check_cycles(implied)
        nothing = np.zeros(len(self.label_names), dtype=bool)
        if not self._can_hold(nothing, implied):
            raise ValueError(
                "exclusive contradicts itself: no record could have exactly one label of each of "
                f"the groups {'; '.join(map(self._names, self.exactly_one))}. Correct the groups."
            )
        for label, present in enumerate(implied):
            if not self._can_hold(present, implied):
                raise ValueError(
                    f"exclusive and implies contradict each other: no record could have "
                    f"{self.label_names[label]}, {self._obstacle(label, present)}. Correct them."
                )

    @classmethod
    def found_in(cls, labels, label_names):
        """Find whether every record has exactly one label, as in a table of classes.

        No other constraint is inferred from data. Two rare labels may never occur together by
        chance; a constraint would then turn the first record with both into an error. `LabelPrior`
        estimates how labels occur together, with its uncertainty.

        Parameters
        ----------
        labels : ndarray of shape (n_records, n_labels)
            Labels of fully trusted records; records with unknown labels are ignored.
        label_names : sequence of str

        Returns
        -------
        LabelConstraints
            Without a constraint if a record breaks it, or fewer than 30 records show it.
        """
        free = cls(tuple(map(str, label_names)))
        everything = tuple(range(len(free.label_names)))
        if len(everything) < 2 or (labels != -1).all(axis=1).sum() < _MIN_RECORDS:
            return free
        classes = cls(free.label_names, exactly_one=(everything,))
        return classes if classes.allowed(labels).all() else free

    def allowed(self, sets):
        """Return a mask of the sets of labels that a record can have.

        Parameters
        ----------
        sets : array-like of shape (..., n_labels)
            1 or True present, 0 or False absent. Unknown labels, -1, break no constraint.

        Returns
        -------
        ndarray of bool of shape (...)
        """
        sets = np.asarray(sets)
        allowed = np.ones(sets.shape[:-1], dtype=bool)
        for _, forbidden in self._forbidden(sets):
            allowed &= ~forbidden
        return allowed

    def among(self, places):
        """Return the constraints among some of the labels.

        Parameters
        ----------
        places : sequence of int
            Positions of these labels, in their new order.

        Returns
        -------
        LabelConstraints
            A group that has lost labels is a group of "at most one".
        """
        new = {int(old): place for place, old in enumerate(places)}
        groups = {"at_most_one": [], "exactly_one": []}
        for kind in groups:
            for group in getattr(self, kind):
                left = tuple(new[label] for label in group if label in new)
                if len(left) > 1:
                    groups[kind if len(left) == len(group) else "at_most_one"].append(left)
        implies = tuple((new[a], new[b]) for a, b in self.implies if a in new and b in new)
        names = tuple(self.label_names[place] for place in places)
        return LabelConstraints(names, *map(tuple, groups.values()), implies)

    def violations(self, labels):
        """Return a mask of the labels that take part in the violation of a constraint.

        Parameters
        ----------
        labels : array-like of shape (n_records, n_labels)
            1 present, 0 absent, -1 unknown.

        Returns
        -------
        ndarray of bool of shape (n_records, n_labels)
        """
        labels = np.asarray(labels)
        violations = np.zeros(labels.shape, dtype=bool)
        for members, forbidden in self._forbidden(labels):
            violations[:, members] |= forbidden[:, np.newaxis]
        return violations

    def check_trusted(self, labels, ids):
        """Refuse trusted labels that violate a constraint.

        Parameters
        ----------
        labels : ndarray of shape (n_records, n_labels)
            Trusted labels, else -1.
        ids : array-like of shape (n_records,)
            Names of the records in the message.
        """
        violating = np.flatnonzero(~self.allowed(labels))
        if len(violating):
            found = [
                f"{ids[record]!s} has {self._describe(labels[record])}"
                for record in violating[:_NAMED_RECORDS]
            ]
            more = len(violating) - len(found)
            raise ValueError(
                f"Trusted records contradict exclusive or implies: {'; '.join(found)}"
                f"{f'; and so do {more} more' if more else ''}. Correct their labels, do not trust "
                "them, or leave the constraint out."
            )

    def _forbidden(self, sets):
        """Yield the labels of each constraint, and a mask of the sets that it forbids."""
        for group in self.at_most_one + self.exactly_one:
            yield list(group), _count(sets, group, 1) > 1
        for group in self.exactly_one:
            yield list(group), _count(sets, group, 0) == len(group)
        for label, implied in self.implies:
            yield [label, implied], (sets[..., label] == 1) & (sets[..., implied] == 0)

    def _implied(self):
        """Return a mask (n_labels, n_labels) of each label and all labels that it implies."""
        implied = np.eye(len(self.label_names), dtype=bool)
        for label, superlabel in self.implies:
            implied[label, superlabel] = True
        for middle in range(len(implied)):
            implied |= implied[:, [middle]] & implied[middle]
        return implied

    def _check_cycles(self, implied):
        for label, superlabel in self.implies:
            if implied[superlabel, label]:
                raise ValueError(
                    f"implies is circular: {self.label_names[label]} implies "
                    f"{self.label_names[superlabel]}, and the reverse. Leave one of them out, or "
                    "join both into one label."
                )

    def _can_hold(self, present, implied):
        """Whether a record could have these labels, perhaps with others."""
        if any(present[list(group)].sum() > 1 for group in self.at_most_one + self.exactly_one):
            return False
        for group in self.exactly_one:
            if not present[list(group)].any():
                return any(self._can_hold(present | implied[label], implied) for label in group)
        return True

    def _obstacle(self, label, present):
        """Say why no record could have a label and the labels that it implies."""
        for group in self.at_most_one + self.exactly_one:
            together = [other for other in group if present[other]]
            if len(together) > 1:
                others = [other for other in together if other != label]
                return f"because it implies {self._names(others)} of the group {self._names(group)}"
        return "because it leaves no valid choice for the groups under 'exactly_one'"

    def _describe(self, labels):
        """Say how a record violates the first constraint that it violates."""
        members = next(members for members, forbidden in self._forbidden(labels) if forbidden)
        present = [label for label in members if labels[label] == 1]
        if not present:
            return f"none of {self._names(members)}"
        if len(present) > 1:
            return self._names(present, " and ")
        return self._names(members, " without ")

    def _names(self, labels, separator=", "):
        return separator.join(self.label_names[label] for label in labels)


def check_constraints(exclusive, implies, label_names):
    """Check the constraints of the user.

    Parameters
    ----------
    exclusive : list of groups, dict, or None
        A group is a list of labels. A dict has groups under "at_most_one" and "exactly_one".
    implies : list of (sublabel, superlabel), or None
    label_names : array-like of shape (n_labels,) of str

    Returns
    -------
    LabelConstraints
    """
    names = [str(name) for name in label_names]
    by_kind = exclusive if isinstance(exclusive, Mapping) else {"at_most_one": exclusive}
    unknown = [kind for kind in by_kind if kind not in ("at_most_one", "exactly_one")]
    if unknown:
        raise ValueError(
            f"exclusive has the key {unknown[0]!r}; its keys must be 'at_most_one' or "
            "'exactly_one'."
        )
    groups = {
        kind: tuple(tuple(sorted(group)) for group in _resolve(given, names, "exclusive"))
        for kind, given in by_kind.items()
    }
    pairs = _resolve(implies, names, "implies")
    for given, pair in zip(implies or (), pairs, strict=True):
        if len(pair) != 2:
            raise ValueError(
                f"implies must hold pairs (sublabel, superlabel); got {given!r}. Pass one pair for "
                "each superlabel."
            )
    return LabelConstraints(tuple(names), **groups, implies=tuple(pairs))


def find_constraints(exclusive, implies, labels, trusted, label_names, ids):
    """Return the constraints of the user, else those that trusted records show.

    Parameters
    ----------
    exclusive, implies
        As for `check_constraints`.
    labels : ndarray of shape (n_records, n_labels)
    trusted : ndarray of bool of shape (n_records, n_labels)
    label_names : ndarray of str of shape (n_labels,)
    ids : ndarray of shape (n_records,)
        Names of the records in messages.

    Returns
    -------
    LabelConstraints
    """
    # If one label implies another, records have several labels, so classes cannot be inferred.
    if exclusive is None and not implies:
        found = LabelConstraints.found_in(labels[trusted.all(axis=1)], label_names)
        # If weak labels often break the constraint, trusted records may obey it by chance.
        if found.allowed(labels).mean() < _MIN_SHARE_OF_ALL:
            return LabelConstraints(found.label_names)
        return found
    constraints = check_constraints(exclusive, implies, label_names)
    constraints.check_trusted(np.where(trusted, labels, -1), ids)
    return constraints


def _count(sets, group, value):
    """Count the labels of a group with a value, by column to avoid a copy of the sets."""
    count = np.zeros(sets.shape[:-1], dtype=np.int16)
    for label in group:
        count += sets[..., label] == value
    return count


def _resolve(groups, names, parameter):
    """Return the positions of each group's labels."""
    groups = () if groups is None else groups
    resolved = []
    for group in groups:
        if isinstance(group, str) or not np.iterable(group):
            raise ValueError(
                f"{parameter} must be a list of groups of labels, such as [('N', 'A')]; got the "
                f"single label {group!r}. Put each group in brackets."
            )
        labels = tuple(_position(label, names, parameter) for label in group)
        if len(labels) < 2:
            raise ValueError(
                f"{parameter} has the group {group!r}; a group must have at least two labels."
            )
        if len(set(labels)) < len(labels):
            repeated = next(names[label] for label in labels if labels.count(label) > 1)
            raise ValueError(f"{parameter} has the label {repeated} twice in the group {group!r}.")
        resolved.append(labels)
    return resolved


def _position(label, names, parameter):
    if str(label) in names:
        return names.index(str(label))
    # If names are numbers, a number is a name and not a position.
    is_position = isinstance(label, numbers.Integral) and not any(name.isdigit() for name in names)
    if is_position and 0 <= label < len(names):
        return int(label)
    raise ValueError(
        f"{parameter} names the label {label!r}, but the labels are {', '.join(names)}. Use one of "
        "these names, or the position of its column."
    )
