"""Data sets that are published with wrong checksums, as that of the PhysioNet Challenge 2017 is."""

from sklearn_ecg.records._report import ChecksumError, RecordError
from sklearn_ecg.utils import warn_user

# So many records are tried, if the first ones do not agree with their checksums.
_MOST_TRIED, _FEWEST_WRONG = 9, 3
# Samples of all leads; of longer records it takes too long.
_LONGEST_TRIED = 4_000_000


def checksums_hold(reader, records, report):
    """Try some records, and say once if most of them do not agree with their checksums.

    Parameters
    ----------
    reader : callable
        Reads record i, and holds it against its checksum.
    records : list of (int, object, str, int)
        Those that have checksums: i, id, file and the number of samples of all leads.
    report : Report

    Returns
    -------
    bool
        False if no checksum should be held against its record.
    """
    short = [record for record in records if record[3] <= _LONGEST_TRIED]
    wrong, n_right = [], 0
    for i, id, file, _ in short[:: max(len(short) // _MOST_TRIED, 1)][:_MOST_TRIED]:
        try:
            reader(i)
            n_right += 1
        except ChecksumError:
            wrong.append((id, file))
        except RecordError:
            # It is said when it is read again.
            continue
        if n_right > len(wrong):
            break
    if len(wrong) < _FEWEST_WRONG or len(wrong) <= n_right:
        return True
    (id, file), problem = wrong[0], "and most others that were tried give wrong checksums"
    what_to_do = (
        "No checksum is held against its record. If the data set was published so, load it with "
        "checksums=False; else download it again."
    )
    report.add(id, file, problem, what_to_do, kept=True)
    warn_user(f"{file} {problem}. {what_to_do}")
    return False
