"""What each parameter of `AFPLabelCleaner` moves: how many errors are found, and how rightly.

A fifth of each label's positives is replaced with a random wrong label; a third of the records is
trusted, or 2 %. One parameter moves at a time, and the others have their defaults. An undecided
label counts as the weak one, and so as unchanged.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from benchmarks._cleaning import seeds_in
from benchmarks._options import by_situation, measure_options, parse
from benchmarks._report import explanation, write_plot
from sklearn_ecg import AFPLabelCleaner

DEFAULT = "default"
# The parameters, and the values that each takes.
PARAMETERS = {
    "min_confidence": (0.5, 0.6, 0.7, 0.8, 0.9, 0.95),
    "caution": (0.0, 1.0, 4.0, 8.0),
}


def main():
    options = {DEFAULT: {}}
    for name, values in PARAMETERS.items():
        options |= {f"{name}={value}": {name: value} for value in values}
    title = "Thresholds of the cleaner"
    measure_options("cleaning_thresholds", title, options, parse_arguments(), describe)


def parse_arguments():
    return parse(__doc__)


def describe(results):
    """Return what the page shows."""
    frame = pd.DataFrame(results.rows)
    frame = with_parameters(frame)
    plot = write_plot(results.page, draw(frame))
    text = [
        f"{explanation(__doc__).strip()}\n\n![Changes that are right against errors found]({plot})"
        f"\n\nPooled over splits (seeds {seeds_in(frame)}). The circle is the default; a line is "
        "a parameter, and a parameter without a line moves nothing."
    ]
    for rate, at_rate in frame.groupby("rate"):
        for situation, part in by_situation(at_rate):
            text.append(f"## {situation}, {rate:.0%} swapped\n\n{table(part)}")
    return "\n\n".join(text)


def with_parameters(frame):
    """Return the rows with parameter and value; those of the default in each parameter's line."""
    told = frame["method"].str.partition("=")
    frame = frame.assign(parameter=told[0], value=told[2])
    default = frame[frame["parameter"] == DEFAULT]
    values = AFPLabelCleaner().get_params()
    own = [default.assign(parameter=name, value=str(values[name])) for name in PARAMETERS]
    # A value that is the default's was measured with it.
    same = ["data", "split", "kind", "trusted_share", "rate", "seed", "parameter", "value"]
    return pd.concat([frame, *own]).drop_duplicates(same)


def pooled(frame):
    """Return the share of errors found and of changes that are right, by parameter and value."""
    groups = frame.groupby(["parameter", "value"], sort=False)
    sums = groups[["changed_rightly", "errors", "changed"]].sum()
    points = pd.DataFrame(
        {
            "errors found": sums["changed_rightly"] / sums["errors"],
            "changes right": sums["changed_rightly"] / sums["changed"].replace(0, np.nan),
            "changed": sums["changed"],
            "weighted F1": groups["f1"].mean(),
        }
    )
    # A line runs through its parameter's values in their order.
    place = {name: number for number, name in enumerate([DEFAULT, *PARAMETERS])}
    return points.sort_index(
        key=lambda level: (
            level.map(place) if level.name == "parameter" else pd.to_numeric(level, errors="coerce")
        )
    )


def table(part):
    return pooled(part).round(4).reset_index().to_markdown(index=False, disable_numparse=True)


def draw(frame):
    """Draw a panel per situation and rate, a line per parameter."""
    panels = [
        (f"{situation}, {rate:.0%}", pooled(part))
        for rate, at_rate in frame.groupby("rate")
        for situation, part in by_situation(at_rate)
    ]
    n_columns = min(3, len(panels))
    n_rows = -(-len(panels) // n_columns)
    figure, axes = plt.subplots(
        n_rows, n_columns, figsize=(5 * n_columns, 4 * n_rows), squeeze=False, layout="tight"
    )
    for ax, (title, points) in zip(axes.flat, panels, strict=False):
        for parameter, line in points.groupby(level="parameter", sort=False):
            style = {"marker": "o", "markersize": 4}
            if parameter == DEFAULT:
                style = {"marker": "o", "markersize": 10, "fillstyle": "none", "color": "k"}
            ax.plot(line["errors found"], line["changes right"], label=parameter, **style)
        ax.set(title=title, xlabel="share of errors found", ylabel="share of changes right")
        ax.grid(alpha=0.3)
    for ax in axes.flat[len(panels) :]:
        ax.set_axis_off()
    axes[0, 0].legend(fontsize=8)
    return figure


if __name__ == "__main__":
    main()
