"""What a million records need, by the growth that was measured with fewer."""

import numpy as np
import pandas as pd

from benchmarks._growth import exponent
from benchmarks._report import read_data
from sklearn_ecg import LabelCorrelationECGClassifier

MILLION = 1_000_000
N_EPOCHS = LabelCorrelationECGClassifier().max_epochs
MILLION_TEXT = """\
Records of 12 leads and 10 s; tables of 100 features and 8 labels for mixture and cleaner; training
for {n_epochs} epochs, the default. One core.

{table}

**Rates were measured up to the size that each line names; all beyond is extrapolated**, once by
the exponent fitted to the sizes measured (see the page on growth), once in proportion to the
largest of them. Exponents below 1 are those of small sizes, where costs that do not grow still
weigh; those just above 1 are the machine's, since the stages that have them treat each record
alike. Proportion is the safer plan. Memory follows a line through the sizes measured, which is too
much where growth slows down. In all {least:.1f} to {most:.1f} hours of one core,
without the mixture, since the cleaner fits its own. Features, training and prediction treat each
record alike; more cores share them (`n_jobs` of the extractor, threads or a GPU of the network).

{check}

What follows from sizes alone:

* Signals of 12 leads, 10 s: 120 GB at 500 Hz in files of 16 bits, 48 GB at 100 Hz in float32. More
  than memory holds stays in files, from which records are read as they are needed.
* Training holds the signals that it is given once more, at the network's own rate: 48 GB.
  Prediction reads 256 MB of them at a time, however many there are; its line above was fitted
  below that.
* A table of the 903 features of 12 leads in float64: 7.2 GB; of 100 features: 0.8 GB."""


def curves(frame):
    """Yield stage, what grows, and seconds and GB by size, where several sizes are measured."""
    # The million checks what the others promise.
    extrapolated_from = frame[frame["size"] < MILLION]
    for (stage, grows), part in extrapolated_from.groupby(["stage", "grows"], sort=False):
        if len(part) > 1:
            yield stage, grows, part.set_index("size")[["seconds", "GB"]].sort_index()


def needs(frame):
    """Return what a million records take: measured, extrapolated by exponent, and in proportion."""
    rows = []
    for stage, grows, curve in curves(frame):
        if grows != "records":
            continue
        n, last = curve.index[-1], curve.iloc[-1]
        times = MILLION / n * (N_EPOCHS if "epoch" in stage else 1)
        growth = exponent(curve.index, curve["seconds"])
        hours = last["seconds"] * times / 3600
        rows.append(
            {
                "stage": f"{stage} (x {N_EPOCHS})" if "epoch" in stage else stage,
                "measured up to": n,
                "records/s there": n / last["seconds"],
                "exponent": growth,
                "hours by the exponent": hours * (MILLION / n) ** (growth - 1),
                "hours in proportion": hours,
                # What does not grow, such as a network, is there once.
                "GB by a line": max(
                    0, np.polyval(np.polyfit(curve.index, curve["GB"], 1), MILLION)
                ),
            }
        )
    return pd.DataFrame(rows)


def million(frame):
    """Say what a million records need, what of it is extrapolated, and what was measured."""
    table = needs(frame)
    # The cleaner fits mixtures itself.
    in_all = table[table["stage"] != "mixture"]
    hours = in_all[["hours by the exponent", "hours in proportion"]].sum()
    shown = table.assign(
        **{
            "measured up to": table["measured up to"].map("{:,}".format),
            "records/s there": table["records/s there"].map("{:,.0f}".format),
        }
    )
    return MILLION_TEXT.format(
        table=shown.round(2).to_markdown(index=False, disable_numparse=True),
        least=hours.min(),
        most=hours.max(),
        n_epochs=N_EPOCHS,
        check=check(frame, table.set_index("stage").loc["label cleaner"]),
    )


def check(frame, promised):
    """Hold what is promised against what a million records took, where that was measured."""
    promise = (
        f"The exponent promises {promised['hours by the exponent']:.2f} hours, proportion "
        f"{promised['hours in proportion']:.2f} hours, and the line {promised['GB by a line']:.1f} "
        "GB."
    )
    measured = frame[(frame["size"] == MILLION) & (frame["stage"] == "label cleaner")]
    if len(measured):
        cost = measured.iloc[0]
        return (
            "The label cleaner's line was measured too, by `--million`: "
            f"{cost['seconds'] / 3600:.2f} hours of one core and {cost['GB']:.1f} GB. {promise}"
        )
    elsewhere = read_data("cleaning_speed_million")
    if elsewhere:
        fit = elsewhere["fits"][0]
        own = fit.get("processor seconds, about", "")
        own = own and f", about {own / 3600:.2f} of them the cleaner's own,"
        return (
            "The label cleaner's line was measured apart ([page](cleaning_speed_million.md)): "
            f"{fit['seconds'] / 3600:.2f} hours by the clock{own} and {fit['GB']:.1f} GB. {promise}"
        )
    return f"{promise} `--million` measures the label cleaner's line."
