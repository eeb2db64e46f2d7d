"""``sklearn-ecg predict``: what a night does to files that are new."""

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

# What stands beside labels in a table of predictions.
_ABOUT = ("problem", "model", "predicted_at")
_STRICT = 3
# Of a file whose name, and what is quoted of it, may tell who a patient is.
_LOST = "cannot be read"
# Options that the settings of a model's training tell, beside leads and rate.
_OF_TRAINING = ("window", "waveform", "missing_leads", "csv_rate", "csv_units", "csv_leads")


@click.command("predict")
@click.argument("files", metavar="FILES")
@click.argument("model", type=click.Path(path_type=Path, exists=True, file_okay=False))
@out_option("The folder of all predictions, the same each night; made where it is missing.")
@click.option("--strict", is_flag=True, help="Exit with 3 if some records could not be read.")
@options_of_files
@options_of_run
def predict(run, files, model, out, strict, **options):
    """Predict the labels of those FILES that are new, by a model that `sklearn-ecg train` wrote.

    Files that are new, that were changed, or that could not be read before are worked on, and all
    of them where the model is another. An empty folder is fine: there are 0 new.

    \b
    The folder --out holds then
      probabilities.csv      of all records, also of files that are gone by now
      labels.csv             1 present, 0 absent, -1 unknown
      new_probabilities.csv  of those that were new this time, and labels in new_labels.csv
      *.parquet              the same (needs pyarrow)
      report.csv             files that cannot be read, and other remarks on files
      settings.toml          all options, to repeat the run
      work/                  what goes on after an interruption

    \b
    Exit codes: 0 all is well, also if nothing was new; 1 an error of the input or the machine;
    2 an error of the command line or the settings; 3 some records could not be read, with --strict;
    4 another run is at work in --out; 130 interrupted: the same command goes on.

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
    """Write all tables; return how many cannot be read, and the table of what is new."""
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
            f"{model} has the labels {', '.join(names)}: predict is for labels that come together, "
            f"and none of them may be called id, {', '.join(_ABOUT)}."
        )
    before = _read_before(out / "probabilities.csv", names)
    labels_before = _read_before(out / "labels.csv", names)
    records, report = _open(run, files, options, classifier)
    if records is None:
        table = before.iloc[:0]
    else:
        run.say(f"Predicting {len(records)} records, but for those that are done")
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
    # All probabilities last: this is the table by which the next night knows what is new.
    for name, own, old in (("labels", labels, labels_before), ("probabilities", new, before)):
        own = own.astype(dict.fromkeys(names, np.int8 if name == "labels" else float))
        everything = pd.concat([old.drop(index=own.index, errors="ignore"), own])
        everything = everything.astype(own.dtypes)
        write_table(own, out / f"new_{name}.csv", parquet=True)
        write_table(everything, out / f"{name}.csv", parquet=True)
    write_report(report, out)
    return len(lost_ecgs(report)), new


def _with_problems(report, problems):
    """Return a report with what turned out as records were read, of their ids and problems."""
    import pandas as pd

    problems = problems[problems != ""]
    rows = pd.DataFrame({"id": problems.index, "file": "", "problem": problems.to_numpy()})
    return pd.concat([report, rows.assign(what_to_do="", kept=False)], ignore_index=True)


def _open(run, files, options, classifier):
    """Return the records of FILES, None where a folder holds none that can be read, and a report.

    An empty night is such, and one of damaged files alone.
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
        # A folder that is gone is an error, and one without ECGs an empty night.
        folder = re.split(r"[*?\[]", files)[0] if glob.has_magic(files) else files
        if not os.path.isdir(folder if folder == files else os.path.dirname(folder) or "."):
            raise
        run.say(f"There is no ECG in {files}")
        return None, Report().to_frame()
    records = anonymised(records, options["anonymise"])
    return records, records.report


def _as_trained(run, model, options):
    """Return options in which files are understood as they were when a model was trained.

    What the command line or its settings say wins, but for the waveform: that of another would
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

    Else those that most files of a night have would decide what becomes of the others.
    """
    leads, answers = classifier.lead_names_in_, classifier.answers_
    rate = getattr(getattr(answers, "extractor", None), "sampling_rate_", None)
    return {
        "leads": options["leads"] or (None if leads is None else ",".join(leads)),
        "sampling_rate": options["sampling_rate"] or rate or classifier.sampling_rate_,
    }


def _read_before(path, names):
    """Return the table that nights before have written, without rows where there is none."""
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
            f"{path} is no table of the model's labels, {', '.join(names)}: give a folder of its "
            "own by --out."
        )
    return table.set_index("id")


def _is_known(table, before, names):
    """Whether each row stands in the table of before: of the same model, with the same values.

    What was predicted stays, too, where its file can no longer be read.
    """
    import numpy as np

    own = before.reindex(table.index)
    is_equal = np.isclose(
        table[names].to_numpy(dtype=float), own[names].to_numpy(dtype=float), 0, 0, equal_nan=True
    ).all(axis=1)
    for name in ("problem", "model"):
        is_equal &= (table[name] == own[name]).to_numpy()
    return is_equal | ((table["problem"] != "") & (own["problem"] == "")).to_numpy()
