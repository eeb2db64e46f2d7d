"""Files as exported by recorders and hospital systems, in any mixture of formats."""

import glob
import io
import os
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from sklearn_ecg.datasets._anonymise import anonymise as anonymised
from sklearn_ecg.datasets._arranging import arrange
from sklearn_ecg.datasets._bookkeeping import check_positive, report_files
from sklearn_ecg.datasets._cache import cache_signals
from sklearn_ecg.datasets._candidates import relative_names
from sklearn_ecg.datasets._checksums import checksums_hold
from sklearn_ecg.datasets._collection import errors_of
from sklearn_ecg.datasets._file_reader import FileReader, How, open_recording, read_signal
from sklearn_ecg.datasets._files import as_path, find_all_files, first_problem, match_files
from sklearn_ecg.datasets._metadata import check_patients, metadata_frame, patient_groups
from sklearn_ecg.datasets._opening import as_opened, open_files, without_hidden
from sklearn_ecg.datasets._other_files import describe
from sklearn_ecg.datasets._packed_files import ZIP, Place, read_place, read_stream, read_url
from sklearn_ecg.datasets._reader import resampled_length
from sklearn_ecg.datasets._windows import in_windows
from sklearn_ecg.datasets.formats._recording import WAVEFORMS
from sklearn_ecg.datasets.formats._registry import HEAD_BYTES, formats, recognise
from sklearn_ecg.records import ECGRecords, LazySignals
from sklearn_ecg.records._report import NoECGError, NothingReadError, RecordError, Report
from sklearn_ecg.utils import canonical_lead, check_option


def load_ecg_files(
    path,
    leads=None,
    sampling_rate=None,
    cache_dir=None,
    *,
    window=None,
    waveform="rhythm",
    missing_leads="nan",
    checksums=True,
    csv=None,
    anonymise=False,
    verify=False,
    verbose=0,
    n_jobs=None,
) -> ECGRecords:
    """Load ECGs as exported by recorders and hospital systems, in any mixture of formats.

    The format of a file is found from its content, not from its name. Opening reads each file once,
    without its samples; samples are read on demand. Files that are damaged or hold no ECG are left
    out, and ``records.report`` gives the reasons.

    Parameters
    ----------
    path : path-like, or sequence of path-like
        A folder, which is searched with its subfolders and links; a pattern such as
        ``"data/**/*.xml"``; a file; or a list of files and folders. Files may be compressed by
        gzip, and may lie in ZIP archives, also in nested ones.
    leads : sequence of str, default=None
        The wanted leads in order, in any spelling. By default the 12 standard leads if most records
        have them, else the leads that most records hold.
    sampling_rate : float, default=None
        Hz. Records of another rate are resampled to it. By default the rate of most records.
    cache_dir : path-like, default=None
        Folder for copies of all signals, as in `load_wfdb`. They are written now, and are later
        read much faster than XML.
    window : float, default=None
        Length in s of windows into which recordings are cut from their start. A shorter rest at the
        end is left out. By default recordings are not cut.
    waveform : {"rhythm", "median"}, default="rhythm"
        The recording, or the recorder's median beat, if the file has one.
    missing_leads : {"nan", "leave out"}, default="nan"
        Records that lack some leads are filled with NaN or left out. A limb lead that can be
        computed from two others is not missing.
    checksums : bool, default=True
        Compare signals of WFDB with the checksums in their headers, as in `load_wfdb`.
    csv : dict, default=None
        Facts that CSV files do not give themselves: ``sampling_rate`` in Hz, ``units`` ("mV", "uV"
        or "V") and ``lead_names`` of their columns. It is an error if neither gives them; they are
        not guessed.
    anonymise : bool, str or bytes, default=False
        Whether to remove data that identify patients. A key of 16 characters or more gives the same
        hashes every time. See :func:`~sklearn_ecg.datasets.anonymise`.
    verify : bool, default=False
        Read every signal now; damaged ones are left out and reported. Otherwise they raise an error
        when they are read. `cache_dir` reads all signals, too.
    verbose : int, default=0
        Whether to show progress.
    n_jobs : int, default=None
        Processes that open files; useful for thousands of files.

    Returns
    -------
    ECGRecords
        Signals as float32 in mV, of equal or different lengths. `ids` are the paths of the files
        inside the folder and inside of archives (``"ward/a.xml"``, ``"may.zip/b.dcm"``). `metadata`
        holds ``format``, ``file``, ``stored_hz`` and ``stored_leads`` (the file's own rate and
        leads), and what else the files give: the patient's id, age and sex, time, device, site,
        filters, the machine's measurements and statements. `groups` are the patients, None if no
        file names any. With `window` the windows of a recording are numbered
        (``"holter.edf/042"``), ``recorded_at`` is the start of each window, and the windows of a
        recording are one group if no file names patients.

    Raises
    ------
    FileNotFoundError
        If there is no ECG.
    ValueError
        If no ECG can be read; the message gives the reasons. Also when a signal is read whose file
        is damaged, missing or changed.

    See Also
    --------
    read_ecg : Read one ECG.
    load_wfdb : Load a folder of WFDB records only, in less time.
    read_records : Read arrays with a table of labels.

    Notes
    -----
    The formats are GE MUSE XML, GE CardioSoft XML, HL7 aECG, DICOM waveforms, SCP-ECG (EN 1064),
    Philips XML (Sierra ECG 1.03 and 1.04), EDF, EDF+, BDF, ISHNE, WFDB and CSV.

    The report has a row for each file that should be an ECG and cannot be read. Other files
    (pictures, tables, names that begin with a dot) have one row per kind if there are many. So do
    records that were changed: those with computed or missing leads, and resampled ones. Of files
    with the same content only one is read: copies on both sides of a split make scores too good.

    Members of an archive are read in place, and never unpacked to the disk. Members that unpack to
    more than 64 MB and 100 times their size are left out, and so are encrypted ones.

    Examples
    --------
    >>> from sklearn_ecg.datasets import load_ecg_files
    >>> records = load_ecg_files("exports/2026")  # doctest: +SKIP
    >>> records.metadata[["format", "age_years", "machine_statements"]]  # doctest: +SKIP
    >>> records.report  # doctest: +SKIP
    """
    leads, how = _check(leads, sampling_rate, waveform, missing_leads, checksums, csv)
    check_positive(window, "window")
    report = Report()
    places = _find_places(path, report)
    opened, n_ecgs = open_files(places, how, report, verbose=verbose, n_jobs=n_jobs)
    if not n_ecgs:
        message = (
            f"None of the {len(places)} files of {_named(path)} holds a readable ECG."
            f"{first_problem(report)}"
        )
        raise _error_of(NoECGError, message, report, anonymise)
    opened, leads, rate = arrange(opened, leads, sampling_rate, missing_leads, report)
    if not opened:
        raise _nothing_left(n_ecgs, path, report, anonymise)
    sources = [record.source for record in opened]
    stamps = [record.stamp for record in opened]
    reader = FileReader(sources, leads, rate, how, stamps)
    with_sums = [
        (i, record.id, record.file, len(leads) * record.source.n_times)
        for i, record in enumerate(opened)
        if record.source.format == "WFDB"
    ]
    if checksums and not checksums_hold(reader, with_sums, report):
        how = how._replace(checksums=False)
        reader = FileReader(sources, leads, rate, how, stamps)
    lengths = np.array([resampled_length(s.n_times, s.sampling_rate, rate) for s in sources])
    errors = {}
    if cache_dir is not None:
        settings = ("files", leads, rate, how)
        reader, errors = cache_signals(reader, lengths, len(leads), cache_dir, settings=settings)
    elif verify:
        errors = errors_of(reader, verbose)
    for i, error in errors.items():
        report.add_error(opened[i].id, error)
    kept = np.setdiff1d(np.arange(len(opened)), list(errors))
    if not len(kept):
        raise _nothing_left(n_ecgs, path, report, anonymise)
    signals = LazySignals(reader, (len(opened), len(leads)), lengths=lengths)[kept]
    opened = [opened[i] for i in kept]
    records = _to_records(signals, rate, leads, opened, report, anonymise)
    if window is None:
        return records
    # Anonymised records hide the names of their files.
    files = records.ids if anonymise else [record.file for record in opened]
    return in_windows(records, window, files)


def _to_records(signals, rate, leads, opened, report, anonymise):
    metadata = _metadata(opened, report)
    records = ECGRecords(
        signals,
        rate,
        lead_names=leads,
        ids=[record.id for record in opened],
        groups=patient_groups(metadata),
        metadata=metadata,
        report=report.to_frame(),
    )
    if not anonymise:
        return records
    return anonymised(records, None if anonymise is True else anonymise)


def _metadata(opened, report):
    """Return the metadata of all records, with file, format and stored form."""
    ids, files = [record.id for record in opened], [record.file for record in opened]
    metadata = metadata_frame([record.fields for record in opened], ids)
    check_patients(metadata, report, files)
    _check_notches(metadata, files, report)
    metadata.insert(0, "format", [record.format for record in opened])
    metadata.insert(1, "file", files)
    metadata.insert(2, "stored_hz", [record.source.sampling_rate for record in opened])
    metadata.insert(3, "stored_leads", [", ".join(record.source.lead_names) for record in opened])
    return metadata


def _check_notches(metadata, files, report):
    """Report records with another notch filter than most, if any."""
    if "notch_hz" not in metadata:
        return
    notches = metadata["notch_hz"].to_numpy()
    counts = Counter(notches[np.isfinite(notches)].tolist())
    usual = counts.most_common(1)[0][0]
    for notch in sorted(set(counts) - {usual}):
        rows = np.flatnonzero(notches == notch)
        report_files(
            report,
            [(metadata.index[row], files[row]) for row in rows],
            f"went through a notch filter of {notch:g} Hz, most others of {usual:g} Hz",
            "Check that labels are not related to it: a classifier would learn the filter.",
            kept=True,
        )


def read_ecg(
    file,
    leads=None,
    sampling_rate=None,
    *,
    waveform="rhythm",
    missing_leads="nan",
    checksums=True,
    csv=None,
    anonymise=False,
) -> ECGRecords:
    """Read one ECG, in any of the formats of `load_ecg_files`.

    Parameters
    ----------
    file : path-like, bytes, binary file or str
        A file; its content; a binary file object, such as ``sys.stdin.buffer``; or a URL that
        fsspec opens (extra ``remote``), such as ``"s3://bucket/a.xml"`` or
        ``"zip://a.xml::may.zip"``. It may be compressed by gzip.
    leads : sequence of str, default=None
        The wanted leads in order, in any spelling. By default the file's leads.
    sampling_rate : float, default=None
        Hz. The signal is resampled to it. By default the file's rate.
    waveform : {"rhythm", "median"}, default="rhythm"
        The recording, or the recorder's median beat.
    missing_leads : {"nan", "leave out"}, default="nan"
        Missing leads are NaN, or an error.
    checksums : bool, default=True
        Compare signals of WFDB with the checksums in their headers.
    csv : dict, default=None
        Facts that a CSV file does not give itself, as for `load_ecg_files`.
    anonymise : bool, str or bytes, default=False
        Whether to remove data that identify the patient, as for `load_ecg_files`.

    Returns
    -------
    ECGRecords
        One record in memory. Its id is the file's name, or "ECG" if there is none.

    Raises
    ------
    RecordError
        A ValueError that says what is wrong with the file. If the file is missing, it is also a
        FileNotFoundError.
    ImportError
        If a URL is given without fsspec.

    See Also
    --------
    load_ecg_files : Load whole folders.

    Examples
    --------
    >>> from sklearn_ecg.datasets import read_ecg
    >>> read_ecg("ward/a.xml")  # doctest: +SKIP
    ECGRecords: 1 records, 12 leads (I, II, III, aVR, aVL, aVF, V1, V2, V3, V4, V5, V6), 10.0 s
    at 500 Hz, 12 columns of metadata
    """
    leads, how = _check(leads, sampling_rate, waveform, missing_leads, checksums, csv)
    content, place = _content_of(file)
    format = recognise(content[:HEAD_BYTES])
    if format is None:
        raise RecordError(place.file, *describe(content[:HEAD_BYTES], place.file))
    report = Report()
    recording = open_recording(content, place, format, how)
    opened = [as_opened(recording, content, place, format)]
    opened, leads, rate = arrange(opened, leads, sampling_rate, missing_leads, report)
    if not opened:
        raise RecordError(*report.rows[-1][1:4])
    signal = read_signal(recording, place.file, leads, rate)
    return _to_records(signal[np.newaxis], rate, leads, opened, report, anonymise)


def _content_of(file):
    """Return content and Place of a file, given in any form."""
    if isinstance(file, (bytes, bytearray, memoryview)):
        file = io.BytesIO(file)
    if hasattr(file, "read"):
        name = getattr(file, "name", None)
        name = name if isinstance(name, str) else "ECG"
        return read_stream(file, name), Place(name, os.path.basename(name))
    if not isinstance(file, (str, os.PathLike)):
        raise TypeError(
            f"file must be a path, a URL, bytes or an open file; got {type(file).__name__}."
        )
    if isinstance(file, str) and _URL.match(file):
        return read_url(file), Place(file, file.partition("::")[0].rstrip("/").rpartition("/")[2])
    place = Place(str(Path(as_path(file)).absolute()), os.path.basename(as_path(file)))
    if os.path.isdir(place.path):
        raise RecordError(place.path, "is a folder", "Read it with load_ecg_files.")
    return read_place(place), place


_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+(://|::)")


def _check(leads, sampling_rate, waveform, missing_leads, checksums, csv):
    """Return leads in the usual spelling, and How, after checking the arguments."""
    check_option(waveform, WAVEFORMS, "waveform")
    check_option(missing_leads, ("nan", "leave out"), "missing_leads")
    if leads is not None and (isinstance(leads, str) or not len(leads)):
        raise ValueError(f'leads must be a sequence of names such as ("I", "II"); got {leads!r}.')
    if leads is not None and not all(isinstance(lead, str) for lead in leads):
        raise TypeError(f'leads must be names such as ("I", "II"); got {list(leads)!r}.')
    check_positive(sampling_rate, "sampling_rate")
    if csv is not None and not isinstance(csv, dict):
        raise TypeError(f'csv must be a dict such as {{"sampling_rate": 500}}; got {csv!r}.')
    csv = {} if csv is None else dict(csv)
    unknown = sorted(set(csv) - {"sampling_rate", "units", "lead_names"})
    if unknown:
        raise ValueError(
            f"csv may give 'sampling_rate', 'units' and 'lead_names' of CSV files; got {unknown}."
        )
    if csv:
        formats()["CSV"].check_options(**csv)
    if csv.get("lead_names") is not None:
        csv["lead_names"] = tuple(csv["lead_names"])
    leads = None if leads is None else tuple(canonical_lead(lead) for lead in leads)
    return leads, How(waveform, bool(checksums), tuple(sorted(csv.items())))


def _find_places(path, report):
    """Return a Place for each file of `path`."""
    if not isinstance(path, (str, bytes, os.PathLike)):
        if not isinstance(path, Iterable):
            raise TypeError(f"path must be a path or a list of paths; got {type(path).__name__}.")
        return _places_of_list(path, report)
    path = as_path(path)
    place = Place(str(Path(path).absolute()), os.path.basename(path))
    if os.path.isdir(path):
        found = find_all_files(place.path, report)
        if not found:
            raise FileNotFoundError(
                f"The folder {path!r} holds no files.{first_problem(report)} Name the folder that "
                "holds the ECGs."
            )
        names = relative_names(found, place.path)
        return without_hidden(list(map(Place, found, names)), report)
    if os.path.lexists(path):
        return [place._replace(id="") if _is_archive(place) else place]
    found = match_files(path, report) if glob.has_magic(path) else []
    if not found:
        raise FileNotFoundError(
            f"{path!r} {'matches no file' if glob.has_magic(path) else 'is not there'}."
            f"{first_problem(report)} Pass a folder of ECG files, a file, a ZIP archive, a list "
            'of files, or a pattern such as "data/**/*.xml".'
        )
    return _places_of_list(found, report)


def _is_archive(place):
    try:
        return read_place(place, lambda head: False).startswith(ZIP)
    except RecordError:
        # Errors of the file are reported later.
        return False


def _places_of_list(paths, report):
    named, found = [], []
    for path in paths:
        path = str(Path(as_path(path)).absolute())
        if os.path.isdir(path):
            found += find_all_files(path, report)
        else:
            named.append(path)
    if not named and not found:
        raise ValueError("path holds no files. Pass a list of files or folders.")
    files = list(dict.fromkeys([*named, *found]))
    places = list(map(Place, files, relative_names(files)))
    n_named = len(set(named))
    return places[:n_named] + without_hidden(places[n_named:], report)


def _named(path):
    return repr(os.fspath(path)) if isinstance(path, (str, bytes, os.PathLike)) else "the list"


def _nothing_left(n_ecgs, path, report, anonymise):
    lost = [row for row in report.rows if not row[4]]
    first = "; ".join(f"{file} {problem}" for _, file, problem, *_ in lost[:3])
    message = f"None of the {n_ecgs} ECGs in {_named(path)} can be read: {first}. {lost[0][3]}"
    return _error_of(NothingReadError, message, report, anonymise)


def _error_of(kind, message, report, anonymise):
    """Return an error without names of files if these may be names of patients."""
    return kind(_UNNAMED, Report()) if anonymise else kind(message, report)


_UNNAMED = (
    "None of the files holds a readable ECG. File names may be names of patients, and are "
    "not shown: load the files without anonymise to see the reasons."
)
