"""Leads by name; limb leads that are missing are computed from two others, as recorders do it."""

import functools
import itertools

import numpy as np

# What each limb lead holds of I and of II, by Einthoven's law and Goldberger's definitions.
LIMB_LEADS = {
    "I": (1.0, 0.0),
    "II": (0.0, 1.0),
    "III": (-1.0, 1.0),
    "aVR": (-0.5, -0.5),
    "aVL": (1.0, -0.5),
    "aVF": (-0.5, 1.0),
    "-aVR": (0.5, 0.5),
}
_BETWEEN_LIMBS = ("I", "II", "III")


def is_computable(name, given):
    """Return whether a lead can be computed from others among the leads that are given."""
    return limb_lead_recipe(name, tuple(given)) is not None


@functools.lru_cache(maxsize=4096)
def limb_lead_recipe(name, given):
    """Return how a lead is computed from others.

    Of several pairs that give it, one of I, II and III comes first: recorders measure these and
    round the others. Then comes the pair whose rounding errors show least.

    Parameters
    ----------
    name : str
    given : tuple of str
        Leads to compute it from; others than limb leads, and itself, are not used.

    Returns
    -------
    tuple of (str, float), or None where there are no two leads to compute it from
        One or two leads, and the factors by which they add up to it.

    Examples
    --------
    >>> from sklearn_ecg.records._limb_leads import limb_lead_recipe
    >>> limb_lead_recipe("III", ("I", "II", "V1"))
    (('I', -1.0), ('II', 1.0))
    >>> limb_lead_recipe("III", ("I", "V1"))
    """
    if name not in LIMB_LEADS:
        return None
    sources = [lead for lead in LIMB_LEADS if lead in given and lead != name]
    recipes = []
    for pair in itertools.combinations(sources, 2):
        factors = _solve(LIMB_LEADS[name], *(LIMB_LEADS[lead] for lead in pair))
        if factors is not None:
            n_derived = sum(lead not in _BETWEEN_LIMBS for lead in pair)
            recipes.append((n_derived, sum(factor**2 for factor in factors), pair, factors))
    if not recipes:
        return None
    pair, factors = min(recipes, key=lambda recipe: recipe[:2])[2:]
    return tuple((lead, factor) for lead, factor in zip(pair, factors, strict=True) if factor)


def _solve(target, one, other):
    """Return factors of two leads that add up to the target; None for leads of one direction."""
    determinant = one[0] * other[1] - one[1] * other[0]
    if not determinant:
        return None
    return (
        (target[0] * other[1] - target[1] * other[0]) / determinant,
        (one[0] * target[1] - one[1] * target[0]) / determinant,
    )


class LeadSelection:
    """Makes the leads that are asked for of those that are given.

    A limb lead is computed in every record in which it is missing, which is to say that it is not
    among the leads given or has no finite sample there, and two others are not. Any other lead that
    is missing is NaN.

    Parameters
    ----------
    names : tuple of str
        Leads that are asked for.
    given : tuple of str
        Leads of the signals.
    compute : bool, default=True
        Whether to compute any; otherwise what is missing stays NaN.

    Attributes
    ----------
    computes : bool
        Whether there is any lead that may have to be computed.
    """

    def __init__(self, names, given, *, compute=True):
        self.names = tuple(names)
        self.given = tuple(given)
        self._same = self.names == self.given
        self._position = {name: place for place, name in enumerate(self.given)}
        self._has_all = all(name in self._position for name in self.names)
        self._sources = [lead for lead in LIMB_LEADS if lead in self._position]
        self._targets = []
        if compute:
            self._targets = [name for name in self.names if is_computable(name, self._sources)]
        self.computes = bool(self._targets)

    def is_recorded(self, signals):
        """Return whether all limb leads of signals of shape (n_records, n_leads, n_times) are."""
        return bool(self._recorded(signals).all())

    def apply(self, signals):
        """Make the leads of many records.

        Parameters
        ----------
        signals : ndarray of shape (n_records, n_leads_given, n_times)

        Returns
        -------
        ndarray of shape (n_records, n_leads, n_times)
            The signals themselves where there is nothing to change.
        """
        recorded = self._recorded(signals) if self.computes else None
        if self._same and (recorded is None or recorded.all()):
            return signals
        selected = self._select(signals)
        if recorded is not None:
            self._compute(selected, signals, recorded)
        return selected

    def of_record(self, signal):
        """As `apply`, of one record of shape (n_leads_given, n_times)."""
        return self.apply(np.asarray(signal)[np.newaxis])[0]

    def _recorded(self, signals):
        """Return which limb leads have a finite sample, of shape (n_records, n_sources)."""
        places = [self._position[lead] for lead in self._sources]
        # A lead that is there begins with a finite sample, nearly always.
        recorded = np.isfinite(signals[:, places, :1]).any(axis=-1)
        for record, source in np.argwhere(~recorded):
            recorded[record, source] = np.isfinite(signals[record, places[source]]).any()
        return recorded

    def _select(self, signals):
        """Return a copy of the leads asked for, NaN where they are not given."""
        if self._has_all:
            return signals[:, [self._position[name] for name in self.names]]
        dtype = signals.dtype
        if dtype.kind != "f":
            dtype = np.result_type(dtype, np.float32)
        selected = np.full((len(signals), len(self.names), signals.shape[-1]), np.nan, dtype)
        for place, name in enumerate(self.names):
            if name in self._position:
                selected[:, place] = signals[:, self._position[name]]
        return selected

    def _compute(self, selected, signals, recorded):
        """Put in the leads that are missing, records with the same leads at once."""
        is_missing_in_all = [name for name in self._targets if name not in self._position]
        if recorded.all():
            if is_missing_in_all:
                self._put(selected, signals, slice(None), is_missing_in_all, self._sources)
            return
        for pattern in np.unique(recorded, axis=0):
            there = [lead for lead, known in zip(self._sources, pattern, strict=True) if known]
            rows = np.flatnonzero((recorded == pattern).all(axis=1))
            self._put(selected, signals, rows, [t for t in self._targets if t not in there], there)

    def _put(self, selected, signals, rows, targets, there):
        for name in targets:
            recipe = limb_lead_recipe(name, tuple(there))
            if recipe is None:
                continue
            # Infinity minus infinity is no number, which it then says.
            with np.errstate(invalid="ignore", over="ignore"):
                parts = [
                    factor * signals[rows, self._position[lead]].astype(selected.dtype, copy=False)
                    for lead, factor in recipe
                ]
                selected[rows, self.names.index(name)] = sum(parts[1:], start=parts[0])
