"""Bring the leads of records into the order in which an estimator was fitted."""


def order_leads(records, lead_names, n_leads, fitted):
    """Return records with their leads in the order of fit, as far as they have names.

    Parameters
    ----------
    records : ECGRecords
        With or without names of leads.
    lead_names : tuple of str or None
        Those of fit.
    n_leads : int
        Their number.
    fitted : str
        Name of the estimator, for messages.

    Returns
    -------
    ECGRecords
        Without leads that the estimator does not know.
    """
    if records.lead_names is None or lead_names is None or records.lead_names == lead_names:
        if records.n_leads != n_leads:
            known = f": {list(lead_names)}" if lead_names else ""
            raise ValueError(
                f"X has {records.n_leads} leads, but {fitted} was fitted with {n_leads}{known}."
            )
        return records
    missing = [name for name in lead_names if name not in records.lead_names]
    if missing:
        raise ValueError(
            f"X lacks the leads {missing}, and {fitted} was fitted with them; X has the leads "
            f"{list(records.lead_names)}. Fit on the leads that all records have "
            "(records.select_leads), or fill missing ones with NaN."
        )
    return records.select_leads(lead_names)
