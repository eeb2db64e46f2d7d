"""``sklearn-ecg card``: the card of a result, written again."""

from pathlib import Path

import click

from sklearn_ecg.command._clean import clean_labels, read_labelled
from sklearn_ecg.command._parameters import read_parameters
from sklearn_ecg.command._run import WORK, options_of_run
from sklearn_ecg.command._settings import load_settings
from sklearn_ecg.command._train import split


@click.command("card")
@click.argument("folder", metavar="RESULT", type=click.Path(path_type=Path, exists=True))
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A file .html or .md; by default card.html of RESULT.",
)
@click.option("--title")
@click.option(
    "--note",
    "notes",
    multiple=True,
    metavar="TITLE=TEXT",
    help="A section of your own, such as the origin of the records; may be repeated.",
)
@options_of_run
def card(run, folder, out, title, notes):
    """Write the card of RESULT again, a folder of `sklearn-ecg clean` or `sklearn-ecg train`.

    The files and labels named in its settings.toml are read again.

    Example: sklearn-ecg card model -o card.md --note "Intended use=Triage of Holter reports."
    """
    settings = load_settings(folder)
    command = next((name for name in ("clean", "train") if name in settings), None)
    if command is None:
        raise ValueError(f"{folder} holds neither a model nor cleaned labels.")
    options = _as_parsed(command, settings[command])
    notes = dict(_read_note(note) for note in notes)
    out = folder / "card.html" if out is None else out
    make = _of_cleaning if command == "clean" else _of_model
    make(run, folder, options, title=title, notes=notes or None).save(out)
    run.conclude(f"Written to {out}.")


def _of_cleaning(run, folder, options, **texts):
    from sklearn_ecg.cards import cleaning_card

    records, sources = read_labelled(run, options["files"], options["labels"], options)
    parameters = read_parameters(options["parameters"], "AFPLabelCleaner")
    found = clean_labels(run, records, sources, folder / WORK, parameters, options)
    return cleaning_card(*found, **texts)


def _of_model(run, folder, options, **texts):
    from sklearn_ecg import LabelCorrelationECGClassifier
    from sklearn_ecg.cards import model_card

    if not options["test_share"]:
        raise ValueError(
            f"{folder} was trained on all records, but a card needs others to test on: train it "
            "with --test-share."
        )
    classifier = LabelCorrelationECGClassifier.load(folder)
    records, sources = read_labelled(run, options["files"], options["labels"], options)
    on_cleaned, test_share = options["on_cleaned"], options["test_share"]
    training, test = split(run, records, sources, folder / WORK, on_cleaned, test_share, options)
    run.say(f"Testing on {test!r}")
    return model_card(classifier, test, X_train=training, **texts)


def _as_parsed(command, options):
    """Return the options of a settings file in the form that a subcommand gets."""
    parser = click.get_current_context().find_root().command.get_command(None, command)
    ctx = click.Context(parser, default_map=options)
    parser.parse_args(ctx, [])
    return ctx.params


def _read_note(text):
    title, equals, note = text.partition("=")
    if not equals or not title.strip() or not note.strip():
        raise click.BadParameter(f"{text!r} is not of the form TITLE=TEXT.", param_hint="--note")
    return title.strip(), note.strip()
