"""The features of a saved model: what of an extractor travels, and how it is made again."""

import numpy as np

from sklearn_ecg.features import ECGFeatureExtractor
from sklearn_ecg.network._boosted_trees import BoostedTrees
from sklearn_ecg.records import ECGRecords

# With what the names of the trees' tensors begin among the weights.
_TREES = "feature_trees."

#: The one class of extractors that a model may name.
CLASS = "sklearn_ecg.features.ECGFeatureExtractor"
# What belongs to one machine.
_NOT_SAVED = {"memory", "n_jobs", "verbose"}


def describe_features(classifier):
    """Return what a model knows of its features as what JSON can hold, or None."""
    extractor = classifier.features_
    if extractor is None:
        return None
    if type(extractor) is not ECGFeatureExtractor:
        raise TypeError(
            f"The 'features' parameter holds a {type(extractor).__name__}, which only pickle could "
            "save; save and to_onnx know ECGFeatureExtractor."
        )
    return {
        "extractor": CLASS,
        "parameters": parameters_of(extractor),
        "sampling_rate": extractor.sampling_rate_,
        "names": extractor.get_feature_names_out().tolist(),
    }


def tree_weights(classifier):
    """Return the tensors of a classifier's trees by the names that files have for them."""
    if classifier.feature_trees_ is None:
        return {}
    return {_TREES + name: v for name, v in vars(classifier.feature_trees_).items()}


def parameters_of(extractor):
    """Return the parameters that travel, as what JSON can hold."""
    parameters = {k: v for k, v in extractor.get_params().items() if k not in _NOT_SAVED}
    return {**parameters, "groups": list(parameters["groups"])}


def extractor_from(description):
    """Return the unfitted extractor of a description, of which nothing else is made."""
    if description["extractor"] != CLASS:
        raise ValueError(
            f"The model's features come from {description['extractor']!r}; only {CLASS} is made "
            "when a model is loaded."
        )
    return ECGFeatureExtractor(**description["parameters"])


def restore_features(classifier, description, weights):
    """Set a classifier's learned features, and take the trees' tensors out of the weights."""
    classifier.features_ = classifier.feature_trees_ = None
    if description is None:
        return
    leads, n_leads = classifier.lead_names_in_, classifier.n_leads_in_
    # Records with fewer samples than leads are refused: their axes may be swapped.
    flat = ECGRecords(
        np.zeros((1, n_leads, n_leads + 1)), description["sampling_rate"], lead_names=leads
    )
    extractor = extractor_from(description).fit(flat)
    names = extractor.get_feature_names_out().tolist()
    if names != description["names"]:
        raise ValueError(
            "The model was trained on other features than this version of sklearn_ecg measures: "
            f"{len(set(description['names']) ^ set(names))} names differ. Load it with the version "
            "that saved it, or train it anew."
        )
    of_trees = [name for name in weights if name.startswith(_TREES)]
    tensors = {name.removeprefix(_TREES): weights.pop(name) for name in of_trees}
    trees = BoostedTrees(**tensors)
    if len(trees.baseline) != len(classifier.label_names_):
        raise ValueError(
            f"The model has {len(classifier.label_names_)} labels, but its trees answer for "
            f"{len(trees.baseline)}."
        )
    classifier.features_, classifier.feature_trees_ = extractor, trees
