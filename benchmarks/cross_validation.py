"""Classification by cross-validation: CPSC2018, or windows of MIT-BIH by patient.

Every record is scored once, by networks that were trained on other patients; folds are
stratified by label. Areas and F1 are of all these probabilities together. Where the full CPSC2018
is at hand the same command runs on it (`--folder`).

The paper's network has a row as its authors train it: whole records at 500 Hz, Adam at a constant
rate, up to 60 epochs. Its text gives no sizes; ours stand in their place. Rows named "our recipe"
have the paper's models 1 to 4 on crops of 2.5 s at 100 Hz, with our loss and schedule. The paper's
training with a network of 3.4 million weights takes some ten hours of a core for five folds of 300
records, and is measured only where it is named (`--networks`). Of 300 records a fold trains on 204:
60 epochs are then 420 steps, where the paper has more than 8,000, and the row as its authors train
it shows how much data that training needs.
"""

import argparse
import time
from functools import partial

import numpy as np
import pandas as pd

from benchmarks._compared import (
    difference,
    left_out_of_differences,
    open_scored,
    pack,
    unpack,
)
from benchmarks._data import add_data, data_folder, labelled, page_of_data, read_data
from benchmarks._measured_features import MeasuredFeatures
from benchmarks._published import published_cpsc2018
from benchmarks._report import add_run_options, explanation, grid, page_name
from benchmarks.ptbxl import (
    PAPERS_PARTS,
    chosen,
    classifiers,
    n_weights_of,
    papers_training,
    probabilities_of,
)
from sklearn_ecg import ECGFeatureExtractor, TrustedKFold
from sklearn_ecg.datasets import load_cpsc2018, load_mitdb
from sklearn_ecg.metrics import multilabel_report

N_FOLDS = 5
PAPER = "paper's network, as its authors train it"
#: The row that costs hours, and is therefore measured only where it is named.
LARGE_PAPER = "paper's network of 3.4 million weights, as its authors train it"
LOADERS = {
    "cpsc2018": lambda folder: load_cpsc2018(folder or data_folder("cpsc2018")),
    "mitdb": lambda folder: load_mitdb(folder or data_folder("mitdb")),
}
TITLES = {
    "cpsc2018": "Classification of CPSC2018",
    "mitdb": "Classification of MIT-BIH windows by patient",
}
NOTES = {
    "cpsc2018": "Published: Zhang and Sun (2024), tables 3 and 4, trained on four fifths of 6,877 "
    "records and scored on the rest. Published means are as printed there, of Chen et al. alone; "
    "those of He et al. (0.794) and of Ge et al. (0.824) are lower by the labels shown.",
    "mitdb": "Labels are those of single beats in a window, on patients that were not trained on.",
}


def main():
    arguments = parse_arguments()
    records = labelled(read_data(arguments.data, LOADERS, arguments.folder))[:: arguments.every]
    page = arguments.page or page_of(arguments)
    recipe = {"max_epochs": 2} if arguments.quick else {}
    if arguments.data == "mitdb":
        # A window has its label for a single beat, which most crops miss.
        recipe["crop_s"] = None
    folds = list(TrustedKFold(arguments.folds, trusted=True).split(records))

    title = TITLES.get(arguments.data, f"Classification of {arguments.data}")

    def text():
        patients = "" if records.groups is None else f" of {len(set(records.groups))} patients"
        return (
            f"{explanation(__doc__)}\n{len(records)} records{patients}, {arguments.folds} folds, "
            f"{records.n_labels} labels.\n\n{tables(results.rows, records, arguments.data)}"
        )

    results = open_scored(page, "cross_validation", records, fresh=arguments.fresh)
    show = partial(results.show, title, text)
    features = MeasuredFeatures(ECGFeatureExtractor(n_jobs=-1, memory=arguments.cache))
    makers = classifiers(features)
    makers[PAPER] = partial(papers_training, **PAPERS_PARTS)
    usual = list(makers)
    makers[LARGE_PAPER] = partial(papers_training, network="paper")
    networks = chosen(arguments.networks or usual, makers)
    for setting in results.unmeasured(grid(network=networks, seed=[0])):
        make = partial(makers[setting["network"]], setting["seed"], recipe)
        features.measure_for(make(), records)
        results.add(setting | measure(make, records, folds))
        show()
    show()


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    add_data(parser, LOADERS)
    parser.add_argument("--folder", help="of the data, where it is elsewhere")
    parser.add_argument("--folds", type=int, default=N_FOLDS)
    parser.add_argument("--every", type=int, default=1, help="take every so-manieth record")
    parser.add_argument("--quick", action="store_true", help="two epochs")
    names = [*classifiers(None), PAPER, LARGE_PAPER]
    parser.add_argument("--networks", nargs="+", metavar="NAME", help=str(names))
    add_run_options(parser)
    return parser.parse_args()


def page_of(arguments):
    """Return the name of the page that a run writes; other folds have pages of their own."""
    folds = "" if arguments.folds == N_FOLDS else f"_{arguments.folds}_folds"
    return page_name(f"cross_validation_{page_of_data(arguments.data)}{folds}", arguments)


def measure(make, records, folds):
    """Return the probabilities of all records, each by a classifier that never saw its patient."""
    probabilities = np.zeros(records.labels.shape)
    started, cpu = time.perf_counter(), time.process_time()
    for training, test in folds:
        classifier = make().fit(records[training], records.labels[training])
        probabilities[test] = probabilities_of(classifier, records[test])
    return {
        "seconds": round(time.perf_counter() - started),
        "cpu_seconds": round(time.process_time() - cpu),
        "n_weights": n_weights_of(classifier),
        "probabilities": pack(probabilities),
    }


def tables(rows, records, data):
    """Return averages, and F1 by label beside the published ones, as Markdown."""
    if not rows:
        return ""
    summary, by_label = [], {}
    for row in rows:
        found = unpack(row["probabilities"], records.labels.shape)
        report = multilabel_report(records.labels, found, label_names=records.label_names)
        macro = report.loc["macro avg"]
        summary.append(
            {
                "network": row["network"],
                "macro AUC": f"{macro['roc_auc']:.4f}",
                "macro F1 at 0.5": f"{macro['f1']:.4f}",
                "AUC - default's": difference(rows, row["network"], records, "roc_auc"),
                "F1 - default's": difference(rows, row["network"], records, "f1_macro"),
                "seconds": row["seconds"],
                # Rows of earlier versions do not have them.
                "CPU seconds": row.get("cpu_seconds", ""),
                "weights": f"{row['n_weights']:,}" if row.get("n_weights") else "",
            }
        )
        by_label[row["network"]] = report["f1"][list(records.label_names)]
    labels = pd.DataFrame(by_label).T
    if data == "cpsc2018":
        published = published_cpsc2018()
        labels["mean"] = labels.mean(axis=1)
        labels = pd.concat(
            [labels, published.set_axis([f"published: {n}" for n in published.index])]
        )
    return (
        f"{pd.DataFrame(summary).to_markdown(index=False, disable_numparse=True)}\n\n"
        "Differences have the 95 % interval of a bootstrap over patients, or over records where "
        f"patients are not known.{left_out_of_differences(records)} Seconds are those of all "
        "folds, fits and predictions, with features at hand. Other work on the machine adds to "
        "seconds: compare CPU seconds.\n\n"
        "## F1 by label\n\n"
        f"{labels.round(3).to_markdown()}\n\n"
        f"{NOTES.get(data, '')}"
    )


if __name__ == "__main__":
    main()
