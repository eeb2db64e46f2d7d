"""Names of leads, in the one spelling that the package uses."""

LEADS_12 = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")

_LEADS = (
    *LEADS_12,
    *("V7", "V8", "V9", "V2R", "V3R", "V4R", "V5R", "V6R", "V7R", "V8R", "V9R", "-aVR"),
    *("X", "Y", "Z", "MLI", "MLII", "MLIII", "MV1", "CM2", "CM4", "CM5", "CC5"),
)
_SPELLINGS = {name.lower(): name for name in _LEADS}
_PREFIXES = ("lead ", "lead_", "ecg lead ", "ecg_lead_", "ecg ", "ecg_")


def canonical_lead(name):
    """Return the usual spelling of a lead's name; one that is not known stays as it is.

    Only spelling changes: MLII, a modified lead II, does not become II.

    Examples
    --------
    >>> from sklearn_ecg.datasets._leads import canonical_lead
    >>> [canonical_lead(name) for name in ("AVR", "i", "MLII", "Lead v3", "RESP")]
    ['aVR', 'I', 'MLII', 'V3', 'RESP']
    """
    found = _KNOWN.get(name)
    if found is None:
        found = _KNOWN[name] = _canonical(name)
    return found


# Headers repeat the same dozen of names thousands of times.
_KNOWN = {}


def _canonical(name):
    key = " ".join(name.lower().split())
    for prefix in sorted(_PREFIXES, key=len, reverse=True):
        if key.startswith(prefix) and key.removeprefix(prefix) in _SPELLINGS:
            key = key.removeprefix(prefix)
    return _SPELLINGS.get(key, name.strip())
