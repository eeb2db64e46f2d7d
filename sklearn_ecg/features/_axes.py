"""Features of the heart's electrical axis, from named limb leads."""

import numpy as np

_AMPLITUDES = {
    "P_axis_deg": ("P_amplitude_mV",),
    "QRS_axis_deg": ("Q_amplitude_mV", "R_amplitude_mV", "S_amplitude_mV"),
    "T_axis_deg": ("T_amplitude_mV",),
}


def axis_features(by_lead, lead_names):
    """Compute the frontal axes from the net amplitudes of I and aVF, or of I and II.

    Parameters
    ----------
    by_lead : dict of ndarray of shape (n_leads,)
        From `amplitude_features`, NaN for leads that were left out.
    lead_names : sequence of str of length n_leads
    """
    names = list(lead_names)
    vertical = next((name for name in ("aVF", "II") if name in names), None)
    if "I" not in names or vertical is None:
        return {}
    features = {}
    for axis, parts in _AMPLITUDES.items():
        net = sum(by_lead[part] for part in parts)
        x, y = net[names.index("I")], net[names.index(vertical)]
        # An augmented lead is shorter than a bipolar lead by the factor sqrt(3) / 2.
        y = (2 * y - x) / np.sqrt(3) if vertical == "II" else y * 2 / np.sqrt(3)
        features[axis] = np.rad2deg(np.arctan2(y, x)) if np.hypot(x, y) > 0 else np.nan
    angle = abs(features["QRS_axis_deg"] - features["T_axis_deg"])
    features["QRS_T_angle_deg"] = min(angle, 360 - angle)
    return features
