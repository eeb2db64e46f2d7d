"""Classification of PTB-XL: our network, its parts, and networks of others by the same recipe.

Training on folds 1 to 8, scores on fold 10, as PTB-XL recommends. Every network has the same
crops, augmentation, loss, schedule and epochs, the defaults of our classifier. They, and the trees
that answer for features, were chosen by training on folds 1 to 7 and scores on 8 and 9 of 1,987
records, where most settings differed less than seeds. A run that was interrupted goes on where it
stopped, and the same command runs on all of PTB-XL, for which alone the published figures are.
"""

import argparse
import time
from functools import partial

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import f1_score, precision_recall_fscore_support, roc_auc_score
from sklearn.multioutput import MultiOutputClassifier
from sklearn.pipeline import make_pipeline

from benchmarks._compared import (
    DEFAULT,
    difference,
    left_out_of_differences,
    open_scored,
    pack,
    unpack,
)
from benchmarks._data import data_folder
from benchmarks._published import MACRO_SCORES, PTBXL_AUC, published_ptbxl
from benchmarks._report import add_run_options, explanation, grid, to_markdown
from benchmarks.networks import NETWORKS, network_classifier
from sklearn_ecg import ECGFeatureExtractor, LabelCorrelationECGClassifier
from sklearn_ecg.datasets import load_ptbxl

TASK = "superdiagnostic"


def main():
    arguments = parse_arguments()
    folder = arguments.folder or data_folder("ptb-xl")
    records = load_ptbxl(folder, sampling_rate=100, task=arguments.task)
    records, left_out = with_labels_of_every_part(records)
    training, test = records[records.split <= 8], records[records.split == 10]
    page = arguments.page or page_of(arguments)
    recipe = {"max_epochs": 2} if arguments.quick else {}

    def text():
        return (
            f"{explanation(__doc__)}\n{len(training)} records of {len(set(training.groups))} "
            f"patients for training, {len(test)} of {len(set(test.groups))} for scores; "
            f"{records.n_labels} labels ({', '.join(records.label_names)}).{left_out}\n\n"
            f"{table(results.rows, test)}\n\n"
            f"{beside_published(results.rows, test, arguments.task)}"
        )

    results = open_scored(page, "ptbxl", test, fresh=arguments.fresh)
    show = partial(results.show, f"Classification of PTB-XL, {arguments.task} labels", text)
    makers = classifiers(ECGFeatureExtractor(n_jobs=-1, memory=arguments.cache))
    settings = grid(seed=range(arguments.seeds), network=arguments.networks or makers)
    for setting in results.unmeasured(settings):
        make = makers[setting["network"]]
        results.add(setting | measure(make, training, test, setting["seed"], recipe))
        show()
    show()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    names = list(classifiers(None))
    parser.add_argument("--folder", help="of PTB-XL, where it is elsewhere")
    parser.add_argument("--task", default=TASK, help="which labels")
    parser.add_argument("--quick", action="store_true", help="one seed, two epochs")
    parser.add_argument("--seeds", type=int, default=3, help="how many")
    parser.add_argument("--networks", nargs="+", choices=names, metavar="NAME", help=str(names))
    add_run_options(parser)
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.seeds = 1
    return arguments


def page_of(arguments):
    """Return the name of the page that a run writes."""
    of_task = "" if arguments.task == TASK else f"_{arguments.task}"
    return f"ptbxl{of_task}{'_quick' * arguments.quick}"


def with_labels_of_every_part(records):
    """Leave out labels without a record to learn from or to score; return what to say of them."""
    present = records.labels == 1
    is_scored = present[records.split <= 8].any(axis=0) & present[records.split == 10].any(axis=0)
    if is_scored.all():
        return records, ""
    names = ", ".join(records.label_names[~is_scored])
    kept = records.with_labels(
        records.labels[:, is_scored], label_names=records.label_names[is_scored]
    )
    return kept, f" Left out, since no record of folds 1 to 8 or of fold 10 has them: {names}."


def classifiers(features):
    """Return what makes each row's classifier from a seed and a recipe, by name.

    Those that matter most stand first: a run that is interrupted has them.
    """
    alone = {"label_embedding": False, "decoder": False}
    # The paper's network in each of its ablations, without what we added to it.
    paper = {
        "backbone": "residual",
        "memory": "labels",
        "shortcut": False,
        "channel_identity": False,
    }
    ours = {
        DEFAULT: {},
        "its backbone alone": alone,
        "with ECG features": {"features": features},
        "paper's backbone (model 1)": paper | alone,
        "paper's, label embedding (model 2)": paper | {"decoder": False},
        "paper's, decoder (model 3)": paper | {"label_embedding": False},
        "paper's network (model 4)": paper,
        "paper's backbone, our additions": {"backbone": "residual"},
    }
    return {
        **{name: partial(_ours, **options) for name, options in ours.items()},
        **{name: partial(_other, network) for name, network in NETWORKS.items()},
        "ECG features, gradient boosting": partial(_boosting, features),
    }


def _ours(seed, recipe, **options):
    return LabelCorrelationECGClassifier(random_state=seed, **recipe, **options)


def _other(network, seed, recipe):
    return network_classifier(network, random_state=seed, **recipe)


def _boosting(features, seed, recipe):
    boosting = HistGradientBoostingClassifier(early_stopping=False, random_state=seed)
    return make_pipeline(features, MultiOutputClassifier(boosting))


def measure(make, training, test, seed, recipe):
    """Train one classifier; return its scores and probabilities as a row of the results."""
    classifier = make(seed, recipe)
    started, cpu = time.perf_counter(), time.process_time()
    classifier.fit(training, training.labels)
    seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
    probabilities = classifier.predict_proba(test)
    if isinstance(probabilities, list):
        probabilities = np.column_stack([of_label[:, 1] for of_label in probabilities])
    n_weights = None
    if hasattr(classifier, "module_"):
        n_weights = sum(weight.numel() for weight in classifier.module_.parameters())
    return {
        "auc": round(roc_auc_score(test.labels, probabilities, average="macro"), 4),
        "f1": round(f1_score(test.labels, probabilities >= 0.5, average="macro"), 4),
        "seconds": round(seconds),
        "cpu_seconds": round(cpu),
        "n_weights": n_weights,
        "probabilities": pack(probabilities),
    }


def table(rows, test):
    """Return means over seeds, and differences to the default, as Markdown."""
    frame = pd.DataFrame(rows)
    if frame.empty:
        return ""
    by_name = frame.groupby("network", sort=False)
    shown = by_name[["auc", "f1"]].mean().round(4)
    shown["AUC by seed"] = by_name["auc"].agg(lambda scores: " ".join(f"{s:.3f}" for s in scores))
    shown["averaged seeds"] = [averaged(rows, name, test) for name in shown.index]
    shown["AUC - default's"] = [difference(rows, name, test, "roc_auc") for name in shown.index]
    shown["F1 - default's"] = [difference(rows, name, test, "f1_macro") for name in shown.index]
    shown["seconds"] = by_name["seconds"].median().round().astype(int)
    shown["CPU seconds"] = by_name["cpu_seconds"].median().round().astype(int)
    shown["weights"] = ["" if pd.isna(n) else f"{int(n):,}" for n in by_name["n_weights"].first()]
    shown = shown.rename(columns={"auc": "macro AUC", "f1": "macro F1 at 0.5"})
    return (
        f"{shown.to_markdown(disable_numparse=True)}\n\n"
        "Means over seeds; averaged seeds have AUC and F1 of the mean of their probabilities, as "
        "an ensemble of as many networks would. Differences have the 95 % interval of a bootstrap "
        "over patients, with the seeds that both have; it knows of other patients, not of other "
        f"training records.{left_out_of_differences(test)} "
        "Seconds are those of training, features included."
    )


def beside_published(rows, test, task):
    """Return macro scores at 0.5, means over seeds, beside the published ones, as Markdown."""
    scores = {}
    for name in dict.fromkeys(row["network"] for row in rows):
        found = [
            unpack(r["probabilities"], test.labels.shape) for r in rows if r["network"] == name
        ]
        scores[name] = np.mean([at_threshold(test.labels, said) for said in found], axis=0)
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
        "Published: Zhang and Sun (2024), table 2, on all 21,837 records; their text says 0.864 of "
        "the accuracy for superclasses that the table gives as 0.902."
        + (f" On these Strodthoff et al. (2021) have macro AUC {areas}." if areas else "")
    )


def at_threshold(labels, probabilities):
    """Return accuracy, precision, recall and F1 at 0.5, means over labels."""
    predicted = (probabilities >= 0.5).astype(int)
    scores = precision_recall_fscore_support(labels, predicted, average="macro", zero_division=0)
    return np.mean(predicted == labels), *scores[:3]


def averaged(rows, name, test):
    """Return AUC and F1 of the mean over the seeds' probabilities, as text."""
    said = [
        unpack(row["probabilities"], test.labels.shape) for row in rows if row["network"] == name
    ]
    if len(said) == 1:
        return ""
    mean = np.mean(said, axis=0)
    auc = roc_auc_score(test.labels, mean, average="macro")
    f1 = f1_score(test.labels, mean >= 0.5, average="macro")
    return f"{auc:.4f}, {f1:.4f}"


if __name__ == "__main__":
    main()
