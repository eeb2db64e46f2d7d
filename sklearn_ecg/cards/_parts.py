"""What is inside a Pipeline or a search, and which records it kept from training."""

from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sklearn_ecg.cards._facts import known, listed


def unwrapped(classifier):
    """Return the classifier that answers in the end, the steps before it, and searches around it.

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
                "refit=True, or give the card the one that you have fitted."
            )
        else:
            return classifier, steps, searches


def search_fact(search):
    """Return how a search came to its choice."""
    n_candidates = len(search.cv_results_["params"])
    chosen = listed(f"{name}={value!r}" for name, value in search.best_params_.items())
    return (
        f"{type(search).__name__}, of {n_candidates} candidates by {search.n_splits_} folds of the "
        f"training records: {chosen}"
    )


def held_out(model, X_train):
    """Say which training records a classifier kept for validation, in a list of paragraphs."""
    if not hasattr(model, "label_correlation_"):  # no network of ours
        return []
    indices = getattr(model, "validation_indices_", None)
    if indices is None:
        return ["Which of them were held out for validation is not known: the model was loaded."]
    if not len(indices):
        of_features = (
            ""
            if model.answers_ is None
            else " Thresholds and calibration learn from what measured features say of patients "
            "whom their models have not learned from."
        )
        return [
            "None of them were held out: all were learned from, and nothing stopped the training "
            f"but its number of epochs.{of_features}"
        ]
    ids = known(X_train, "ids")
    which = ""
    if ids is not None and indices.max() < len(ids):
        which = f": {listed(ids[indices])}"
    return [
        f"Of them {len(indices)} records were held out, from which early stopping, thresholds and "
        f"calibration learn, and weights do not{which}."
    ]
