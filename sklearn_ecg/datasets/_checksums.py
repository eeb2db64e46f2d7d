"""Checksums of data sets that are published with wrong ones, such as the Challenge 2017."""

from sklearn_ecg.records._report import ChecksumError, RecordError
from sklearn_ecg.utils import warn_user

# So many records are tried if the first ones do not match their checksums.
_MOST_TRIED, _FEWEST_WRONG = 9, 3
# Samples of all leads; longer records would take too long.
_LONGEST_TRIED = 4_000_000


def checksums_hold(reader, records, report):
    """Try some records, and report once if most do not match their checksums.

    Parameters
    ----------
    reader : callable
        Reads record i, and compares it with its checksum.
    records : list of (int, object, str, int)
        Records with checksums: i, id, file and the number of samples of all leads.
    report : Report

    Returns
    -------
    bool
        False if checksums should not be compared.
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
            # The error is reported when the record is read again.
            continue
        if n_right > len(wrong):
            break
    if len(wrong) < _FEWEST_WRONG or len(wrong) <= n_right:
        return True
    (id, file), problem = wrong[0], "and most others that were tried give wrong checksums"
    what_to_do = (
        "Checksums are not compared. If the data set was published like this, load it with "
        "checksums=False; otherwise download it again."
    )
    report.add(id, file, problem, what_to_do, kept=True)
    warn_user(f"{file} {problem}. {what_to_do}")
    return False
