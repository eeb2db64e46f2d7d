"""Features of the heart's electrical axis, where the limb leads are named."""

import numpy as np

UNITS = {"P_axis_deg": "deg", "QRS_axis_deg": "deg", "T_axis_deg": "deg", "QRS_T_angle_deg": "deg"}

_AMPLITUDES = {
    "P_axis_deg": ("P_amplitude_mV",),
    "QRS_axis_deg": ("Q_amplitude_mV", "R_amplitude_mV", "S_amplitude_mV"),
    "T_axis_deg": ("T_amplitude_mV",),
}


def axis_leads(lead_names):
    """Return the places of lead I and of aVF or else II, or None where they are not named."""
    upper = [str(name).upper() for name in lead_names]
    for second in ("AVF", "II"):
        if "I" in upper and second in upper:
            return upper.index("I"), upper.index(second), second
    return None


def axis_features(lead_features, leads):
    """Compute the frontal axes from the leads' net amplitudes.

    Parameters
    ----------
    lead_features : dict of ndarray of shape (n_leads,)
        As `amplitude_features` measures them, NaN for leads that were left out.
    leads : tuple
        From `axis_leads`.
    """
    first, second, name = leads
    features = {}
    for axis, parts in _AMPLITUDES.items():
        net = sum(lead_features[part] for part in parts)
        x, y = net[first], net[second]
        # The augmented lead is shorter by sqrt(3) / 2 than the bipolar ones that span the plane.
        y = (2 * y - x) / np.sqrt(3) if name == "II" else y * 2 / np.sqrt(3)
        if np.hypot(x, y) > 0:
            features[axis] = np.rad2deg(np.arctan2(y, x))
    if {"QRS_axis_deg", "T_axis_deg"} <= features.keys():
        angle = abs(features["QRS_axis_deg"] - features["T_axis_deg"])
        features["QRS_T_angle_deg"] = min(angle, 360 - angle)
    return features
