"""Whatever has an index that names records reaches those records, in every public function.

Each case gives its tables to a function twice: as they are, and with rows in another order, or
labels in another order of columns. The result must be the same, or an error that names what does
not fit; what comes of rows taken by position would be another result.
"""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from sklearn_ecg import (
    AFPLabelCleaner,
    CleanedRecords,
    ECGRecords,
    LabelCorrelationECGClassifier,
    OnCleanedLabels,
    TrustedKFold,
)
from sklearn_ecg.cleaning import CrossValidationLabelCleaner, DensityLabelCleaner
from sklearn_ecg.datasets import corrupt_labels, make_weak_labels, read_records, reader_confusion
from sklearn_ecg.metrics import (
    bootstrap_interval,
    challenge_fbeta_score,
    challenge_gbeta_score,
    challenge_score,
    compare_classifiers,
    cpsc2018_score,
    label_cleaning_report,
    multilabel_report,
    paired_bootstrap_test,
)
from sklearn_ecg.model_selection import patient_train_test_split

RNG = np.random.default_rng(0)
N = 60
IDS = [f"r{i}" for i in range(N)]
LABELS = ["AF", "PVC"]
NINE = ["Normal", "AF", "I-AVB", "LBBB", "RBBB", "PAC", "PVC", "STD", "STE"]
ORDER = RNG.permutation(N)

TRUTH = pd.DataFrame(RNG.integers(0, 2, (N, 2)), IDS, LABELS)
WEAK = TRUTH.where(RNG.random((N, 2)) > 0.1, 1 - TRUTH)
OTHER = TRUTH.where(RNG.random((N, 2)) > 0.3, 1 - TRUTH)
SCORES = TRUTH + RNG.normal(size=(N, 2))
TABLE = pd.DataFrame(RNG.normal(TRUTH.to_numpy()[:, [0, 1, 0]], 0.7), IDS, list("abc"))
TRUSTED = pd.Series(np.arange(N) < 30, IDS)
WEAK[TRUSTED] = TRUTH[TRUSTED]
PER_LABEL = pd.DataFrame({"AF": TRUSTED, "PVC": np.arange(N) < 25})
PATIENTS = pd.Series([f"p{i // 2}" for i in range(N)], IDS)
FOLDS = pd.Series(np.arange(N) % 3, IDS)
WEIGHTS = pd.Series(RNG.random(N) + 0.1, IDS)
CLASSES = pd.DataFrame(np.eye(9, dtype=int)[np.arange(N) % 9], IDS, NINE)
FIRST = pd.Series([NINE[i % 9] for i in range(N)], IDS)
SIGNALS = TABLE.to_numpy()[:, :1, np.newaxis] * np.sin(np.arange(200) / 9) + 0.01
CONFUSION = pd.DataFrame([[0, 1.0], [2.0, 0]], LABELS, LABELS)


def records(**tables):
    return ECGRecords(SIGNALS, 100, ids=IDS, **tables)


def facts(found):
    """Everything about records that tables tell."""
    columns = [] if found.labels is None else np.argsort(found.label_names)
    names = ("labels", "trusted", "weak_labels", "provenance", "confidence")
    of_labels = [getattr(found, name, None) for name in names]
    of_labels = [v if v is None or v.ndim == 1 else v[:, columns] for v in of_labels]
    return [*of_labels, found.groups, found.split]


def cleaned(**changes):
    tables = {
        "labels": TRUTH,
        "weak_labels": WEAK,
        "provenance": pd.DataFrame(np.where(TRUTH == WEAK, "confirmed", "added"), IDS, LABELS),
        "confidence": SCORES.rank(pct=True),
    }
    return CleanedRecords(TABLE, ids=IDS, **(tables | changes))


def decided(cleaner):
    return [cleaner.labels_, cleaner.confidence_, cleaner.provenance_]


CLEANERS = [
    lambda: AFPLabelCleaner(random_state=0),
    lambda: DensityLabelCleaner(),
    lambda: CrossValidationLabelCleaner(classifiers=LogisticRegression(), cv=3, random_state=0),
]


def splits(found):
    return [part for pair in found for part in pair]


# By name: a function of `t`, which brings tables into another order.
CASES = {
    "ECGRecords labels": lambda t: facts(records(labels=t(WEAK))),
    "ECGRecords trusted": lambda t: facts(records(trusted=t(TRUSTED))),
    "ECGRecords trusted labels": lambda t: facts(records(labels=WEAK, trusted=t(PER_LABEL))),
    "ECGRecords groups": lambda t: facts(records(groups=t(PATIENTS))),
    "ECGRecords split": lambda t: facts(records(split=t(FOLDS))),
    "ECGRecords named by its first table": lambda t: facts(
        ECGRecords(SIGNALS, labels=WEAK, groups=t(PATIENTS), trusted=t(PER_LABEL))
    ),
    "ECGRecords metadata": lambda t: [records(metadata=t(TABLE)).metadata],
    "with_metadata": lambda t: [records().with_metadata(t(TABLE)).metadata],
    "with_labels": lambda t: facts(records().with_labels(t(WEAK), trusted=t(PER_LABEL))),
    "read_records": lambda t: facts(read_records(SIGNALS, t(WEAK), ids=IDS)),
    "CleanedRecords": lambda t: facts(cleaned(labels=t(TRUTH))),
    "CleanedRecords weak_labels": lambda t: facts(cleaned(weak_labels=t(WEAK))),
    "CleanedRecords confidence": lambda t: facts(cleaned(confidence=t(SCORES.rank(pct=True)))),
    "CleanedRecords provenance": lambda t: facts(
        cleaned(provenance=t(pd.DataFrame(np.where(WEAK == 1, "added", "removed"), IDS, LABELS)))
    ),
    "CleanedRecords.with_table": lambda t: [cleaned().with_table(t(TABLE)).signals["a"]],
    "OnCleanedLabels.fit": lambda t: [
        OnCleanedLabels(LogisticRegression())
        .fit(TABLE, t(WEAK), sample_weight=t(WEIGHTS))
        .decision_function(TABLE)[:, np.argsort(t(WEAK).columns)]
    ],
    "OnCleanedLabels.fit of an array": lambda t: [
        OnCleanedLabels(LogisticRegression())
        .fit(TABLE.to_numpy(), WEAK, sample_weight=t(WEIGHTS))
        .decision_function(TABLE.to_numpy())
    ],
    "OnCleanedLabels.score": lambda t: [
        OnCleanedLabels(LogisticRegression())
        .fit(TABLE, WEAK)
        .score(TABLE, t(TRUTH), sample_weight=t(WEIGHTS))
    ],
    "label_cleaning_report": lambda t: [label_cleaning_report(TRUTH, t(WEAK), t(OTHER))],
    "label_cleaning_report of CleanedRecords": lambda t: [
        label_cleaning_report(t(TRUTH), WEAK, cleaned())
    ],
    "label_cleaning_report of an array": lambda t: [
        label_cleaning_report(TRUTH.to_numpy(), WEAK, t(OTHER))
    ],
    "multilabel_report": lambda t: [multilabel_report(TRUTH, t(SCORES), y_pred=t(OTHER))],
    "multilabel_report of an array": lambda t: [
        multilabel_report(TRUTH.to_numpy(), SCORES, y_pred=t(OTHER))
    ],
    "multilabel_report with names": lambda t: [
        multilabel_report(TRUTH, t(SCORES), label_names=LABELS)
    ],
    "bootstrap_interval": lambda t: [
        bootstrap_interval(
            "roc_auc", TRUTH, t(SCORES), groups=t(PATIENTS), n_resamples=9, random_state=0
        ).distribution
    ],
    "bootstrap_interval of an array": lambda t: [
        bootstrap_interval(
            "roc_auc", TRUTH.to_numpy(), SCORES, groups=t(PATIENTS), n_resamples=9, random_state=0
        ).distribution
    ],
    "bootstrap_interval of a function": lambda t: [
        bootstrap_interval(
            lambda y, s: float((y.to_numpy() * s.to_numpy()).mean()),
            TRUTH, t(SCORES), n_resamples=9, random_state=0,
        ).distribution
    ],
    "paired_bootstrap_test": lambda t: [
        paired_bootstrap_test(
            "roc_auc", TRUTH.to_numpy(), SCORES, t(OTHER), groups=t(PATIENTS), n_resamples=9,
            random_state=0,
        ).distribution
    ],
    "compare_classifiers": lambda t: [
        compare_classifiers(
            "roc_auc", TRUTH.to_numpy(), {"a": SCORES, "b": t(OTHER)}, groups=t(PATIENTS),
            n_resamples=9, random_state=0,
        )
    ],
    "challenge_score": lambda t: [
        challenge_score(TRUTH.to_numpy(), OTHER, weights=np.eye(2) + 0.1, normal=0,
                        sample_weight=t(WEIGHTS)),
        challenge_score(TRUTH, t(OTHER), weights=np.eye(2) + 0.1, normal="AF"),
    ],
    "challenge_fbeta_score": lambda t: [
        challenge_fbeta_score(TRUTH, t(OTHER), sample_weight=t(WEIGHTS))
    ],
    "challenge_gbeta_score": lambda t: [
        challenge_gbeta_score(TRUTH.to_numpy(), OTHER, sample_weight=t(WEIGHTS))
    ],
    "cpsc2018_score": lambda t: [cpsc2018_score(CLASSES, t(CLASSES), first_label=t(FIRST))],
    "TrustedKFold": lambda t: splits(
        TrustedKFold(3).split(TABLE, t(WEAK), t(PATIENTS), t(TRUSTED))
    ),
    "TrustedKFold with its own": lambda t: splits(
        TrustedKFold(3, trusted=t(TRUSTED), groups=t(PATIENTS)).split(records(), t(WEAK))
    ),
    "patient_train_test_split": lambda t: patient_train_test_split(
        TABLE, t(WEAK)[LABELS], t(FOLDS), y=t(WEAK)[LABELS], groups=t(PATIENTS), random_state=0
    ),
    "corrupt_labels": lambda t: [
        corrupt_labels(
            TRUTH, 0.4, "confused", 0, groups=t(PATIENTS), confusion=t(CONFUSION)
        )
    ],
    "make_weak_labels": lambda t: [
        make_weak_labels(
            TRUTH, missing=t(pd.Series([0.1, 0.4], LABELS)), groups=t(PATIENTS), random_state=0
        )
    ],
    "reader_confusion": lambda t: [
        reader_confusion(TRUTH, {"a": t(WEAK), "b": OTHER}),
        reader_confusion(TRUTH.to_numpy(), {"a": WEAK, "b": t(OTHER)}).to_numpy(),
    ],
    # Labels in another order begin with other weights.
    "the network": lambda t: [
        LabelCorrelationECGClassifier(features=None, max_epochs=1, random_state=0, device="cpu")
        .fit(records(), t(WEAK)[LABELS], groups=t(PATIENTS), sample_weight=t(WEIGHTS))
        .predict_proba(records())
    ],
}  # fmt: skip
for make in CLEANERS:
    CASES[type(make()).__name__] = lambda t, make=make: decided(
        make().fit(TABLE, t(WEAK)[LABELS], trusted=t(TRUSTED), groups=t(PATIENTS))
    )
CASES |= {
    "trust per label": lambda t: decided(
        DensityLabelCleaner().fit(TABLE, WEAK, trusted=t(PER_LABEL))
    ),
    "sources": lambda t: decided(
        DensityLabelCleaner().fit(
            TABLE, {"a": WEAK, "b": t(OTHER), "truth": t(TRUTH.where(TRUSTED, -1))}
        )
    ),
    "clean": lambda t: facts(
        DensityLabelCleaner()
        .fit(TABLE, WEAK, trusted=TRUSTED)
        .clean(TABLE, t(OTHER), groups=t(PATIENTS))
    ),
}
EXPECTED = {}


def another_order(table):
    """Rows of records in another order; labels keep theirs."""
    return table.iloc[ORDER] if len(table) == N else table


def other_columns(table):
    """Labels in another order; rows keep theirs."""
    if not isinstance(table, pd.DataFrame) or set(table.columns) == set(TABLE.columns):
        return table if len(table) == N else table.iloc[::-1]
    return table.iloc[:, ::-1] if len(table) == N else table.iloc[::-1, ::-1]


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("change", [another_order, other_columns])
@pytest.mark.parametrize("name", CASES)
def test_tables_in_another_order_give_the_same_result(name, change):
    case = CASES[name]
    if name not in EXPECTED:
        EXPECTED[name] = case(lambda table: table)
    try:
        found = case(change)
    except ValueError as error:
        # Refused, by the name of what does not fit.
        assert change is other_columns and "order" in str(error), name
        return
    for one, other in zip(found, EXPECTED[name], strict=True):
        if isinstance(other, pd.DataFrame | pd.Series) and isinstance(one, type(other)):
            one = one.loc[other.index]
            one = one[other.columns] if isinstance(other, pd.DataFrame) else one
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))


@pytest.mark.parametrize("name", ["labels", "trusted", "groups", "split"])
def test_the_first_record_that_is_missing_is_named(name):
    values = {"labels": WEAK, "trusted": TRUSTED, "groups": PATIENTS, "split": FOLDS}[name]
    with pytest.raises(ValueError, match=f"{name} .*no row for 'r7'"):
        records(**{name: values.rename({"r7": "r07"})})


def test_ids_that_lost_digits_are_refused_everywhere():
    long = [12345678901234567 + i for i in range(N)]
    table = TABLE.set_axis(long)
    weak = WEAK.set_axis(np.array(long, dtype=float))
    with pytest.raises(ValueError, match=r"index of y names a record by the float .*dtype=str"):
        DensityLabelCleaner().fit(table, weak, trusted=True)
    with pytest.raises(ValueError, match="float"):
        label_cleaning_report(TRUTH.set_axis(long), weak, WEAK.set_axis(long))
