"""Give the working tree the version of a release: `make release VERSION=0.2.0` runs it first.

It writes the version into ``sklearn_ecg/_version.py`` and ``CITATION.cff``, and moves the files of
``changes/`` into ``CHANGELOG.md``. It needs no network.
"""

import argparse
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

from packaging.version import InvalidVersion, Version

PROJECT = Path(__file__).resolve().parents[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("version", help="such as 0.2.0")
    version = parser.parse_args().version
    check(version)
    replace("sklearn_ecg/_version.py", r'^__version__ = ".*"', f'__version__ = "{version}"')
    replace("CITATION.cff", r"^version: .*", f"version: {version}")
    write_changelog(version, f"{date.today():%Y-%m-%d}")


def write_changelog(version, today):
    """Make a section of the files of ``changes/``, above what was written by hand for it."""
    changelog, heading = PROJECT / "CHANGELOG.md", f"## {version} ({today})\n"
    by_hand = f"## {version} (unreleased)\n"
    fragments = [path for path in PROJECT.glob("changes/*.md") if path.name != "README.md"]
    if fragments or by_hand not in changelog.read_text(encoding="utf-8"):
        command = ["towncrier", "build", "--yes", "--version", version, "--date", today]
        subprocess.run([sys.executable, "-m", *command], cwd=PROJECT, check=True)
    text = changelog.read_text(encoding="utf-8")
    text = text.replace(by_hand, "" if heading in text else heading)
    changelog.write_text(text, encoding="utf-8")


def check(version):
    """Stop before anything is written if the version or the working tree does not do."""
    try:
        if str(Version(version)) != version:
            sys.exit(f"write the version as {Version(version)}, not {version}")
    except InvalidVersion:
        sys.exit(f"{version!r} is no version; give one such as 0.2.0")
    if git("tag", "--list", f"v{version}"):
        sys.exit(f"there is a tag v{version} already; give a higher version")
    if changed := git("status", "--porcelain"):
        sys.exit(f"commit or undo these changes first:\n{changed}")


def git(*arguments):
    command = ["git", *arguments]
    return subprocess.run(command, cwd=PROJECT, check=True, capture_output=True, text=True).stdout


def replace(name, pattern, line):
    """Replace the one line of a file that fits a pattern."""
    path = PROJECT / name
    text, n_lines = re.subn(pattern, line, path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    if n_lines != 1:
        sys.exit(f"{name} has {n_lines} lines like {pattern}, and needs one")
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
