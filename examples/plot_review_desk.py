"""
Errors left against answers given
=================================

What is it worth to ask a cardiologist, and in which order? Labels are made wrong, cleaned, and
then asked about: a reader answers as the truth is, 25 questions at a time, and the cleaner is
fitted again with the answers.
"""

# %%
# Six hundred records with four findings, each of which shows in two measurements that overlap
# with those of records without it. A fifth is trusted; in the others, labels were swapped.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sklearn_ecg import AFPLabelCleaner
from sklearn_ecg.datasets import corrupt_labels

rng = np.random.default_rng(0)
truth = pd.DataFrame(rng.random((600, 4)) < [0.3, 0.2, 0.2, 0.1], columns=list("ABCD")).astype(int)
table = pd.DataFrame(rng.normal(1.5 * np.repeat(truth, 2, axis=1), 1))
trusted = rng.random(600) < 0.2
weak = truth.copy()
weak[~trusted] = corrupt_labels(truth[~trusted].to_numpy(), 0.25, kind="swap", random_state=0)
cleaner = AFPLabelCleaner(undecided="weak", random_state=0).fit(table, weak, trusted=trusted)


def n_wrong(labels):
    return (labels != truth.to_numpy()).sum()


print(f"{n_wrong(weak.to_numpy())} wrong labels, {n_wrong(cleaner.labels_)} after cleaning")


# %%
# The desk asks in the order of ``cleaner.questions()``: first what puts most labels right. To
# compare, the same questions in random order.
def errors_left(by_value, n_rounds=6, n_at_once=25):
    """Return how many labels are wrong at first, and after each round of answers."""
    fitted, left = cleaner, [n_wrong(cleaner.labels_)]
    for seed in range(n_rounds):
        asked = fitted.questions(random_state=seed)
        asked = asked.head(n_at_once) if by_value else asked.sample(n_at_once, random_state=seed)
        answers = [truth.at[row.id, row.label] for row in asked.itertuples()]
        fitted = fitted.with_answers(asked.assign(answer=answers))
        left.append(n_wrong(fitted.labels_))
    return left


in_order, at_random = errors_left(by_value=True), errors_left(by_value=False)

# %%
# An answer teaches of other labels, too, so that most errors are gone before most are asked about.
n_answers = 25 * np.arange(len(in_order))
_, ax = plt.subplots(figsize=(7, 4))
ax.plot(n_answers, in_order, marker="o", label="in the order of the desk")
ax.plot(n_answers, at_random, marker="o", label="at random")
ax.set(xlabel="Answers", ylabel="Wrong labels left", ylim=(0, None))
_ = ax.legend()

# %%
# At the desk itself, ``ReviewQueue.from_cleaner(cleaner, records, "queue.sqlite")`` makes the
# questions and ``sklearn-ecg review queue.sqlite`` asks them.
