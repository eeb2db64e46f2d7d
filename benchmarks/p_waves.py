"""P waves by rhythm: who finds them where they are, and none where there are none.

A beat has a P wave if at least a third of the leads show one in the 500 ms before it. Each record
counts for the first of its labels in this order: pacemaker, atrial fibrillation and flutter,
supraventricular tachycardia, blocks of third to first degree, sinus tachycardia, bradycardia,
arrhythmia and rhythm; `sinus above 110 bpm` are records of the last four kinds with a rate above
110 by our beats. Records of CPSC2018 without a label of rhythm are left out. Labels are not marks:
in PTB-XL's fibrillation there are records with P waves, and beats of flutter and of a pacemaker may
follow one. The peers see lead II alone; one column has our result on lead II alone. NeuroKit's dwt
is given the R peaks of its own detector, openecg (v56c) finds QRS complexes itself; LUDB trained
it.

Synthetic records are drawn from heart vectors with P, QRS and T waves at known times, with noise
and wander, twelve leads of ten seconds. A P wave counts as found if a third of the leads show one
within 50 ms of its peak. What peers found is kept between runs.
"""

import argparse
from functools import partial

import numpy as np
import pandas as pd

from benchmarks import _synthetic
from benchmarks._data import data_folder
from benchmarks._delineators import NeuroKit, add_fresh, kept, neurokit_r_peaks, openecg_or_none
from benchmarks._fold_networks import add_network_options, chosen_networks, describe_networks
from benchmarks._matching import match_points
from benchmarks._p_scores import found_in_leads, share_with_p
from benchmarks._report import explanation, to_markdown, write_results
from benchmarks.wave_network._patients import ludb_patient
from sklearn_ecg.datasets import load_cpsc2018, load_ludb, load_ptbxl
from sklearn_ecg.features._delineation import delineate_with

_RHYTHMS = {
    "PACE": "pacemaker",
    "AFIB": "atrial fibrillation",
    "AF": "atrial fibrillation",
    "AFLT": "atrial flutter",
    "AFL": "atrial flutter",
    "SVTAC": "supraventricular tachycardia",
    "PSVT": "supraventricular tachycardia",
    "3AVB": "third-degree block",
    "2AVB": "second-degree block",
    "1AVB": "first-degree block",
    "I-AVB": "first-degree block",
    "STACH": "sinus tachycardia",
    "SBRAD": "sinus bradycardia",
    "SARRH": "sinus arrhythmia",
    "ISR": "sinus arrhythmia",
    "SR": "sinus rhythm",
    "Normal": "sinus rhythm",
}
_DATABASES = ("PTB-XL", "CPSC2018", "LUDB")
_FAST_RATE = 110
_FAST = f"sinus above {_FAST_RATE} bpm"
_SHOWN = {
    "mostly": "Records with P waves in at least 80 % of the beats",
    "hardly": "Records with P waves in less than 10 % of the beats",
    "median": "Median share of beats with a P wave",
    "mean": "Mean share of beats with a P wave",
}
_COUNTS = ["beats", "beats_found", "beats_false", "p", "p_found", "blocked", "blocked_found"]
_LEAD_II = 1
_RATES = (50, 75, 100, 125, 150, 175, 200, 225, 250)
_PR = (100, 160, 220, 280, 340, 400)
_TOLERANCE = 0.05  # s
_EDGES = 0.6  # s in which synthetic waves do not count
_HIDDEN = (-0.06, 0.1)  # s from an R peak: a P wave there is not to be seen
_ALONE = "sklearn_ecg, lead II alone"


def main():
    arguments = parse_arguments()
    page = f"p_waves{'_quick' * arguments.quick}"
    records = labelled_records(every=10 if arguments.quick else 1)
    drawn = synthetic_records(n_each=1 if arguments.quick else 4)
    network_of = chosen_networks(arguments)
    found = {}
    for name, leads in (("sklearn_ecg", slice(None)), (_ALONE, [_LEAD_II])):
        found[name] = look_at_all(partial(find_ours, network_of, leads), records, drawn)
    if not arguments.ours_only:
        for name, find in peers().items():
            look = partial(look_at_all, find, records, drawn)
            about = f"{len(records)} records, {len(drawn)} synthetic ones"
            found[name] = kept(f"{page} {name}", look, about=about, fresh=arguments.fresh)
    for rows in found.values():
        rows["rate"] = found["sklearn_ecg"]["rate"]  # so that all tell the same records fast
    text = tables(found)
    if arguments.ours_only:
        print(text)
        return
    text = f"{explanation(__doc__)}\n{describe_networks(arguments)}\n\n{text}"
    data = {
        name: {
            "real": summarise_real(rows).round(2).to_dict("records"),
            # Not every rhythm has P waves of both kinds; JSON knows no NaN.
            "synthetic": [
                row.dropna().to_dict()
                for _, row in summarise_synthetic(rows, "rhythm").round(2).iterrows()
            ],
        }
        for name, rows in found.items()
    }
    packages = ("neurokit2", "openecg")
    write_results(page, "P waves by rhythm", text, data, command="p_waves", packages=packages)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument(
        "--quick", action="store_true", help="every tenth record, fewer synthetic ones"
    )
    add_network_options(parser)
    add_fresh(parser)
    return parser.parse_args()


def labelled_records(every):
    """Return (database, rhythm, patient, records, index) of each record whose rhythm is known."""
    ptbxl = load_ptbxl(data_folder("ptb-xl"), sampling_rate=100, task="all")
    cpsc = load_cpsc2018(data_folder("cpsc2018") / "wfdb")
    ludb = load_ludb(data_folder("ludb"))
    chosen = []
    for database, records, patient_of in (
        ("PTB-XL", ptbxl, lambda index: f"ptb-xl {ptbxl.groups[index]}"),
        ("CPSC2018", cpsc, lambda index: f"cpsc2018 {cpsc.ids[index]}"),
        ("LUDB", ludb, lambda index: ludb_patient(ludb.ids[index])),
    ):
        for index in range(0, len(records), every):
            labels = set(records.label_names[records.labels[index] == 1])
            rhythm = next((name for code, name in _RHYTHMS.items() if code in labels), None)
            if rhythm:
                chosen.append((database, rhythm, patient_of(index), records, index))
    return chosen


def synthetic_records(n_each):
    """Return (group, its rate, its PR or conduction, rhythm, signal) of each synthetic record."""
    rng = np.random.default_rng(0)
    drawn = []

    def add(group, rate, detail, make):
        for _ in range(n_each):
            rhythm = make()
            drawn.append((group, rate, detail, rhythm, _synthetic.draw(rhythm, rng)))

    for rate in _RATES:
        for pr in _PR:
            if pr <= 60_000 / rate - 100:  # else P would lie in the QRS complex before
                add("sinus", rate, pr, partial(_synthetic.sinus, rate, pr))
        add("no P, regular", rate, None, partial(_synthetic.junctional, rate))
    for rate in (60, 80, 100):
        for n_conducted in (1, 2, 3):
            make = partial(_synthetic.second_degree, rate, n_conducted, rng)
            add("second-degree block", rate, f"{n_conducted + 1}:{n_conducted}", make)
        for ventricular in (35, 45):
            make = partial(_synthetic.third_degree, rate, ventricular, rng)
            add("third-degree block", rate, ventricular, make)
    for rate in (60, 90, 120, 150):
        add("atrial fibrillation", rate, None, partial(_synthetic.fibrillation, rate, rng))
    return drawn


def find_ours(network_of, leads, signal, sampling_rate, patient):
    """Return R peaks, and the P peaks of each lead, as all methods do."""
    waves = delineate_with(signal[leads], sampling_rate, network=network_of(patient))
    r_peaks = waves.loc[waves["lead"] == 0, "r_peak"].dropna().to_numpy()
    return r_peaks, [own.dropna().to_numpy() for _, own in waves.groupby("lead")["p_peak"]]


def peers():
    methods = {"NeuroKit dwt": find_by_neurokit}
    if openecg := openecg_or_none():
        methods["openecg"] = partial(find_by_openecg, openecg)
    return methods


def find_by_neurokit(signal, sampling_rate, patient):
    try:
        r_peaks = neurokit_r_peaks(signal[_LEAD_II], sampling_rate)
        waves = NeuroKit("dwt")(signal[_LEAD_II], sampling_rate, r_peaks)
    except Exception:  # it breaks down on some records, in which it then found nothing
        return np.empty(0), [np.empty(0)]
    return r_peaks, [waves["p_peak"].dropna().to_numpy()]


def find_by_openecg(openecg, signal, sampling_rate, patient):
    waves = openecg(signal[_LEAD_II], sampling_rate)
    return waves["r_peak"].dropna().to_numpy(), [waves["p_peak"].dropna().to_numpy()]


def look_at_all(find, records, drawn):
    """Return a row per record, real ones and synthetic ones, of what a method found."""
    rows = []
    for database, rhythm, patient, source, index in records:
        signal = np.asarray(source[index : index + 1].signals[0], dtype=float)
        r_peaks, p_peaks = find(signal, source.sampling_rate, patient)
        share = share_with_p(r_peaks, p_peaks, source.sampling_rate)
        rate = 60 * source.sampling_rate / np.median(np.diff(r_peaks)) if len(r_peaks) > 1 else 0
        rows.append({"database": database, "rhythm": rhythm, "share": share, "rate": float(rate)})
    for group, rate, detail, rhythm, signal in drawn:
        r_peaks, p_peaks = find(signal, _synthetic.SAMPLING_RATE, "nobody")
        rows.append(
            {"database": "synthetic", "rhythm": group, "rate": float(rate), "detail": str(detail)}
            | score_synthetic(rhythm, r_peaks, p_peaks)
        )
    return pd.DataFrame(rows)


def score_synthetic(rhythm, r_peaks, p_peaks):
    """Count what was found of a synthetic record's beats and P waves."""
    rate = _synthetic.SAMPLING_RATE
    r_peaks = r_peaks / rate
    beats = _inside(rhythm.r_peaks)
    matched = match_points(rhythm.r_peaks, r_peaks, _TOLERANCE)
    n_matched = int(np.isin(matched[:, 0], np.flatnonzero(beats)).sum())
    false = _inside(r_peaks)
    false[matched[:, 1]] = False
    from_r = rhythm.p_peaks[:, np.newaxis] - rhythm.r_peaks
    hidden = ((from_r > _HIDDEN[0]) & (from_r < _HIDDEN[1])).any(axis=1)
    seen = _inside(rhythm.p_peaks) & ~hidden
    found = found_in_leads(rhythm.p_peaks, [own / rate for own in p_peaks], _TOLERANCE)
    blocked = seen & ~rhythm.conducted
    return {
        "share": share_with_p(r_peaks, [own / rate for own in p_peaks], 1.0),
        "beats": int(beats.sum()),
        "beats_found": n_matched,
        "beats_false": int(false.sum()),
        "p": int((seen & rhythm.conducted).sum()),
        "p_found": int((found & seen & rhythm.conducted).sum()),
        "blocked": int(blocked.sum()),
        "blocked_found": int((found & blocked).sum()),
    }


def _inside(times):
    return (times > _EDGES) & (times < _synthetic.DURATION - _EDGES)


def summarise_real(rows):
    """Return for each rhythm how many records there are, and in how many beats P waves are."""
    rows = rows[rows["database"] != "synthetic"]
    is_fast = rows["rhythm"].str.startswith("sinus") & (rows["rate"] > _FAST_RATE)
    rows = pd.concat([rows, rows[is_fast].assign(rhythm=_FAST)])
    shares = rows.groupby(["database", "rhythm"])["share"]
    summary = pd.DataFrame(
        {
            "records": shares.size(),
            "mostly": 100 * shares.agg(lambda share: (share >= 0.8).mean()),
            "hardly": 100 * shares.agg(lambda share: (share < 0.1).mean()),
            "median": 100 * shares.median(),
            "mean": 100 * shares.mean(),
        }
    )
    rhythms = [*reversed(dict.fromkeys(_RHYTHMS.values())), _FAST]
    order = [(database, rhythm) for database in _DATABASES for rhythm in rhythms]
    return summary.loc[[rhythm for rhythm in order if rhythm in summary.index]].reset_index()


def summarise_synthetic(rows, *by):
    """Return what was found of synthetic beats and P waves, in per cent, and how many there are."""
    rows = rows[rows["database"] == "synthetic"]
    sums = rows.groupby(list(by), sort=False)[_COUNTS].sum()
    with_p = rows.groupby(list(by), sort=False)["share"].mean()
    return pd.DataFrame(
        {
            "beats": sums["beats"],
            "beats found": 100 * sums["beats_found"] / sums["beats"],
            "false beats per beat": 100 * sums["beats_false"] / sums["beats"],
            "P found before beats": 100 * sums["p_found"] / sums["p"].replace(0, np.nan),
            "P found without a beat": 100
            * sums["blocked_found"]
            / sums["blocked"].replace(0, np.nan),
            "beats with a P": 100 * with_p,
        }
    ).reset_index()


def tables(found):
    """Return the Markdown tables of all methods."""
    real = {name: summarise_real(rows) for name, rows in found.items()}
    text, keys = "", ["database", "rhythm"]
    for column, title in _SHOWN.items():
        table = real["sklearn_ecg"][[*keys, "records"]]
        for name, summary in real.items():
            table = table.join(summary.set_index(keys)[column].rename(name), on=keys)
        text += f"## {title}, in per cent\n\n{to_markdown(table.round(1), index=False)}\n\n"
    sinus = found["sklearn_ecg"].query("rhythm == 'sinus'")
    cells = summarise_synthetic(sinus, "rate", "detail")
    grid = cells.pivot(index="rate", columns="detail", values="P found before beats")
    grid = grid[[str(pr) for pr in _PR if str(pr) in grid]].add_prefix("PR ").add_suffix(" ms")
    by_rhythm = pd.concat(
        summarise_synthetic(rows, "rhythm").assign(method=name) for name, rows in found.items()
    ).sort_values("rhythm", kind="stable")
    by_rhythm.insert(1, "method", by_rhythm.pop("method"))
    return (
        f"{text}## Synthetic sinus rhythm, beats per minute: P waves that we find, in per cent\n\n"
        f"{to_markdown(grid.round(0).rename_axis('bpm'))}\n\n"
        "## Synthetic records by rhythm, in per cent\n\n"
        f"{to_markdown(by_rhythm.round(1), index=False)}"
    )


if __name__ == "__main__":
    main()
