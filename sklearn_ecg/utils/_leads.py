"""Spell the names of leads in one way."""

import functools
import re
import unicodedata

LEADS_12 = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")

# After case folding. Only a word is a prefix: the minus of -aVR belongs to the lead. A number alone
# is never a limb lead: "ecg 1" is a channel.
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
    """Return the usual spelling of a lead's name; strip spaces from an unknown name.

    Only the spelling changes: MLII, a modified lead II, stays MLII, and -aVR stays -aVR. C1 to C6,
    the European names, become V1 to V6.

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
    """Return whether a name is the name of a lead, in any spelling."""
    return _parsed(name)[1]


# Headers repeat the same dozen names thousands of times.
@functools.lru_cache(maxsize=1024)
def _parsed(name):
    """Return the usual spelling of a name, and whether it is the name of a lead."""
    # NFKC, because Unicode has a single character for the numeral II.
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
