"""Whether what a saved cleaner has learned fits together."""

import numpy as np

from sklearn_ecg.features import ECGFeatureExtractor


def check_shapes(cleaner):
    """Raise an error where arrays of a fitted cleaner are not of one input.

    Parameters
    ----------
    cleaner : label cleaner
        As it comes out of a file.
    """
    if not hasattr(cleaner, "labels_"):
        return
    (n_records, n_features), n_labels = cleaner._table.shape, len(cleaner.label_names_)
    n_sources, of_labels = len(cleaner.source_names_), (n_records, n_labels)
    shapes = {
        "label_names_": (n_labels,),
        "learned_": (n_labels,),
        "_ids": (n_records,),
        "_groups": (n_records,),
        "_sources": (*of_labels, n_sources),
    }
    shapes |= dict.fromkeys(["_weak", "_trusted", "_answers", "labels_"], of_labels)
    shapes |= dict.fromkeys(["provenance_", "confidence_"], of_labels)
    extractor = getattr(cleaner, "extractor_", None)
    if extractor is None:
        shapes["feature_names_in_"] = (n_features,)
    elif type(extractor) is ECGFeatureExtractor:
        n_features = extractor.n_features_in_
    else:  # of another transformer nobody knows what it takes for a feature
        n_features = cleaner.n_features_in_
    if cleaner.n_features_in_ != n_features:
        raise ValueError(f"n_features_in_ is {cleaner.n_features_in_}, where {n_features} fit")
    for name, shape in shapes.items():
        values = getattr(cleaner, name, None)
        if values is not None and np.shape(values) != shape:
            raise ValueError(f"{name} has shape {np.shape(values)}, and not {shape}")
    for name, values in vars(cleaner._decisions).items():
        if np.shape(values) != of_labels:
            raise ValueError(f"{name} of _decisions is of {np.shape(values)}, not {of_labels}")
    if not set(cleaner._position.values()) <= set(range(n_records)):
        raise ValueError(f"_position names other records than the {n_records}")
