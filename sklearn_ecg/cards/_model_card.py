"""model_card: describe a classifier, its data and its scores."""

import numpy as np
import pandas as pd
from sklearn.utils.validation import _num_samples, check_is_fitted

from sklearn_ecg.cards._card import Card
from sklearn_ecg.cards._facts import (
    estimator_facts,
    facts_table,
    known,
    label_counts,
    parameters_table,
    records_facts,
    with_notes,
)
from sklearn_ecg.cards._limits import model_limits
from sklearn_ecg.cards._parts import held_out, search_fact, unwrapped
from sklearn_ecg.cards._tested import Tested
from sklearn_ecg.records import CleanedRecords
from sklearn_ecg.utils import check_groups, check_labels, ids_of


def model_card(
    classifier,
    X_test,
    y_test=None,
    *,
    groups=None,
    X_train=None,
    y_train=None,
    min_positives=10,
    n_resamples=1000,
    random_state=0,
    title=None,
    notes=None,
) -> Card:
    """Describe a fitted multi-label classifier: its data, training, scores and limits.

    Parameters
    ----------
    classifier : fitted classifier, Pipeline or search
        `LabelCorrelationECGClassifier`, `OnCleanedLabels`, or any multi-label classifier with
        ``predict_proba``; also at the end of a Pipeline, or in a fitted search such as
        ``GridSearchCV``.
    X_test : ECGRecords or array-like of n_records
        Records that were not used in training, preferably of other patients.
    y_test : array-like or DataFrame of shape (n_records, n_labels), default=None
        True labels of `X_test`; by default those of the records. Unknown labels (-1) are not
        counted. Named columns may have any order.
    groups : array-like of shape (n_records,), default=None
        Patients of the test records, which are resampled for intervals; by default those of the
        records.
    X_train : ECGRecords, CleanedRecords or array-like, default=None
        The records that the classifier was fitted to, which the card then describes. If both have
        `groups`, the card says whether patients are in both.
    y_train : array-like or DataFrame, default=None
        Labels of `X_train`; by default those of the records.
    min_positives : int, default=10
        Labels of fewer test patients are named among the limits.
    n_resamples : int, default=1000
        Number of resamples of patients for 95 % intervals.
    random_state : int, RandomState instance or None, default=0
        Seed of the resamples.
    title : str, default=None
        Title of the card; by default it names the class of the classifier.
    notes : dict of str to str, default=None
        Titles and texts of your own first sections, for example the purpose of the classifier, and
        the source of the data.

    Returns
    -------
    Card
        With ``to_markdown()``, ``to_html()`` and ``save(path)``.

    Raises
    ------
    TypeError
        If the classifier has no ``predict_proba``.
    ValueError
        If there are no test records or labels, the labels differ, or the classifier is not a
        multi-label classifier.

    See Also
    --------
    cleaning_card : Describe cleaned labels.
    sklearn_ecg.metrics.multilabel_report : A table of scores only.

    References
    ----------
    Mitchell et al. (2019). Model Cards for Model Reporting. FAT*.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from sklearn_ecg import OnCleanedLabels
    >>> from sklearn_ecg.cards import model_card
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(0, 2, size=(200, 2))
    >>> X = y + rng.normal(scale=0.5, size=(200, 2))
    >>> forest = OnCleanedLabels(RandomForestClassifier(n_estimators=20, random_state=0))
    >>> forest = forest.fit(X[:100], y[:100])
    >>> card = model_card(forest, X[100:], y[100:], groups=np.arange(100) // 2)
    >>> list(card.sections)
    ['Model', 'Training data', 'Test data', 'Scores', 'Probabilities', 'Parameters', 'Limits']
    >>> card.save("forest.html")  # doctest: +SKIP
    """
    model, steps, searches = unwrapped(classifier)
    _check_classifier(classifier, model)
    if not isinstance(min_positives, int | np.integer) or min_positives < 1:
        raise ValueError(f"min_positives must be an integer of at least 1; got {min_positives!r}.")
    if not _num_samples(X_test):
        raise ValueError("X_test holds no records; pass at least one.")
    groups = known(X_test, "groups") if groups is None else groups
    groups = check_groups(groups, n_records=len(X_test), ids=ids_of(X_test, y_test))
    tested = Tested.of(classifier, model, X_test, y_test, groups)
    scores = tested.scores(n_resamples, random_state)
    sections = {
        "Model": [facts_table(_model_facts(model, steps, searches, tested))],
        "Training data": [*_training_data(X_train, y_train), *held_out(model, X_train)],
        "Test data": [
            facts_table(records_facts(X_test, groups)),
            label_counts(tested.y_true, tested.names),
        ],
        "Scores": [_scores_explained(model, tested, n_resamples), scores],
        "Probabilities": [
            "The share of records with each label, and the mean probability of the classifier. "
            "The Brier score is the mean squared error of the probabilities.",
            tested.probabilities_table(),
        ],
        "Parameters": [parameters_table(model)],
        "Limits": [model_limits(tested, model, X_test, X_train, groups, min_positives)],
    }
    name = type(model).__name__
    return Card(f"Model card: {name}" if title is None else title, with_notes(notes, sections))


def _check_classifier(classifier, model):
    check_is_fitted(classifier)
    if not getattr(model, "multilabel_", True):
        raise ValueError(
            f"{type(model).__name__} was fitted to a one-dimensional y; model_card describes "
            "multi-label classifiers. Fit it to an indicator of shape (n_records, n_labels)."
        )
    if not hasattr(classifier, "predict_proba"):
        raise TypeError(
            f"{type(model).__name__} has no predict_proba, which areas under curves need; for "
            "example set probability=True, or calibrate it."
        )


def _model_facts(model, steps, searches, tested):
    facts = estimator_facts(model)
    if steps:
        facts["steps before it"] = ", ".join(type(step).__name__ for step in steps)
    for search in searches:
        facts["chosen by"] = search_fact(search)
    facts["labels"] = ", ".join(tested.names)
    if hasattr(model, "module_"):
        facts["weights"] = f"{sum(p.numel() for p in model.module_.parameters()):,}"
    if hasattr(model, "n_times_"):
        rate = model.sampling_rate_
        seconds = "" if rate is None else f", {model.n_times_ / rate:g} s at {rate:g} Hz"
        facts["reads at a time"] = f"{model.n_times_} samples{seconds}"
    leads = getattr(model, "lead_names_in_", None)
    if leads is not None:
        facts["leads, in this order"] = ", ".join(leads)
    answers = getattr(model, "answers_", None)
    if answers is not None:
        share = 1 - model.decisions_.share
        facts["measured features"] = (
            f"by {type(answers.extractor).__name__}; trees on them have the weight {share:.0%} in "
            "the probabilities"
        )
    history = getattr(model, "history", None)
    if isinstance(history, list) and history:  # as skorch keeps it
        facts |= _history_facts(history)
    return facts


def _history_facts(history):
    facts = {"epochs trained": str(len(history))}
    facts["time of training"] = f"{sum(epoch.get('dur', 0) for epoch in history):.0f} s"
    losses = [epoch["valid_loss"] for epoch in history if "valid_loss" in epoch]
    if losses:
        best = int(np.argmin(losses))
        facts["best epoch"] = f"{best + 1}, validation loss {losses[best]:.4f}"
    return facts


def _training_data(X_train, y_train):
    if X_train is None:
        return ["Not described, because the card got no training records."]
    groups = known(X_train, "groups")
    blocks = [facts_table(records_facts(X_train, groups))]
    if isinstance(X_train, CleanedRecords):
        y_train = None  # labels that a step has cleaned win
        differs, was_known = X_train.labels != X_train.weak_labels, X_train.weak_labels != -1
        n_filled_in = (differs & ~was_known).sum()
        filled_in = f", and {n_filled_in} unknown labels were filled in" if n_filled_in else ""
        blocks.append(
            f"The labels were cleaned: {(differs & was_known).sum()} of {was_known.sum()} differ "
            f"from the given ones, including undecided labels{filled_in}."
        )
    names = known(X_train, "label_names")
    if y_train is None:
        y_train = known(X_train, "labels")
    elif isinstance(y_train, pd.DataFrame) or np.shape(y_train)[1:] != np.shape(names):
        names = None
    if y_train is None:
        return [*blocks, "The card did not get their labels."]
    labels, names = check_labels(y_train, n_records=len(X_train), name="y_train", label_names=names)
    names = np.arange(labels.shape[1]).astype(str) if names is None else names
    return [*blocks, label_counts(labels, names)]


def _scores_explained(model, tested, n_resamples):
    unit = "records (patients are not known)" if tested.groups is None else "patients"
    thresholds = getattr(model, "thresholds_", None)
    if np.shape(thresholds) != (len(tested.names),):
        predictions = "with its own rule"
    elif len(np.unique(thresholds)) == 1:
        predictions = f"present from a probability of {thresholds[0]:g} on"
    else:
        pairs = zip(tested.names, thresholds, strict=True)
        of_each = ", ".join(f"{name} {threshold:.3f}" for name, threshold in pairs)
        predictions = f"present from tuned probabilities on: {of_each}"
    return (
        f"Brackets hold 95 % intervals from {n_resamples} resamples of {unit}, if enough of them "
        "have the label and enough do not. F1, precision, recall and specificity are those of "
        f"the classifier's predictions ({predictions}). Means leave out labels for which a score "
        "is not defined."
    )
