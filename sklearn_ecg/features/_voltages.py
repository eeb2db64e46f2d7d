"""Features of several leads: voltages of hypertrophy, and shares of leads."""

import numpy as np

from sklearn_ecg.utils import LEADS_12

_CHEST = LEADS_12[6:]


def voltage_features(by_lead, lead_names, qrs_ms):
    """Combine the leads' amplitudes; features of missing leads are NaN.

    Parameters
    ----------
    by_lead : dict of ndarray of shape (n_leads,)
        From `amplitude_features`, NaN for leads that were left out.
    lead_names : sequence of str of length n_leads
    qrs_ms : float
        Usual QRS duration.
    """
    place = {name: lead for lead, name in enumerate(lead_names)}

    def of(feature, lead):
        return by_lead[feature][place[lead]] if lead in place else np.nan

    def r(lead):
        return of("R_amplitude_mV", lead)

    def s(lead):
        return max(-of("Q_amplitude_mV", lead), -of("S_amplitude_mV", lead))

    cornell = r("aVL") + s("V3")
    limb = [of("QRS_peak_to_peak_mV", lead) for lead in ("I", "II", "III")]
    return {
        "Sokolow_Lyon_mV": s("V1") + np.fmax(r("V5"), r("V6")),
        "RV_Sokolow_Lyon_mV": r("V1") + np.fmax(s("V5"), s("V6")),
        "Cornell_mV": cornell,
        "Cornell_product_mV_ms": cornell * qrs_ms,
        "Lewis_mV": r("I") + s("III") - r("III") - s("I"),
        "limb_QRS_max_mV": np.max(limb),
        "precordial_transition": _transition(np.array([of("R_share", lead) for lead in _CHEST])),
        **_shares_of_leads(by_lead),
    }


def _transition(r_share):
    """Return the place along V1 to V6 where the share of R reaches one half."""
    if np.isnan(r_share).any():
        return np.nan
    above = np.flatnonzero(r_share >= 0.5)
    if not len(above):
        return 7.0
    first = int(above[0])
    if first == 0:
        return 1.0
    low, high = r_share[first - 1], r_share[first]
    return first + (0.5 - low) / (high - low)


def _shares_of_leads(by_lead):
    j, st80, t = (by_lead[f"{name}_amplitude_mV"] for name in ("J", "ST80", "T"))
    q_wave = (by_lead["Q_duration_ms"] >= 30) & (by_lead["Q_amplitude_mV"] <= -0.1)
    return {
        "ST_elevated_leads": _share((j > 0.1) & (st80 > 0.1), j + st80),
        "ST_depressed_leads": _share((j < -0.05) & (st80 < -0.05), j + st80),
        "T_inverted_leads": _share(t < -0.1, t),
        "Q_wave_leads": _share(q_wave, by_lead["Q_amplitude_mV"]),
    }


def _share(flags, values):
    """Return the share of the leads with known values; NaN if there are none."""
    # Not count_nonzero, which returns a Python int in older NumPy: 0 / 0 would raise an error.
    return flags.sum() / (~np.isnan(values)).sum()
