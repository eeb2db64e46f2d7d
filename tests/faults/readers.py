"""Answers of readers of which something is wrong, for all that counts them."""

import numpy as np
import pandas as pd

from faults.cases import Area
from sklearn_ecg.review import ReaderModel, cohen_kappa, errors_left, fleiss_kappa, stopping

AREA = Area("readers")
ANSWERS = pd.DataFrame(
    {
        "reader": ["Ann", "Bob", "Ann", "Bob"],
        "question": [1, 1, 2, 2],
        "label": ["AF", "AF", "SB", "SB"],
        "answer": [1, 1, 0, 1],
        "probability": [0.5, 0.5, 0.2, 0.2],
        "is_final": False,
    }
)
ASKED = pd.DataFrame({"probability": [0.5, 0.3], "wrong": [1, 0]})
LEFT = pd.Series({"estimate": 1.0, "low": 0.0, "high": 5.0, "n_labels": 90.0, "found_next": 2.0})

AREA.errors(
    "review.cohen_kappa",
    {
        "answers of words": lambda: cohen_kappa(["present"], ["absent"]),
        "answers of 2": lambda: cohen_kappa([1, 2], [1, 0]),
        "answers that are infinite": lambda: cohen_kappa([1, np.inf], [1, 0]),
        "answers of fewer questions": lambda: cohen_kappa([1, 0], [1]),
        "answers of two axes": lambda: cohen_kappa([[1, 0]], [[1, 0]]),
        "None": lambda: cohen_kappa(None, [1, 0]),
        "answers to other questions": lambda: cohen_kappa(
            pd.Series([1, 0], index=[1, 2]), pd.Series([1, 0], index=[2, 1])
        ),
    },
)
AREA.errors(
    "review.fleiss_kappa",
    {
        "answers of words": lambda: fleiss_kappa([["present", "absent"]]),
        "answers of 2": lambda: fleiss_kappa([[1, 2]]),
        "answers of one axis": lambda: fleiss_kappa([1, 0]),
        "None": lambda: fleiss_kappa(None),
    },
)


@AREA.case("review.Kappa", "nobody read what another read", "right")
def _():
    found = fleiss_kappa([[1, np.nan], [np.nan, 0]])
    return "right" if np.isnan(found.kappa) and found.n_questions == 0 else "a number"


AREA.errors(
    "review.ReaderModel",
    {
        "answers of words": lambda: ReaderModel().fit(ANSWERS.assign(answer="unsure")),
        "answers that are NaN": lambda: ReaderModel().fit(ANSWERS.assign(answer=np.nan)),
        "answers without readers": lambda: ReaderModel().fit(ANSWERS.drop(columns="reader")),
        "answers without questions": lambda: ReaderModel().fit(ANSWERS.drop(columns="question")),
        "readers without names": lambda: ReaderModel().fit(ANSWERS.assign(reader=None)),
        "probabilities of 50 %": lambda: ReaderModel().fit(ANSWERS.assign(probability=50)),
        "probabilities of words": lambda: ReaderModel().fit(ANSWERS.assign(probability="half")),
        "is_final of words": lambda: ReaderModel().fit(ANSWERS.assign(is_final="no")),
        "two labels for a question": lambda: ReaderModel().fit(ANSWERS.assign(question=1)),
        "an array": lambda: ReaderModel().fit(ANSWERS.to_numpy()),
        "no draws": lambda: ReaderModel(n_iter=0).fit(ANSWERS),
        "trust before fit": lambda: ReaderModel().trust(pd.Series({1: 1})),
        "trust in a list": lambda: ReaderModel(n_iter=4).fit(ANSWERS).trust([1]),
        "trust in words": lambda: ReaderModel(n_iter=4).fit(ANSWERS).trust(pd.Series({1: "yes"})),
        "trust of others": lambda: ReaderModel(n_iter=4).fit(ANSWERS).trust(pd.Series({9: 1})),
    },
)
AREA.errors(
    "review.errors_left",
    {
        "asked of an array": lambda: errors_left(ASKED.to_numpy(), [0.1]),
        "asked without wrong": lambda: errors_left(ASKED[["probability"]], [0.1]),
        "wrong of 2": lambda: errors_left(ASKED.assign(wrong=2), [0.1]),
        "wrong that is NaN": lambda: errors_left(ASKED.assign(wrong=np.nan), [0.1]),
        "wrong of words": lambda: errors_left(ASKED.assign(wrong="yes"), [0.1]),
        "probabilities of 50 %": lambda: errors_left(ASKED, [50, 3]),
        "probabilities that are infinite": lambda: errors_left(ASKED, [np.inf]),
        "probabilities of words": lambda: errors_left(ASKED, ["half"]),
        "probabilities of two axes": lambda: errors_left(ASKED, [[0.1]]),
        "evidence that is NaN": lambda: errors_left(ASKED.assign(evidence=np.nan), [0.1]),
        "readers who are always wrong": lambda: errors_left(ASKED, [0.1], reader_error=1),
        "a level of 95": lambda: errors_left(ASKED, [0.1], confidence_level=95),
        "a level of NaN": lambda: errors_left(ASKED, [0.1], confidence_level=np.nan),
        "fewer than no questions next": lambda: errors_left(ASKED, [0.1], n_next=-1),
        "a random state of text": lambda: errors_left(ASKED, [0.1], random_state="seed"),
    },
)
AREA.errors(
    "review.stopping",
    {
        "a dict": lambda: stopping(dict(LEFT)),
        "another series": lambda: stopping(pd.Series({"high": 3})),
        "a share of 5 %": lambda: stopping(LEFT, max_share=5),
        "a share of words": lambda: stopping(LEFT, max_share="few"),
        "fewer labels than none": lambda: stopping(LEFT, n_labels=-1),
        "a find that is NaN": lambda: stopping(LEFT, min_found=np.nan),
    },
)


@AREA.case("review.Stopping", "no labels at all", "right")
def _():
    left = errors_left(ASKED, [], random_state=0)
    return "right" if stopping(left).stop else "asks on"
