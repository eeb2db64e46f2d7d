"""The limits that a card must name."""

import numpy as np

from sklearn_ecg.cards._facts import known, listed
from sklearn_ecg.records import CleanedRecords, ECGRecords
from sklearn_ecg.utils import trusted_records


def model_limits(tested, model, X_test, X_train, groups, min_positives):
    """Return the limits of the scores of a model card.

    Parameters
    ----------
    tested : Tested
    model : fitted classifier
    X_test, X_train : ECGRecords or array-like
        X_train may be None.
    groups : ndarray of shape (n_records,), or None
        Patients of the test records.
    min_positives : int

    Returns
    -------
    list of str
    """
    return [
        *_thinly_tested(tested, min_positives),
        *_patients(groups, X_train),
        *_labels_of(tested, X_test),
        *_recordings(X_test, X_train),
        *_probabilities(model),
        "The scores are those of one set of test records. Other hospitals, recorders and patients "
        "were not tested.",
        "This card describes measurements. It is not an approval for the care of patients.",
    ]


def _thinly_tested(tested, min_positives):
    unit = "records" if tested.groups is None else "patients"
    present, absent = tested.n_positive(), tested.n_negative()
    never = present == 0
    always = (absent == 0) & ~never
    rare = (present < min_positives) & ~never & ~always
    if never.any():
        yield f"Not tested, because no test record has them: {listed(tested.names[never])}."
    if always.any():
        yield f"Not tested, because all test records have them: {listed(tested.names[always])}."
    if rare.any():
        pairs = zip(tested.names[rare], present[rare], strict=True)
        yield (
            f"Hardly tested, because fewer than {min_positives} test {unit} have them: "
            f"{listed(f'{name} ({n})' for name, n in pairs)}. In the mean over labels they have "
            "the same weight as the others."
        )


def _patients(groups, X_train):
    if groups is None:
        yield (
            "The patients of the test records are not known. Intervals treat each record as a "
            "patient of its own, and are too narrow if patients have several records."
        )
    trained_on = known(X_train, "groups")
    if groups is None or trained_on is None:
        yield "It is not known whether test patients also have training records."
        return
    patients = set(groups.astype(str))
    both = patients & set(trained_on.astype(str))
    if both:
        yield (
            f"{len(both)} of the {len(patients)} test patients also have training records, such as "
            f"{min(both)}: scores for new patients may be lower."
        )


def _labels_of(tested, X_test):
    if isinstance(X_test, CleanedRecords):
        n_made = (~np.isin(X_test.provenance, ("trusted", "answered"))).sum()
        if n_made:
            yield (
                f"{n_made} of the {X_test.labels.size} test labels were made by a label cleaner. "
                "For them the scores measure agreement with the cleaner, not with true labels."
            )
    trusted = known(X_test, "trusted")
    trusted = None if trusted is None else trusted_records(trusted)
    if trusted is not None and not trusted.all():
        yield (
            f"{(~trusted).sum()} of the {len(trusted)} test records are not trusted. Scores "
            "against weak labels also reward their errors."
        )
    unknown = (tested.y_true == -1).sum()
    if unknown:
        yield f"{unknown} of {tested.y_true.size} test labels are unknown, and are not counted."


def _recordings(X_test, X_train):
    if not isinstance(X_test, ECGRecords) or getattr(X_test, "is_table", False):
        yield "The card was made from a table or array, so leads and sampling rates are not known."
        return
    rate, leads = X_test.sampling_rate, X_test.lead_names
    tested = "an unknown rate" if rate is None else f"{rate:g} Hz"
    named = f"{X_test.n_leads} leads" if leads is None else f"the leads {', '.join(leads)}"
    yield f"Tested with {named} at {tested} only."
    trained = known(X_train, "sampling_rate")
    if None not in (rate, trained) and not np.isclose(rate, trained):
        yield f"It was trained on records of {trained:g} Hz, and tested on records of {rate:g} Hz."


def _probabilities(model):
    if not _is_calibrated(model):
        yield (
            "Probabilities were not calibrated: they rank records, but may differ much from the "
            "frequency of a label."
        )
    if isinstance(getattr(model, "thresholds", None), str) and (model.thresholds_ != 0.5).any():
        yield (
            "Thresholds were tuned to the frequencies of labels in the training records. If labels "
            "are rarer or more frequent, tune them again."
        )


def _is_calibrated(model):
    """Whether probabilities were calibrated; True if unknown."""
    if getattr(model, "calibration", "unknown") is None:
        return False
    if not hasattr(model, "decisions_"):
        return True
    parts = [part for part in (model.decisions_, model.answers_) if part is not None]
    return any((part.slope != 1).any() for part in parts)


def cleaning_limits(cleaner, cleaned, weak, truth_is_known, min_trusted):
    """Return the limits of a cleaning card.

    Parameters
    ----------
    cleaner : fitted label cleaner
    cleaned : CleanedRecords
    weak : ndarray of bool of shape (n_records, n_labels)
    truth_is_known : bool
    min_trusted : int

    Returns
    -------
    list of str
    """
    return [
        *_learned_from(cleaner, cleaned, weak, min_trusted),
        *_unanswered(cleaner, cleaned, weak, truth_is_known),
    ]


def _learned_from(cleaner, cleaned, weak, min_trusted):
    names = cleaned.label_names
    learned = np.asarray(getattr(cleaner, "learned_", np.ones(len(names), bool)), dtype=bool)
    if not learned.all():
        yield (
            "Not cleaned, because there were too few examples to learn from: "
            f"{listed(names[~learned])}."
        )
    if weak.all():
        yield (
            "None of these records is trusted. The cleaner learned from other records, and was not "
            "checked on these."
        )
    else:
        if not weak.any():
            yield (
                "All records were taken as trusted: no label was checked, and none was cleaned. It "
                "is not known whether somebody has checked them."
            )
        n_trusted = ((cleaned.labels == 1) & ~weak).sum(axis=0)
        rare = learned & (n_trusted < min_trusted)
        if rare.any():
            pairs = zip(names[rare], n_trusted[rare], strict=True)
            yield (
                f"Hardly checked, because fewer than {min_trusted} trusted records have them: "
                f"{listed(f'{name} ({n})' for name, n in pairs)}."
            )
        yield "Labels of trusted records are taken as right. The cleaner also learns their errors."


def _unanswered(cleaner, cleaned, weak, truth_is_known):
    is_judged = weak & (cleaned.provenance != "undecided")
    unjudged = weak.any(axis=1) & ~is_judged.any(axis=1)
    if unjudged.any():
        yield f"{unjudged.sum()} records could not be judged, and keep their labels."
    rates = cleaner.noise_rates_
    unasked = [name for name in ("missing", "wrong") if rates[name].isna().all()]
    if unasked:
        yield f"The cleaner does not search for {unasked[0]} labels."
    if cleaned.groups is None:
        yield "Patients are not known, so a patient's records may have judged each other."
    if not truth_is_known:
        yield (
            "No true labels were given. The numbers of errors are estimates of the cleaner, and "
            "were not measured."
        )
    yield "A label that was changed is more probable than before, not certain."
