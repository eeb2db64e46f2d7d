"""Any folder of WFDB records."""

import os
from pathlib import Path

from sklearn_ecg.datasets._bookkeeping import check_positive
from sklearn_ecg.datasets._candidates import relative_names, report_orphans
from sklearn_ecg.datasets._collection import open_collection
from sklearn_ecg.datasets._files import as_path, find_files, first_problem, match_files
from sklearn_ecg.datasets._windows import in_windows
from sklearn_ecg.records import ECGRecords
from sklearn_ecg.records._report import Report


def load_wfdb(
    path,
    leads=None,
    sampling_rate=None,
    cache_dir=None,
    *,
    window=None,
    missing_leads="leave out",
    verify=False,
    checksums=True,
) -> ECGRecords:
    """Load the records of any folder of WFDB files, without labels.

    Opening reads only headers, in about 0.1 ms each; signals are read on demand. Records that
    cannot be loaded are left out, and ``records.report`` gives the reasons.

    Parameters
    ----------
    path : path-like
        A folder, which is searched with its subfolders and links; a pattern such as
        ``"data/*/A*.hea"``; or a single header.
    leads : sequence of str, default=None
        The wanted leads, in order. Spelling does not matter (``"AVR"``, ``"avr"`` and ``"aVR"`` are
        one lead), but similar leads stay different (MLII is not II). By default the leads in volts
        that most records hold; then the report names the other leads.
    sampling_rate : float, default=None
        Hz. Records of another rate are resampled to it. By default records of another rate than
        most are left out.
    cache_dir : path-like, default=None
        Folder for copies of all signals, which are written now and then read at about the speed of
        the disk. Only new and changed records are copied. Several collections and processes may
        share the folder, and it may be deleted at any time.
    window : float, default=None
        Length in s of windows into which records are cut from their start. A shorter rest at the
        end is left out. Only the requested window is read, so records may be larger than memory. By
        default records are not cut.
    missing_leads : {"leave out", "nan"}, default="leave out"
        Records that lack some of the leads are left out, or filled with NaN.
    verify : bool, default=False
        Read every signal now; damaged ones are left out and reported, as with
        ``records.verified()``. `cache_dir` does the same. Otherwise a damaged signal raises an
        error when it is read alone, and is NaN with a warning when several are read.
    checksums : bool, default=True
        Compare each signal that is read whole with the checksum in its header. Some data sets have
        wrong checksums: if most of a few tried records do not match, one warning says so, and
        checksums are ignored.

    Returns
    -------
    ECGRecords
        Signals as float32 in mV, of equal or different lengths. `ids` are the paths of the records
        inside the folder, with the number of the window (``"sub/100/000"``) if they are cut.
        `metadata` are from the headers: patient, age, sex, start and diagnoses, if their comments
        have a known form (``Age: 74``); a window has those of its record. `groups` are the patients
        if headers name any; otherwise windows are grouped by record.

    Raises
    ------
    FileNotFoundError
        If there is no header.
    ValueError
        If no record can be loaded; the message gives the reasons. Also when a signal is read whose
        file is damaged or does not fit its header.

    See Also
    --------
    load_ecg_files : Load WFDB and other formats.

    Notes
    -----
    These records are left out and reported: those with missing files, or files of another size than
    in their header; unknown formats; copies of other records; unreadable headers. So are leads
    without calibration or with a unit that is not a voltage (such as "adu"), which is never
    guessed, and folders that cannot be searched. Invalid samples are NaN.

    Several signals with the same unknown name are numbered, ``"ECG 1"`` and ``"ECG 2"``; of several
    signals with the name of a known lead none is read. If a frame holds several samples of the
    leads, they are read at their own rate. Signals with another rate than most leads of the record
    are left out.

    Formats 16, 212, 24, 32, 61, 80 and 160 are read directly, with the same samples as wfdb, bit
    for bit. wfdb reads other formats, multi-segment records and frames of several samples; it does
    not check checksums.

    Examples
    --------
    >>> from sklearn_ecg.datasets import load_wfdb
    >>> load_wfdb("ludb", leads=["I", "II", "V1"])  # doctest: +SKIP
    ECGRecords: 200 records, 3 leads (I, II, V1), 10.0 s at 500 Hz
    """
    if missing_leads not in ("leave out", "nan"):
        raise ValueError(f'missing_leads must be "leave out" or "nan"; got {missing_leads!r}.')
    check_positive(window, "window")
    check_positive(sampling_rate, "sampling_rate")
    if leads is not None and (isinstance(leads, str) or not len(leads)):
        raise ValueError(f'leads must be a sequence of names such as ("I", "II"); got {leads!r}.')

    report = Report()
    paths, folder = find_records(path, report)
    names = relative_names(paths, folder)
    collection = open_collection(
        paths,
        ids=names,
        leads=leads,
        sampling_rate=sampling_rate,
        missing_leads=missing_leads,
        checksums=checksums,
        verify=verify,
        cache_dir=cache_dir,
        report=report,
    )
    if folder is not None:
        known = {f"{path}.dat" for path in paths}
        known.update(file for header in collection.headers for file in header.files)
        report_orphans(folder, ".dat", known, collection.report)
    records = collection.to_records()
    if window is None:
        return records
    return in_windows(records, window, [f"{paths[kept]}.hea" for kept in collection.kept])


def find_records(path, report):
    """Return the absolute paths of all records in a folder or of a pattern, and the folder."""
    path = as_path(path)
    folder = str(Path(path).absolute()) if os.path.isdir(path) else None
    if folder is not None:
        found = find_files(folder, ".hea", report)
    else:
        found = [path] if os.path.isfile(path) else match_files(path, report)
        found = found or match_files(f"{path}.hea", report)
        found = [name for name in found if name.endswith(".hea")]
    if not found:
        exists = "holds no WFDB headers (*.hea)" if folder else "is not a WFDB header (*.hea)"
        exists = exists if os.path.lexists(path) else "is not there"
        raise FileNotFoundError(
            f"{path!r} {exists}.{first_problem(report)} Pass a folder of WFDB records, or a "
            'pattern that their headers match, such as "data/**/*.hea".'
        )
    # Signals are read later, perhaps in another working folder.
    return [str(Path(name).absolute()).removesuffix(".hea") for name in found], folder
