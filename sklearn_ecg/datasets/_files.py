"""Files of a data set: found in whatever folders they lie, and opened if they are files at all."""

import fnmatch
import glob
import os
import stat
from pathlib import Path

_SEE_TO_IT = "See to its permissions or its disk; what records it may hold are left out."


def as_path(path):
    """Return a path as str, with the home folder for "~", or say that it is none."""
    if not isinstance(path, (str, bytes, os.PathLike)):
        raise TypeError(f"path must be the path of a folder or file; got {path!r}.")
    return os.path.expanduser(os.fsdecode(path))


def open_file(path):
    """Open a file for reading, but nothing that never answers or never ends.

    Raises
    ------
    OSError
        Also for a pipe, a socket or a device.
    """
    file = open(path, "rb", buffering=0, opener=_without_waiting)  # noqa: SIM115
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(None, "it is no file, but a folder, pipe, socket or device", path)
    return file


def _without_waiting(path, flags):
    # To open a pipe is to wait for who writes into it.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def find_files(folder, suffix, report, *, deep=True):
    """Return the paths of all files in a folder whose names end in `suffix`, in order.

    Parameters
    ----------
    folder : path-like
    suffix : str
    report : Report
        Into it go folders that cannot be searched, and files whose suffix is spelt in capitals,
        since no WFDB software would find them.
    deep : bool, default=True
        Whether to search the folders in it, too, and what is linked from there; each once.

    Returns
    -------
    list of str
    """
    places = _walk(os.fspath(folder), report) if deep else [_listed(os.fspath(folder), report)]
    found = []
    for inner, names, folders in places:
        # A folder of such a name is a file gone wrong, and will be said not to be one.
        for name in (*names, *folders):
            if name.endswith(suffix):
                found.append(os.path.join(inner, name))
            elif name.lower().endswith(suffix.lower()):
                _report_capitals(os.path.join(inner, name), suffix, folder, report)
    return sorted(found)


def find_all_files(folder, report):
    """Return the paths of all files in a folder and in the folders in it, in order; each once."""
    places = _walk(os.fspath(folder), report)
    return sorted(os.path.join(inner, name) for inner, names, _ in places for name in names)


def find_headers(folder, report, *, dataset, deep=True):
    """Return the paths of all WFDB headers in a folder, without suffix, in order.

    Parameters
    ----------
    folder, report, deep
        As for `find_files`.
    dataset : str
        What should be there, for the error message.

    Returns
    -------
    list of Path
    """
    found = find_files(folder, ".hea", report, deep=deep)
    if not found:
        inner = sorted({path.parent.name for path in Path(folder).glob("*/*.hea")})
        hint = f" There are some in its folders {inner}: did you mean one of these?" * bool(inner)
        raise FileNotFoundError(
            f"The folder {str(folder)!r} holds no WFDB headers (*.hea)."
            f"{hint}{first_problem(report)} Give the folder that holds {dataset}."
        )
    return [Path(path.removesuffix(".hea")) for path in found]


def first_problem(report):
    """Return a sentence of what a search could not see, if anything."""
    return " {1} {2}. {3}".format(*report.rows[0]) if len(report) else ""


def match_files(pattern, report):
    """Return the paths that a pattern matches, in order, as `glob.glob` without its endless loops.

    Parameters
    ----------
    pattern : str
        ``**`` stands for any folders; a link to a folder above it leads no further.
    report : Report
        As for `find_files`.

    Returns
    -------
    list of str
        A file that is reached by several links once.
    """
    path = Path(pattern)
    start = path.anchor or os.curdir
    found = {}
    for match in _matching(start, path.relative_to(path.anchor).parts, report):
        folder, name = os.path.split(match)
        found.setdefault(os.path.join(os.path.realpath(folder), name), match)
    return sorted(match.removeprefix(os.path.join(os.curdir, "")) for match in found.values())


def _matching(folder, parts, report):
    if not parts:
        return
    part, *rest = parts
    if part == "**":
        for inner, _, _ in _walk(folder, report):
            yield from _matching(inner, rest or ["*"], report)
    elif glob.has_magic(part):
        _, names, folders = _listed(folder, report)
        for name in fnmatch.filter(folders if rest else names, part):
            path = os.path.join(folder, name)
            yield from _matching(path, rest, report) if rest else [path]
    elif rest:
        yield from _matching(os.path.join(folder, part), rest, report)
    elif os.path.lexists(os.path.join(folder, part)):
        yield os.path.join(folder, part)


def _walk(folder, report):
    """Yield path, names of files and names of folders, of a folder and of all in it, each once.

    Links are followed after all else, so that what lies inside keeps its own name.
    """
    known, waiting, links = set(), [folder], []
    while waiting or links:
        inner = waiting.pop() if waiting else links.pop(0)
        try:
            status = os.stat(inner)
        except OSError as error:
            _report_unseen(inner, error, report)
            continue
        if (status.st_dev, status.st_ino) in known:
            continue
        known.add((status.st_dev, status.st_ino))
        listed = _listed(inner, report)
        yield listed
        for name in listed[2]:
            path = os.path.join(inner, name)
            (links if os.path.islink(path) else waiting).append(path)


def _listed(folder, report):
    """Return a folder, the names of its files and those of its folders, links last."""
    names, folders = [], []
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: (entry.is_symlink(), entry.name))
    except OSError as error:
        _report_unseen(folder, error, report)
        entries = []
    for entry in entries:
        try:
            # Of a link to what is not there, or to itself, nobody knows what it should be.
            is_folder = stat.S_ISDIR(entry.stat().st_mode) if entry.is_symlink() else entry.is_dir()
        except OSError as error:
            _report_unseen(entry.path, error, report)
        else:
            (folders if is_folder else names).append(entry.name)
    return folder, names, folders


def _report_unseen(path, error, report):
    report.add(path, path, f"cannot be read: {error.strerror}", _SEE_TO_IT)


def _report_capitals(path, suffix, folder, report):
    stem, capitals = path[: -len(suffix)], path[-len(suffix) :]
    report.add(
        os.path.relpath(stem, folder).replace(os.sep, "/"),
        path,
        f"is left out: its name ends in {capitals} and not in {suffix}",
        f"Rename it to end in {suffix}.",
    )
