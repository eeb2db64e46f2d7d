"""Labels from the statements of machines and readers."""

import dataclasses
import re
import unicodedata
from collections import Counter
from functools import cache, lru_cache
from importlib import resources

import numpy as np
import pandas as pd

from sklearn_ecg.datasets._vocabulary import SYSTEMS, check_label_names, load_vocabulary
from sklearn_ecg.utils import check_option

# Columns of the vocabulary that can name labels.
_NAMING = (
    "concept",
    "superclass",
    "abbreviation",
    "code",
    "name",
    "name_zh",
    "snomed_ct",
    "challenge_2020",
    "challenge_2021",
)


def statements_to_labels(
    statements, label_names=None, by="concept", system=None
) -> tuple[pd.DataFrame, pd.Series]:
    """Return labels from the statements of machines or readers.

    Understood are English statements as GE (12SL), Philips (DXL), Mortara and Glasgow write them,
    German and Chinese ones, the usual ones in French, Italian, Spanish and Swedish, and codes. A
    statement is understood if every word of it is known. Other statements are counted, and never
    guessed.

    Parameters
    ----------
    statements : sequence of length n_records of str or sequence of str
        Statements of each record, such as ``records.metadata["machine_statements"]``. A text is
        split at ends of lines and sentences, and at semicolons. ``"system:code"`` before a text is
        a code of the vocabulary; then the text only says whether there is doubt.
    label_names : sequence of str, default=None
        The wanted labels, in order. By default all that are present in a record, in the order of
        the vocabulary.
    by : str, default="concept"
        Column of `load_vocabulary` that names the labels, for example ``"superclass"``.
    system : {"scp", "snomed", "aha", "cpsc2018", "mitbih", "ludb"}, default=None
        Code system of the column, required for ``by="code"``.

    Returns
    -------
    labels : DataFrame of int8 of shape (n_records, n_labels)
        1 present, 0 absent, -1 unknown. With the index of `statements` if they have one.
    unknown : Series of int
        Number of records with each statement that was not understood, most frequent first.

    Raises
    ------
    ValueError
        If a name in `label_names` is not in the column.
    TypeError
        If `statements` is one string, or the statements of a record are not text.

    See Also
    --------
    label_sources : For the statements that loaders find in files.
    codes_to_labels : For codes without text.
    load_vocabulary : The concepts.

    Notes
    -----
    * A record with understood statements has the labels that they name, and lacks the others. A
      record without understood statements has unknown labels.
    * These make a label unknown, unless another statement says that it is present: doubt
      ("possible", "cannot rule out", "moeglich", "V. a.", "?"), unknown words, and comparisons of
      two ECGs ("has replaced", "no longer"). "No" and "ohne" make it absent.
    * A broader term gets the value of a present narrower one: an anterior infarct is an infarct. If
      only "infarct" is stated, the label of each wall is unknown.
    * "Otherwise normal ECG" is ``OTHERWISE_NORM``, and leaves ``NORM`` unknown.

    For codes of MUSE, Philips and others the text after the code counts. The phrases are in
    ``phrases.csv`` beside the vocabulary.

    Examples
    --------
    >>> from sklearn_ecg.datasets import statements_to_labels
    >>> labels, unknown = statements_to_labels(
    ...     [
    ...         ("Normal sinus rhythm", "Possible Anterior infarct, age undetermined"),
    ...         "Vorhofflimmern; kein Linksschenkelblock",
    ...         ["scp:SR", "完全性右束支传导阻滞", "see the old tracing of Dr. X"],
    ...         [],
    ...     ],
    ...     label_names=["SR", "AF", "AMI", "RBBB", "LBBB"],
    ... )
    >>> labels
       SR  AF  AMI  RBBB  LBBB
    0   1   0   -1     0     0
    1   0   1    0     0     0
    2   1   0    0     1     0
    3  -1  -1   -1    -1    -1
    >>> unknown
    see the old tracing of Dr. X    1
    Name: n_records, dtype: int64
    """
    names = _label_of_concept(by, system)
    index = statements.index if isinstance(statements, pd.Series) else None
    records = [_split(own, record) for record, own in enumerate(_sequence(statements))]
    unknown: Counter[str] = Counter()
    said = []
    for own in records:
        readings = {statement: _read(statement) for statement in own}
        unknown.update(
            statement for statement, reading in readings.items() if not reading.is_understood
        )
        said.append(_merge(readings.values()))

    named = list(dict.fromkeys(names.values()))
    if label_names is None:
        present = {
            names.get(concept)
            for claims in said
            for concept, value in (claims or {}).items()
            if value == 1
        }
        label_names = [name for name in named if name in present]
    else:
        label_names = check_label_names(label_names, named, system, by)
    labels = np.full((len(said), len(label_names)), -1, dtype=np.int8)
    column = {name: i for i, name in enumerate(label_names)}
    for record, claims in enumerate(said):
        if claims is None:
            continue
        labels[record] = 0
        claims = _with_broader(claims)
        # If a label has several concepts, a present one decides, then one in doubt.
        for value in (-1, 1):
            for concept, own in claims.items():
                if own == value and names.get(concept) in column:
                    labels[record, column[names[concept]]] = value
    counts = pd.Series(dict(unknown.most_common()), dtype=int, name="n_records")
    return pd.DataFrame(labels, index, label_names), counts


def _label_of_concept(by, system):
    """Return the label of each concept, in the order of the vocabulary."""
    check_option(by, _NAMING, "by")
    if by == "code" and system is None:
        raise ValueError(f"by='code' needs system, the code system: one of {list(SYSTEMS)}.")
    vocabulary = load_vocabulary(system)
    vocabulary = vocabulary[(vocabulary[by] != "") & (vocabulary["superclass"] != "MODIFIER")]
    return dict(vocabulary.drop_duplicates("concept")[["concept", by]].to_numpy())


def _sequence(statements):
    if isinstance(statements, str | dict | pd.DataFrame) or not pd.api.types.is_list_like(
        statements
    ):
        raise TypeError(
            "statements must hold a list for each record, such as [['Sinus rhythm', 'Normal ECG'], "
            f"[]]; got {statements!r}. For a single record pass [statements]."
        )
    return statements


def _split(own, record):
    """Return the statements of a record, each once."""
    if not pd.api.types.is_list_like(own):
        own = [] if own is None or own is pd.NA or own != own else [own]
    if isinstance(own, dict) or not all(isinstance(text, str) for text in own):
        raise TypeError(
            f"statements must hold text or a list of texts for each record; record {record} has "
            f"{own!r}. Use an empty list for a record without statements."
        )
    lines = [line for text in own for line in _LINES.split(text)]
    parts = [part.strip() for line in lines for part in _sentences(line)]
    return list(dict.fromkeys(part for part in parts if part))


def _sentences(line):
    """Return the sentences of a line; abbreviations such as "susp." do not end one."""
    sentences = []
    for part in _BREAKS.split(line):
        last = _SHORT_WORD.search(sentences[-1]) if sentences else None
        if last and not _words().issuperset(normalise(last[0])):
            sentences[-1] += f".{part}"
        else:
            sentences.append(part)
    return sentences


_LINES = re.compile(r"[\n\r;；。]+")
_SHORT_WORD = re.compile(r"\b[^\W\d_]{1,8}$")
# A full stop ends sentences, except after these known words.
_ABBREVIATIONS = (
    "unspez",
    "vent",
    "ventr",
    "intraventr",
    "chron",
    "ca",
    "indiff",
    "insbes",
    "kompl",
    "inkompl",
    "path",
    "evtl",
    "rep",
    "bzw",
    "vs",
    "dr",
)
_BREAKS = re.compile(
    "".join(rf"(?<!\b{word})" for word in _ABBREVIATIONS) + r"(?<!\b[^\W\d])[.!](?=\s|$)",
    re.IGNORECASE,
)
# "scp:AFIB atrial fibrillation", "muse:161", but not "dd:infarkt".
_CODE = re.compile(
    rf"({'|'.join(SYSTEMS)}|muse|philips|mdc|srt|umls|dcm|scpecg|99\w+):(\S+)\s*(.*)", re.DOTALL
)
_DATE = re.compile(
    r"\b\d{1,2}[-./: ](?:\d{1,2}|[a-z]{3})[-./: ]\d{2,4}\b(?: \d{1,2}:\d{2}(?::\d{2})?)?"
)
_LONG_WORD = re.compile(r"[a-z]{4,}")
_TOKEN = re.compile(r"[a-z]+|\d+|[^\W\d_]|[?,]")
# Letters in brackets that make a word singular or plural: contraction(s), Extrasystole(n).
_ENDING = re.compile(r"(?<=[^\W\d_])\((?:e?s|e?n|e?r|a)\)")

# Words of place: they need "leads" or other words after them.
_PLACES = {
    "anterior",
    "inferior",
    "lateral",
    "septal",
    "posterior",
    "anteroseptal",
    "anterolateral",
    "inferolateral",
    "precordial",
    "chest",
    "limb",
    "extremity",
    "right",
    "left",
    "high",
    "and",
}
_LEADS = {"i", "ii", "iii", "avr", "avl", "avf", "v"}


@lru_cache(2**16)
def normalise(text) -> tuple[str, ...]:
    """Return the words of a statement in one spelling.

    Parameters
    ----------
    text : str

    Returns
    -------
    tuple of str
        Single characters for Chinese; of punctuation only "?" and ",".

    Examples
    --------
    >>> from sklearn_ecg.datasets._statements import normalise
    >>> normalise("Non-specific T-wave changes, ISCHÄMIE?")
    ('nonspecific', 't', 'wave', 'change', ',', 'ischemie', '?')
    """
    text = unicodedata.normalize("NFKC", text).casefold()
    text = unicodedata.normalize("NFD", _ENDING.sub("", text)).replace("\u0308", "e")
    text = "".join(letter for letter in text if not unicodedata.combining(letter))
    text = _DATE.sub(" ", text).replace("&", " and ").replace("、", ",")
    # A form marks a finding as absent like this.
    text = text.replace("(-)", "?")
    # Umlauts, and Greek roots as in ischaemia, have two spellings.
    text = _LONG_WORD.sub(
        lambda word: re.sub(r"([aou])e", r"\1", word[0]), text.replace("aem", "em")
    )
    words = " ".join(_singular(word) for word in _TOKEN.findall(text))
    words = words.replace("non specific", "nonspecific")
    return tuple(re.sub(r"\ba v (?=block|conduction|dissociation|dual|seq)", "av ", words).split())


def _singular(word):
    if len(word) < 4 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-2] if word.endswith("xes") else word[:-1]


@dataclasses.dataclass(frozen=True)
class _Reading:
    """Meaning of a statement: 1, 0 or -1 by concept, and whether every word is known."""

    claims: dict
    is_understood: bool
    says_something: bool


def _read_data(name):
    with resources.files("sklearn_ecg.datasets").joinpath(name).open(encoding="utf-8") as handle:
        return pd.read_csv(handle, dtype=str, keep_default_na=False)


@cache
def _broader():
    """Return narrower and broader terms, and whether the broader one alone leaves the narrower ones
    unknown.

    The broadest come last.
    """
    return _read_data("broader.csv").to_numpy().tolist()


@cache
def _phrases():
    """Return role and concepts of each phrase, phrases that count alone, and the longest length."""
    phrases, alone = {}, {}
    vocabulary = load_vocabulary()
    is_statement = vocabulary["system"].isin(["scp", "snomed", "aha"])
    vocabulary = vocabulary[is_statement & (vocabulary["superclass"] != "MODIFIER")]
    for column in ("name_zh", "name"):
        for name, concept in zip(vocabulary[column], vocabulary["concept"], strict=True):
            phrases[normalise(name)] = ("finding", (concept,))
    # Only abbreviations with one meaning: AMI is acute in one system, anterior in another.
    is_short = vocabulary["abbreviation"].str.fullmatch(r"[A-Z0-9-]{3,}")
    for name, concepts in vocabulary[is_short].groupby("abbreviation")["concept"]:
        if concepts.nunique() == 1:
            alone[normalise(name)] = ("finding", (concepts.iloc[0],))
    for role, phrase, concepts in _read_data("phrases.csv")[
        ["role", "phrase", "concepts"]
    ].to_numpy():
        kind = alone if role == "alone" else phrases
        kind[normalise(phrase)] = ("finding" if role == "alone" else role, tuple(concepts.split()))
    phrases.pop((), None)
    alone = {name: found for name, found in alone.items() if name not in phrases}
    return phrases, alone, max(map(len, phrases))


@cache
def _words():
    """Return all words of phrases."""
    phrases, alone, _ = _phrases()
    return _PLACES.union(_LEADS, *phrases, *alone)


@cache
def _concept_of_code():
    vocabulary = load_vocabulary()
    vocabulary = vocabulary[vocabulary["superclass"] != "MODIFIER"]
    keys = zip(vocabulary["system"], vocabulary["code"].str.casefold(), strict=True)
    return dict(zip(keys, vocabulary["concept"], strict=True))


@lru_cache(2**16)
def _read(statement):
    code = _CODE.fullmatch(statement)
    if code:
        concept = _concept_of_code().get((code[1], code[2].casefold()))
        text = normalise(code[3])
        if concept is not None:
            roles = {role for role, _ in _parse(text)[0]}
            is_plain = not roles & _HEDGES
            return _Reading({concept: 1 if is_plain else -1}, True, True)
        if not text:
            return _Reading({}, False, False)
        return _interpret(text)
    return _interpret(normalise(statement))


_HEDGES = {"doubt before", "doubt after", "doubt", "negation", "comparison"}


def _parse(words):
    """Return the phrases in words, longest first, and whether all words are used."""
    phrases, alone, longest = _phrases()
    if words in alone:
        return [alone[words]], True
    found, is_whole, i = [], True, 0
    while i < len(words):
        for length in range(min(longest, len(words) - i), 0, -1):
            if words[i : i + length] in phrases:
                found.append(phrases[words[i : i + length]])
                break
        else:
            length = _length_of_place(words[i : i + longest])
            if words[i] == ",":
                found.append((",", ()))
            elif not length:
                found.append(("?", ()))
                is_whole = False
        i += length or 1
    return found, is_whole


def _length_of_place(words):
    """Return the number of words that name leads: "v", "5", "inferior and lateral leads"."""
    if words[0] in _LEADS or words[0].isdecimal() or words[0] == ",":
        return 1
    n = next((i for i, word in enumerate(words) if word not in _PLACES), len(words))
    return n + 1 if 0 < n < len(words) and words[n] == "lead" else 0


def _interpret(words):
    """Return the claims of a statement's phrases, with doubt and negation."""
    found, is_whole = _parse(words)
    # Concepts of the last finding, and of others joined to it by "and".
    last, is_joined = [], False
    claims, is_unclear = [], not is_whole
    # Value that earlier words give to the following findings: 1, 0 or -1; and whether none has
    # followed yet.
    ahead, is_open = 1, False
    for role, concepts in found:
        if role in ("finding", "modifier"):
            # A phrase may leave a concept unknown that another phrase states.
            claims += [
                (concept.lstrip("?"), None if concept.startswith("?") else ahead)
                for concept in concepts
            ]
        if role == "finding":
            own = [concept.lstrip("?") for concept in concepts]
            last, is_joined, is_open = last * is_joined + own, False, False
        elif role == "joining":
            is_joined = True
        elif role == "doubt before":
            ahead, is_open = -1, True
        elif role in ("doubt after", "doubt"):
            claims += [(concept, -1) for concept in last]
            ahead, is_open = -1 if role == "doubt" or not last else ahead, not last
        elif role == "negation":
            ahead, is_open = min(ahead, 0), True
        elif role == ",":
            # Unclear: the reach of a "no" beyond a comma, and of one at the statement's end.
            is_unclear |= is_open and ahead == 0
            ahead = -1 if ahead == 0 else ahead
            last = []
    is_comparing = any(role == "comparison" for role, _ in found)
    if is_unclear or is_open or is_comparing:
        claims = [(concept, -1) for concept, _ in claims]
    merged = {}
    for concept, value in claims:
        known = merged.get(concept)
        # In one statement doubt comes first.
        merged[concept] = known if value is None else value if known in (None, value) else -1
    merged = {concept: -1 if value is None else value for concept, value in merged.items()}
    finds = any(role == "finding" for role, _ in found)
    understood = is_whole or is_comparing
    return _Reading(merged, understood, understood and finds and not is_comparing)


def _merge(readings):
    """Return the joint claims of a record's statements, or None if there are none."""
    if not any(reading.says_something for reading in readings):
        return None
    merged = {}
    for reading in readings:
        for concept, value in reading.claims.items():
            merged.setdefault(concept, set()).add(value)
    return {
        concept: -1 if values >= {0, 1} else 1 if 1 in values else -1 if -1 in values else 0
        for concept, values in merged.items()
    }


def _with_broader(stated):
    """Return claims with those that follow for broader and narrower terms."""
    claims = dict(stated)
    for narrow, broad, _ in _broader():
        if claims.get(narrow) == 1 or (claims.get(narrow) == -1 and claims.get(broad, 0) == 0):
            claims[broad] = claims[narrow]
    settled = {broad for narrow, broad, _ in _broader() if stated.get(narrow) == 1}
    is_open = {concept for concept, value in stated.items() if value != 0} - settled
    for narrow, broad, leaves_open in reversed(_broader()):
        if leaves_open == "yes" and broad in is_open:
            claims.setdefault(narrow, -1)
            is_open.add(narrow)
    return claims
