"""Which labels a record can have together."""

import numbers
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

# If a tenth of all records had several labels or none, so many would still all have one by a
# chance of 4 %.
_MIN_RECORDS = 30
_NAMED_RECORDS = 3
_MIN_SHARE_OF_ALL = 0.95


@dataclass(frozen=True)
class LabelConstraints:
    """Which sets of labels a record can have; labels that no constraint names are free.

    Attributes
    ----------
    label_names : tuple of str
    at_most_one, exactly_one : tuple of tuple of int
        Groups of labels, as positions: a record has at most, or exactly, one of each group.
    implies : tuple of (int, int)
        Pairs of a sublabel and its superlabel: a record with the first has the second.

    Raises
    ------
    ValueError
        If the constraints contradict each other, so that no record could have some label.

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
        """Find whether every record has exactly one of all labels, as in a table of classes.

        No more is inferred. That two labels never met is evidence, not law: rare labels seldom
        meet even where nothing keeps them apart, and the first record with both would be mended
        into an error. How labels attract and repel each other is estimated instead, with its
        uncertainty, by the bonds between labels.

        Parameters
        ----------
        labels : ndarray of shape (n_records, n_labels)
            Of records of which all labels are trusted; those with unknown labels are no examples.
        label_names : sequence of str

        Returns
        -------
        LabelConstraints
            Without any constraint if fewer than 30 records show it, or one does not.
        """
        free = cls(tuple(map(str, label_names)))
        everything = tuple(range(len(free.label_names)))
        if len(everything) < 2 or (labels != -1).all(axis=1).sum() < _MIN_RECORDS:
            return free
        classes = cls(free.label_names, exactly_one=(everything,))
        return classes if classes.allowed(labels).all() else free

    def allowed(self, sets):
        """Return which sets of labels a record can have.

        Parameters
        ----------
        sets : array-like of shape (..., n_labels)
            1 or True present, 0 or False absent. What is unknown, -1, is taken to be what each
            constraint asks for.

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
        """Return what is left of the constraints among some of the labels.

        Parameters
        ----------
        places : sequence of int
            Positions of these labels, in the order of those that are returned.

        Returns
        -------
        LabelConstraints
            A group of which not all labels are left has at most one of those that are.
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
        """Return which labels take part in the violation of a constraint.

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
            -1 where not trusted.
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
        """Yield the labels of each constraint, and which sets it forbids."""
        for group in self.at_most_one + self.exactly_one:
            yield list(group), _count(sets, group, 1) > 1
        for group in self.exactly_one:
            yield list(group), _count(sets, group, 0) == len(group)
        for label, implied in self.implies:
            yield [label, implied], (sets[..., label] == 1) & (sets[..., implied] == 0)

    def _implied(self):
        """Return for each label itself and all that it implies: (n_labels, n_labels) of bool."""
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
                    f"implies runs in a circle: {self.label_names[label]} implies "
                    f"{self.label_names[superlabel]}, and the reverse. Leave one of them out, or "
                    "make one label of both."
                )

    def _can_hold(self, present, implied):
        """Whether a record could have these labels, and maybe others."""
        if any(present[list(group)].sum() > 1 for group in self.at_most_one + self.exactly_one):
            return False
        for group in self.exactly_one:
            if not present[list(group)].any():
                return any(self._can_hold(present | implied[label], implied) for label in group)
        return True

    def _obstacle(self, label, present):
        """Say why no record could have a label, and so those that it implies."""
        for group in self.at_most_one + self.exactly_one:
            together = [other for other in group if present[other]]
            if len(together) > 1:
                others = [other for other in together if other != label]
                return f"since it implies {self._names(others)} of the group {self._names(group)}"
        return "since its groups leave no room for one of each group of which a record has one"

    def _describe(self, labels):
        """Say what of a record violates the first of the constraints that it violates."""
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
    """Check the constraints that a user names.

    Parameters
    ----------
    exclusive : list of groups, dict, or None
        A group is a list of labels; as a dict: groups under "at_most_one" and "exactly_one".
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
            f"exclusive has the key {unknown[0]!r}; groups stand under 'at_most_one' or "
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
                f"implies must hold pairs (sublabel, superlabel); got {given!r}. Give each "
                "superlabel a pair of its own."
            )
    return LabelConstraints(tuple(names), **groups, implies=tuple(pairs))


def find_constraints(exclusive, implies, labels, trusted, label_names, ids):
    """Return the constraints that the user names, else what trusted records show.

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
    # Implications between labels are the opposite of one label for each record.
    if exclusive is None and not implies:
        found = LabelConstraints.found_in(labels[trusted.all(axis=1)], label_names)
        # Where weak labels often break it, a few trusted records may have met it by chance.
        if found.allowed(labels).mean() < _MIN_SHARE_OF_ALL:
            return LabelConstraints(found.label_names)
        return found
    constraints = check_constraints(exclusive, implies, label_names)
    constraints.check_trusted(np.where(trusted, labels, -1), ids)
    return constraints


def _count(sets, group, value):
    """Count the labels of a group that have a value, by column, without a copy of the sets."""
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
                f"single label {group!r}. Put its group in brackets."
            )
        labels = tuple(_position(label, names, parameter) for label in group)
        if len(labels) < 2:
            raise ValueError(
                f"{parameter} has the group {group!r}; a group has two labels or more."
            )
        if len(set(labels)) < len(labels):
            repeated = next(names[label] for label in labels if labels.count(label) > 1)
            raise ValueError(f"{parameter} has the label {repeated} twice in the group {group!r}.")
        resolved.append(labels)
    return resolved


def _position(label, names, parameter):
    if str(label) in names:
        return names.index(str(label))
    # Where names are numbers, a number is a name, and not a position too.
    is_position = isinstance(label, numbers.Integral) and not any(name.isdigit() for name in names)
    if is_position and 0 <= label < len(names):
        return int(label)
    raise ValueError(
        f"{parameter} names the label {label!r}, but the labels are {', '.join(names)}. Use one of "
        "these names, or the position of its column."
    )
