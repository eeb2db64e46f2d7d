"""The delineators of others, one lead at a time, and what they found, kept between runs."""

import re
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import signal as filters

from benchmarks._wave_scores import POINTS
from sklearn_ecg.features._neurokit import delineate_lead

#: Where the findings of peers are kept: their methods never change, and take minutes.
KEPT = Path(__file__).parent / "kept"
NEUROKIT_METHODS = ("peak", "prominence", "dwt", "cwt")
_COLUMNS = [column for *_, column in POINTS]


def look_at_all(method, records):
    """Let a method delineate every record.

    Parameters
    ----------
    method : callable
        Of a record's id, its signal of shape (n_leads, n_times) and the names of its leads; returns
        a DataFrame with the columns id, lead and the points of `delineate`, in samples.
    records : iterable of tuple
        The arguments of `method`.

    Returns
    -------
    DataFrame
        What was found in all records; ``attrs`` holds the seconds that each took, and the number
        of leads on which the method broke down.
    """
    parts, seconds = [], []
    for record in records:
        started = time.perf_counter()
        parts.append(method(*record))
        seconds.append(time.perf_counter() - started)
    waves = pd.concat(parts, ignore_index=True)
    # Parquet keeps the attributes of a table.
    waves.attrs = {"seconds": seconds, "n_failed": getattr(method, "n_failed", 0)}
    return waves


def kept(name, find, *, about, fresh=False):
    """Return what a peer found before, or let it look and keep what it finds.

    Parameters
    ----------
    name : str
        Of the page and the peer.
    find : callable
        Returns a DataFrame.
    about : str
        The records. What was found in others is no answer.
    fresh : bool, default=False
        Look again.
    """
    file = KEPT / f"{re.sub('[^a-z0-9]+', '_', name.lower())}.parquet"
    if file.exists() and not fresh:
        found = pd.read_parquet(file)
        if found.attrs.get("about") == about:
            return found
    found = find()
    found.attrs["about"] = about
    KEPT.mkdir(exist_ok=True)
    found.to_parquet(file)
    return found


def add_fresh(parser):
    """Add the option to let peers look again."""
    parser.add_argument("--fresh", action="store_true", help="let the peers look again")


class LeadByLead:
    """A delineator that looks at one lead at a time, as a method of whole records.

    Parameters
    ----------
    delineate_lead : callable
        Of a lead in mV, its sampling rate and the samples of its R peaks; returns a DataFrame.
    sampling_rate : float
        Hz.
    r_peaks : dict of tuple to array-like of int
        The samples of the R peaks by record and lead.

    Attributes
    ----------
    n_failed : int
        Leads on which it broke down, in which it then found nothing.
    """

    def __init__(self, delineate_lead, sampling_rate, r_peaks):
        self.delineate_lead = delineate_lead
        self.sampling_rate = sampling_rate
        self.r_peaks = r_peaks
        self.n_failed = 0

    def __call__(self, record_id, signal, lead_names):
        parts = []
        for lead, name in zip(signal, lead_names, strict=True):
            r_peaks = self.r_peaks.get((record_id, name), np.empty(0, int))
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    waves = self.delineate_lead(lead, self.sampling_rate, r_peaks)
            except Exception:
                self.n_failed += 1
                waves = pd.DataFrame(columns=_COLUMNS, dtype=float)
            parts.append(waves.assign(lead=name))
        return pd.concat(parts).assign(id=record_id)


class NeuroKit:
    """One of NeuroKit's methods, behind its `ecg_clean`, with R peaks that are given."""

    def __init__(self, method):
        self.method = method

    def __call__(self, lead, sampling_rate, r_peaks):
        return pd.DataFrame(delineate_lead(lead, sampling_rate, r_peaks, self.method))


def neurokit_r_peaks(lead, sampling_rate):
    """Return the samples of the R peaks that NeuroKit finds in a lead by its own method."""
    import neurokit2 as nk

    _, found = nk.ecg_peaks(nk.ecg_clean(lead, sampling_rate), sampling_rate)
    return np.asarray(found["ECG_R_Peaks"], dtype=int)


class OpenECG:
    """The delineator of openecg, v56c: the network of its wheel and its own post-processing.

    Its network was trained on LUDB (but for the records of its validation split), on the QT
    database and on others. It sees ten seconds of one lead at 250 Hz; longer ones are stitched
    from windows of which the outer two seconds do not count, as openecg's authors advise. It
    marks bounds alone; the peak is the point farthest from the line between them.
    """

    _RATE = 250
    _FRAME = 5  # samples
    _WINDOW, _GUARD = 500, 100  # frames

    def __init__(self):
        from openecg.deploy import Inference

        self._network = Inference()

    def __call__(self, lead, sampling_rate, r_peaks=None):
        from openecg.stage2 import infer

        lead = filters.resample_poly(np.nan_to_num(lead), self._RATE, round(sampling_rate))
        kinds, shifts = self._look_at(lead)
        bounds = infer.extract_boundaries(infer.post_process_frames(kinds))
        bounds = infer.apply_reg_to_boundaries(bounds, shifts, max_window=len(lead))
        tables = []
        for wave, peak in (("p", "p_peak"), ("qrs", "r_peak"), ("t", "t_peak")):
            onsets, offsets = bounds[f"{wave}_on"], bounds[f"{wave}_off"]
            peaks = [_farthest(lead, *pair) for pair in zip(onsets, offsets, strict=True)]
            tables.append(
                pd.DataFrame({f"{wave}_onset": onsets, peak: peaks, f"{wave}_offset": offsets})
            )
        return pd.concat(tables, ignore_index=True).astype(float) * (sampling_rate / self._RATE)

    def _look_at(self, lead):
        """Return for each frame of 20 ms its kind of wave, and by how much bounds there are off."""
        n_frames = max(self._WINDOW, -(-len(lead) // self._FRAME))
        lead = np.pad(lead, (0, n_frames * self._FRAME - len(lead)))
        kinds, shifts = np.zeros(n_frames, np.uint8), np.zeros((n_frames, 6), np.float32)
        last = n_frames - self._WINDOW
        for start in [*range(0, last, self._WINDOW - 2 * self._GUARD), last]:
            window = lead[start * self._FRAME : (start + self._WINDOW) * self._FRAME]
            logits = self._network.forward_window(window)
            # Its public methods leave out the shifts, with which its authors score it.
            shift = self._network._interp.get_tensor(self._network._reg_detail["index"])[0]
            guard = self._GUARD if start else 0
            kinds[start + guard : start + self._WINDOW] = logits[guard:].argmax(axis=-1)
            shifts[start + guard : start + self._WINDOW] = shift[guard:]
        return kinds, shifts


def openecg_or_none():
    """Return openecg's delineator, or say why there is none."""
    try:
        return OpenECG()
    except ImportError as error:
        print(f"openecg is left out ({error}): pip install openecg ai-edge-litert")
        return None


def _farthest(lead, onset, offset):
    """Return where a lead is farthest from the line between the bounds of a wave."""
    wave = lead[onset : offset + 1]
    if len(wave) < 3:
        return (onset + offset) / 2
    line = np.linspace(wave[0], wave[-1], len(wave))
    return onset + np.abs(wave - line).argmax()
