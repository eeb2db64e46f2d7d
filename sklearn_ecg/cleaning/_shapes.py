"""Check the learned attributes of a saved cleaner."""

import numpy as np

from sklearn_ecg.features import ECGFeatureExtractor


def check_shapes(cleaner):
    """Raise an error if the arrays of a fitted cleaner do not fit together.

    Parameters
    ----------
    cleaner : label cleaner
        Loaded from a file.
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
    else:  # the input features of another transformer are unknown
        n_features = cleaner.n_features_in_
    if cleaner.n_features_in_ != n_features:
        raise ValueError(f"n_features_in_ is {cleaner.n_features_in_}, not {n_features}")
    for name, shape in shapes.items():
        values = getattr(cleaner, name, None)
        if values is not None and np.shape(values) != shape:
            raise ValueError(f"{name} has shape {np.shape(values)}, not {shape}")
    for name, values in vars(cleaner._decisions).items():
        if np.shape(values) != of_labels:
            raise ValueError(f"{name} of _decisions has shape {np.shape(values)}, not {of_labels}")
    if not set(cleaner._position.values()) <= set(range(n_records)):
        raise ValueError(f"_position names records beyond the {n_records} that were fitted")
