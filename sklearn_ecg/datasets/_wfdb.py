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

    Opening reads headers alone, in about 0.1 ms each; a signal is read when it is touched.
    Records that cannot be loaded are left out, and ``records.report`` says why.

    Parameters
    ----------
    path : path-like
        A folder, which is searched with all folders in it and those that links in it lead to; a
        pattern such as ``"data/*/A*.hea"``; or a single header.
    leads : sequence of str, default=None
        The leads, in the order wanted. Spelling does not matter (``"AVR"``, ``"avr"`` and
        ``"aVR"`` are one lead), but another lead is another lead (MLII is not II). By default the
        leads that most records hold, of those measured in volts; then the report names what else
        there is.
    sampling_rate : float, default=None
        Hz. Records of another rate are resampled to it. By default records of another rate than
        most are left out.
    cache_dir : path-like, default=None
        A folder for copies of all signals, which are written now and read from then on, at about
        the speed of the disk. Records that are new or have changed since are copied, and no
        others. Several collections and processes may share the folder, and it may be deleted at
        any time.
    window : float, default=None
        Length in s of the windows into which records are cut, from their start; what is left at
        the end is shorter and goes. Only the window that is touched is read, so that records may
        be longer than memory holds. By default records stay whole.
    missing_leads : {"leave out", "nan"}, default="leave out"
        What becomes of records that lack some of the leads: left out, or filled with NaN.
    verify : bool, default=False
        Read every signal now, so that damaged ones are left out and reported, as
        ``records.verified()`` does later. With `cache_dir` this is done as the copy is written.
        Else a damaged one raises an error when it is touched, and is NaN with a warning where
        several are read.
    checksums : bool, default=True
        Hold each signal that is read whole against the checksum in its header. Some data sets are
        distributed with wrong ones: if most of some records that are tried at once are wrong, that
        is said once, and none is held against its record.

    Returns
    -------
    ECGRecords
        Signals as float32 in mV, of one length or of different ones; `ids` are the paths of the
        records inside the folder, with the number of the window (``"sub/100/000"``) where they are
        cut. `metadata` are what the headers say: patient, age, sex, start and diagnoses, where
        their comments have a known form (``Age: 74``); those of a window are its record's. `groups`
        are the patients, where headers name any; else, of windows, the records.

    Raises
    ------
    FileNotFoundError
        If there is no header at all.
    ValueError
        If no record can be loaded; the message says why. Also, when a single signal is touched,
        if its file is damaged or does not agree with its header.

    See Also
    --------
    load_mitdb, make_ecg_records

    Notes
    -----
    Left out and reported are records whose files are missing, of another size than their header
    says, of an unknown format or the same as those of another record, headers that make no sense,
    and leads whose unit is no voltage (such as "adu") or that were never calibrated: nothing is
    guessed. So are folders that cannot be searched. Invalid samples are NaN.

    Several signals of an unknown name are numbered, ``"ECG 1"`` and ``"ECG 2"``; of a known name,
    none is that lead. Where a frame holds several samples of the leads, these are read at their own
    rate; signals of a record that have another rate than most of its leads are left out.

    Formats 16, 212, 24, 32, 61, 80 and 160 are read directly, with the same samples as wfdb's bit
    for bit; others, records of several segments and frames of several samples are read by wfdb,
    which does not look at checksums.

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
        exists = "holds no WFDB headers (*.hea)" if folder else "is no WFDB header (*.hea)"
        exists = exists if os.path.lexists(path) else "is not there"
        raise FileNotFoundError(
            f"{path!r} {exists}.{first_problem(report)} Give a folder of WFDB records, or a "
            'pattern that their headers match, such as "data/**/*.hea".'
        )
    # Signals are read later, when the working folder may be another one.
    return [str(Path(name).absolute()).removesuffix(".hea") for name in found], folder
