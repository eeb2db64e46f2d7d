"""One record as a writer gets it."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from sklearn_ecg.records._report import RecordError

#: Samples are written in whole microvolts, or in larger steps if they exceed 16 bits.
MICROVOLTS_PER_MV = 1000
_LARGEST = 2**15 - 1
# Readers take no step of samples that is much larger than an ECG for one.
_MOST_MV = 1e6


class RecordToWrite(NamedTuple):
    """A record with all that may stand in its file.

    Parameters
    ----------
    id : str
    signal : ndarray of shape (n_leads, n_times)
        In mV; leads that hold no sample at all are not among them.
    sampling_rate : float
        Hz.
    lead_names : tuple of str
    patient : str
        "" where unknown.
    fields : dict
        Of `sklearn_ecg.datasets.formats._recording.FIELDS`, as far as known.
    labels : dict of str to int
        1 present, 0 absent, -1 unknown.
    """

    id: str
    signal: np.ndarray
    sampling_rate: float
    lead_names: tuple
    patient: str
    fields: dict[str, Any]
    labels: dict[str, int]

    @property
    def present(self):
        """The names of the labels that the record has."""
        return [name for name, value in self.labels.items() if value == 1]

    def text(self, field):
        """Return a field as text, "" where unknown."""
        value = self.fields.get(field, "")
        return "" if pd.isna(value) else str(value)

    @property
    def time(self):
        """Local time of the recording, as a datetime; None if unknown."""
        time = self.fields.get("recorded_at")
        return None if pd.isna(time) else pd.Timestamp(time).tz_localize(None).to_pydatetime()

    def digital(self, missing):
        """Return samples of 16 bits, and how many uV a step of each lead is.

        Parameters
        ----------
        missing : int
            What stands for NaN.

        Returns
        -------
        samples : ndarray of int16 of shape (n_leads, n_times)
        steps : ndarray of shape (n_leads,)

        Raises
        ------
        RecordError
            If samples are too large for an ECG.
        """
        microvolts = self.signal.astype(np.float64) * MICROVOLTS_PER_MV
        highest = np.nanmax(np.abs(microvolts), axis=1)
        if highest.max() > _MOST_MV * MICROVOLTS_PER_MV:
            problem = f"reaches {highest.max() / MICROVOLTS_PER_MV:.3g} mV, too much for an ECG"
            raise RecordError(self.id, problem, "Check its units, or leave it out.")
        steps = np.ceil(np.maximum(highest / _LARGEST, 1))
        samples = np.round(microvolts / steps[:, np.newaxis])
        return np.where(np.isnan(samples), missing, samples).astype(np.int16), steps
