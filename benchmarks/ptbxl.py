"""Classification of PTB-XL: our classifier, its parts, and networks of others by the same recipe.

All ten folds of PTB-XL take turns: a network is trained on nine and predicts the tenth. The
predictions of all folds are scored together, so every record counts once, and intervals are over
all patients. Every network has the same crops, augmentation, loss, schedule and epochs, the
defaults of our classifier. These were chosen on folds 1 to 9 of 1,987 records, which are scored
here too; most settings differed less than seeds. The same command runs on all of PTB-XL, from which
the published figures come.

Rows named "our recipe" have the paper's architecture at our size. As its authors train it, it has a
row on the page of CPSC2018. The random encoder is our xresnet with random weights under a linear
head: a network must beat it to have learned anything.
"""

import argparse
import time
from functools import partial

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import precision_recall_fscore_support
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline

from benchmarks._compared import (
    DEFAULT,
    MIN_PATIENTS,
    left_out_of_differences,
    open_scored,
    pack,
    pack_bits,
)
from benchmarks._data import MIN_RECORDS_OF_CODE, data_folder
from benchmarks._measured_features import MeasuredFeatures
from benchmarks._out_of_fold import (
    N_BINS,
    common,
    difference_table,
    folds_of,
    pool,
    score_table,
    texts_of,
)
from benchmarks._published import MACRO_SCORES, PTBXL_AUC, published_ptbxl
from benchmarks._random_encoder import random_encoder
from benchmarks._report import add_run_options, explanation, grid, to_markdown
from benchmarks.networks import NETWORKS
from sklearn_ecg import ECGFeatureExtractor, LabelCorrelationECGClassifier
from sklearn_ecg.datasets import load_ptbxl

TASKS = ("superdiagnostic", "subdiagnostic", "all", "rhythm")
KEYS = ("network", "fold", "seed")


def main():
    arguments = parse_arguments()
    folder = arguments.folder or data_folder("ptb-xl")
    records = load_ptbxl(folder, sampling_rate=100, task=arguments.task)
    records, left_out = with_labels_to_score(records, arguments.least)
    folds = np.unique(records.split).tolist()
    page = arguments.page or page_of(arguments)
    recipe = {"max_epochs": 2} if arguments.quick else {}

    def text():
        rows = in_order(results.rows)
        return (
            f"{explanation(__doc__)}\n{len(records)} records of {len(set(records.groups))} "
            f"patients, {len(folds)} folds; {records.n_labels} labels "
            f"({', '.join(records.label_names)}).{left_out}\n\n"
            f"{tables(rows, records)}\n\n"
            f"{beside_published(rows, records, arguments.task)}"
        )

    results = open_scored(page, "ptbxl", records, keys=KEYS, fresh=arguments.fresh)
    for file in arguments.take:
        results.take(file)
    title = f"Classification of PTB-XL, {arguments.task} labels"
    show = partial(results.show, title, text, always=arguments.draw)
    features = MeasuredFeatures(ECGFeatureExtractor(n_jobs=-1, memory=arguments.cache))
    makers = classifiers(features)
    settings = grid(
        seed=range(arguments.seeds),
        network=chosen(arguments.networks, makers),
        fold=folds[:2] if arguments.quick else arguments.folds or folds,
    )
    unmeasured = [] if arguments.draw else results.unmeasured(settings)
    for place, setting in enumerate(unmeasured):
        make = partial(makers[setting["network"]], setting["seed"], recipe)
        results.add(setting | measure(make, records, setting["fold"], features))
        # Bootstraps of a page take a while: it is drawn where a network has all of its folds.
        following = unmeasured[place + 1 : place + 2]
        if not following or following[0]["network"] != setting["network"]:
            show()
    if not unmeasured:
        show()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    names = list(classifiers(None))
    parser.add_argument("--folder", help="of PTB-XL, where it is elsewhere")
    parser.add_argument("--task", default=TASKS[0], choices=TASKS, help="which labels")
    parser.add_argument(
        "--least",
        type=int,
        default=MIN_RECORDS_OF_CODE,
        metavar="N",
        help="leave out labels that fewer records have",
    )
    parser.add_argument("--quick", action="store_true", help="one seed, two folds, two epochs")
    parser.add_argument("--seeds", type=int, default=1, help="how many")
    parser.add_argument("--folds", type=int, nargs="+", help="score these alone; by default all")
    parser.add_argument("--networks", nargs="+", metavar="NAME", help=str(names))
    parser.add_argument(
        "--take",
        nargs="+",
        default=[],
        metavar="FILE",
        help="take over rows that the same benchmark wrote elsewhere (docs/results/PAGE.json)",
    )
    parser.add_argument(
        "--draw", action="store_true", help="measure nothing, and draw the page of what is there"
    )
    add_run_options(parser)
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.seeds = 1
    return arguments


def chosen(names, makers):
    """Return the networks that are asked for, or all; end where one is not known."""
    unknown = [name for name in names or [] if name not in makers]
    if unknown:
        raise SystemExit(f"{unknown[0]!r} is none of {', '.join(map(repr, makers))}.")
    return names or list(makers)


def in_order(rows):
    """Return rows as `classifiers` orders their networks, whichever were measured first."""
    names = list(classifiers(None))
    last = len(names)
    return sorted(rows, key=lambda r: names.index(r["network"]) if r["network"] in names else last)


def page_of(arguments):
    """Return the name of the page that a run writes."""
    of_task = "" if arguments.task == TASKS[0] else f"_{arguments.task}"
    return f"ptbxl{of_task}{'_quick' * arguments.quick}"


def with_labels_to_score(records, least):
    """Leave out labels that few records have; return what to say of them.

    Records whose labels cannot be read have no part either.
    """
    records = records[(records.labels != -1).all(axis=1)]
    is_kept = (records.labels == 1).sum(axis=0) >= max(least, 1)
    if not is_kept.any():
        raise SystemExit(f"No label has {least} records: lower --least.")
    if is_kept.all():
        return records, ""
    names = ", ".join(records.label_names[~is_kept])
    kept = records.with_labels(records.labels[:, is_kept], label_names=records.label_names[is_kept])
    return kept, f" Left out, since fewer than {least} records have them: {names}."


#: The paper's network, without what we added to it, at our size.
PAPERS_PARTS = {
    "backbone": "residual",
    "network__attend_to": "labels",
    "network__shortcut": False,
    "network__token_identity": False,
}


def classifiers(features):
    """Return what makes each row's classifier from a seed and a recipe, by name.

    Those that matter most stand first: a run that is interrupted has them. All that knows the
    parameters of `LabelCorrelationECGClassifier` stands in this function and in the makers below.
    """
    signals_alone = {"features": None}
    backbone_alone = signals_alone | {"network__label_embedding": False, "network__decoder": False}
    paper = signals_alone | PAPERS_PARTS
    others = {
        name: partial(_ours, network=network, **signals_alone) for name, network in NETWORKS.items()
    }
    first = {
        DEFAULT: partial(_ours, features=features),
        "ECG features, gradient boosting": partial(_boosting, features),
        "resnet1d_wang": others["resnet1d_wang"],
        "xresnet1d101": others["xresnet1d101"],
        "paper's network (model 4), our recipe": partial(_ours, **paper),
        "random encoder, linear head": _random,
        "network alone": partial(_ours, **signals_alone),
    }
    ablations = {
        "its backbone alone": backbone_alone,
        "paper's backbone (model 1), our recipe": paper | backbone_alone,
        "paper's, label embedding (model 2), our recipe": paper | {"network__decoder": False},
        "paper's, decoder (model 3), our recipe": paper | {"network__label_embedding": False},
        "paper's backbone, our additions and recipe": signals_alone | {"backbone": "residual"},
    }
    return {
        **first,
        **others,
        **{name: partial(_ours, **options) for name, options in ablations.items()},
    }


def papers_training(seed, recipe, **network):
    """Return an unfitted classifier that is trained as the paper says: whole records of 500 Hz.

    Parameters
    ----------
    seed : int
    recipe : dict
    **network
        The paper's network. Its text gives no sizes: `PAPERS_PARTS` have ours, and
        ``network="paper"`` has 3.4 million weights, with which a record takes half a second of a
        core in each of 60 epochs.
    """
    options = {
        "features": None,
        "sampling_rate": 500,
        "highpass": None,
        "crop_s": None,
        "augmentation": None,
        "criterion__gamma_negative": 4,
        "training__optimizer": "adam",
        "training__schedule": "constant",
        "training__weight_decay": 0,
        "training__ema_decay": None,
        "lr": 1e-4,
        "batch_size": 32,
        "max_epochs": 60,
        "validation_fraction": 0.15,
    }
    return _ours(seed, recipe, **network, **options)


def _ours(seed, recipe, **options):
    return LabelCorrelationECGClassifier(random_state=seed, **(options | recipe))


def _boosting(features, seed, recipe):
    boosting = HistGradientBoostingClassifier(early_stopping=False, random_state=seed)
    return make_pipeline(features, MultiOutputClassifier(boosting))


def _random(seed, recipe):
    return random_encoder(seed)


def n_weights_of(classifier):
    """Return how many weights a fitted classifier's network has; None if it has no network."""
    if not hasattr(classifier, "net_"):
        return None
    return sum(weight.numel() for weight in classifier.net_.module_.parameters())


def measure(make, records, fold, features):
    """Train a classifier on all folds but one; return what it says of that one, as a row."""
    classifier = make()
    is_test = records.split == fold
    training, test = records[~is_test], records[is_test]
    features.measure_for(classifier, records)
    started, cpu = time.perf_counter(), time.process_time()
    classifier.fit(training, training.labels)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    # Those of a classifier that tuned none are the 0.5 that all are scored at anyway.
    has_thresholds = np.any(np.asarray(getattr(classifier, "thresholds_", 0.5)) != 0.5)
    return {
        "seconds": round(seconds),
        "cpu_seconds": round(cpu, 1),
        "n_weights": n_weights_of(classifier),
        "probabilities": pack(probabilities_of(classifier, test)),
        "predicted": pack_bits(classifier.predict(test)) if has_thresholds else None,
    }


def probabilities_of(classifier, records):
    """Return the probability of each label, whatever form the classifier gives them in."""
    found = classifier.predict_proba(records)
    if isinstance(found, list):
        # A label that no training record has, or that all have, is one class.
        classes = classifier.classes_
        found = [
            said[:, list(known).index(1)] if 1 in known else np.zeros(len(said))
            for said, known in zip(found, classes, strict=True)
        ]
        return np.column_stack(found)
    return found[:, -1:] if records.n_labels == 1 else found


def tables(rows, records):
    """Return scores, and differences to the default, as Markdown."""
    if not rows:
        return ""
    n_seeds = len({row["seed"] for row in rows})
    scores = score_table(rows, records)
    if n_seeds == 1:
        scores = scores.drop(columns="seeds")
    differences = difference_table(rows, records)
    parts = [
        "## Scores out of fold",
        scores.to_markdown(disable_numparse=True),
        "Scores are means over labels, with the 95 % interval of a bootstrap over patients"
        f"{', and over seeds' if n_seeds > 1 else ''}.{left_out_of_differences(records)} Rows of "
        f"some folds have the labels that {MIN_PATIENTS} patients of these folds have. F1 is "
        "that at the threshold of each label which is best on what the same networks say of all "
        "other folds; these out-of-fold predictions tune all methods alike, without training "
        "again. Beside it is F1 at thresholds that a classifier has found by itself, in training, "
        f"where it does. The calibration error is the expected one, of {N_BINS} bins of equal "
        "width, mean over labels. Its intervals, and those of average precision, reach upwards, "
        "since resamples hold the same records several times. The networks of all folds are scored "
        "together, so that those whose probabilities mean the same from fold to fold have an "
        "advantage. CPU seconds are the median fit's, with features at hand; "
        "`benchmarks.feature_speed` has what those take. Trees are not among the weights.",
        "## Beside the default",
    ]
    if differences.empty:
        return "\n\n".join([*parts, "Nothing is measured on the same folds yet."])
    parts += [
        differences.to_markdown(disable_numparse=True),
        "Score minus the default's on the same records, with the 95 % interval of a paired "
        "bootstrap over patients, each by itself: of twenty that compare equals one excludes 0. It "
        "knows of other patients, and not of other training records or seeds, although each "
        "network here is the mean of as many trainings as folds.",
    ]
    return "\n\n".join(parts)


def beside_published(rows, records, task):
    """Return macro scores at 0.5, pooled over folds, beside the published ones, as Markdown."""
    scores = {}
    for name in dict.fromkeys(row["network"] for row in rows):
        folds, seeds = common(folds_of(rows, name))
        pooled = pool(texts_of(rows, name, folds, seeds), folds, records)
        scores[name] = at_half(pooled.truth, pooled.at_half)
    published = published_ptbxl(task)
    ours = pd.DataFrame.from_dict(scores, orient="index", columns=MACRO_SCORES)
    areas = ", ".join(f"{name} {auc:.3f}" for name, auc in PTBXL_AUC.get(task, {}).items())
    for name, row in published.iterrows():
        ours.loc[f"published: {name}"] = row
    text = to_markdown(ours.round(3))
    return (
        "## Beside the published figures\n\n"
        f"{text}\n\n"
        "Macro means over labels at 0.5, of accuracy too, which the papers define for one label. "
        "Published: Zhang and Sun (2024), table 2, on fold 10 of all 21,837 records; their text "
        "says 0.864 of the accuracy for superclasses that the table gives as 0.902."
        + (f" On these Strodthoff et al. (2021) have macro AUC {areas}." if areas else "")
    )


def at_half(labels, predicted):
    """Return accuracy, precision, recall and F1, means over labels; NaN without any."""
    if not labels.shape[1]:
        return (np.nan,) * len(MACRO_SCORES)
    scores = precision_recall_fscore_support(labels, predicted, average="macro", zero_division=0)
    return np.mean(predicted == labels), *scores[:3]


if __name__ == "__main__":
    main()
