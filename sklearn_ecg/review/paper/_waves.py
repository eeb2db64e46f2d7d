"""Waves in the form that the pages draw."""

from sklearn_ecg.plotting._marks import check_waves, waves_in_seconds

# Columns of onset, peak and offset.
_COLUMNS = {
    "P": ("p_onset", "p_peak", "p_offset"),
    "QRS": ("qrs_onset", "r_peak", "qrs_offset"),
    "T": ("t_onset", "t_peak", "t_offset"),
}


def list_waves(waves, lead_names):
    """Return the waves of a delineation as plain values.

    Parameters
    ----------
    waves : DataFrame
        From `sklearn_ecg.features.delineate`.
    lead_names : sequence of str

    Returns
    -------
    list of dict
        With lead, wave ("P", "QRS" or "T"), and onset, peak and offset in samples or None. Waves
        that a lead does not show are left out.
    """
    check_waves(waves)
    found = []
    # At 1 Hz a second is a sample.
    for row in waves_in_seconds(waves, lead_names, 1).to_dict("records"):
        for wave, columns in _COLUMNS.items():
            onset, peak, offset = (
                None if row[name] != row[name] else float(row[name]) for name in columns
            )
            # Every beat has an R peak in every lead, even if the lead shows no complex.
            if onset is None and offset is None and (wave == "QRS" or peak is None):
                continue
            found.append(
                {"lead": row["lead"], "wave": wave, "onset": onset, "peak": peak, "offset": offset}
            )
    return found
