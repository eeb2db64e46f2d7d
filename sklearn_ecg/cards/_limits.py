"""What a card must not leave unsaid."""

import numpy as np

from sklearn_ecg.cards._facts import known, listed
from sklearn_ecg.records import CleanedRecords, ECGRecords
from sklearn_ecg.utils import trusted_records


def model_limits(tested, model, X_test, X_train, groups, min_positives):
    """Say what the scores of a model card do not show.

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
        "This card describes measurements. It is no approval for the care of patients.",
    ]


def _thinly_tested(tested, min_positives):
    unit = "records" if tested.groups is None else "patients"
    present, absent = tested.n_positive(), tested.n_negative()
    never = present == 0
    always = (absent == 0) & ~never
    rare = (present < min_positives) & ~never & ~always
    if never.any():
        yield f"Not tested, since no test record has them: {listed(tested.names[never])}."
    if always.any():
        yield f"Not tested, since all test records have them: {listed(tested.names[always])}."
    if rare.any():
        pairs = zip(tested.names[rare], present[rare], strict=True)
        yield (
            f"Hardly tested, since fewer than {min_positives} test {unit} have them: "
            f"{listed(f'{name} ({n})' for name, n in pairs)}. The mean over labels counts them as "
            "much as any other."
        )


def _patients(groups, X_train):
    if groups is None:
        yield (
            "The patients of the test records are not known: intervals take each record for a "
            "patient of its own, and are too narrow if patients have several."
        )
    trained_on = known(X_train, "groups")
    if groups is None or trained_on is None:
        yield "Whether patients of the test were also trained on is not known to this card."
        return
    patients = set(groups.astype(str))
    both = patients & set(trained_on.astype(str))
    if both:
        yield (
            f"{len(both)} of the {len(patients)} test patients were also trained on, such as "
            f"{min(both)}: for new patients the scores promise too much."
        )


def _labels_of(tested, X_test):
    if isinstance(X_test, CleanedRecords):
        n_made = (~np.isin(X_test.provenance, ("trusted", "answered"))).sum()
        if n_made:
            yield (
                f"{n_made} of the {X_test.labels.size} test labels were made by a label cleaner: "
                "there the scores show agreement with it, not with the truth."
            )
    trusted = known(X_test, "trusted")
    trusted = None if trusted is None else trusted_records(trusted)
    if trusted is not None and not trusted.all():
        yield (
            f"{(~trusted).sum()} of the {len(trusted)} test records are not trusted: against weak "
            "labels scores measure agreement with their errors too."
        )
    unknown = (tested.y_true == -1).sum()
    if unknown:
        yield f"{unknown} of {tested.y_true.size} test labels are unknown, and count nowhere."


def _recordings(X_test, X_train):
    if not isinstance(X_test, ECGRecords) or getattr(X_test, "is_table", False):
        yield "The card was made from a table or array: leads and sampling rates are not known."
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
            "Probabilities were not calibrated: they rank records, and may be far from how often "
            "a label is there."
        )
    if isinstance(getattr(model, "thresholds", None), str) and (model.thresholds_ != 0.5).any():
        yield (
            "Thresholds were tuned to the share of labels among the records of training; where "
            "labels are rarer or more frequent, others are best."
        )


def _is_calibrated(model):
    """Whether something was learned that calibrates probabilities; True where nobody knows."""
    if getattr(model, "calibration", "unknown") is None:
        return False
    if not hasattr(model, "decisions_"):
        return True
    parts = [part for part in (model.decisions_, model.answers_) if part is not None]
    return any((part.slope != 1).any() for part in parts)


def cleaning_limits(cleaner, cleaned, weak, truth_is_known, min_trusted):
    """Say what a cleaning card does not show.

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
            "Kept as they were, since there were too few examples to learn from: "
            f"{listed(names[~learned])}."
        )
    if weak.all():
        yield (
            "None of these records is trusted: what the cleaner learned from others was applied, "
            "and was not checked on them."
        )
    else:
        if not weak.any():
            yield (
                "All records were taken as trusted: no label was questioned, and none was cleaned. "
                "Whether somebody vouches for them is not known to this card."
            )
        n_trusted = ((cleaned.labels == 1) & ~weak).sum(axis=0)
        rare = learned & (n_trusted < min_trusted)
        if rare.any():
            pairs = zip(names[rare], n_trusted[rare], strict=True)
            yield (
                f"Learned with little to check it by, since fewer than {min_trusted} trusted "
                f"records have them: {listed(f'{name} ({n})' for name, n in pairs)}."
            )
        yield "Labels of trusted records are taken as right; errors among them are learned."


def _unanswered(cleaner, cleaned, weak, truth_is_known):
    is_judged = weak & (cleaned.provenance != "undecided")
    unjudged = weak.any(axis=1) & ~is_judged.any(axis=1)
    if unjudged.any():
        yield f"{unjudged.sum()} records could not be judged at all and keep their labels."
    rates = cleaner.noise_rates_
    unasked = [name for name in ("missing", "wrong") if rates[name].isna().all()]
    if unasked:
        yield f"The cleaner does not look for {unasked[0]} labels."
    if cleaned.groups is None:
        yield "Patients are not known: what was learned from a patient may have judged the same."
    if not truth_is_known:
        yield (
            "No true labels were given: how many errors were found, missed or made is estimated "
            "by the cleaner itself, and was not measured."
        )
    yield "A label that was changed is more probable than before, not certain."
