"""``sklearn-ecg train``: trains a classifier, and writes its card."""

from pathlib import Path

import click

from sklearn_ecg.command._clean import clean_labels, options_of_cleaning, read_labelled
from sklearn_ecg.command._files import options_of_files
from sklearn_ecg.command._labels import options_of_labels
from sklearn_ecg.command._parameters import parameter_option, read_parameters
from sklearn_ecg.command._run import WORK, options_of_run, out_option, write_report, write_table

#: Table of the records that a model has learned from.
PARTS = "split.csv"


@click.command("train")
@click.argument("files", metavar="FILES")
@click.argument("labels", required=False, type=click.Path(path_type=Path, exists=True))
@out_option("The folder for the model; is made if it is missing.")
@click.option(
    "--on-cleaned",
    is_flag=True,
    help="LABELS are weak: first clean those of the training records.",
)
@click.option(
    "--test-share",
    type=click.FloatRange(0, 1, max_open=True),
    default=0.2,
    show_default=True,
    help="Share of patients to hold out for the scores of the card; 0 for none.",
)
@click.option("--epochs", type=click.IntRange(1), default=30, show_default=True)
@click.option(
    "--features/--no-features",
    default=True,
    show_default=True,
    help="Whether trees on measured features answer beside the network.",
)
@click.option("--device", default="auto", show_default=True, help="Such as cpu or cuda.")
@options_of_labels
@options_of_cleaning
@parameter_option("LabelCorrelationECGClassifier")
@options_of_files
@options_of_run
def train(
    run, files, labels, out, on_cleaned, test_share, epochs, features, device, parameters, **options
):
    """Train a LabelCorrelationECGClassifier on FILES with LABELS, and save it with its card.

    LABELS is a folder that `sklearn-ecg clean` has written, or a table as for `clean`. Scores are
    those on held-out patients: on their trusted records, if there are any.

    \b
    The folder --out then holds
      model.json, weights-*.safetensors   the model, for `sklearn-ecg predict`
      card.html       its data, scores and limits; card.md too
      split.csv       training records and test records
      report.csv      files that cannot be read, and other remarks on files
      settings.toml   all options, to repeat the run
      work/           measurements, and state of an interrupted training; may be deleted

    Example: sklearn-ecg train exports cleaned -o model
    """
    from sklearn_ecg import ECGFeatureExtractor, LabelCorrelationECGClassifier

    parameters = read_parameters(parameters, "LabelCorrelationECGClassifier")
    with run.writing_into(out):
        records, sources = read_labelled(run, files, labels, options)
        training, test = split(run, records, sources, out / WORK, on_cleaned, test_share, options)
        run.say(f"Training on {training!r}")
        # Records that `clean` has measured are not measured again.
        measured = (labels if labels is not None and labels.is_dir() else out) / WORK
        extractor = ECGFeatureExtractor(
            memory=measured, n_jobs=options["jobs"], verbose=run.verbose
        )
        classifier = LabelCorrelationECGClassifier(
            features=extractor if features else None,
            max_epochs=epochs,
            device=device,
            checkpoint=out / WORK / "checkpoint",
            random_state=options["seed"],
            verbose=run.verbose,
        ).set_params(**parameters)
        classifier.fit(training)
        if not classifier.net_.is_over_ and classifier.net_.diverged_in_ is None:
            raise KeyboardInterrupt  # skorch takes an interrupt for an early end of training
        classifier.save(out)
        write_report(records.report, out)
        write_table(_parts(training, test), out / PARTS)
        if test is not None:
            run.say(f"Testing on {test!r}")
            save_card(classifier, training, test, out)
    run.log("trained", n_training=len(training), n_test=0 if test is None else len(test))


def split(run, records, sources, work, on_cleaned, test_share, options):
    """Split records by patient into training and test; test records are trusted, if any are.

    Parameters
    ----------
    run : Run
    records : ECGRecords
    sources : dict of str to DataFrame, or None
        For `clean_labels`, of all records.
    work : Path
        Folder for the measurements of cleaning.
    on_cleaned : bool
        Whether the labels of training records are cleaned.
    test_share : float
    options : dict
        From `options_of_cleaning`.

    Returns
    -------
    training : ECGRecords
    test : ECGRecords or None
    """
    from sklearn_ecg import CleanedRecords
    from sklearn_ecg.model_selection import patient_train_test_split
    from sklearn_ecg.utils import trusted_records, warn_user

    training, test = records, None
    if test_share:
        training, test = patient_train_test_split(
            records, test_size=test_share, random_state=options["seed"]
        )
        if test.trusted is not None and trusted_records(test.trusted).any():
            test = test[trusted_records(test.trusted)]
    if on_cleaned:
        if sources is not None:
            sources = {name: table.loc[training.ids] for name, table in sources.items()}
        _, training = clean_labels(run, training, sources, work, {}, options)
    elif sources is not None:
        raise click.UsageError(
            "--truth, confirmed statements and --source are only for cleaning: add --on-cleaned."
        )
    elif not isinstance(training, CleanedRecords) and training.trusted is not None:
        n_weak = int((~trusted_records(training.trusted)).sum())
        if n_weak:
            warn_user(
                f"The labels of {n_weak} of {len(training)} training records are not trusted, and "
                "are learned without cleaning. --on-cleaned cleans them first."
            )
    return training, test


def save_card(classifier, training, test, folder):
    """Write the card of a classifier."""
    from sklearn_ecg.cards import model_card

    card = model_card(classifier, test, X_train=training)
    for name in ("card.html", "card.md"):
        card.save(folder / name)


def _parts(training, test):
    import pandas as pd

    parts = {"training": training} if test is None else {"training": training, "test": test}
    return pd.concat(
        [pd.DataFrame({"id": of.ids.astype(str), "part": part}) for part, of in parts.items()]
    )
