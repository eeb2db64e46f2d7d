"""Find the classifier in a Pipeline or a search, and its held-out records."""

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sklearn_ecg.cards._facts import known, listed


def unwrapped(classifier):
    """Return the classifier in a Pipeline or search, the steps before it, and the searches.

    Parameters
    ----------
    classifier : fitted classifier, Pipeline or search

    Returns
    -------
    model : fitted classifier
    steps, searches : list of estimators
    """
    steps, searches = [], []
    while True:
        if isinstance(classifier, Pipeline):
            steps += [step for _, step in classifier.steps[:-1]]
            classifier = classifier[-1]
        elif hasattr(classifier, "best_estimator_"):
            searches.append(classifier)
            classifier = classifier.best_estimator_
        elif getattr(classifier, "refit", True) is False:
            check_is_fitted(classifier)
            raise ValueError(
                f"{type(classifier).__name__} with refit=False holds no fitted classifier; set "
                "refit=True, or pass a fitted classifier to the card."
            )
        else:
            return classifier, steps, searches


def search_fact(search):
    """Describe the choice of a search."""
    n_candidates = len(search.cv_results_["params"])
    chosen = listed(
        f"{name}={value.item() if isinstance(value, np.generic) else value!r}"
        for name, value in search.best_params_.items()
    )
    return (
        f"{type(search).__name__}, of {n_candidates} candidates by {search.n_splits_} folds of the "
        f"training records: {chosen}"
    )


def held_out(model, X_train):
    """Return a list of paragraphs about the training records held out for validation."""
    if not hasattr(model, "label_correlation_"):  # not a network of this package
        return []
    indices = getattr(model, "validation_indices_", None)
    if indices is None:
        return ["The model was loaded, so it is not known which records were held out."]
    if not len(indices):
        of_features = (
            ""
            if model.answers_ is None
            else " Thresholds and calibration were learned from cross-fitted predictions of the "
            "models of measured features."
        )
        return [
            "No records were held out: all were used for training, which ended after its number "
            f"of epochs.{of_features}"
        ]
    ids = known(X_train, "ids")
    which = ""
    if ids is not None and indices.max() < len(ids):
        which = f": {listed(ids[indices])}"
    return [
        f"{len(indices)} of them were held out: they were used for early stopping, thresholds and "
        f"calibration, but not for the weights{which}."
    ]
