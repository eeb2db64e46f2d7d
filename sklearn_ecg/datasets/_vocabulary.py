"""Codes of ECG statements in one table, and labels from codes."""

import numbers
from functools import cache
from importlib import resources

import numpy as np
import pandas as pd

#: The systems of codes that the vocabulary knows.
SYSTEMS = ("scp", "snomed", "aha", "cpsc2018", "mitbih", "ludb")

# The columns of the vocabulary by which labels can be named.
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
        # Everything is text: SNOMED CT codes are names that happen to be digits.
        return pd.read_csv(handle, dtype=str, keep_default_na=False)


def load_vocabulary(system=None) -> pd.DataFrame:
    """Return the codes by which data sets and hospitals label ECG records.

    Parameters
    ----------
    system : {"scp", "snomed", "aha", "cpsc2018", "mitbih", "ludb"}, default=None
        One system of codes, by default all of them: the 71 SCP-ECG statements of PTB-XL, the
        SNOMED CT codes of the PhysioNet Challenges 2020 and 2021, the AHA/ACC/HRS statements, the
        nine classes of CPSC2018, the beat and rhythm marks of the MIT-BIH databases, the
        statements of LUDB.

    Returns
    -------
    DataFrame
        A row per code, all columns text, empty where nothing applies:

        - ``system`` and ``code`` together are unique;
        - ``abbreviation``, ``name``, ``name_zh``: as the system names it, in English and Chinese;
        - ``superclass``: NORM, MI, STTC, CD or HYP as PTB-XL has them; FORM and RHYTHM for
          statements about shape and rhythm alone; OTHER (clinical or technical); MODIFIER (AHA's
          qualifiers, which say nothing by themselves);
        - ``subclass``: PTB-XL's diagnostic subclass, or the column of LUDB's table;
        - ``kinds``: for SCP-ECG, some of diagnostic, form and rhythm, separated by spaces;
        - ``concept``: codes of all systems that mean the same share it. What the Challenge scores
          as one diagnosis counts as the same; broader and narrower terms differ;
        - ``snomed_ct``: the SNOMED CT code by which the Challenge publishes the statement;
        - ``challenge_2020``, ``challenge_2021``: the scored class of a SNOMED CT code.

    See Also
    --------
    codes_to_labels : Multi-label indicator of the codes of records.

    Notes
    -----
    Two translations of the Challenge are worth knowing: CPSC2018's class "Normal" appears there
    as 426783006 (sinus rhythm), and the ventricular premature beats of CPSC2018 and PTB-XL as
    164884008 (ventricular ectopics), which is *not* among the scored codes. The column
    ``snomed_ct`` holds these published codes; ``concept`` keeps a normal ECG and sinus rhythm
    apart, and holds all premature ventricular beats together.

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
    """Return the multi-label indicator of the codes of records, and the codes nobody knows.

    Parameters
    ----------
    codes : sequence of length n_records of str, int, or list or set of them
        The codes of each record; a string is one code, an empty list none. Spaces around codes
        do not count.
    system : {"scp", "snomed", "aha", "cpsc2018", "mitbih", "ludb"}
        Whose codes they are.
    by : str, default="code"
        The column of `load_vocabulary` that names the labels, for example ``"superclass"`` or
        ``"challenge_2021"``. Codes for which the column is empty belong to no label.
    label_names : sequence of str, default=None
        The labels wanted, in order. By default those that occur, in the order of the vocabulary.

    Returns
    -------
    labels : DataFrame of int8 of shape (n_records, n_labels)
        1 where a record has a code of the label, else 0; the columns are the labels' names.
        `ECGRecords` takes it as it is.
    unknown : Series of int
        How many records have each code that the vocabulary does not hold, most frequent first;
        empty if it holds all of them. What such a code means is not guessed.

    Raises
    ------
    ValueError
        If `label_names` holds a name that the column does not.
    TypeError
        If `codes` is a single string, or the codes of a record are missing or are no list of
        codes.

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
    """Return a list of codes for each record, or say which record has something else."""
    if isinstance(codes, str) or not pd.api.types.is_list_like(codes) or isinstance(codes, dict):
        raise TypeError(
            "codes must be a sequence with the codes of each record, such as [['AFIB', 'LVH'], "
            f"['NORM']]; got {codes!r}. For a single record give [codes]."
        )
    return [_codes_of_record(own, record) for record, own in enumerate(codes)]


def _codes_of_record(own, record):
    own_codes = own if pd.api.types.is_list_like(own) else [own]
    # A mapping may tell how likely each code is, which only its owner can judge.
    if isinstance(own, dict) or not all(
        isinstance(code, str | numbers.Integral) for code in own_codes
    ):
        raise TypeError(
            f"codes must hold a code or a list of codes, text or whole numbers, for each record; "
            f"record {record} has {own!r}. Give a record without codes an empty list."
        )
    return own_codes


def _check_system(system):
    if system not in SYSTEMS:
        raise ValueError(f"system must be one of {list(SYSTEMS)}; got {system!r}.")
    return system


def check_label_names(label_names, named, system, by):
    """Return the names as a list, unless one is none of those that a column of a system has."""
    if isinstance(label_names, str):
        raise TypeError(f"label_names must be a list of names; got {label_names!r}.")
    label_names = list(label_names)
    strange = [name for name in label_names if name not in named]
    if strange:
        raise ValueError(
            f"label_names must be values of the column {by!r} of load_vocabulary({system!r}); it "
            f"does not hold {strange}."
        )
    return label_names
