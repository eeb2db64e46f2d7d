"""``sklearn-ecg predict``: predicts the labels of new files each night."""

import glob
import os
import re
from datetime import UTC, datetime
from pathlib import Path

import click
from click.core import ParameterSource

from sklearn_ecg.command._files import anonymised, open_files, options_of_files
from sklearn_ecg.command._run import WORK, options_of_run, out_option, write_report, write_table
from sklearn_ecg.command._settings import NAME, load_settings

# Columns beside the labels in a table of predictions.
_ABOUT = ("problem", "model", "predicted_at")
_STRICT = 3
# Such files' names and quoted text may identify a patient.
_LOST = "cannot be read"
# Options taken from the settings of a model's training, besides leads and rate.
_OF_TRAINING = ("window", "waveform", "missing_leads", "csv_rate", "csv_units", "csv_leads")


@click.command("predict")
@click.argument("files", metavar="FILES")
@click.argument("model", type=click.Path(path_type=Path, exists=True, file_okay=False))
@out_option("The folder for all predictions, the same each night; is made if it is missing.")
@click.option("--strict", is_flag=True, help="Exit with 3 if some records could not be read.")
@options_of_files
@options_of_run
def predict(run, files, model, out, strict, **options):
    """Predict the labels of new FILES, with a model that `sklearn-ecg train` wrote.

    Files are new if they were not there before, have changed, or could not be read before. With
    another model all files are new. A folder without files is allowed: 0 are new.

    \b
    The folder --out then holds
      probabilities.csv      of all records, also of files that are gone
      labels.csv             1 present, 0 absent, -1 unknown
      new_probabilities.csv  of the records that were new this time; labels in new_labels.csv
      *.parquet              the same (needs pyarrow)
      report.csv             files that cannot be read, and other remarks on files
      settings.toml          all options, to repeat the run
      work/                  state for going on after an interruption

    \b
    Exit codes: 0 success, also if nothing was new; 1 an error of the input or the machine;
    2 an error of the command line or the settings; 3 some records could not be read, with --strict;
    4 another run is using --out; 130 interrupted: the same command goes on.

    Example: sklearn-ecg predict exports model -o predictions --log predictions.log
    """
    options = _as_trained(run, model, options)
    with run.writing_into(out):
        n_unreadable, new = _predict(run, files, model, out, options)
    run.conclude(f"{len(new)} new; {n_unreadable} files or records could not be read.")
    run.log("predicted", n_new=len(new), n_unreadable=n_unreadable)
    if strict and n_unreadable:
        click.get_current_context().exit(_STRICT)


def _predict(run, files, model, out, options):
    """Write all tables; return the number of unreadable records, and the new rows."""
    import numpy as np
    import pandas as pd

    from sklearn_ecg import LabelCorrelationECGClassifier
    from sklearn_ecg.records._report import lost_ecgs
    from sklearn_ecg.shards import PredictLabels, iter_shards

    step = PredictLabels(model, memory=out / WORK)
    classifier = LabelCorrelationECGClassifier.load(model, device="cpu")
    names = [str(name) for name in classifier.label_names_]
    if not classifier.multilabel_ or not set(names).isdisjoint(("id", *_ABOUT)):
        raise ValueError(
            f"{model} has the labels {', '.join(names)}. predict needs a multi-label model, "
            f"without labels named id, {', '.join(_ABOUT)}."
        )
    before = _read_before(out / "probabilities.csv", names)
    labels_before = _read_before(out / "labels.csv", names)
    records, report = _open(run, files, options, classifier)
    if records is None:
        table = before.iloc[:0]
    else:
        run.say(f"Predicting {len(records)} records, except those already done")
        shards = iter_shards(step, records, out / WORK, n_jobs=options["jobs"], verbose=run.verbose)
        table = pd.concat(shards).loc[pd.Index(records.ids)]
        table.index = pd.Index(table.index.astype(str), name="id")
        report = _with_problems(report, table["problem"])
    table = table.assign(
        model=step.settings["model"][:12],
        predicted_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )[[*names, *_ABOUT]]
    new = table[~_is_known(table, before, names)]
    labels = new.copy()
    labels[names] = classifier.labels_.decide(new[names].to_numpy(float), classifier.thresholds_)
    # Written last: the next night takes from it which records are done.
    for name, own, old in (("labels", labels, labels_before), ("probabilities", new, before)):
        own = own.astype(dict.fromkeys(names, np.int8 if name == "labels" else float))
        everything = pd.concat([old.drop(index=own.index, errors="ignore"), own])
        everything = everything.astype(own.dtypes)
        write_table(own, out / f"new_{name}.csv", parquet=True)
        write_table(everything, out / f"{name}.csv", parquet=True)
    write_report(report, out)
    return len(lost_ecgs(report)), new


def _with_problems(report, problems):
    """Return a report with the problems that appeared when records were read, by id."""
    import pandas as pd

    problems = problems[problems != ""]
    rows = pd.DataFrame({"id": problems.index, "file": "", "problem": problems.to_numpy()})
    return pd.concat([report, rows.assign(what_to_do="", kept=False)], ignore_index=True)


def _open(run, files, options, classifier):
    """Return the records of FILES, or None if a folder holds no readable ones, and a report.

    No new files, or only damaged ones, is not an error.
    """
    from sklearn_ecg.records._report import NothingReadError, Report, lost_ecgs

    options = options | _as_learned(classifier, options)
    try:
        records = open_files(run, files, options, verify=False)
    except NothingReadError as error:
        if options["anonymise"] is None:
            return None, error.report
        return None, lost_ecgs(error.report).assign(id="", file="", problem=_LOST, what_to_do="")
    except FileNotFoundError:
        # A missing folder is an error; a folder without ECGs is not.
        folder = re.split(r"[*?\[]", files)[0] if glob.has_magic(files) else files
        if not os.path.isdir(folder if folder == files else os.path.dirname(folder) or "."):
            raise
        run.say(f"No ECG in {files}")
        return None, Report().to_frame()
    records = anonymised(records, options["anonymise"])
    return records, records.report


def _as_trained(run, model, options):
    """Return options that read files as in the model's training.

    The command line and its settings come first, except for the waveform: another waveform would
    give wrong answers.
    """
    path = model / NAME
    trained = load_settings(model).get("train", {}) if path.is_file() else {}
    trained = {name: trained[name] for name in _OF_TRAINING if name in trained}
    source = click.get_current_context().get_parameter_source
    given = {name for name in trained if source(name) is not ParameterSource.DEFAULT}
    if "waveform" in given and trained["waveform"] != options["waveform"]:
        raise click.UsageError(
            f"{model} was trained with --waveform {trained['waveform']}, not "
            f"{options['waveform']}: leave the option out."
        )
    taken = {
        name: value
        for name, value in trained.items()
        if name not in given and value != options[name]
    }
    if taken:
        words = (f"--{name.replace('_', '-')} {value}" for name, value in taken.items())
        run.say(f"As the model was trained: {', '.join(words)}")
        run.settings["predict"] |= taken
    return options | taken


def _as_learned(classifier, options):
    """Return leads and rate of the records that a classifier was trained on.

    Without them, the leads and rate of most files of a night would decide for the others.
    """
    leads, answers = classifier.lead_names_in_, classifier.answers_
    rate = getattr(getattr(answers, "extractor", None), "sampling_rate_", None)
    return {
        "leads": options["leads"] or (None if leads is None else ",".join(leads)),
        "sampling_rate": options["sampling_rate"] or rate or classifier.sampling_rate_,
    }


def _read_before(path, names):
    """Return the table of earlier nights, or an empty one."""
    import pandas as pd

    columns = [*names, *_ABOUT]
    if not path.exists():
        return pd.DataFrame({name: pd.Series(dtype=object) for name in columns}).rename_axis("id")
    table = pd.read_csv(
        path,
        dtype={"id": str, "problem": str, "model": str, "predicted_at": str},
        keep_default_na=False,
        na_values={name: [""] for name in names},
        float_precision="round_trip",
    )
    if list(table.columns) != ["id", *columns]:
        raise ValueError(
            f"{path} is not a table of the model's labels, {', '.join(names)}. Name a separate "
            "folder by --out."
        )
    return table.set_index("id")


def _is_known(table, before, names):
    """Whether each row is already in the earlier table: the same model, the same values.

    Predictions of files that can no longer be read are kept.
    """
    import numpy as np

    own = before.reindex(table.index)
    is_equal = np.isclose(
        table[names].to_numpy(dtype=float), own[names].to_numpy(dtype=float), 0, 0, equal_nan=True
    ).all(axis=1)
    for name in ("problem", "model"):
        is_equal &= (table[name] == own[name]).to_numpy()
    return is_equal | ((table["problem"] != "") & (own["problem"] == "")).to_numpy()
