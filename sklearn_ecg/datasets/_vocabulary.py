"""Codes of ECG statements in one table, and labels from codes."""

import numbers
from functools import cache
from importlib import resources

import numpy as np
import pandas as pd

# Columns of the vocabulary that can name labels.
_NAMING = (
    "code",
    "abbreviation",
    "name",
    "name_zh",
    "concept",
    "superclass",
    "subclass",
    "snomed_ct",
    "challenge_2020",
    "challenge_2021",
)


@cache
def _table():
    file = resources.files("sklearn_ecg.datasets").joinpath("vocabulary.csv")
    with file.open(encoding="utf-8") as handle:
        # All columns are text: SNOMED CT codes are names made of digits.
        return pd.read_csv(handle, dtype=str, keep_default_na=False)


#: The systems of codes that the vocabulary knows.
SYSTEMS = tuple(_table()["system"].unique())


def load_vocabulary(system=None) -> pd.DataFrame:
    """Return the codes with which data sets and hospitals label ECG records.

    Parameters
    ----------
    system : {"scp", "snomed", "aha", "cpsc2018", "mitbih", "ludb"}, default=None
        A code system; by default all of them: the 71 SCP-ECG statements of PTB-XL, the SNOMED CT
        codes of the PhysioNet Challenges 2020 and 2021, the AHA/ACC/HRS statements, the nine
        classes of CPSC2018, the beat and rhythm marks of the MIT-BIH databases, the statements of
        LUDB.

    Returns
    -------
    DataFrame
        A row per code. All columns are text, empty where nothing applies:

        - ``system`` and ``code`` together are unique;
        - ``abbreviation``, ``name``, ``name_zh``: the system's own names, in English and Chinese;
        - ``superclass``: NORM, MI, STTC, CD or HYP as in PTB-XL; FORM and RHYTHM for statements
          only about shape and rhythm; OTHER (clinical or technical); MODIFIER (AHA's qualifiers,
          which have no meaning alone);
        - ``subclass``: PTB-XL's diagnostic subclass, or the column of LUDB's table;
        - ``kinds``: for SCP-ECG, some of diagnostic, form and rhythm, separated by spaces;
        - ``concept``: codes with the same meaning in all systems share it. Codes that the Challenge
          scores as one diagnosis have the same concept; broader and narrower terms differ;
        - ``snomed_ct``: the SNOMED CT code that the Challenge publishes for the statement;
        - ``challenge_2020``, ``challenge_2021``: the scored class of a SNOMED CT code.

    See Also
    --------
    codes_to_labels : Labels from the codes of records.

    Notes
    -----
    Two translations of the Challenge are unexpected. CPSC2018's class "Normal" becomes 426783006
    (sinus rhythm). The ventricular premature beats of CPSC2018 and PTB-XL become 164884008
    (ventricular ectopics), which is *not* a scored code. The column ``snomed_ct`` holds these
    published codes. ``concept`` separates a normal ECG from sinus rhythm, and joins all premature
    ventricular beats.

    References
    ----------
    Wagner P et al. PTB-XL, a large publicly available electrocardiography dataset. Sci Data
    7:154 (2020).

    Reyna MA et al. Will two do? Varying dimensions in electrocardiography: the
    PhysioNet/Computing in Cardiology Challenge 2021. Computing in Cardiology 48 (2021).

    Mason JW et al. Recommendations for the standardization and interpretation of the
    electrocardiogram, part II. Circulation 115:1325-1332 (2007).

    Examples
    --------
    >>> from sklearn_ecg.datasets import load_vocabulary
    >>> vocabulary = load_vocabulary().set_index(["system", "code"])
    >>> vocabulary.loc[vocabulary["concept"] == "1AVB", ["abbreviation", "superclass"]]
                                abbreviation superclass
    system   code
    scp      1AVB                      1AVB         CD
    snomed   270492004                 IAVB         CD
    cpsc2018 3                        I-AVB         CD
    ludb     I degree av block         1AVB         CD
    """
    table = _table()
    if system is None:
        return table.copy()
    return table[table["system"] == _check_system(system)].reset_index(drop=True)


def codes_to_labels(codes, system, by="code", label_names=None) -> tuple[pd.DataFrame, pd.Series]:
    """Return labels from the codes of records, and the unknown codes.

    Parameters
    ----------
    codes : sequence of length n_records of str, int, or list or set of them
        Codes of each record. A string is one code, an empty list is none. Spaces around codes are
        removed.
    system : {"scp", "snomed", "aha", "cpsc2018", "mitbih", "ludb"}
        The code system.
    by : str, default="code"
        Column of `load_vocabulary` that names the labels, for example ``"superclass"`` or
        ``"challenge_2021"``. Codes with an empty cell there give no label.
    label_names : sequence of str, default=None
        The wanted labels, in order. By default those that occur, in the order of the vocabulary.

    Returns
    -------
    labels : DataFrame of int8 of shape (n_records, n_labels)
        1 if a record has a code of the label, else 0. The columns are the labels' names.
        `ECGRecords` accepts it.
    unknown : Series of int
        Number of records with each code that is not in the vocabulary, most frequent first. The
        meaning of such a code is not guessed.

    Raises
    ------
    ValueError
        If a name in `label_names` is not in the column.
    TypeError
        If `codes` is a single string, or the codes of a record are missing or not a list of codes.

    See Also
    --------
    load_vocabulary : The table of codes.

    Examples
    --------
    >>> from sklearn_ecg.datasets import codes_to_labels
    >>> codes = [["426783006"], ["164889003", "59118001"], ["164889003", "12345"]]
    >>> labels, unknown = codes_to_labels(codes, "snomed", by="abbreviation")
    >>> labels
       AF  NSR  RBBB
    0   0    1     0
    1   1    0     1
    2   1    0     0
    >>> unknown
    12345    1
    Name: n_records, dtype: int64
    """
    vocabulary = load_vocabulary(_check_system(system))
    if by not in _NAMING:
        raise ValueError(f"by must be one of {list(_NAMING)}; got {by!r}.")
    label_of = dict(zip(vocabulary["code"], vocabulary[by], strict=True))
    named = [name for name in dict.fromkeys(vocabulary[by]) if name]

    codes = _codes_of_records(codes)
    n_records = len(codes)
    pairs = [
        (record, code)
        for record, own in enumerate(codes)
        for code in dict.fromkeys(str(code).strip() for code in own)
    ]
    unknown = pd.Series([code for _, code in pairs if code not in label_of], dtype=object)
    unknown = unknown.value_counts().rename("n_records")
    present = [(record, label_of[code]) for record, code in pairs if label_of.get(code)]

    if label_names is None:
        occurring = {label for _, label in present}
        label_names = [name for name in named if name in occurring]
    else:
        label_names = check_label_names(label_names, named, system, by)
    column = {name: i for i, name in enumerate(label_names)}
    labels = np.zeros((n_records, len(label_names)), dtype=np.int8)
    for record, label in present:
        if label in column:
            labels[record, column[label]] = 1
    return pd.DataFrame(labels, columns=label_names), unknown


def _codes_of_records(codes):
    """Return a list of codes for each record, or raise an error that names the record."""
    if isinstance(codes, str) or not pd.api.types.is_list_like(codes) or isinstance(codes, dict):
        raise TypeError(
            "codes must be a sequence with the codes of each record, such as [['AFIB', 'LVH'], "
            f"['NORM']]; got {codes!r}. For a single record pass [codes]."
        )
    return [_codes_of_record(own, record) for record, own in enumerate(codes)]


def _codes_of_record(own, record):
    own_codes = own if pd.api.types.is_list_like(own) else [own]
    # A mapping may hold probabilities; only its owner can set a threshold.
    if isinstance(own, dict) or not all(
        isinstance(code, str | numbers.Integral) for code in own_codes
    ):
        raise TypeError(
            f"codes must hold a code or a list of codes, text or whole numbers, for each record; "
            f"record {record} has {own!r}. Use an empty list for a record without codes."
        )
    return own_codes


def _check_system(system):
    if system not in SYSTEMS:
        raise ValueError(f"system must be one of {list(SYSTEMS)}; got {system!r}.")
    return system


def check_label_names(label_names, named, system, by):
    """Return the names as a list, after checking that the column of the system has them."""
    if isinstance(label_names, str):
        raise TypeError(f"label_names must be a list of names; got {label_names!r}.")
    label_names = list(label_names)
    strange = [name for name in label_names if name not in named]
    if strange:
        raise ValueError(
            f"label_names must be values of the column {by!r} of load_vocabulary({system!r}); it "
            f"does not hold {list(map(str, strange))}."
        )
    return label_names
