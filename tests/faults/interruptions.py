"""Work that is killed at any moment, meets a full disk, or may not write.

What was killed is started again as a user would, by the same call. It survives if nothing that was
there before is lost or believed when half written, if the result is that of undisturbed work, bit
for bit, and if no more is done again than was promised.
"""

import functools
import hashlib
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import numpy as np
import pandas as pd

from faults import commands, make
from faults.cases import is_clear
from faults.child import in_child
from sklearn_ecg import AFPLabelCleaner, ECGFeatureExtractor, LabelCorrelationECGClassifier
from sklearn_ecg.cards import Card
from sklearn_ecg.command import main
from sklearn_ecg.datasets import (
    _fetch,
    fetch_mitdb,
    load_ecg_files,
    load_wfdb,
    write_ecg_files,
)
from sklearn_ecg.features import _extraction
from sklearn_ecg.network import _callbacks
from sklearn_ecg.shards import CleanLabels, MeasureFeatures, PredictLabels, run_shards

N_RECORDS = 36
_SHARD = 4


@dataclass(frozen=True)
class Target:
    """Work that may be interrupted, in a folder of its own.

    Parameters
    ----------
    name : str
    prepare : callable
        Makes what the work needs.
    work : callable
        Does it, and returns the result as bytes.
    holds : callable, default=None
        Asserts, right after an interruption, that what is there can be used.
    counted : (module or class, name of a function), default=None
        A call of it is a unit of work.
    repeated : int
        So many units may be done again after an interruption.
    is_over : callable, default=None
        Tells that the work had been handed to the caller, who then did not keep it.
    """

    name: str
    prepare: Callable
    work: Callable
    holds: Callable | None = None
    counted: tuple | None = None
    repeated: int = 0
    is_over: Callable | None = None


def _bytes(*arrays):
    return b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)


def _archive():
    make.folder_of(N_RECORDS)


def _features():
    extractor = ECGFeatureExtractor(groups=("rhythm", "intervals"), memory="memory")
    return _bytes(extractor.fit_transform(load_wfdb("f")))


def _of_table(table):
    assert (table["problem"] == "").all()
    return repr([table.index.tolist(), table.to_dict("list")]).encode()


def _feature_shards():
    step = MeasureFeatures(ECGFeatureExtractor(groups=("rhythm", "intervals")))
    return _of_table(run_shards(step, load_wfdb("f"), "night", shard_size=_SHARD))


def _archive_and_model():
    _archive()
    make.classifier().save("model")


def _prediction_shards():
    step = PredictLabels("model")
    return _of_table(run_shards(step, load_wfdb("f"), "night", shard_size=_SHARD))


@functools.cache
def _cleaners():
    """Return cleaners that were fitted to the records of `_archive`, an old one and a new one."""
    records = make.labelled(N_RECORDS, trusted=np.arange(N_RECORDS) < N_RECORDS // 2)
    extractor = ECGFeatureExtractor(groups=("rhythm",))
    return [AFPLabelCleaner(extractor, random_state=seed).fit(records) for seed in (0, 1)]


def _archive_and_cleaner():
    _archive()
    _cleaners()[0].save("cleaner")


def _cleaning_shards():
    records = load_wfdb("f").with_labels(make.labels(N_RECORDS), make.LABELS)
    return _of_table(run_shards(CleanLabels("cleaner"), records, "night", shard_size=_SHARD))


def _labels_of_saved():
    return _bytes(AFPLabelCleaner.load("cleaner").labels_)


def _save_cleaner():
    _cleaners()[1].save("cleaner")
    return _labels_of_saved()


def _old_or_new_cleaner():
    assert _labels_of_saved() in [_bytes(cleaner.labels_) for cleaner in _cleaners()]


def _cache():
    return _bytes(np.asarray(load_wfdb("f", cache_dir="cache").signals))


def _cleaning():
    features, _, weak, trusted = make.table()
    cleaner = AFPLabelCleaner(memory="memory", random_state=0)
    cleaner.fit(features, weak, trusted=trusted)
    return _bytes(cleaner.labels_, cleaner.confidence_)


@functools.cache
def _training_records():
    return make.labelled(24)


def _training():
    classifier = make.small_classifier(max_epochs=6, checkpoint="checkpoint", batch_size=8)
    return _bytes(classifier.fit(_training_records()).predict_proba(_training_records()))


@functools.cache
def _newer():
    return make.small_classifier(random_state=1).fit(_training_records())


def _answers_of(classifier):
    return _bytes(classifier.predict_proba(_training_records()))


def _loaded():
    return _answers_of(LabelCorrelationECGClassifier.load("model"))


def _save():
    _newer().save("model")
    return _loaded()


def _old_or_new_model():
    assert _loaded() in (_answers_of(make.classifier()), _answers_of(_newer()))


def _workbook():
    """Review lists as a person answered them, written over by those of the next night."""
    make.cleaners()[1].to_excel("review.xlsx")


def _new_workbook():
    make.cleaners()[0].to_excel("review.xlsx")
    return _sheets()


def _sheets():
    sheets = pd.read_excel("review.xlsx", sheet_name=None, dtype=str)
    return repr({name: sheet.to_dict("list") for name, sheet in sheets.items()}).encode()


def _old_or_new_workbook():
    found = len(pd.read_excel("review.xlsx", sheet_name="labels"))
    assert found == len(make.table()[0])
    pd.read_excel("review.xlsx", sheet_name="review")


_TEXTS = ["of old " * 20_000, "of new " * 30_000]


def _card(text):
    Card("Card", {"Text": [text]}).save("card.md")
    return Path("card.md").read_bytes()


def _old_or_new_card():
    text = Path("card.md").read_text()
    assert any(text == Card("Card", {"Text": [own]}).to_markdown() for own in _TEXTS)


_FILES = {
    f"10{n}.{suffix}": bytes([n + 1]) * 200_000 for n in range(3) for suffix in ("hea", "dat")
}


@functools.cache
def _server():
    """Serve files of a database, from a thread of this process."""
    sums = "".join(f"{hashlib.sha256(own).hexdigest()} {name}\n" for name, own in _FILES.items())
    files = {**_FILES, "SHA256SUMS.txt": sums.encode()}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            content = files[self.path.rsplit("/", 1)[1]]
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            try:
                for start in range(0, len(content), 20_000):
                    self.wfile.write(content[start : start + 20_000])
                    time.sleep(0.001)
            except OSError:
                pass  # whoever asked was killed

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def _download():
    _fetch._PHYSIONET = _server()
    fetch_mitdb("mitdb", verbose=0)
    return b"".join(Path("mitdb", name).read_bytes() for name in _FILES)


def _whole_files():
    for path in Path("mitdb").rglob("*"):
        assert path.name not in _FILES or path.read_bytes() == _FILES[path.name], path


def _exports():
    commands.archive(n_records=N_RECORDS // 3)


def _exports_and_model():
    _exports()
    make.classifier().save("model")


def _cache_of_exports():
    return _bytes(np.asarray(load_ecg_files("f", cache_dir="cache").signals))


def _run_command(*arguments):
    # So that errors arise here, and are not printed.
    code = main(["--traceback", *arguments, "--quiet"], standalone_mode=False)
    assert not code, code


def _predicting():
    _run_command("predict", "f", "model", "-o", "out")
    return repr([table.to_dict("list") for table in commands.predicted()]).encode()


def _cleaning_by_command():
    _run_command("clean", "f", "labels.csv", "-o", "out", "--seed", "0")
    names = ("labels.csv", "details.csv", "changes.csv", "review.csv", "by_label.csv")
    return b"".join(Path("out", name).read_bytes() for name in names)


def _inspecting():
    _run_command("inspect", "f", "-o", "out", "--sheet", "sheet.pdf")
    records = pd.read_csv("out/records.csv").drop(columns="file")
    return Path("out/summary.csv").read_bytes() + records.to_csv().encode()


def _new_files(format):
    records = make.labelled(N_RECORDS // 3)
    write_ecg_files(records, "out", format, overwrite=True)
    records = load_ecg_files(sorted(Path("out").glob(f"*{_SUFFIXES[format]}")), verify=True)
    assert not len(records.report)
    return _bytes(np.asarray(records.signals)) + Path("out/labels.csv").read_bytes()


_SUFFIXES = {"wfdb": ".hea", "dicom": ".dcm"}


def _whole_or_none(format):
    """Each file that is there can be read, and is one that was asked for."""
    if not list(Path("out").glob(f"*{_SUFFIXES[format]}")):
        return
    load = load_wfdb if format == "wfdb" else load_ecg_files
    records = load("out", verify=True)
    assert {Path(id).stem for id in records.ids} <= set(make.ids(N_RECORDS // 3))
    assert not records.report["file"].str.endswith((".hea", ".dcm")).any()


TARGETS = [
    Target("features, with memory", _archive, _features, None, (_extraction, "measure"), 16),
    Target(
        "features, by shards", _archive, _feature_shards, None, (_extraction, "measure"), _SHARD
    ),
    Target(
        "predictions, by shards",
        _archive_and_model,
        _prediction_shards,
        None,
        (PredictLabels, "__call__"),
        1,
    ),
    Target(
        "cleaning, by shards",
        _archive_and_cleaner,
        _cleaning_shards,
        None,
        (CleanLabels, "__call__"),
        1,
    ),
    Target("a copy of signals, in cache_dir", _archive, _cache),
    Target("cleaning, with memory", lambda: None, _cleaning),
    Target(
        "training, with checkpoint",
        lambda: None,
        _training,
        None,
        (_callbacks.Resume, "on_epoch_end"),
        1,
        lambda: not list(Path("checkpoint").glob("*.pt")),
    ),
    Target("saving a classifier over an older one", _archive_and_model, _save, _old_or_new_model),
    Target(
        "saving a cleaner over an older one",
        _archive_and_cleaner,
        _save_cleaner,
        _old_or_new_cleaner,
    ),
    Target("a review list over an older one", _workbook, _new_workbook, _old_or_new_workbook),
    Target(
        "a card over an older one",
        lambda: _card(_TEXTS[0]),
        lambda: _card(_TEXTS[1]),
        _old_or_new_card,
    ),
    Target("a download", _server, _download, _whole_files),
    Target("a copy of exports, in cache_dir", _exports, _cache_of_exports),
    Target(
        "sklearn-ecg predict",
        _exports_and_model,
        _predicting,
        None,
        (PredictLabels, "__call__"),
        1,
    ),
    Target("sklearn-ecg clean", _exports, _cleaning_by_command),
    Target("sklearn-ecg inspect", _exports, _inspecting),
    *(
        Target(
            f"files as {format}",
            lambda: None,
            functools.partial(_new_files, format),
            functools.partial(_whole_or_none, format),
        )
        for format in _SUFFIXES
    ),
]


def prepare(targets):
    """Make what targets share, before the first fork."""
    make.prepare_models()
    _newer()
    _cleaners()
    for target in targets:
        _undisturbed(target)


@functools.cache
def _undisturbed(target):
    """Return the result of a target, its units of work, its seconds, and its steps on the disk."""
    with _Folder(target) as folder:
        # Once to load what is loaded late, and once to take the time.
        in_child(lambda: folder.run(target.work), seconds=120)
    with _Folder(target) as folder:

        def timed():
            events = _count_events()
            start = time.perf_counter()
            result = folder.run(target.work, target.counted)
            return result, time.perf_counter() - start, len(events)

        (result, seconds, n_events), end = in_child(timed, seconds=120)
        assert end == "done", f"{target.name}: {end}"
        return result, folder.n_units(), seconds, n_events


class _Folder:
    """A folder in which a target is at work, and a count of its work beside it."""

    def __init__(self, target):
        self.target = target

    def __enter__(self):
        self.base = Path(tempfile.mkdtemp())
        self.base.chmod(0o755)
        self.path = self.base / "work"
        self.path.mkdir()
        self.run(self.target.prepare)
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.base)

    def run(self, function, counted=None):
        if counted is not None:
            self._count(*counted)
        before = os.getcwd()
        os.chdir(self.path)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return function()
        finally:
            os.chdir(before)

    def _count(self, owner, name):
        function = getattr(owner, name)
        log = os.open(self.base / "units", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)

        def counting(*arguments, **options):
            os.write(log, b".")
            return function(*arguments, **options)

        setattr(owner, name, counting)

    def n_units(self):
        log = self.base / "units"
        return log.stat().st_size if log.exists() else 0

    def is_as_undisturbed(self, n_disturbed=1):
        """Look at what is there, do the work again, and return what is wrong with the result."""
        target = self.target
        expected, n_units, _, _ = _undisturbed(target)
        if target.holds is not None:
            problem, end = in_child(lambda: self.run(lambda: _problem(target.holds)), seconds=60)
            if problem or end != "done":
                return f"what is left cannot be used: {problem or end}"
        is_over = target.is_over is not None and self.run(target.is_over)
        found, end = in_child(
            lambda: self.run(lambda: _found(target.work), target.counted), seconds=120
        )
        if end != "done" or found[1]:
            return f"the same call again fails: {end if found is None else found[1]}"
        if found[0] != expected:
            return "the result differs from that of undisturbed work"
        again = self.n_units() - n_units
        if target.counted and not is_over and again > target.repeated * n_disturbed:
            return f"{again} units of work were done again"
        return ""


def _problem(holds):
    try:
        holds()
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def _found(work):
    try:
        return work(), ""
    except Exception as error:
        return None, f"{type(error).__name__}: {error}"


def _count_events(kill_at=None):
    """Count what this process does to files from now on; be killed at one of these steps."""
    events = []

    def step(event):
        events.append(event)
        if len(events) == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def hook(event, arguments):
        writes = (
            event == "open" and isinstance(arguments[1], str) and arguments[1] not in ("r", "rb")
        )
        if writes or event in ("os.rename", "os.remove", "os.mkdir", "os.truncate"):
            step(event)

    sys.addaudithook(hook)
    fsync = os.fsync

    def at_fsync(file):
        step("fsync")
        fsync(file)

    os.fsync = at_fsync
    return events


def kill(target, moment, by_step):
    """Kill a target's work, start it again, and say what is wrong.

    Parameters
    ----------
    target : Target
    moment : float
        When: a share of the work.
    by_step : bool
        Whether it is the share of its steps on the disk, or of its time.

    Returns
    -------
    was_killed : bool
        False where the work was over before.
    problem : str
        Empty where it survived.
    """
    _, _, seconds, n_events = _undisturbed(target)
    with _Folder(target) as folder:

        def work():
            if by_step:
                _count_events(kill_at=1 + int(moment * n_events))
            folder.run(target.work, target.counted)

        _, end = in_child(work, seconds=60 if by_step else moment * seconds)
        if end not in ("done", "hang", "SIGKILL"):
            return True, f"ended by {end} before it was killed"
        return end != "done", folder.is_as_undisturbed()


def fill_disk(target, n_bytes):
    """Let a target write no file of more bytes, then let it; say what is wrong."""
    with _Folder(target) as folder:

        def work():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, n_bytes))
            return folder.run(lambda: _said(target.work))

        said, end = in_child(work, seconds=60)
        if end != "done":
            return f"ended by {end}"
        return said or folder.is_as_undisturbed()


def deny(target):
    """Let a target write nowhere, then let it; say what is wrong."""
    with _Folder(target) as folder, _Folder(target) as scratch:
        folders = [folder.path, *(p for p in folder.path.rglob("*") if p.is_dir())]
        files = [p for p in folder.path.rglob("*") if p.is_file()]

        def work():
            scratch.run(target.work)  # whatever is imported late
            for path in [*folders, *files]:
                path.chmod(0o555 if path.is_dir() else 0o444)
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
            return folder.run(lambda: _said(target.work))

        said, end = in_child(work, seconds=60)
        for path in [*folders, *files]:
            path.chmod(0o755)
        if end != "done":
            return f"ended by {end}"
        return said or folder.is_as_undisturbed()


def _said(work):
    """Return what is wrong with the error that work ends in, if it does."""
    try:
        work()
    except Exception as error:
        if isinstance(error, OSError) and is_clear(error):
            return ""
        return f"an obscure {type(error).__name__}: {error}"
    return ""
