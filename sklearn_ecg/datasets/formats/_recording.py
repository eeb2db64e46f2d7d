"""The result of every format's reader: one ECG with its metadata.

A module of a format has three names::

    NAME = "DICOM"
    def is_mine(head: bytes) -> bool  # by the first 4096 bytes, never by the file's name
    def open_recording(content: bytes, name: str, waveform: str) -> Recording

A format whose samples lie in other files also has ``open_recording_at(path, waveform, *,
checksums)``.
`open_recording` reads everything but the samples; `Recording.read` decodes these. Every error in
the content is a `RecordError` that names the file.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

#: What `Recording.fields` may hold, and so the first columns of ``records.metadata``. Text is "",
#: a number NaN and a time NaT where the file says nothing. Names of patients are not among them.
FIELDS = {
    "patient_id": str,
    "age_years": float,
    "sex": str,  # "female", "male" or "other"
    "recorded_at": "datetime64[s]",  # as the recorder's clock had it, without a zone
    "device": str,  # maker and model
    "site": str,  # institution, department or ward
    "high_pass_hz": float,  # filters through which the samples went
    "low_pass_hz": float,
    "notch_hz": float,
    "heart_rate_bpm": float,  # what the machine measured
    "P_duration_ms": float,
    "PR_interval_ms": float,
    "QRS_duration_ms": float,
    "QT_interval_ms": float,
    "QTc_interval_ms": float,
    "P_axis_deg": float,
    "QRS_axis_deg": float,
    "T_axis_deg": float,
    # Each a tuple of text: "atrial fibrillation", or with its code before, "scp:AFIB atrial ...".
    "machine_statements": tuple,
    "reader_statements": tuple,  # of whoever confirmed the report
}

#: Beyond it an age is a placeholder, or comes of a wrong date of birth.
MOST_YEARS = 130

WAVEFORMS = ("rhythm", "median")


@dataclasses.dataclass
class Recording:
    """One ECG of a file.

    Parameters
    ----------
    format : str
    lead_names : tuple of str
        In the usual spelling (`canonical_lead`), each once.
    sampling_rate : float
        Hz, of what `read` returns.
    n_times : int
    read : callable
        Returns the samples, of shape (n_leads, n_times), as float32 in mV; NaN for missing samples.
    fields : dict
        Fields by the names in `FIELDS`; unknown ones are left out.
    remarks : list of (str, str)
        What a user should know, such as leads that were brought to one rate: a phrase that goes on
        after the file's name, and a sentence of advice.
    files : tuple of str
        Paths of other files that hold what `read` returns, such as those of WFDB's signals.
    """

    format: str
    lead_names: tuple[str, ...]
    sampling_rate: float
    n_times: int
    read: Callable[[], np.ndarray]
    fields: dict = dataclasses.field(default_factory=dict)
    remarks: list = dataclasses.field(default_factory=list)
    files: tuple[str, ...] = ()
