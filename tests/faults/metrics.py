"""Truth and answers of which something is wrong, for all that scores them."""

from functools import partial

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from faults.cases import Area
from sklearn_ecg.metrics import (
    bootstrap_interval,
    challenge_fbeta_score,
    challenge_gbeta_score,
    challenge_score,
    challenge_weights,
    compare_classifiers,
    corrected_resampled_ttest,
    cpsc2018_score,
    label_cleaning_report,
    multilabel_report,
    paired_bootstrap_test,
)

AREA = Area("metrics")
NAMES = ["Normal", "AF", "I-AVB", "LBBB", "RBBB", "PAC", "PVC", "STD", "STE"]
RNG = np.random.default_rng(0)
Y = (RNG.random((40, 9)) < 0.3).astype(int)
Y[Y.sum(axis=1) == 0, 0] = 1
P = RNG.random((40, 9))
FEW = {"n_resamples": 20, "random_state": 0}
SNOMED = {"weights": np.eye(9), "normal": "0"}

TRUTHS = {
    "truth of 2": Y + 1,
    "truth of 0.5": Y / 2,
    "truth of text": Y.astype(str),
    "truth of None": None,
    "truth of three axes": Y[:, :, np.newaxis],
    "truth of no records": Y[:0],
    "truth of fewer records": Y[:-1],
    "truth of fewer labels": Y[:, :-1],
}
CALLS = {
    "bootstrap_interval": lambda y: bootstrap_interval("roc_auc", y, P, **FEW),
    "paired_bootstrap_test": lambda y: paired_bootstrap_test("roc_auc", y, P, P, **FEW),
    "compare_classifiers": lambda y: compare_classifiers("roc_auc", y, {"a": P, "b": P}, **FEW),
    "challenge_fbeta_score": lambda y: challenge_fbeta_score(y, Y),
    "challenge_gbeta_score": lambda y: challenge_gbeta_score(y, Y),
    "challenge_score": lambda y: challenge_score(y, Y, **SNOMED),
    "cpsc2018_score": lambda y: cpsc2018_score(y, Y),
    "label_cleaning_report": lambda y: label_cleaning_report(y, Y, Y),
    "multilabel_report": lambda y: multilabel_report(y, P),
}
for _function, _call in CALLS.items():
    AREA.errors(
        f"metrics.{_function}", {name: partial(_call, value) for name, value in TRUTHS.items()}
    )


def _holed(place=(0, 0), value=np.nan):
    scores = P.copy()
    scores[place] = value
    return scores


for _function, _call in {
    "bootstrap_interval": lambda p: bootstrap_interval("roc_auc", Y, p, **FEW),
    "paired_bootstrap_test": lambda p: paired_bootstrap_test("roc_auc", Y, p, P, **FEW),
    "compare_classifiers": lambda p: compare_classifiers("roc_auc", Y, {"a": p, "b": P}, **FEW),
    "multilabel_report": lambda p: multilabel_report(Y, p),
}.items():
    AREA.errors(
        f"metrics.{_function}",
        {
            "scores that are infinite": partial(_call, _holed(value=np.inf)),
            "scores of text": partial(_call, np.full(P.shape, "high")),
            "scores of None": partial(_call, None),
            "scores of fewer records": partial(_call, P[:-1]),
            "scores of fewer labels": partial(_call, P[:, :-1]),
        },
    )
for _function, _call in {
    "bootstrap_interval": lambda **options: bootstrap_interval("roc_auc", Y, P, **options),
    "paired_bootstrap_test": lambda **options: paired_bootstrap_test("roc_auc", Y, P, P, **options),
    "compare_classifiers": lambda **options: compare_classifiers(
        "roc_auc", Y, {"a": P, "b": P}, **options
    ),
}.items():
    AREA.errors(
        f"metrics.{_function}",
        {
            "no resamples": partial(_call, n_resamples=0),
            "a level of 2": partial(_call, n_resamples=20, confidence_level=2.0),
            "a level that is NaN": partial(_call, n_resamples=20, confidence_level=np.nan),
            "patients of too few": partial(_call, n_resamples=20, groups=[1, 2]),
            "a random state of text": partial(_call, n_resamples=20, random_state="seed"),
        },
    )
AREA.errors(
    "metrics.bootstrap_interval",
    {
        "an unknown metric": lambda: bootstrap_interval("accuracy of 90 %", Y, P, **FEW),
        "an unknown method": lambda: bootstrap_interval("roc_auc", Y, P, method="best", **FEW),
        "a metric that is a number": lambda: bootstrap_interval(3, Y, P, **FEW),
    },
)
AREA.case("metrics.BootstrapInterval", "resamples in which a label is absent", "right")(
    lambda: (
        "right"
        if bootstrap_interval(
            roc_auc_score, np.array([1] + [0] * 9), np.arange(10)[::-1], **FEW
        ).n_undefined
        > 0
        else "none was undefined"
    )
)
AREA.case("metrics.PairedBootstrapTest", "a classifier beside itself", "right")(
    lambda: "right" if paired_bootstrap_test("roc_auc", Y, P, P, **FEW).p_value == 1 else "differs"
)
AREA.errors(
    "metrics.compare_classifiers",
    {
        "one classifier": lambda: compare_classifiers("roc_auc", Y, {"a": P}, **FEW),
        "an array of scores": lambda: compare_classifiers("roc_auc", Y, P, **FEW),
        "an unknown reference": lambda: compare_classifiers(
            "roc_auc", Y, {"a": P, "b": P}, reference="c", **FEW
        ),
    },
)
TTEST = {"n_train": 80, "n_test": 20}
AREA.errors(
    "metrics.corrected_resampled_ttest",
    {
        "scores of one split": lambda: corrected_resampled_ttest([0.9], [0.8], **TTEST),
        "scores of other splits": lambda: corrected_resampled_ttest([0.9, 0.8], [0.8], **TTEST),
        "scores that are NaN": lambda: corrected_resampled_ttest(
            [0.9, np.nan], [0.8, 0.7], **TTEST
        ),
        "scores of text": lambda: corrected_resampled_ttest("ab", "cd", **TTEST),
        "no training records": lambda: corrected_resampled_ttest(
            [0.9, 0.8], [0.8, 0.7], n_train=0, n_test=20
        ),
        "a level of 2": lambda: corrected_resampled_ttest(
            [0.9, 0.8], [0.8, 0.7], confidence_level=2.0, **TTEST
        ),
    },
)
AREA.case("metrics.ResampledTTest", "two scores that never differ", "right", "error")(
    lambda: (
        "right"
        if corrected_resampled_ttest([0.9, 0.8], [0.9, 0.8], **TTEST).p_value == 1
        else "differs"
    )
)
for _function in (challenge_fbeta_score, challenge_gbeta_score):
    AREA.errors(
        f"metrics.{_function.__name__}",
        {
            "a beta of 0": partial(_function, Y, Y, beta=0),
            "a beta that is NaN": partial(_function, Y, Y, beta=np.nan),
            "an unknown average": partial(_function, Y, Y, average="best"),
            "weights of too few": partial(_function, Y, Y, sample_weight=[1.0]),
            "negative weights": partial(_function, Y, Y, sample_weight=-np.ones(40)),
            "scores in place of labels": partial(_function, Y, P),
        },
    )
AREA.errors(
    "metrics.challenge_score",
    {
        "a year without weights": lambda: challenge_score(Y, Y, weights=1999),
        "weights of other labels": lambda: challenge_score(Y, Y, weights=np.eye(3), normal="0"),
        "weights that are NaN": lambda: challenge_score(
            Y, Y, weights=np.full((9, 9), np.nan), normal="0"
        ),
        "a normal that there is not": lambda: challenge_score(
            Y, Y, weights=np.eye(9), normal="healthy"
        ),
        "labels that are not scored": lambda: challenge_score(Y, Y, label_names=NAMES),
        "scores in place of labels": lambda: challenge_score(Y, P, **SNOMED),
    },
)
AREA.errors(
    "metrics.challenge_weights",
    {
        "a year without weights": lambda: challenge_weights(1999),
        "a year of text": lambda: challenge_weights("2021"),
    },
)
AREA.errors(
    "metrics.cpsc2018_score",
    {
        "other labels": lambda: cpsc2018_score(Y, Y, label_names=list("abcdefghi")),
        "first labels of too few": lambda: cpsc2018_score(Y, Y, first_label=[0]),
        "first labels that there are not": lambda: cpsc2018_score(Y, Y, first_label=[99] * 40),
        "scores in place of labels": lambda: cpsc2018_score(Y, P),
    },
)
AREA.errors(
    "metrics.label_cleaning_report",
    {
        "weak labels of fewer records": lambda: label_cleaning_report(Y, Y[:-1], Y),
        "clean labels of 2": lambda: label_cleaning_report(Y, Y, Y + 1),
        "names of too few": lambda: label_cleaning_report(Y, Y, Y, label_names=["a"]),
    },
)
AREA.errors(
    "metrics.multilabel_report",
    {
        "nothing to score": lambda: multilabel_report(Y),
        "a threshold of text": lambda: multilabel_report(Y, P, threshold="high"),
        "a threshold that is NaN": lambda: multilabel_report(Y, P, threshold=np.nan),
        "thresholds of too few": lambda: multilabel_report(Y, P, threshold=[0.5, 0.5]),
        "columns of other labels": lambda: multilabel_report(
            pd.DataFrame(Y, columns=NAMES), pd.DataFrame(P, columns=NAMES[::-1])
        ),
        "scores of other records": lambda: multilabel_report(
            pd.DataFrame(Y, index=[f"r{n}" for n in range(40)]),
            pd.DataFrame(P, index=[f"s{n}" for n in range(40)]),
        ),
    },
)


@AREA.case("metrics.multilabel_report", "scores in another order, by index", "right", "error")
def _():
    index = [f"r{n}" for n in range(40)]
    truth, scores = pd.DataFrame(Y, index=index), pd.DataFrame(P, index=index)
    expected = multilabel_report(truth, scores)
    pd.testing.assert_frame_equal(multilabel_report(truth, scores.iloc[::-1]), expected)
    return "right"
