"""Find the files of a data set in its folders, and open regular files."""

import fnmatch
import glob
import os
import stat
from pathlib import Path

_SEE_TO_IT = "Check its permissions and its disk; records in it are left out."


def as_path(path):
    """Return a path as str, with the home folder for "~", or raise TypeError."""
    if not isinstance(path, (str, bytes, os.PathLike)):
        raise TypeError(f"path must be the path of a folder or file; got {path!r}.")
    return os.path.expanduser(os.fsdecode(path))


def open_file(path):
    """Open a regular file for reading; others could block or never end.

    Raises
    ------
    OSError
        Also for a pipe, a socket or a device.
    """
    file = open(path, "rb", buffering=0, opener=_without_waiting)  # noqa: SIM115
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(None, "it is not a file, but a folder, pipe, socket or device", path)
    return file


def _without_waiting(path, flags):
    # Opening a pipe waits for its writer.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def find_files(folder, suffix, report, *, deep=True):
    """Return the sorted paths of all files in a folder whose names end in `suffix`.

    Parameters
    ----------
    folder : path-like
    suffix : str
    report : Report
        Gets folders that cannot be searched, and files with the suffix in capitals, which WFDB
        software would not find.
    deep : bool, default=True
        Whether to search subfolders and links too, each once.

    Returns
    -------
    list of str
    """
    places = _walk(os.fspath(folder), report) if deep else [_listed(os.fspath(folder), report)]
    found = []
    for inner, names, folders in places:
        # A folder with such a name is kept: opening it gives a clear error.
        for name in (*names, *folders):
            if name.endswith(suffix):
                found.append(os.path.join(inner, name))
            elif name.lower().endswith(suffix.lower()):
                _report_capitals(os.path.join(inner, name), suffix, folder, report)
    return sorted(found)


def find_all_files(folder, report):
    """Return the sorted paths of all files in a folder and its subfolders, each once."""
    places = _walk(os.fspath(folder), report)
    return sorted(os.path.join(inner, name) for inner, names, _ in places for name in names)


def find_headers(folder, report, *, dataset, deep=True):
    """Return the sorted paths of all WFDB headers in a folder, without suffix.

    Parameters
    ----------
    folder, report, deep
        As for `find_files`.
    dataset : str
        Name of the data set for the error message.

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
            f"{hint}{first_problem(report)} Name the folder that holds {dataset}."
        )
    return [Path(path.removesuffix(".hea")) for path in found]


def first_problem(report):
    """Return a sentence about the first problem of a search, if there is one."""
    return " {1} {2}. {3}".format(*report.rows[0]) if len(report) else ""


def match_files(pattern, report):
    """Return the sorted paths that match a pattern; unlike `glob.glob` it never loops.

    Parameters
    ----------
    pattern : str
        ``**`` stands for any folders. A link to a folder above it is not followed.
    report : Report
        As for `find_files`.

    Returns
    -------
    list of str
        A file that several links reach is there once.
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
    """Yield path, names of files and names of folders, for a folder and its subfolders, once each.

    Links are followed last, so that files inside keep their own path.
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
    """Return a folder, its file names, and its folder names with links last."""
    names, folders = [], []
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: (entry.is_symlink(), entry.name))
    except OSError as error:
        _report_unseen(folder, error, report)
        entries = []
    for entry in entries:
        try:
            # A broken or circular link may be a file or a folder.
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
