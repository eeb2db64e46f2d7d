"""Results as Markdown and JSON, each with the command, date and machine that made it."""

import datetime
import json
import os
import platform
import shlex
import sys
from pathlib import Path

RESULTS = Path(__file__).parents[1] / "docs" / "results"


def write_results(name, title, text, data, *, command=None):
    """Write ``docs/results/<name>.md`` and ``.json``."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    write_data(name, data, command=command)
    # What was resumed has been measured by other commands than the last one.
    commands = [row["command"] for row in data] if isinstance(data, list) else []
    commands = dict.fromkeys(commands or [command_line(command or name)])
    provenance = (
        f"{', '.join(f'`{line}`' for line in commands)}, "
        f"{datetime.date.today()}, {os.cpu_count()} cores ({platform.machine()}), "
        f"Python {platform.python_version()}"
    )
    (RESULTS / f"{name}.md").write_text(f"# {title}\n\n{provenance}\n\n{text}\n")
    print(f"Written to {RESULTS / name}.md")


def command_line(command):
    """Return the command of this run; where it keeps features is the machine's own."""
    options = sys.argv[1:]
    for place, option in enumerate(options[:-1]):
        if option == "--cache":
            options[place + 1] = "cache"
    return shlex.join(["python", "-m", f"benchmarks.{command}", *options])


def write_data(name, data, *, command=None):
    """Write ``docs/results/<name>.json`` alone, from which an interrupted run goes on.

    Rows keep the command that measured them.
    """
    if isinstance(data, list):
        for row in data:
            row.setdefault("command", command_line(command or name))
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(data, indent=1) + "\n")


def page_name(name, arguments):
    """Return the page of a run; runs on a part of the records have pages of their own."""
    if arguments.quick:
        return f"{name}_quick"
    return name if arguments.every == 1 else f"{name}_every_{arguments.every}"


def explanation(doc):
    """Return what a benchmark's docstring says below its first line, for its page."""
    return doc.split("\n\n", 1)[1]
