"""Review by readers: label F1 and errors left by number of answers, for orders of the questions.

A fifth of each label's positives is replaced with a random wrong label; a third is trusted: of the
patients of SMIT, of the records elsewhere. The cleaner is fitted; then, in rounds, an order
chooses labels of weak records, readers answer, and the cleaner is fitted again with all answers,
until 0.25, 0.5, 1, 2 and 4 % of the weak records' labels were asked about. Scores are of all weak
records, an undecided label counting as the weak one. All orders see the same splits, noise and
cleaner, and the same answer to the same question.

Orders: *ours* is `cleaner.questions`; *random* asks anywhere; *uncertainty* where the cleaner's
probability is nearest to one half, as scikit-activeml's UncertaintySampling does with the same
probabilities; *weak label doubted* where the cleaner finds the weak label least probable;
*cleanlab* where its label quality is lowest, from out-of-sample probabilities of extra trees that
learn from weak labels and answers. The others are strategies of scikit-activeml with the cleaner's
probabilities (`benchmarks/_query_strategies.py`); by default Falcun, the best of eight on another
split of CPSC2018.

Readers: *never wrong* answers with the truth. *Cardiologists* and *all six* err as the readers of
the CODE study's test set did: each question goes to one of them at random, with the sensitivity and
specificity of this reader over the study's six labels.

`sklearn_ecg.review.errors_left` estimates the errors left, from the answers and from additional
random labels, a twentieth of their number, which are answered for this alone. The estimate is
compared with the number of wrong labels among those that nobody was asked about.
"""

import argparse
import time
import warnings
from functools import cache, partial

import joblib
import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy import special
from sklearn.metrics import multilabel_confusion_matrix

from benchmarks._cleaning import (
    add_options,
    load_features,
    noisy_copy,
    points_ahead,
    score,
    seeds_in,
    seeds_of,
    size_of,
)
from benchmarks._data import DATA, data_folder, title_of
from benchmarks._methods import METHODS, PACKAGES, Cleaned, out_of_sample
from benchmarks._query_strategies import STRATEGIES, components, value
from benchmarks._report import Results, explanation, grid, to_markdown
from benchmarks.readers import CARDIOLOGISTS, OTHERS, read_code_test
from sklearn_ecg.datasets import corrupt_labels
from sklearn_ecg.review import errors_left

KEYS = ("data", "readers", "rate", "seed", "method", "share")
#: Of the weak records' labels, how many were asked about after each round.
SHARES = (0.0025, 0.005, 0.01, 0.02, 0.04)
OURS = "ours"
READERS = {"never wrong": (), "cardiologists": CARDIOLOGISTS, "all six": CARDIOLOGISTS + OTHERS}


def main():
    arguments = parse_arguments()
    sets = load_features(arguments.data, arguments.cache, every=3 if arguments.quick else 1)
    results = Results(
        arguments.page or f"review{'_quick' * arguments.quick}",
        "review",
        KEYS,
        about={name: size_of(*own) for name, own in sets.items()},
        packages=(*PACKAGES, "scikit-activeml"),
        fresh=arguments.fresh,
    )
    show = partial(results.show, "Review by readers", partial(describe, results))
    last_rounds = grid(
        seed=seeds_of(arguments),
        rate=arguments.rates,
        data=arguments.data,
        readers=arguments.readers,
        method=arguments.methods,
        share=SHARES[-1:],
    )
    # Without signals, which other processes do not need.
    inputs = {name: (X, records.labels, records.groups) for name, (records, X) in sets.items()}
    reviews = (
        delayed(review)(*inputs[last["data"]], confusions(last["readers"]), **last)
        for last in results.unmeasured(last_rounds)
    )
    for rows in Parallel(n_jobs=-1, return_as="generator_unordered")(reviews):
        results.add(*rows)
        show()
    show()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="every third record, one split")
    parser.add_argument("--data", nargs="+", choices=DATA, default=list(DATA))
    parser.add_argument("--readers", nargs="+", choices=READERS, default=["never wrong"])
    parser.add_argument("--methods", nargs="+", choices=ORDERS, default=list(DEFAULT))
    add_options(parser, splits=3, rates=[0.2])
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.splits = 1
    return arguments


@cache
def confusions(readers):
    """Return counts of truth and answer over the six labels, a 2 x 2 table per reader."""
    if not READERS[readers]:
        return None
    gold, answers = read_code_test(data_folder("code-test"))
    return np.array(
        [multilabel_confusion_matrix(gold, answers[name]).sum(axis=0) for name in READERS[readers]]
    )


def draw_answers(truth, confusion, seed):
    """Return what the reader who is asked says of each label, the truth without `confusion`."""
    if confusion is None:
        return truth
    # Neither the noise of the weak labels nor the choice of readers draws the same numbers.
    answers = corrupt_labels(
        truth,
        kind="readers",
        confusion=np.repeat(confusion[:, np.newaxis], truth.shape[1], axis=1),
        random_state=np.random.RandomState([seed, 1]),
    ).reshape(*truth.shape, len(confusion))
    who = np.random.default_rng([seed, 2]).integers(len(confusion), size=truth.shape)
    return np.take_along_axis(answers, who[..., np.newaxis], axis=2)[..., 0]


def review(X, truth, groups, confusion, **setting):
    """Ask, answer and clean again, until the last share was asked; return a row per round.

    Parameters
    ----------
    X : ndarray of shape (n_records, n_features)
    truth : ndarray of shape (n_records, n_labels)
    groups : ndarray of shape (n_records,), or None
    confusion : ndarray of shape (n_readers, 2, 2), or None
    **setting
        A value for each of `KEYS`.

    Returns
    -------
    list of dict
    """
    warnings.simplefilter("ignore")
    seed, split = setting["seed"], "patient" if setting["data"] == "smit" else "random"
    weak, trusted = noisy_copy(truth, groups, split=split, rate=setting["rate"], seed=seed)
    answers, is_asked = draw_answers(truth, confusion, seed), np.zeros(truth.shape, dtype=bool)
    cleaner, seconds = first_fit(X, weak, trusted, groups, seed)
    rows, history = [], []
    for share in (0, *SHARES):
        n_questions = round(share * truth[~trusted].size) - int(is_asked.sum())
        if n_questions:
            labels = np.where(is_asked, answers, weak)
            asked = choose(setting["method"], cleaner, X, labels, n_questions, seed)
            controls = cleaner.questions().sample(-(-n_questions // 20), random_state=seed)
            seen = pd.concat([asked, controls]).drop_duplicates(["id", "label"])
            is_wrong = answers[places(seen)] != seen["clean"]
            history.append(pd.DataFrame({"probability": seen["wrong"], "wrong": is_wrong}))
            is_asked[places(asked)] = True
            started = time.perf_counter()
            cleaner = cleaner.with_answers(asked.assign(answer=answers[places(asked)]))
            seconds = time.perf_counter() - started
        alone = Cleaned(np.where(is_asked, answers, weak))
        rows.append(
            setting
            | {"share": share, "answers": int(is_asked.sum()), "seconds": round(seconds, 2)}
            | scores(truth, weak, cleaner, ~trusted)
            | {f"{name}_alone": own for name, own in scores(truth, weak, alone, ~trusted).items()}
            | expected(cleaner, truth, history, seed)
        )
    return rows


def first_fit(X, weak, trusted, groups, seed):
    """Return the cleaner before any answer, and the seconds of its fit."""
    key = joblib.hash((X, weak, trusted, seed))
    if key not in _FITTED:
        _FITTED.clear()
        started = time.perf_counter()
        cleaner = METHODS["AFPLabelCleaner"](X, weak, trusted, groups, seed)
        _FITTED[key] = cleaner, time.perf_counter() - started
    return _FITTED[key]


def scores(truth, weak, cleaned, rows):
    """Return F1 and the number of wrong labels that are left."""
    found = score(truth, weak, cleaned, rows)
    left = found["errors"] + found["changed"] - 2 * found["changed_rightly"]
    return {"f1": found["f1"], "macro_f1": found["macro_f1"], "left": left}


def expected(cleaner, truth, history, seed):
    """Return how many of the labels that nobody was asked about are wrong, and are said to be."""
    if not history:
        return dict.fromkeys(("estimate", "low", "high", "unasked_left"))
    # Of labels that the cleaner cannot judge nothing is said.
    questions = cleaner.questions().dropna(subset="probability")
    found = errors_left(pd.concat(history), questions["wrong"], random_state=seed)
    is_wrong = truth[places(questions)] != questions["clean"]
    said = {name: float(found[name]) for name in ("estimate", "low", "high")}
    return said | {"unasked_left": int(is_wrong.sum())}


def choose(method, cleaner, X, labels, n_questions, seed):
    """Return the questions of a round, a table with columns id and label.

    Parameters
    ----------
    method : str
    cleaner : fitted cleaner
    X : ndarray of shape (n_records, n_features)
    labels : ndarray of shape (n_records, n_labels)
        Weak ones, with those that are trusted or answered put right.
    n_questions : int
    seed : int
    """
    if method == OURS:
        return cleaner.questions(n_questions, random_state=seed)
    # Our order must not decide between questions that another one values alike.
    questions = cleaner.questions().sample(frac=1, random_state=seed)
    values = ORDERS[method](questions, X, labels, n_questions, seed)
    return questions.iloc[np.argsort(-values, kind="stable")[:n_questions]]


def at_random(questions, X, labels, n_questions, seed):
    return np.zeros(len(questions))


def by_uncertainty(questions, X, labels, n_questions, seed):
    return -(questions["probability"] - 0.5).abs().to_numpy()


def by_doubt(questions, X, labels, n_questions, seed):
    present = questions["probability"]
    return np.where(questions["weak"] == 1, 1 - present, present)


def by_cleanlab(questions, X, labels, n_questions, seed):
    from cleanlab.rank import get_label_quality_scores

    quality = np.full(labels.shape, np.nan)
    for label, log_odds in enumerate(out_of_sample(X, labels, seed).T):
        given = labels[:, label]
        if 0 < given.sum() < len(given):
            probabilities = special.expit(np.column_stack([-log_odds, log_odds]))
            quality[:, label] = get_label_quality_scores(given, probabilities)
    return -quality[places(questions)]


def by_strategy(strategy):
    """Return the order of a query strategy of scikit-activeml."""

    def order(questions, X, labels, n_questions, seed):
        is_open, probability = np.zeros(labels.shape, dtype=bool), np.full(labels.shape, 0.5)
        is_open[places(questions)] = True
        probability[places(questions)] = questions["probability"].fillna(0.5)
        probability[~is_open] = labels[~is_open]
        samples = components(X)
        values = value(strategy, samples, labels, is_open, probability, n_questions, seed)
        return values[places(questions)]

    return order


def places(questions):
    """Return the rows and columns of labels that are asked about."""
    return questions["id"].to_numpy(), questions["label"].to_numpy(dtype=int)


# The last first fit, from which all orders start.
_FITTED = {}
#: Each values questions, a table, to ask those of the highest value first.
ORDERS = {
    OURS: None,
    "random": at_random,
    "uncertainty": by_uncertainty,
    "weak label doubted": by_doubt,
    "cleanlab": by_cleanlab,
    **{strategy: by_strategy(strategy) for strategy in STRATEGIES},
}
DEFAULT = (OURS, "random", "uncertainty", "cleanlab", "Falcun")


def describe(results):
    """Return what the page shows."""
    frame = pd.DataFrame(results.rows)
    text = [explanation(__doc__).strip()]
    for readers, part in frame.groupby("readers", sort=False):
        # Each split of each set of data is a pair of its own.
        pairs = part.assign(seed=part["data"] + part["rate"].astype(str) + part["seed"].astype(str))
        text += [f"## All data, readers: {readers}", ahead_by_share(pairs)]
    for (data, rate, readers), part in frame.groupby(["data", "rate", "readers"], sort=False):
        refits = part.loc[part["share"] > 0, "seconds"]
        text += [
            f"## {title_of(data)}, {rate:.0%} swapped, readers: {readers}",
            f"{results.about[data]}. Weighted F1 / labels that are wrong, by share of the weak "
            f"records' labels asked about, means over splits (seeds {seeds_in(part)}). *Answers "
            "alone*: they are put into the weak labels, and nothing is cleaned. A refit takes "
            f"{refits.median():.1f} seconds (median).",
            by_share(part),
            ahead_by_share(part),
            "Errors left among what nobody was asked about, with our order:",
            errors_by_share(part),
        ]
    return "\n\n".join(text)


def by_share(part):
    """Return F1 and errors left as Markdown, a row per order and a column per share."""
    alone = part[part["method"].isin(["random", "cleanlab"])]
    alone = alone.assign(
        method=alone["method"] + ", answers alone", f1=alone["f1_alone"], left=alone["left_alone"]
    )
    by_order = pd.concat([part, alone]).groupby(["method", "share"], sort=False)
    means = by_order[["f1", "left"]].mean()
    cells = means["f1"].map("{:.4f}".format) + " / " + means["left"].map("{:.1f}".format)
    table = cells.unstack().rename(columns="{:.2%}".format)
    return to_markdown(in_order(table), disable_numparse=True)


def ahead_by_share(part):
    """Return by how much ours is ahead as Markdown, a row per order and a column per share."""
    if set(part["method"]) == {OURS}:
        return "No other order was measured."
    asked = part[part["share"] > 0].groupby("share")
    ahead = {f"{share:.2%}": points_ahead(at_share, OURS) for share, at_share in asked}
    return (
        "Points of F1 by which ours is ahead, paired within splits, with the 95 % interval of "
        "their mean:\n\n" + to_markdown(in_order(pd.DataFrame(ahead)), disable_numparse=True)
    )


def errors_by_share(part):
    """Return true and estimated errors left with our order as Markdown, a column per share."""
    own = part[(part["method"] == OURS) & (part["share"] > 0)]
    held = own["unasked_left"].between(own["low"], own["high"])
    own = own.assign(held=held, share=own["share"].map("{:.2%}".format)).groupby("share")
    names = {
        "unasked_left": "true",
        "estimate": "estimated",
        "low": "low",
        "high": "high",
        "held": "share of splits whose interval holds the true number",
    }
    return to_markdown(own[list(names)].mean().rename(columns=names).T.round(2))


def in_order(table):
    """Return a table with a row per order in the order in which they are compared."""
    places = {method: place for place, method in enumerate(ORDERS)}
    return table.sort_index(key=lambda names: names.map(places).fillna(len(places)))


if __name__ == "__main__":
    main()
