"""Shards of features and predictions: bad calls, damaged folders, files that change."""

import os
import pickle
import shutil
from functools import partial
from pathlib import Path

import numpy as np

from faults import make
from faults.cases import Area
from sklearn_ecg import ECGFeatureExtractor
from sklearn_ecg.datasets import load_wfdb
from sklearn_ecg.shards import CleanLabels, MeasureFeatures, PredictLabels, iter_shards, run_shards

AREA = Area("shards", make.prepare_models)
RHYTHM = ECGFeatureExtractor(groups=("rhythm",))
R = make.labelled()


def _model():
    make.classifier().save("m")
    return "m"


def _run(records=R, step=None, folder="n", **options):
    step = MeasureFeatures(RHYTHM) if step is None else step
    return run_shards(step, records, folder, shard_size=2, **options)


for _name, _run_it in {
    "run_shards": _run,
    "iter_shards": lambda records=R, folder="n", **options: list(
        iter_shards(MeasureFeatures(RHYTHM), records, folder, **options)
    ),
}.items():
    AREA.errors(
        f"shards.{_name}",
        {
            "an array": lambda run=_run_it: run(make.signals()),
            "None": lambda run=_run_it: run(None),
            "no records": lambda run=_run_it: run(R[:0]),
            "a file as folder": lambda run=_run_it: (Path("n").write_text(""), run()),
            "a folder within a file": lambda run=_run_it: (
                Path("n").write_text(""),
                run(folder="n/x"),
            ),
            "no folder": lambda run=_run_it: run(folder=None),
        },
    )
AREA.errors(
    "shards.run_shards",
    {
        "shards of no records": lambda: run_shards(MeasureFeatures(), R, "n", shard_size=0),
        "shards of half a record": lambda: run_shards(MeasureFeatures(), R, "n", shard_size=0.5),
        "jobs by text": lambda: _run(n_jobs="all"),
        "a step that is none": lambda: _run(step="measure"),
    },
)
AREA.errors(
    "shards.PredictLabels",
    {
        "a model that there is not": lambda: PredictLabels("none"),
        "a model that is a number": lambda: PredictLabels(3),
        "an unknown method": lambda: PredictLabels(_model(), "score"),
        "a model of text": lambda: (
            os.mkdir("m"),
            Path("m/model.json").write_text("{}"),
            _run(step=PredictLabels("m")),
        ),
        "a model that vanishes": lambda: _run(step=_vanished()),
        "records of other leads": lambda: _run(R.select_leads(["I"]), step=PredictLabels(_model())),
    },
)
AREA.errors(
    "shards.MeasureFeatures",
    {
        "an extractor that is none": lambda: _run(step=MeasureFeatures("all")),
        "an extractor of an unknown group": lambda: _run(
            step=MeasureFeatures(ECGFeatureExtractor(groups=("x",)))
        ),
        "records of other leads than the extractor's": lambda: _run(
            R.select_leads(["I"]), step=MeasureFeatures(ECGFeatureExtractor().fit(R))
        ),
    },
)


AREA.errors(
    "shards.CleanLabels",
    {
        "a cleaner that there is not": lambda: CleanLabels("none"),
        "a cleaner that is a number": lambda: CleanLabels(3),
        "a cleaner that is a folder": lambda: (os.mkdir("c"), _run(step=CleanLabels("c"))),
        "a cleaner that is text": lambda: (
            Path("c").write_text("{}"),
            _run(step=CleanLabels("c")),
        ),
        "a cleaner that is a pickle": lambda: (
            Path("c").write_bytes(pickle.dumps(make.cleaners()[0])),
            _run(step=CleanLabels("c")),
        ),
        "a cleaner of features, for records": lambda: (
            make.cleaners()[0].save("c"),
            _run(step=CleanLabels("c")),
        ),
        "records without labels": lambda: (
            make.cleaners()[0].save("c"),
            _run(make.records(), step=CleanLabels("c")),
        ),
    },
)


def _vanished():
    step = PredictLabels(_model())
    shutil.rmtree("m")
    return step


def _damaged(change, step):
    """What was damaged is made anew; the result is that of an undisturbed run."""
    step = MeasureFeatures(RHYTHM) if step is None else step()
    expected = _run(step=step)
    for path in sorted(path for path in Path("n").rglob("*") if path.is_file()):
        change(path)
    assert _run(step=step).equals(expected)
    return "right"


for _name, _change in {
    "cut short": lambda path: make.cut(path, 0.5),
    "empty": lambda path: path.write_bytes(b""),
    "of text": lambda path: path.write_text("{}"),
    "with flipped bytes": lambda path: make.flip(path, 0.3, 0.6),
    "gone": Path.unlink,
    "folders": lambda path: (path.unlink(), path.mkdir()),
}.items():
    for _function, _step in {
        "shards.MeasureFeatures": None,
        "shards.PredictLabels": lambda: PredictLabels(_model()),
    }.items():
        AREA.case(_function, f"files of shards that are {_name}", "right", "error")(
            partial(_damaged, _change, _step)
        )


@AREA.case("shards.run_shards", "the shards of one folder under the names of others", "right")
def _():
    expected = _run()
    files = sorted(Path("n").rglob("*.npz"))
    contents = [path.read_bytes() for path in files]
    for path, content in zip(files, contents[1:] + contents[:1], strict=True):
        path.write_bytes(content)
    assert _run().equals(expected)
    return "right"


def _night(records):
    return _run(records)


@AREA.case("shards.run_shards", "a damaged file among others", "nan")
def _():
    make.folder_of(6)
    make.flip("f/g3.dat", 0.4)
    table = _night(load_wfdb("f"))
    assert table.index.tolist() == [f"g{n}" for n in range(6)]
    assert "g3" in table.loc["g3", "problem"] and (table["problem"] != "").sum() == 1
    values = table.drop(columns="problem")
    assert values.loc["g3"].isna().all() and not values.drop("g3").isna().all(axis=1).any()
    return "nan"


@AREA.case("shards.run_shards", "a file that is mended overnight", "right")
def _():
    make.folder_of(4)
    make.flip("f/g3.dat", 0.4)
    _night(load_wfdb("f"))
    make.wfdb("f", "g3", seed=3)
    assert (_night(load_wfdb("f"))["problem"] == "").all()
    return "right"


@AREA.case("shards.run_shards", "a file that is rewritten with its old size and time", "right")
def _():
    make.folder_of(4)
    _night(load_wfdb("f", checksums=False))
    stat = os.stat("f/g3.dat")
    shutil.copyfile("f/g1.dat", "f/g3.dat")
    os.utime("f/g3.dat", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    found = _night(load_wfdb("f", checksums=False)).drop(columns="problem")
    np.testing.assert_array_equal(found.loc["g3"], found.loc["g1"])
    return "right"


@AREA.case("shards.run_shards", "files that vanish before they are read", "nan")
def _():
    make.folder_of(4)
    records = load_wfdb("f")
    os.unlink("f/g2.dat")
    table = _night(records)
    assert (table["problem"] != "").to_numpy().nonzero()[0].tolist() == [2]
    return "nan"


@AREA.case("shards.run_shards", "two runs at once in one folder", "right")
def _():
    make.folder_of(12)
    expected = _run(load_wfdb("f"), folder="alone")
    child = os.fork()
    if child == 0:
        os._exit(0 if _run(load_wfdb("f")).equals(expected) else 1)
    assert _run(load_wfdb("f")).equals(expected)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    return "right"
