"""Results as Markdown and JSON: what was measured, by which runs, on what.

``docs/results/<page>.json`` holds ``runs`` (command, date, machine, versions and commit of each run
that measured something), ``data`` (what was measured; each row with the number of its run) and
``about`` (what was measured on). ``<page>.md`` shows them.
"""

import datetime
import json
import os
import platform
import shlex
import subprocess
import sys
import time
from importlib import metadata
from itertools import product
from pathlib import Path

import pandas as pd

from benchmarks._questions import head_of
from sklearn_ecg import __version__

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "results"
# More values than these of one column are counted on the page, and not named.
_MOST_NAMED = 8


def _commit():
    """Return the commit of the code, and whether the code differs from it."""

    def git(*arguments):
        done = subprocess.run(
            ["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    try:
        changes = git("status", "--porcelain", "--", "benchmarks", "sklearn_ecg")
        return git("rev-parse", "--short=10", "HEAD") + " with changes" * bool(changes)
    except (OSError, subprocess.CalledProcessError):
        return "not recorded"


# As the code is imported: what is committed during a long run did not measure.
_COMMIT = _commit()


class Results:
    """Rows that a benchmark measures, each with the run that measured it.

    Rows of earlier runs are read from ``docs/results/<page>.json``, and those that are added are
    written there at once, so that a benchmark which was interrupted goes on where it stopped.

    Parameters
    ----------
    page : str
    command : str
        The module of the benchmark.
    keys : sequence of str
        The columns that tell one measurement from another.
    about : dict of str, default=None
        What is measured on, such as ``{"smit": "7177 records"}``. A page shows one of each.
    packages : sequence of str, default=()
        Those whose versions matter beside numpy's, scikit-learn's and our own.
    fresh : bool, default=False
        Measure again what was measured.

    Attributes
    ----------
    rows : list of dict
    """

    def __init__(self, page, command, keys, *, about=None, packages=(), fresh=False):
        kept = {} if fresh else _read(page) or {}
        self.page, self.keys = page, keys
        self.rows, self.runs = kept.get("data", []), kept.get("runs", [])
        self.about = kept.get("about", {}) | (about or {})
        self._command, self._packages = command, packages
        self._n_added, self._since = 0, time.perf_counter()
        for name, at_hand in (about or {}).items():
            measured = kept.get("about", {}).get(name, at_hand)
            if measured != at_hand:
                raise SystemExit(
                    f"{_file(page)} shows {name} of {measured}, but at hand are {at_hand}, and "
                    "one page cannot show both: name another one with --page, or measure all "
                    "again with --fresh."
                )

    def unmeasured(self, settings):
        """Return the settings, dicts with a value for each of `keys`, that no row shows."""
        done = {self._key(row) for row in self.rows}
        return [setting for setting in settings if self._key(setting) not in done]

    def add(self, *rows):
        """Keep rows that this run has measured."""
        run, now = self._this_run(), time.perf_counter()
        run["minutes"] = round(run.get("minutes", 0) + (now - self._since) / 60, 3)
        self._since = now
        number = self.runs.index(run)
        self.rows += [row | {"run": number} for row in rows]
        self._n_added += len(rows)
        for row in rows:
            print(_brief(row), flush=True)
        _write(self.page, self.runs, self.rows, self.about)

    def _this_run(self):
        """Return this run as it is kept, or that of the same command today, which goes on."""
        run = this_run(self._command, self._packages)
        for kept in self.runs:
            if kept | {"minutes": 0} == run | {"minutes": 0}:
                return kept
        self.runs.append(run)
        return run

    def take(self, file):
        """Keep the rows of another run's JSON, with their runs, where none of the same is here.

        Parameters
        ----------
        file : path-like
            What the same benchmark wrote elsewhere: on another machine, or for another page.
        """
        kept = json.loads(Path(file).read_text())
        for name, measured in kept.get("about", {}).items():
            if measured != self.about.get(name, measured):
                raise SystemExit(
                    f"{file} shows {name} of {measured}, but at hand are {self.about[name]}: "
                    "one page cannot show both."
                )
        taken = self.unmeasured(kept["data"])
        for row in taken:
            run = kept["runs"][row["run"]]
            if run not in self.runs:
                self.runs.append(run)
            self.rows.append(row | {"run": self.runs.index(run)})
        if taken:
            _write(self.page, self.runs, self.rows, self.about)
        self._n_added += len(taken)
        print(f"{len(taken)} of {len(kept['data'])} rows taken from {file}", flush=True)

    def show(self, title, text, *, page=None, always=False):
        """Write the page if this run has measured anything, and else say that it has not.

        Parameters
        ----------
        title : str
        text : callable
            Draws what the page shows, and returns its Markdown.
        page : str, default=None
            Another page of the same rows.
        always : bool, default=False
            Write the page of what was measured before, too.
        """
        page = page or self.page
        if not (self._n_added or always) and (RESULTS / f"{page}.md").exists():
            print(
                f"Nothing was measured: all {len(self.rows)} rows were at hand, measured on "
                f"{', '.join(sorted({run['date'] for run in self.runs}))}. "
                f"{RESULTS / page}.md is left as it is; --fresh measures again."
            )
            return
        _write_page(page, title, provenance(self.runs, self.rows, self.keys), text())

    def _key(self, row):
        return tuple(row[key] for key in self.keys)


def write_results(page, title, text, data, *, command, packages=()):
    """Write the page and the data of a benchmark that measures all of it in each run."""
    runs = [this_run(command, packages)]
    _write(page, runs, data)
    _write_page(page, title, provenance(runs, []), text)


def read_data(page):
    """Return what a page's benchmark measured, or None."""
    kept = _read(page)
    return kept and kept["data"]


def this_run(command, packages=()):
    """Return what a reader needs to know of this run to believe or repeat it."""
    versions = {"sklearn_ecg": __version__}
    for package in ("numpy", "scikit-learn", *packages):
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = "not installed"
    return {
        "command": command_line(command),
        "date": str(datetime.date.today()),
        "machine": f"{os.cpu_count()} cores ({platform.machine()})",
        "python": platform.python_version(),
        "versions": versions,
        "commit": _COMMIT,
    }


def command_line(command):
    """Return the command of this run, without folders, which are the machine's own."""
    options, last = sys.argv[1:], None
    for place, option in enumerate(options):
        if option.startswith("--"):
            last = option
        elif last == "--cache":
            options[place] = "cache"
        elif last == "--take":
            options[place] = Path(option).name
    return shlex.join(["python", "-m", f"benchmarks.{command}", *options])


def provenance(runs, rows, keys=()):
    """Return a line per run; of several runs each says which rows it measured.

    Parameters
    ----------
    runs : list of dict
    rows : list of dict
        With the number of their run.
    keys : sequence of str, default=()
        The columns that tell rows apart.

    Returns
    -------
    str
        Markdown.
    """
    if len(runs) == 1:
        return _said_of(runs[0])
    frame = pd.DataFrame(rows)
    lines = []
    for number, part in frame.groupby("run"):
        told = [
            f"{key} {_values(part[key])}"
            for key in keys
            if part[key].nunique(dropna=False) < frame[key].nunique(dropna=False)
        ]
        which = "; ".join([f"{len(part)} of {len(frame)} rows", *told])
        lines.append(f"* {which}: {_said_of(runs[number])}")
    return "\n".join(lines)


def _said_of(run):
    versions = ", ".join(f"{name} {version}" for name, version in run["versions"].items())
    minutes = f"{run['minutes']:.0f} minutes, " if "minutes" in run else ""
    return (
        f"`{run['command']}`, {run['date']}, {minutes}{run['machine']}, Python {run['python']}, "
        f"{versions or 'versions not recorded'}, commit {run['commit']}"
    )


def _brief(row):
    """Return a row as a line to follow a run by, without what is long, such as probabilities."""
    values = [f"{v:.4g}" if isinstance(v, float) else str(v) for v in row.values()]
    return ", ".join(value for value in values if len(value) < 60)


def _values(column):
    values = [str(value) for value in column.unique()]
    return ", ".join(values) if len(values) <= _MOST_NAMED else f"({len(values)} values)"


def _file(page):
    return RESULTS / f"{page}.json"


def _read(page):
    return json.loads(_file(page).read_text()) if _file(page).exists() else None


def _write(page, runs, data, about=None):
    RESULTS.mkdir(parents=True, exist_ok=True)
    content = {"runs": runs} | ({"about": about} if about else {}) | {"data": data}
    # Whole or not at all: an interruption must not cost what was measured before.
    part = _file(page).with_suffix(".part")
    part.write_text(_to_json(content))
    part.replace(_file(page))


def _to_json(content):
    """Return JSON with a line per row, so that a difference of files names the rows that differ."""
    parts = []
    for name, value in content.items():
        if isinstance(value, list):
            text = "[\n" + ",\n".join(json.dumps(row) for row in value) + "\n]"
        else:
            text = json.dumps(value, indent=1)
        parts.append(f"{json.dumps(name)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _write_page(page, title, measured_by, text):
    (RESULTS / f"{page}.md").write_text(
        f"# {title}\n\n{head_of(page)}{text}\n\n## Measured by\n\n{measured_by}\n"
    )
    print(f"Written to {RESULTS / page}.md")


def write_plot(name, figure):
    """Write ``docs/results/<name>.svg``, the same bytes for the same figures; return its name."""
    import matplotlib.pyplot as plt
    from matplotlib import rc_context

    RESULTS.mkdir(parents=True, exist_ok=True)
    with rc_context({"svg.hashsalt": name, "svg.fonttype": "none"}):
        figure.savefig(RESULTS / f"{name}.svg", metadata={"Date": None})
    plt.close(figure)
    return f"{name}.svg"


def to_markdown(table, **options):
    """Return a table as Markdown, empty where nothing is known."""
    return table.astype(object).where(table.notna(), "").to_markdown(**options)


def add_run_options(parser):
    """Add the options of benchmarks that go on where they were interrupted."""
    parser.add_argument("--page", help="write docs/results/PAGE instead of the usual page")
    parser.add_argument("--cache", help="a folder that keeps features between runs")
    parser.add_argument("--fresh", action="store_true", help="measure again what was measured")


def grid(**values):
    """Return a dict for each combination of values; the last one varies fastest."""
    return [dict(zip(values, chosen, strict=True)) for chosen in product(*values.values())]


def page_name(name, arguments):
    """Return the page of a run; runs on a part of the records have pages of their own."""
    if arguments.quick:
        return f"{name}_quick"
    return name if arguments.every == 1 else f"{name}_every_{arguments.every}"


def explanation(doc):
    """Return what a benchmark's docstring says below its first line, for its page."""
    return doc.split("\n\n", 1)[1]
