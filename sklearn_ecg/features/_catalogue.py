"""The catalogue of all features, a table of their names, units and definitions."""

import csv
import functools
from importlib import resources
from typing import NamedTuple

from sklearn_ecg.utils import is_known_lead

#: Groups of features, in the order of the table.
GROUPS = ("rhythm", "intervals", "axes", "amplitudes", "shape", "quality", "patient")


class Feature(NamedTuple):
    """A row of the catalogue.

    `of` is "record", "each lead", "metadata" (the feature is read from the metadata, and not
    measured), or the leads that the feature needs; ``a|b`` means a or b.
    """

    name: str
    unit: str
    of: str
    group: str
    definition: str
    normal: str
    source: str


@functools.cache
def catalogue():
    """Return every row of the table."""
    text = resources.files("sklearn_ecg.features").joinpath("catalogue.csv").read_text("utf-8")
    return tuple(Feature(**row) for row in csv.DictReader(text.splitlines()))


@functools.lru_cache(maxsize=16)
def record_features(lead_names):
    """Return the features of the whole record that can be measured with these leads."""
    return tuple(
        feature
        for feature in catalogue()
        if feature.of == "record" or (_needs_leads(feature) and _allow(lead_names, feature.of))
    )


def features_lost(lead_names, groups):
    """Return the features that cannot be measured because leads have unknown names.

    Parameters
    ----------
    lead_names : tuple of str
    groups : sequence of str

    Returns
    -------
    list of str
        The features whose missing leads could be the leads with unknown names.
    """
    n_unknown = sum(not is_known_lead(name) for name in lead_names)
    wanted = [f for f in catalogue() if f.group in groups and _needs_leads(f)]
    return [f.name for f in wanted if 0 < _n_lacking(lead_names, f.of) <= n_unknown]


@functools.cache
def lead_features():
    """Return the features that each lead has."""
    return tuple(feature for feature in catalogue() if feature.of == "each lead")


@functools.cache
def metadata_features():
    """Return the features from the records' metadata, in the form of `features_of`."""
    return {feature.name: (feature, "") for feature in catalogue() if feature.of == "metadata"}


def features_of(lead_names):
    """Return all features of records with these leads, by their full names.

    Parameters
    ----------
    lead_names : tuple of str

    Returns
    -------
    dict of str to (Feature, str)
        The feature and its lead; the lead is "" for features of the record.
    """
    features = {feature.name: (feature, "") for feature in record_features(lead_names)}
    for lead in lead_names:
        own = {f"{lead}_{feature.name}": (feature, lead) for feature in lead_features()}
        twice = sorted(own.keys() & features.keys())
        if twice:
            raise ValueError(
                f"The features of lead {lead!r} would have the same names as others, such as "
                f"{twice[0]!r}; give the lead another name."
            )
        features |= own
    return features


def _needs_leads(feature):
    return feature.of not in ("record", "each lead", "metadata")


def _allow(lead_names, needed):
    return not _n_lacking(lead_names, needed)


def _n_lacking(lead_names, needed):
    """Return the number of leads that a feature needs and the records lack."""
    return sum(not set(lead_names).intersection(one.split("|")) for one in needed.split())
