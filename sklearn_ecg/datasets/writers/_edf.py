"""EDF+: samples of 16 bits in microvolts; labels are annotations."""

import math

import numpy as np

from sklearn_ecg.records._report import RecordError
from sklearn_ecg.utils import whole_file

SUFFIX = ".edf"
# What the specification asks a data record not to exceed, in samples of all signals, and how many
# characters a duration has.
_LARGEST_DATA_RECORD = 30_720
_N_CHARACTERS = 8
# Of a rate: a second in eleven days.
_PRECISION = 1e-6
# Characters left for the device, beside the date and unknown fields.
_DEVICE = 50
_SEXES = {"female": "F", "male": "M"}


def write(record, path):
    """Write a record.

    Raises
    ------
    RecordError
        If samples are missing, which EDF cannot mark, or EDF cannot tell the sampling rate.
    """
    import edfio

    if np.isnan(record.signal).any():
        raise RecordError(
            record.id,
            "lacks samples, for which EDF has no mark",
            'Fill them by GapFiller, or choose format="wfdb" or "dicom".',
        )
    duration, rate = _data_records(record)
    samples, steps = record.digital(0)
    signals = [
        edfio.EdfSignal.from_digital(
            lead,
            rate,
            label=f"ECG {name}",
            physical_dimension="uV",
            physical_range=(-(2**15) * step, (2**15 - 1) * step),
            digital_range=(-(2**15), 2**15 - 1),
        )
        for lead, step, name in zip(samples, steps, record.lead_names, strict=True)
    ]
    time = record.time
    edf = edfio.Edf(
        signals,
        patient=edfio.Patient(code=_word(record.patient), sex=_SEXES.get(record.text("sex"), "X")),
        recording=edfio.Recording(
            startdate=_in_two_digits(time),
            equipment_code=_word(record.text("device")[:_DEVICE]),
        ),
        starttime=None if time is None else time.time(),
        data_record_duration=duration,
        annotations=[edfio.EdfAnnotation(0, None, label) for label in record.present],
    )
    with whole_file(path) as file:
        file.write(edf.to_bytes())


def _data_records(record):
    """Return a duration of data records in s, and the sampling rate in Hz that it stands for.

    A rate is told by the samples in that duration, which has eight characters.
    """
    n_leads, n_times = record.signal.shape
    small = np.arange(1, math.isqrt(n_times) + 1)
    small = small[n_times % small == 0]
    divisors = np.union1d(small, n_times // small)
    # The longest length that the specification allows; otherwise the shortest.
    fitting = divisors[divisors * n_leads <= _LARGEST_DATA_RECORD]
    for n_samples in (*fitting[::-1], *divisors[len(fitting) :]):
        duration = n_samples / record.sampling_rate
        told = float(f"{duration:.12f}"[:_N_CHARACTERS])
        if told and abs(duration / told - 1) < _PRECISION:
            return told, n_samples / told
    raise RecordError(
        record.id,
        f"has {n_times} samples at {record.sampling_rate:g} Hz, a rate that EDF cannot tell",
        "Resample it to a whole number of Hz by Resampler, or choose another format.",
    )


def _word(text):
    """Return text as one word of the header, or X for empty text."""
    return "_".join(text.split()).encode("ascii", "replace").decode() or "X"


def _in_two_digits(time):
    # Years have two digits there, from 1985 on.
    return time.date() if time and 1985 <= time.year <= 2084 else None
