"""The catalogue of all features: one table, from which names, units and documentation come."""

import csv
import functools
from importlib import resources
from typing import NamedTuple

from sklearn_ecg.utils import is_known_lead

#: Groups of features, in the order of the table.
GROUPS = ("rhythm", "intervals", "axes", "amplitudes", "shape", "quality", "patient")


class Feature(NamedTuple):
    """A row of the catalogue.

    `of` says what the feature belongs to: "record", "each lead", "metadata", of which it is taken
    and not measured, or the leads without which it is not defined, where ``a|b`` stands for a or b.
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
    """Return the features of the whole record that these leads allow."""
    return tuple(
        feature
        for feature in catalogue()
        if feature.of == "record" or (_needs_leads(feature) and _allow(lead_names, feature.of))
    )


def features_lost(lead_names, groups):
    """Return the features that records lack because leads go by names that nobody knows.

    Parameters
    ----------
    lead_names : tuple of str
    groups : sequence of str

    Returns
    -------
    list of str
        Of records of the same number of leads, as many as the unknown ones could be.
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
    """Return the features that are taken of the records' metadata, by name, as `features_of`."""
    return {feature.name: (feature, "") for feature in catalogue() if feature.of == "metadata"}


def features_of(lead_names):
    """Return all features that are measured of records with these leads, by their full names.

    Parameters
    ----------
    lead_names : tuple of str

    Returns
    -------
    dict of str to (Feature, str)
        The feature and the lead that it belongs to, which is empty for those of the record.
    """
    features = {feature.name: (feature, "") for feature in record_features(lead_names)}
    for lead in lead_names:
        own = {f"{lead}_{feature.name}": (feature, lead) for feature in lead_features()}
        twice = sorted(own.keys() & features.keys())
        if twice:
            raise ValueError(
                f"The lead {lead!r} would have features of the same name as others, such as "
                f"{twice[0]!r}; give the lead another name."
            )
        features |= own
    return features


def _needs_leads(feature):
    return feature.of not in ("record", "each lead", "metadata")


def _allow(lead_names, needed):
    return not _n_lacking(lead_names, needed)


def _n_lacking(lead_names, needed):
    """Return how many more leads a feature needs."""
    return sum(not set(lead_names).intersection(one.split("|")) for one in needed.split())
