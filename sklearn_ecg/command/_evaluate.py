"""``sklearn-ecg evaluate``: compares labels or probabilities with the truth."""

from pathlib import Path

import click

from sklearn_ecg.command._labels import (
    DETAILS,
    label_by_table,
    options_of_table,
    read_details,
)
from sklearn_ecg.command._run import options_of_run, write_table
from sklearn_ecg.command._settings import NAME, load_settings
from sklearn_ecg.command._train import PARTS

_METRICS = {"roc_auc": "roc_auc", "average_precision": "average_precision", "f1": "f1_macro"}
# With fewer patients on either side, an interval would say little but look precise.
_FEWEST_FOR_INTERVAL = 5


@click.command("evaluate")
@click.argument("truth", metavar="LABELS", type=click.Path(path_type=Path, exists=True))
@click.argument("predictions", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option(
    "--held-out",
    is_flag=True,
    help="Score only records that the model has not learned from.",
)
@options_of_table
@click.option("--resamples", type=click.IntRange(2), default=1000, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "-o", "--out", type=click.Path(path_type=Path, file_okay=False), help="Write tables here."
)
@options_of_run
def evaluate(run, truth, predictions, held_out, resamples, seed, out, **columns):
    """Score PREDICTIONS against the true LABELS, label by label, with 95 % intervals.

    PREDICTIONS is a folder of `sklearn-ecg predict` or `sklearn-ecg clean`. For `clean` the table
    shows how many errors of the weak labels were found, missed and made. LABELS is a table as for
    `clean`. Only records and labels in both are scored.

    Example: sklearn-ecg evaluate truth.csv predictions
    """
    import contextlib

    with run.writing_into(out) if out is not None else contextlib.nullcontext():
        if (predictions / DETAILS).exists():
            details = read_details(predictions).pivot(index="id", columns="label")
            true, _ = _truth_of(run, details["clean"], truth, columns)
            report = _of_cleaning(true, details)
        else:
            found, learned = _read_predictions(predictions), _learned_from(predictions)
            if held_out:
                found = [table[~table.index.isin(learned)] for table in found]
            true, patients = _truth_of(run, found[0], truth, columns)
            _warn_of_learned(true, learned)
            report = _of_predictions(run, true, patients, *found, resamples, seed)
        click.echo(_as_text(report).to_string())
        if out is not None:
            write_table(report, out / "scores.csv")


def _learned_from(predictions):
    """Return ids of the records that the predictions' model was trained on, if known."""
    import pandas as pd

    if not (predictions / NAME).is_file():
        return []
    path = Path(load_settings(predictions).get("predict", {}).get("model", "")) / PARTS
    if not path.is_file():
        return []
    parts = pd.read_csv(path, dtype=str)
    return parts["id"][parts["part"] == "training"]


def _warn_of_learned(true, learned):
    from sklearn_ecg.utils import warn_user

    n_learned = int(true.index.isin(learned).sum())
    if n_learned:
        warn_user(
            f"The model has learned from {n_learned} of the {len(true)} records, so that scores "
            "are too good. Give --held-out to score the others alone."
        )


def _truth_of(run, found, path, columns):
    """Return true labels of records and labels of a table (-1 if unknown), and patients."""
    import numpy as np
    import pandas as pd

    from sklearn_ecg import ECGRecords

    if not len(found):
        raise ValueError("The model has learned from all records: none is left to score.")
    records = ECGRecords(np.zeros((len(found), 1, 1)), ids=found.index)
    for asked in ({"patient_column": None}, {}):  # records without a row need no patient
        records = label_by_table(run, records, path, columns | asked, says_trust=False)
        records = records[(records.labels != -1).any(axis=1)]
    true = pd.DataFrame(records.labels, records.ids, records.label_names)
    names = [name for name in true if name in found]
    if not names:
        raise ValueError(
            f"{path} and the answers have no label in common: {path} has {', '.join(true)}, the "
            f"answers have {', '.join(found)}."
        )
    return true[names], records.groups


def _of_cleaning(true, details):
    from sklearn_ecg.metrics import label_cleaning_report

    true = true[(true != -1).all(axis=1)]  # scores need the truth
    weak, clean = (details[name].loc[true.index, true.columns] for name in ("weak", "clean"))
    return label_cleaning_report(true, weak, clean)


def _of_predictions(run, true, groups, probabilities, labels, resamples, seed):
    import numpy as np
    import pandas as pd

    from sklearn_ecg.metrics import bootstrap_interval, multilabel_report

    probabilities, labels = (of.loc[true.index, true.columns] for of in (probabilities, labels))
    counts = (probabilities.notna().all(axis=1) & (true != -1).any(axis=1)).to_numpy()
    true, probabilities, labels = true[counts], probabilities[counts], labels[counts]
    groups = np.arange(len(true)) if groups is None else groups[counts]
    run.say(f"Scoring {len(true)} records")
    report = multilabel_report(true, probabilities, y_pred=labels)
    people = pd.Series(groups, true.index)
    certain = [
        label
        for label in true
        if min(people[true[label] == value].nunique() for value in (0, 1)) >= _FEWEST_FOR_INTERVAL
    ]
    asked = {label: [label] for label in certain}
    if len(certain) == len(true.columns):
        asked["macro avg"] = certain
    for column, metric in _METRICS.items():
        answers = labels if metric == "f1_macro" else probabilities
        for name, of in asked.items():
            found = bootstrap_interval(
                metric,
                true[of],
                answers[of],
                groups=groups,
                n_resamples=resamples,
                random_state=seed,
            )
            report.loc[name, [f"{column}_low", f"{column}_high"]] = found.low, found.high
    return report


def _as_text(report):
    """Return a table of text: intervals in brackets behind their scores."""
    import numpy as np

    table = report.apply(
        lambda column: column.map("{:.3f}".format) if column.dtype.kind == "f" else column
    )
    for column in _METRICS:
        if f"{column}_low" not in report:
            continue
        ends = table.pop(f"{column}_low"), table.pop(f"{column}_high")
        has_interval = np.isfinite(report[f"{column}_low"])
        with_interval = [
            f"{score} ({low} to {high})"
            for score, low, high in zip(table[column], *ends, strict=True)
        ]
        table[column] = table[column].where(~has_interval, with_interval)
    return table


def _read_predictions(folder):
    import pandas as pd

    tables = []
    for name in ("probabilities.csv", "labels.csv"):
        if not (folder / name).is_file():
            raise FileNotFoundError(
                f"There is no {folder / name}. Name a folder that `sklearn-ecg predict` or "
                "`sklearn-ecg clean` has written."
            )
        table = pd.read_csv(folder / name, dtype={"id": str}).set_index("id")
        tables.append(table.drop(columns=["problem", "model", "predicted_at"], errors="ignore"))
    return tables
