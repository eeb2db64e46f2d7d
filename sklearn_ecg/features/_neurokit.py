"""Find beats and waves by NeuroKit's methods, and return waves in its format."""

import warnings

import numpy as np
import pandas as pd

from sklearn_ecg.features._waves import WAVES
from sklearn_ecg.preprocessing._filtering import check_rate

#: NeuroKit's detectors of R peaks, each with its method of `neurokit2.ecg_clean`.
R_PEAK_METHODS = {
    "neurokit": "neurokit",
    "pantompkins1985": "pantompkins1985",
    "hamilton2002": "hamilton2002",
    "zong2003": "zong2003",
    "martinez2004": "neurokit",
    "christov2004": "christov2004",
    "gamboa2008": "gamboa2008",
    "elgendi2010": "elgendi2010",
    "engzeemod2012": "engzeemod2012",
    "manikandan2012": "neurokit",
    "khamis2016": "neurokit",
    "kalidas2017": "kalidas2017",
    "nabian2018": "neurokit",
    "rodrigues2021": "neurokit",
    "promac": "neurokit",
}

#: NeuroKit's delineators.
WAVE_METHODS = ("peak", "prominence", "dwt", "cwt")

_KEYS = {
    "p_onset": "ECG_P_Onsets",
    "p_peak": "ECG_P_Peaks",
    "p_offset": "ECG_P_Offsets",
    "qrs_onset": "ECG_R_Onsets",
    "r_peak": "ECG_R_Peaks",
    "qrs_offset": "ECG_R_Offsets",
    "t_onset": "ECG_T_Onsets",
    "t_peak": "ECG_T_Peaks",
    "t_offset": "ECG_T_Offsets",
}


def detect_in_lead(lead, sampling_rate, method):
    """Return the R peaks in a lead by one of NeuroKit's methods, in samples.

    Parameters
    ----------
    lead : ndarray of shape (n_times,)
    sampling_rate : float
    method : str
        A key of `R_PEAK_METHODS`.

    Returns
    -------
    ndarray of int of shape (n_beats,)

    Raises
    ------
    RuntimeError
        If NeuroKit raises an error.
    """
    found = _call(_detect, lead, sampling_rate, method)
    return np.unique(found[np.isfinite(found)]).astype(np.intp)


def _detect(nk, lead, sampling_rate, method):
    cleaned = nk.ecg_clean(lead, sampling_rate, method=R_PEAK_METHODS[method])
    _, found = nk.ecg_peaks(cleaned, sampling_rate, method=method)
    return np.asarray(found["ECG_R_Peaks"], dtype=float)


def delineate_lead(lead, sampling_rate, r_peaks, method):
    """Return the waves in a lead by one of NeuroKit's methods.

    Parameters
    ----------
    lead : ndarray of shape (n_times,)
    sampling_rate : float
    r_peaks : array-like of shape (n_beats,)
    method : str
        One of `WAVE_METHODS`.

    Returns
    -------
    dict of ndarray of shape (n_beats,)
        The columns `WAVES` in samples; NaN if a wave was not found.

    Raises
    ------
    RuntimeError
        If NeuroKit raises an error.
    """
    r_peaks = np.round(r_peaks).astype(np.intp)
    # "cwt" needs a tenth of a second of signal before each R peak.
    seen = r_peaks >= (0.1 * sampling_rate if method == "cwt" else 0)
    found = {}
    if seen.any():
        found = _call(_delineate, lead, sampling_rate, r_peaks[seen], method)
    waves = np.full((len(WAVES), len(r_peaks)), np.nan)
    waves[:, seen] = [_by_beat(name, found.get(_KEYS[name], []), r_peaks[seen]) for name in WAVES]
    waves[WAVES.index("r_peak")] = r_peaks
    return dict(zip(WAVES, waves, strict=True))


def _delineate(nk, lead, sampling_rate, r_peaks, method):
    cleaned = nk.ecg_clean(lead, sampling_rate)
    return nk.ecg_delineate(cleaned, r_peaks, sampling_rate, method=method)[1]


def _call(function, lead, sampling_rate, *rest):
    """Call a function with neurokit2, the lead and the rate; raise RuntimeError if it fails."""
    import neurokit2 as nk  # the import takes seconds

    if float(sampling_rate).is_integer():
        sampling_rate = int(sampling_rate)
    # NeuroKit fills gaps of NaN, but not of infinity.
    lead = np.where(np.isfinite(lead), lead, np.nan)
    try:
        with warnings.catch_warnings():
            # NeuroKit warns of divisions by zero and of missed beats.
            warnings.simplefilter("ignore")
            return function(nk, lead, sampling_rate, *rest)
    except Exception as error:
        # NeuroKit raises many types: IndexError, ValueError, ZeroDivisionError, ...
        raise RuntimeError(f"{type(error).__name__}: {error}") from error


def _by_beat(name, samples, r_peaks):
    """Assign points to beats, because NeuroKit's lists may lack entries."""
    samples = np.asarray(samples, dtype=float)
    if len(samples) == len(r_peaks):
        return samples
    samples = samples[np.isfinite(samples)]
    after = np.searchsorted(r_peaks, samples)  # the beat whose R peak comes next
    if name.startswith("p"):
        beat = after
    elif name.startswith("t"):
        beat = after - 1
    else:
        between = (r_peaks[1:] + r_peaks[:-1]) / 2
        beat = np.searchsorted(between, samples)
    inside = (beat >= 0) & (beat < len(r_peaks))
    samples, beat = samples[inside], beat[inside]
    order = np.argsort(-np.abs(samples - r_peaks[beat]), kind="stable")
    points = np.full(len(r_peaks), np.nan)
    points[beat[order]] = samples[order]  # the nearest to R comes last
    return points


def to_neurokit(waves, sampling_rate, *, lead=0) -> dict[str, np.ndarray]:
    """Return the waves of one lead in NeuroKit's format.

    NeuroKit's functions take it as `info`, `rpeaks` or `waves`, for example
    ``neurokit2.hrv(info)``, ``neurokit2.ecg_phase(cleaned, info["ECG_R_Peaks"], info)`` and
    ``neurokit2.ecg_plot``.

    Parameters
    ----------
    waves : DataFrame
        From `delineate`.
    sampling_rate : float
        Samples per second (Hz) of the delineated record.
    lead : int or str, default=0
        The value in the column "lead".

    Returns
    -------
    dict
        ``ECG_R_Peaks``, an array of int of shape (n_beats,); arrays of float of the same shape
        ``ECG_P_Onsets``, ``ECG_P_Peaks``, ``ECG_P_Offsets``, ``ECG_R_Onsets``, ``ECG_R_Offsets``,
        ``ECG_T_Onsets``, ``ECG_T_Peaks`` and ``ECG_T_Offsets`` in whole samples, NaN for an absent
        wave; and ``sampling_rate``. Blocked P waves are left out. `delineate` does not find Q and
        S peaks, so they are missing.

    Raises
    ------
    TypeError
        If `waves` is not a DataFrame.
    ValueError
        If it lacks columns or the lead.

    See Also
    --------
    delineate : Make the table, also by NeuroKit's methods.

    Examples
    --------
    >>> import neurokit2 as nk
    >>> from sklearn_ecg.datasets import make_ecg_records
    >>> from sklearn_ecg.features import delineate, detect_r_peaks, to_neurokit
    >>> record = make_ecg_records(
    ...     1, labels=["Normal"], leads=("II",), duration_s=300, random_state=0
    ... )
    >>> signal, rate = record.signals[0], record.sampling_rate
    >>> info = to_neurokit(delineate(signal, rate), rate)
    >>> len(info["ECG_P_Peaks"]) == len(info["ECG_R_Peaks"])
    True

    Heart rate variability needs R peaks only:

    >>> r_peaks = detect_r_peaks(signal, rate)
    >>> nk.hrv_time(r_peaks, sampling_rate=rate)[["HRV_SDNN", "HRV_RMSSD"]].round(-1)
       HRV_SDNN  HRV_RMSSD
    0      10.0       10.0
    >>> nk.hrv_frequency(r_peaks, sampling_rate=rate)[["HRV_LFn", "HRV_HFn"]].round(1)
       HRV_LFn  HRV_HFn
    0      0.5      0.5
    """
    if not isinstance(waves, pd.DataFrame):
        raise TypeError(
            f"waves must be a DataFrame as delineate returns it; got {type(waves).__name__}."
        )
    check_rate(sampling_rate)
    missing = [column for column in ("lead", "beat", *WAVES) if column not in waves]
    if missing:
        raise ValueError(
            f"waves lacks the columns {missing}; it must be a DataFrame as delineate returns it."
        )
    known = waves["lead"].unique().tolist()
    if lead not in known and len(waves):
        raise ValueError(f"waves has no lead {lead!r}; it has {known}.")
    own = waves[(waves["lead"] == lead) & (waves["beat"] >= 0)].sort_values("beat")
    rounded = own[list(WAVES)].round()
    # R peaks come first, because neurokit2.hrv takes the first peaks in the dict.
    info = {"ECG_R_Peaks": rounded["r_peak"].to_numpy().astype(np.intp)}
    info |= {_KEYS[name]: rounded[name].to_numpy() for name in WAVES if name != "r_peak"}
    return info | {"sampling_rate": sampling_rate}
