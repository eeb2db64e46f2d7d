"""Names of leads, in the one spelling that the package uses."""

import functools
import re
import unicodedata

LEADS_12 = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")

# After case folding. The prefix must be a word: what precedes a lead without one, such as the minus
# of -aVR, belongs to the lead. Numbers alone are never limb leads: "ecg 1" is a channel.
_NAME = re.compile(
    r"""(?:(?:(?:mdc_)?(?:ecg|ekg)(?:[ _:.-]?lead|_elec_potl)?|lead|ableitung|d[eé]rivation
           |derivaci[oó]n)(?::\ |[ _:.-])?)?
        (?:(?:d[ _-]?)?(?P<limb>i{1,3})
          |d[ _-]?(?P<number>[123])
          |(?P<minus>-?)a[ _-]?v[ _-]?(?P<augmented>[rlf])
          |[vc][ _-]?(?P<chest>[1-9])[ _-]?(?P<right>r?)
          |(?P<other>ml[ _-]?i{1,3}|mcl[ _-]?[1-6]|mv1|cm[245]|cc5|[xyz]))
        (?:[ _-](?:lead|ecg|ekg)|\ \(einthoven\)|,\ augmented\ voltage,\ \w+)?""",
    re.VERBOSE,
)


def canonical_lead(name):
    """Return the usual spelling of a lead's name; one that is not known stays, without margins.

    Only spelling changes: MLII, a modified lead II, does not become II, nor -aVR aVR. C1 to C6 are
    V1 to V6, as in much of Europe.

    Parameters
    ----------
    name : str

    Returns
    -------
    str

    Examples
    --------
    >>> from sklearn_ecg.utils import canonical_lead
    >>> [canonical_lead(name) for name in ("DII", "MDC_ECG_LEAD_AVR", "Lead v3", "C4", "RESP ")]
    ['II', 'aVR', 'V3', 'V4', 'RESP']
    """
    return _parsed(name)[0]


def is_known_lead(name):
    """Return whether a name is that of a lead, in any spelling."""
    return _parsed(name)[1]


# Headers repeat the same dozen of names thousands of times.
@functools.lru_cache(maxsize=1024)
def _parsed(name):
    """Return the usual spelling of a name, and whether it is that of a lead."""
    # Compatible forms of characters are one: a single character may be the whole numeral II.
    key = " ".join(unicodedata.normalize("NFKC", name).casefold().strip(" \t\"'").split())
    found = _NAME.fullmatch(key)
    if found is None:
        return name.strip(), False
    if found["limb"]:
        return found["limb"].upper(), True
    if found["number"]:
        return "I" * int(found["number"]), True
    if found["augmented"]:
        return f"{found['minus']}aV{found['augmented'].upper()}", True
    if found["chest"]:
        return f"V{found['chest']}{found['right'].upper()}", True
    return re.sub("[ _-]", "", found["other"]).upper(), True
