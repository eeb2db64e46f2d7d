"""Downloads from PhysioNet."""

import os
from http.client import HTTPException
from pathlib import Path
from urllib.request import urlopen

from sklearn_ecg.utils import progress

_MITDB = "https://physionet.org/files/mitdb/1.0.0"
_TIMEOUT_S = 10


def fetch_mitdb(path=None, verbose=1):
    """Download the MIT-BIH Arrhythmia Database (about 90 MB) from PhysioNet.

    Files that are there already are kept, so that a download that broke off goes on where it
    ended.

    Parameters
    ----------
    path : path-like, default=None
        The folder for the files. By default ``mitdb`` in the folder that the environment
        variable ``SKLEARN_ECG_DATA`` names, else ``~/sklearn_ecg_data/mitdb``.
    verbose : int, default=1
        0 for no progress bar.

    Returns
    -------
    Path
        The folder, for `load_mitdb`.

    Raises
    ------
    ConnectionError
        If PhysioNet cannot be reached; the message says what to do without a network.

    See Also
    --------
    load_mitdb : Read the files.

    Examples
    --------
    >>> from sklearn_ecg.datasets import fetch_mitdb, load_mitdb
    >>> records = load_mitdb(fetch_mitdb())  # doctest: +SKIP
    """
    if path is None:
        path = Path(os.environ.get("SKLEARN_ECG_DATA", "~/sklearn_ecg_data")) / "mitdb"
    folder = Path(path).expanduser()
    names = _download(f"{_MITDB}/RECORDS", folder).decode().split()
    folder.mkdir(parents=True, exist_ok=True)
    files = [f"{name}.{suffix}" for name in names for suffix in ("hea", "dat", "atr")]
    for name in progress(files, description=f"MIT-BIH to {folder}", verbose=verbose):
        if (folder / name).exists():
            continue
        # Under its name only once it is complete.
        partial = folder / f"{name}.part"
        partial.write_bytes(_download(f"{_MITDB}/{name}", folder))
        partial.replace(folder / name)
    return folder


def _download(url, folder):
    try:
        with urlopen(url, timeout=_TIMEOUT_S) as response:
            return response.read()
    except (OSError, HTTPException) as error:
        raise ConnectionError(
            f"{url} could not be downloaded: {error}. Check the network and call again, or put the "
            f"files of https://physionet.org/content/mitdb/1.0.0/ into {folder} by hand. Without "
            "real records, sklearn_ecg.datasets.make_ecg_records() simulates some offline."
        ) from error
