"""Bring the leads of records into the order in which an estimator was fitted."""

from sklearn_ecg.records._checks import lacking_leads
from sklearn_ecg.records._limb_leads import LIMB_LEADS


def order_leads(records, lead_names, n_leads, fitted, *, missing="raise"):
    """Bring the leads of records into the order of fit.

    A limb lead that all or some records lack is computed if they have two other limb leads.

    Parameters
    ----------
    records : ECGRecords
        Leads without names are taken as the leads of fit, in the same order.
    lead_names : tuple of str or None
        The leads of fit.
    n_leads : int
        The number of leads of fit.
    fitted : str
        Name of the estimator, for messages.
    missing : {"raise", "nan"}, default="raise"
        Whether a lead of fit is an error or NaN if the records lack it and it cannot be computed.
        `lacking_leads` returns these leads.

    Returns
    -------
    ECGRecords
        Leads that the estimator does not know are left out.
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
            cures = f"A limb lead can be computed only from two other limb leads. {cures}"
        raise ValueError(
            f"X lacks the leads {lacking}, and {fitted} was fitted with them; X has the leads "
            f"{list(records.lead_names)}. {cures}, or fill missing ones with NaN: "
            'records.select_leads(names, missing="nan").'
        )
    return records._with_leads(lead_names, records.lead_names)
