"""P, QRS and T waves on the QT database, recorded elsewhere, by the protocol of its other users.

An expert marked at least 30 beats of each record, seeing both leads at once. As Martínez et al.
(IEEE Trans Biomed Eng 51:570-581, 2004) do, each mark is compared with the lead whose detection
lies nearer; it counts as found if that is one within 150 ms, paired one to one. Mean and standard
deviation (SD) are those of each record's errors, averaged over the records, as the published row
is understood to be; pooled ones, over all errors at once, stand in a table of their own.
Beats and waves that are not marked tell little, for the expert chose some: a P peak within 400 ms
before a marked QRS peak, or a T peak within 600 ms after it, is false if no mark of its kind
confirms it within 150 ms.

Everyone sees the marked stretch and half a minute around it. We find R peaks ourselves; NeuroKit
is given the marked ones, and those it finds elsewhere in the lead. openecg (v56c) was trained on
this database: its figures are those of records that it has seen. It marks bounds, and we take as
peak the point farthest from the line between them. What peers found is kept between runs.
"""

import argparse
from functools import partial

import numpy as np
import pandas as pd

from benchmarks._data import data_folder
from benchmarks._delineators import (
    NEUROKIT_METHODS,
    LeadByLead,
    NeuroKit,
    add_fresh,
    kept,
    look_at_all,
    neurokit_r_peaks,
    openecg_or_none,
)
from benchmarks._fold_networks import add_network_options, chosen_networks, describe_networks
from benchmarks._qtdb import (
    SAMPLING_RATE,
    TOLERANCE_MS,
    count_beside_marks,
    errors_of_marks,
    read_marks,
    read_stretch,
    sensitivity_by_record,
    summarise,
)
from benchmarks._report import explanation, write_results
from benchmarks._wave_scores import POINTS
from sklearn_ecg.features._delineation import delineate_with

_LEADS = (0, 1)
# Martínez et al. 2004, table of results on all 105 records of the QT database: sensitivity in per
# cent, mean error and SD in ms.
_MARTINEZ = {
    "P on": (98.87, 2.0, 14.8),
    "P peak": (98.87, 3.6, 13.2),
    "P end": (98.75, 1.9, 12.8),
    "QRS on": (99.97, 4.6, 7.7),
    "QRS end": (99.97, 0.8, 8.7),
    "T peak": (99.77, 0.2, 13.9),
    "T end": (99.77, -1.6, 18.1),
}
_PUBLISHED = "Martínez 2004, published"
_SECOND = "second expert"
_MOSTLY_LOST = 50  # per cent


def main():
    arguments = parse_arguments()
    folder = data_folder("qtdb")
    records = (folder / "RECORDS").read_text().split()
    if arguments.quick:
        records = records[::10]
    page = f"delineation_qtdb{'_quick' * arguments.quick}"
    stretches = [read_stretch(folder, record) for record in records]
    results = {"sklearn_ecg": measure("sklearn_ecg", ours(stretches, arguments), stretches)}
    if arguments.ours_only:
        print(tables(results))
        return
    for name, find in peers(stretches).items():
        about = ", ".join(records)
        waves = kept(f"{page} {name}", find, about=about, fresh=arguments.fresh)
        results[name] = measure(name, waves, stretches)
    twice_marked = [s for s in stretches if (folder / f"{s.record}.q2c").exists()]
    if twice_marked:
        results[_SECOND] = measure(_SECOND, second_marks(folder, twice_marked), twice_marked)
    n_marked = sum(len(stretch.marks["r_peak"]) for stretch in stretches)
    text = (
        f"{explanation(__doc__)}\n{len(stretches)} records, {n_marked} marked beats. "
        f"{describe_networks(arguments)} The second expert marked QRS and T in "
        f"{len(twice_marked)} of the records; in sel100, T as the first one had.\n\n"
        f"{tables(results)}"
    )
    title = "Delineation on the QT database"
    packages = ("neurokit2", "openecg")
    write_results(page, title, text, results, command="delineation_qtdb", packages=packages)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="six records")
    add_network_options(parser)
    add_fresh(parser)
    return parser.parse_args()


def ours(stretches, arguments):
    """Return our waves of all stretches."""
    network_of = chosen_networks(arguments)
    patients = {stretch.record: stretch.patient for stretch in stretches}

    def delineate(record, signal, _):
        network = network_of(patients[record])
        return delineate_with(signal, SAMPLING_RATE, network=network).assign(id=record)

    return look_at_all(delineate, shown(stretches))


def peers(stretches):
    """Return by name the functions that let each peer look at all stretches."""
    methods = {f"NeuroKit {method}": NeuroKit(method) for method in NEUROKIT_METHODS}
    if openecg := openecg_or_none():
        methods["openecg (trained on them)"] = openecg
    return {
        name: partial(let_look, delineate_lead, stretches)
        for name, delineate_lead in methods.items()
    }


def let_look(delineate_lead, stretches):
    r_peaks = {}
    for stretch in stretches:
        for lead in _LEADS:
            found = neurokit_r_peaks(stretch.signal[lead], SAMPLING_RATE)
            r_peaks[stretch.record, lead] = complete(stretch.marks["r_peak"], found)
    return look_at_all(LeadByLead(delineate_lead, SAMPLING_RATE, r_peaks), shown(stretches))


def complete(marked, found):
    """Return the marked R peaks, and of those found the ones that no marked beat accounts for."""
    nearest = np.abs(found[:, np.newaxis] - marked).min(axis=1)
    others = found[nearest > TOLERANCE_MS / 1000 * SAMPLING_RATE]
    return np.sort(np.r_[marked, others])


def shown(stretches):
    return [(stretch.record, stretch.signal, _LEADS) for stretch in stretches]


def second_marks(folder, stretches):
    """Return the marks of the second expert as if a delineator had found them."""
    parts = []
    for stretch in stretches:
        marks = read_marks(folder / stretch.record, "q2c")
        points = {point: pd.Series(own - stretch.start) for point, own in marks.items()}
        parts.append(pd.DataFrame(points).assign(id=stretch.record, lead=0))
    return pd.concat(parts)


def measure(name, waves, stretches):
    """Score one method; return what belongs into the tables."""
    errors, counts = [], []
    for stretch in stretches:
        own = waves[waves["id"] == stretch.record]
        errors.append(errors_of_marks(stretch.marks, own).assign(record=stretch.record))
        counts.append(list(count_beside_marks(stretch.marks, own).values()))
    errors = pd.concat(errors, ignore_index=True)
    points = summarise(errors)
    found, false = np.sum(counts, axis=0).T
    print(f"{name}\n{points.round(1).to_string()}", flush=True)
    return {
        "points": points.to_dict("index"),
        "precision": dict(
            zip("PT", (100 * (1 - false / np.maximum(found, 1))).tolist(), strict=True)
        ),
        "p_found": sensitivity_by_record(errors, "P peak").to_dict(),
    }


def tables(results):
    """Return the Markdown tables of all methods."""
    points = [name for name, *_ in POINTS]

    def table(form):
        return {
            name: {
                point: form(values) if values["sensitivity"] else "-"
                for point, values in result["points"].items()
            }
            for name, result in results.items()
        }

    sensitivities = table(lambda values: f"{values['sensitivity']:.1f}")
    sensitivities.pop(_SECOND, None)  # who chose beats of their own
    errors = table(lambda values: f"{values['mean_ms']:.1f} ± {values['sd_ms']:.1f}")
    pooled = table(lambda values: f"{values['pooled_mean_ms']:.1f} ± {values['pooled_sd_ms']:.1f}")
    for point, (sensitivity, mean, sd) in _MARTINEZ.items():
        sensitivities.setdefault(_PUBLISHED, {})[point] = f"{sensitivity:.1f}"
        errors.setdefault(_PUBLISHED, {})[point] = f"{mean:.1f} ± {sd:.1f}"
    p_found = pd.DataFrame(
        {name: result["p_found"] for name, result in results.items() if name != _SECOND}
    )
    waves = pd.DataFrame(
        {
            name: {
                "precision of P (%)": round(result["precision"]["P"], 1),
                "precision of T (%)": round(result["precision"]["T"], 1),
                "records without a P": int((p_found[name] == 0).sum()),
                f"records with P in less than {_MOSTLY_LOST} %": int(
                    (p_found[name] < _MOSTLY_LOST).sum()
                ),
            }
            for name, result in results.items()
            if name != _SECOND
        }
    ).T
    hardest = p_found[p_found["sklearn_ecg"] < 90].sort_values("sklearn_ecg")

    def drawn(rows):
        return pd.DataFrame(rows).T.reindex(columns=points).fillna("-").to_markdown()

    return (
        "## Sensitivity in per cent\n\n"
        f"{drawn(sensitivities)}\n\n"
        "## Mean ± SD of the error in ms, averages of the records'\n\n"
        f"{drawn(errors)}\n\n"
        "## Mean ± SD of the error in ms, over all marks\n\n"
        f"{drawn(pooled)}\n\n"
        "## Waves beside the marks, and P waves lost by the record\n\n"
        f"{len(p_found)} records have marked P waves.\n\n{waves.to_markdown()}\n\n"
        "Share in per cent of marked P waves found, in the records in which we find less than "
        f"90 %:\n\n{hardest.round(1).to_markdown()}"
    )


if __name__ == "__main__":
    main()
