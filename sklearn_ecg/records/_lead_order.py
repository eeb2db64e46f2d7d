"""Bring the leads of records into the order in which an estimator was fitted."""

from sklearn_ecg.records._checks import lacking_leads
from sklearn_ecg.records._limb_leads import LIMB_LEADS


def order_leads(records, lead_names, n_leads, fitted, *, missing="raise"):
    """Return records with their leads in the order of fit, as far as they have names.

    A limb lead that is missing, from all records or from some, is computed where two others are
    there.

    Parameters
    ----------
    records : ECGRecords
        With or without names of leads; without, they are taken as those of fit.
    lead_names : tuple of str or None
        Those of fit.
    n_leads : int
        Their number.
    fitted : str
        Name of the estimator, for messages.
    missing : {"raise", "nan"}, default="raise"
        Whether leads of fit that the records lack, and that cannot be computed, are an error, or
        NaN. `lacking_leads` tells which they are.

    Returns
    -------
    ECGRecords
        Without leads that the estimator does not know.
    """
    if records.lead_names is None or lead_names is None:
        if records.n_leads != n_leads:
            known = f": {list(lead_names)}" if lead_names else ""
            raise ValueError(
                f"X has {records.n_leads} leads, but {fitted} was fitted with {n_leads}{known}."
            )
        return records if lead_names is None else records._with_leads(lead_names, lead_names)
    lacking = lacking_leads(lead_names, records.lead_names)
    if lacking and missing == "raise":
        cures = "Fit on the leads that all records have (records.select_leads)"
        if set(lacking) & set(LIMB_LEADS):
            cures = f"Limb leads are computed where there are two others. {cures}"
        raise ValueError(
            f"X lacks the leads {lacking}, and {fitted} was fitted with them; X has the leads "
            f"{list(records.lead_names)}. {cures}, or fill missing ones with NaN: "
            'records.select_leads(names, missing="nan").'
        )
    return records._with_leads(lead_names, records.lead_names)
