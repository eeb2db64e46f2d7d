"""The MIT-BIH Arrhythmia Database as labelled windows."""

import numbers
from statistics import multimode

import numpy as np

from sklearn_ecg.datasets._annotations import read_annotations
from sklearn_ecg.datasets._bookkeeping import find_folder
from sklearn_ecg.datasets._candidates import report_orphans
from sklearn_ecg.datasets._files import find_headers
from sklearn_ecg.datasets._header import CURE, read_header
from sklearn_ecg.datasets._metadata import metadata_frame
from sklearn_ecg.datasets._reader import WFDBReader, check_units
from sklearn_ecg.datasets._signal_files import check_files
from sklearn_ecg.datasets.formats._wfdb import header_fields
from sklearn_ecg.records import ECGRecords
from sklearn_ecg.records._report import RecordError, Report, naming
from sklearn_ecg.utils import canonical_lead

# The database's directory says: "Records 201 and 202 came from the same male subject". Every other
# record is of another person.
_SAME_PATIENT = {"202": "201"}

# WFDB's symbols for beats; others mark rhythm, noise or comments.
_BEATS = tuple("NLRBAaJSVrFejnE/fQ?")

_DATASET = "the MIT-BIH database, or download it: sklearn_ecg.datasets.fetch_mitdb()"


def load_mitdb(
    path,
    window=10.0,
    leads=("MLII", "V1"),
    labels=("N", "V", "L", "A", "R", "/", "F", "f"),
) -> ECGRecords:
    """Load the MIT-BIH Arrhythmia Database, cut into windows with the beat types in each.

    The records with all of `leads` (40 of the 48 for MLII and V1) are cut into consecutive windows
    from their start; a shorter rest is left out. A window has a label if at least one beat of that
    type is annotated in it. Windows without any of the labels are kept, with a row of zeros.

    Parameters
    ----------
    path : path-like
        Folder of the database (``100.hea``, ``100.dat``, ``100.atr``, ...), or of a part of it.
    window : float, default=10.0
        Length of a window in s.
    leads : sequence of str, default=("MLII", "V1")
        The wanted leads in order.
    labels : sequence of str, default=("N", "V", "L", "A", "R", "/", "F", "f")
        Beat types by their WFDB symbols: normal, premature ventricular, left bundle branch block,
        atrial premature, right bundle branch block, paced, fusion of ventricular and normal,
        fusion of paced and normal.

    Returns
    -------
    ECGRecords
        Signals of shape (n_windows, n_leads, n_times) as float32 in mV at 360 Hz. `ids` are record
        and number of the window, such as ``"100/000"``. `groups` are the patients: records 201 and
        202 are of one person. `metadata` are age and sex.

        Records that are damaged, incomplete or without the leads are left out; `report` names them,
        and says what to do.

    Raises
    ------
    FileNotFoundError
        If the folder is missing, or holds no record.
    ValueError
        If no record has the leads, or none can be read. The message names the first file that is
        missing, cut short or has a wrong checksum.

    See Also
    --------
    fetch_mitdb : Download the database.
    corrupt_labels : Add noise to the labels.

    References
    ----------
    Moody GB, Mark RG. The impact of the MIT-BIH Arrhythmia Database. IEEE Eng in Med and Biol
    20(3):45-50 (2001). https://doi.org/10.13026/C2F305

    Examples
    --------
    >>> from sklearn_ecg.datasets import load_mitdb
    >>> load_mitdb("mitdb")  # doctest: +SKIP
    ECGRecords: 7200 records, 2 leads (MLII, V1), 10.0 s at 360 Hz, 8 labels (N 5566, V 2322, ...)
    """
    if isinstance(leads, str) or not leads or len(set(leads)) != len(leads):
        raise ValueError(
            f'leads must be a sequence of different names such as ("MLII",); got {leads!r}.'
        )
    if not isinstance(window, numbers.Real) or not 0 < window < np.inf:
        raise ValueError(f"window must be a positive number of seconds; got {window!r}.")
    labels = _check_symbols(labels)
    leads = tuple(canonical_lead(lead) for lead in leads)
    report = Report()
    headers, sampling_rate = _headers_with(path, leads, report)
    n_times = round(window * sampling_rate)
    if not n_times:
        raise ValueError(
            f"window={window:g} s is shorter than a sample at {sampling_rate:g} Hz; use seconds."
        )

    parts, fields = [], []
    errors = []
    for record, header in headers.items():
        try:
            signals, samples, symbols = _read(record, header, leads)
        except RecordError as error:
            report.add_error(record.name, error)
            errors.append(error)
            continue
        n_windows = signals.shape[1] // n_times
        if not n_windows:
            length = f"{signals.shape[1] / sampling_rate:.1f} s"
            problem = f"describes a record of {length}, shorter than window={window:g} s"
            errors.append(RecordError(f"{record}.hea", problem, "Choose a shorter window."))
            report.add_error(record.name, errors[-1])
            continue
        parts.append(
            {
                "signals": _windows(signals, n_windows, n_times),
                "labels": _labels_in_windows(samples, symbols, labels, n_windows, n_times),
                "ids": [f"{record.name}/{i:03d}" for i in range(n_windows)],
                "groups": [_SAME_PATIENT.get(record.name, record.name)] * n_windows,
            }
        )
        fields += [header_fields(header)] * n_windows
    if not parts:
        raise errors[0]
    arrays = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    signals = arrays.pop("signals")
    return ECGRecords(
        signals,
        sampling_rate,
        lead_names=leads,
        label_names=labels,
        metadata=metadata_frame(fields, arrays["ids"]),
        report=report.to_frame(),
        **arrays,
    )


def _check_symbols(labels):
    labels = list(labels)
    unknown = [label for label in labels if label not in _BEATS]
    if unknown or not labels:
        raise ValueError(
            f"labels must be WFDB symbols of beats, some of {' '.join(_BEATS)}; got "
            f"{list(map(str, unknown))}."
        )
    return labels


def _read(record, header, leads):
    """Return a record's signals, and the samples and symbols of its annotations."""
    check_units(header, leads)
    n_times = check_files(header)
    read = WFDBReader(
        [str(record)], [header], [n_times], leads=leads, sampling_rate=header.sampling_rate
    )
    with naming(f"{record}.atr", CURE):
        return read(0), *read_annotations(record, "atr")


def _headers_with(path, leads, report):
    """Return the headers of the records that hold all leads, and their sampling rate."""
    headers, errors = {}, []
    folder = find_folder(path, dataset=_DATASET)
    records = find_headers(folder, report, dataset=_DATASET, deep=False)
    for record in records:
        try:
            headers[record] = read_header(record)
        except RecordError as error:
            report.add_error(record.name, error)
            errors.append(error)
    if not headers:
        raise errors[0]
    report_orphans(folder, ".dat", {f"{record}.dat" for record in records}, report, deep=False)
    holding = {
        record: header for record, header in headers.items() if set(leads) <= set(header.lead_names)
    }
    if not holding:
        known = sorted({name for header in headers.values() for name in header.lead_names})
        raise ValueError(
            f"No record in {str(path)!r} has the leads {leads}; its records have {known}."
        )
    for record, header in headers.items():
        if record not in holding:
            problem = f"lacks some of the leads {', '.join(leads)}: it has "
            problem += ", ".join(header.lead_names)
            advice = "Choose leads that it has, with the parameter leads."
            report.add(record.name, f"{record}.hea", problem, advice)
    sampling_rate = multimode(header.sampling_rate for header in holding.values())[0]
    for record, header in list(holding.items()):
        if header.sampling_rate != sampling_rate:
            problem = f"was sampled at {header.sampling_rate:g} Hz, most at {sampling_rate:g} Hz"
            advice = "Pass a folder with the MIT-BIH database only."
            report.add(record.name, f"{record}.hea", problem, advice)
            del holding[record]
    return holding, sampling_rate


def _windows(signals, n_windows, n_times):
    n_leads = len(signals)
    windows = signals[:, : n_windows * n_times].reshape(n_leads, n_windows, n_times)
    return windows.swapaxes(0, 1)


def _labels_in_windows(samples, symbols, labels, n_windows, n_times):
    """Return an indicator of shape (n_windows, n_labels) of the beat types in each window."""
    present = np.zeros((n_windows, len(labels)), dtype=np.int8)
    windows = samples // n_times
    for column, label in enumerate(labels):
        inside = (symbols == label) & (windows < n_windows)
        present[windows[inside], column] = 1
    return present
