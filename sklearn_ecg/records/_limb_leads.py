"""Select leads by name, and compute missing limb leads from two others, as recorders do."""

import functools
import itertools

import numpy as np

# Factors of I and of II in each limb lead, by Einthoven's law and Goldberger's definitions.
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
    """Return whether a lead can be computed from the given leads."""
    return limb_lead_recipe(name, tuple(given)) is not None


@functools.lru_cache(maxsize=4096)
def limb_lead_recipe(name, given):
    """Return how a lead is computed from others.

    Two of I, II and III are preferred, because recorders measure these and round the others. Then
    the pair with the smallest rounding errors is taken.

    Parameters
    ----------
    name : str
        The lead to compute.
    given : tuple of str
        The given leads; only limb leads other than `name` are used.

    Returns
    -------
    tuple of (str, float), or None if it cannot be computed
        One or two leads and their factors; the weighted sum is the lead.

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
    """Return the factors of two leads whose sum is the target; None for parallel leads."""
    determinant = one[0] * other[1] - one[1] * other[0]
    if not determinant:
        return None
    return (
        (target[0] * other[1] - target[1] * other[0]) / determinant,
        (one[0] * target[1] - one[1] * target[0]) / determinant,
    )


class LeadSelection:
    """Makes the wanted leads from the given leads.

    A lead is missing from a record if it is not given, or has no finite sample there. A missing
    limb lead is computed if the record has two other limb leads. Other missing leads are NaN.

    Parameters
    ----------
    names : tuple of str
        The wanted leads.
    given : tuple of str
        The leads of the signals.
    compute : bool, default=True
        Whether to compute limb leads; if not, missing leads are NaN.

    Attributes
    ----------
    computes : bool
        Whether some lead may have to be computed.
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
        """Return whether all given limb leads have finite samples in all records.

        Parameters
        ----------
        signals : ndarray of shape (n_records, n_leads_given, n_times)

        Returns
        -------
        bool
        """
        return bool(self._recorded(signals).all())

    def apply(self, signals):
        """Make the wanted leads of many records.

        Parameters
        ----------
        signals : ndarray of shape (n_records, n_leads_given, n_times)

        Returns
        -------
        ndarray of shape (n_records, n_leads, n_times)
            The same object if nothing changes.
        """
        recorded = self._recorded(signals) if self.computes else None
        if self._same and (recorded is None or recorded.all()):
            return signals
        selected = self._select(signals)
        if recorded is not None:
            self._compute(selected, signals, recorded)
        return selected

    def of_record(self, signal):
        """Make the wanted leads of one record of shape (n_leads_given, n_times)."""
        return self.apply(np.asarray(signal)[np.newaxis])[0]

    def _recorded(self, signals):
        """Return a mask of the limb leads with a finite sample, of shape (n_records, n_sources)."""
        places = [self._position[lead] for lead in self._sources]
        # The first sample is nearly always finite, and fast to look at.
        recorded = np.isfinite(signals[:, places, :1]).any(axis=-1)
        for record, source in np.argwhere(~recorded):
            recorded[record, source] = np.isfinite(signals[record, places[source]]).any()
        return recorded

    def _select(self, signals):
        """Return a copy of the wanted leads, NaN if they are not given."""
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
        """Fill in the missing limb leads, for all records with the same leads at once."""
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
            # Infinity minus infinity is NaN, which is right here.
            with np.errstate(invalid="ignore", over="ignore"):
                parts = [
                    factor * signals[rows, self._position[lead]].astype(selected.dtype, copy=False)
                    for lead, factor in recipe
                ]
                selected[rows, self.names.index(name)] = sum(parts[1:], start=parts[0])
