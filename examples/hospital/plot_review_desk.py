"""
Which questions are worth a cardiologist's time?
================================================

The cleaner leaves some labels open, and a cardiologist has half an hour. Here labels are made
wrong, cleaned, and then asked about: 25 questions at a time, and the cleaner is fitted again with
the answers. Asking in the cleaner's order is compared with asking at random.
"""

# %%
# Labels that features leave open
# -------------------------------
# A table of 500 records with four findings. Each moves two measurements, which overlap with those
# of records without it. A fifth is trusted; in the others labels were swapped.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from sklearn_ecg import AFPLabelCleaner
from sklearn_ecg.datasets import corrupt_labels

rng = np.random.default_rng(0)
truth = pd.DataFrame(rng.random((500, 4)) < [0.3, 0.2, 0.2, 0.1], columns=list("ABCD")).astype(int)
table = pd.DataFrame(rng.normal(1.5 * np.repeat(truth, 2, axis=1), 1))
trusted = rng.random(500) < 0.2
weak = truth.copy()
weak[~trusted] = corrupt_labels(truth[~trusted].to_numpy(), 0.25, kind="swap", random_state=0)
cleaner = AFPLabelCleaner(undecided="weak", random_state=0).fit(table, weak, trusted=trusted)


def n_wrong(labels):
    return (labels != truth.to_numpy()).sum()


print(f"{n_wrong(weak.to_numpy())} wrong labels, {n_wrong(cleaner.labels_)} after cleaning")


# %%
# Ask, answer, clean again
# ------------------------
# ``cleaner.questions()`` ranks the questions: first those whose answers put most labels right. The
# reader of this example always answers as the truth is.
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
# Errors left
# -----------
# An answer also teaches of similar records, so that errors go that nobody was asked about.
n_answers = 25 * np.arange(len(in_order))
figure, ax = plt.subplots(figsize=(6.8, 4.2), layout="constrained")
ax.fill_between(n_answers, in_order, at_random, color="#1f6fb4", alpha=0.12)
ax.plot(n_answers, at_random, "o--", color="#767676", label="asked at random")
ax.plot(n_answers, in_order, "o-", color="#1f6fb4", label="asked in the cleaner's order")
ax.set(xlabel="answers", ylabel="wrong labels left", ylim=(0, None))
ax.legend(frameon=False, loc="lower left")
ax.spines[["top", "right"]].set_visible(False)

# %%
gone_in_order, gone_at_random = in_order[0] - in_order[-1], at_random[0] - at_random[-1]
print(f"{n_answers[-1]} answers remove {gone_in_order} errors, at random {gone_at_random}.")

# %%
# **Take away:** ask in the cleaner's order, in batches, and let it learn from each.
# ``ReviewQueue.from_cleaner(cleaner, records, "queue.sqlite")`` makes the questions, and
# ``sklearn-ecg review queue.sqlite`` asks them in a browser beside the ECG. :doc:`/how_to/review`
# sets up the desk, and :doc:`/results/review` says what answers are worth on public archives.
