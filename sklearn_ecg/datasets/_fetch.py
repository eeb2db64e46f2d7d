"""Downloads of public data sets from PhysioNet."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from tqdm.auto import tqdm

from sklearn_ecg.datasets._download import fetch_files, import_pooch

_PHYSIONET = "https://physionet.org"
_ODC_BY = "Open Data Commons Attribution License v1.0, https://opendatacommons.org/licenses/by/1-0/"
_CC_BY = "Creative Commons Attribution 4.0, https://creativecommons.org/licenses/by/4.0/"


@dataclass(frozen=True)
class _DataSet:
    name: str
    page: str  # address on PhysioNet, with the version
    licence: str
    citation: str
    folder: str = ""  # the wanted part of the data set on the server


_MITDB = _DataSet(
    "MIT-BIH Arrhythmia Database 1.0.0",
    "mitdb/1.0.0",
    _ODC_BY,
    "Moody GB, Mark RG. The impact of the MIT-BIH Arrhythmia Database. IEEE Eng in Med and Biol "
    "20(3):45-50 (2001). https://doi.org/10.13026/C2F305",
)
_PTBXL = _DataSet(
    "PTB-XL 1.0.3",
    "ptb-xl/1.0.3",
    _CC_BY,
    "Wagner P, Strodthoff N, Bousseljot R-D, et al. PTB-XL, a large publicly available "
    "electrocardiography dataset. Sci Data 7:154 (2020). "
    "https://doi.org/10.1038/s41597-020-0495-6",
)
_CPSC2018 = _DataSet(
    "CPSC 2018, in the form of the PhysioNet/CinC Challenge 2020 (1.0.2)",
    "challenge-2020/1.0.2",
    _CC_BY,
    "Liu F, Liu C, Zhao L, et al. An open access database for evaluating the algorithms of "
    "electrocardiogram rhythm and morphology abnormality detection. J Med Imaging Health Inform "
    "8(7):1368-1373 (2018). https://doi.org/10.1166/jmihi.2018.2442",
    folder="training/cpsc_2018/",
)
_LUDB = _DataSet(
    "Lobachevsky University Database 1.0.1",
    "ludb/1.0.1",
    _ODC_BY,
    "Kalyakulina AI, Yusipov II, Moskalenko VA, et al. LUDB: a new open-access validation tool "
    "for electrocardiogram delineation algorithms. IEEE Access 8:186181-186190 (2020). "
    "https://doi.org/10.1109/ACCESS.2020.3029211",
)


def fetch_mitdb(path=None, verbose=1) -> Path:
    """Download the MIT-BIH Arrhythmia Database (90 MB) from PhysioNet.

    Each file is checked with the data set's list of SHA-256 sums. Correct files are kept: an
    interrupted download goes on with the others, and a complete one needs no network.

    Parameters
    ----------
    path : path-like, default=None
        Folder for the files. By default ``mitdb`` in the folder of the environment variable
        ``SKLEARN_ECG_DATA``, else in the user's cache (``pooch.os_cache("sklearn_ecg")``).
    verbose : int, default=1
        0 shows neither a progress bar nor licence and citation.

    Returns
    -------
    Path
        The folder, for `load_mitdb`.

    Raises
    ------
    ConnectionError
        If PhysioNet cannot be reached, or a file has a wrong checksum. The message names the file,
        and says what to do without a network.
    ImportError
        Without pooch: ``pip install 'sklearn_ecg[fetch]'``.

    See Also
    --------
    load_mitdb : Read the files.

    Examples
    --------
    >>> from sklearn_ecg.datasets import fetch_mitdb, load_mitdb
    >>> records = load_mitdb(fetch_mitdb())  # doctest: +SKIP
    """
    wanted = re.compile(r"\d{3}\.(hea|dat|atr)|LICENSE\.txt")
    return _fetch(_MITDB, "mitdb", wanted, path, verbose)


def fetch_ptbxl(path=None, sampling_rate=100, verbose=1) -> Path:
    """Download PTB-XL from PhysioNet: 0.5 GB at 100 Hz, 2.6 GB at 500 Hz.

    Parameters
    ----------
    path : path-like, default=None
        Folder for the files; by default ``ptb-xl``, placed as in `fetch_mitdb`.
    sampling_rate : {100, 500}, default=100
        Hz of the wanted signals. A folder can hold both, by one call for each.
    verbose : int, default=1
        0 shows neither a progress bar nor licence and citation.

    Returns
    -------
    Path
        The folder, for `load_ptbxl`.

    Raises
    ------
    ConnectionError, ImportError
        As for `fetch_mitdb`.

    Examples
    --------
    >>> from sklearn_ecg.datasets import fetch_ptbxl
    >>> folder = fetch_ptbxl(sampling_rate=500)  # doctest: +SKIP
    """
    if sampling_rate not in (100, 500):
        raise ValueError(
            "sampling_rate must be 100 or 500, the published rates of PTB-XL; got "
            f"{sampling_rate!r}."
        )
    wanted = re.compile(rf"records{sampling_rate:g}/.*\.(hea|dat)|[^/]*\.csv|LICENSE\.txt")
    return _fetch(_PTBXL, "ptb-xl", wanted, path, verbose)


def fetch_cpsc2018(path=None, verbose=1) -> Path:
    """Download the China Physiological Signal Challenge 2018 (1.3 GB) from PhysioNet.

    The 6,877 public records have the form of the PhysioNet Challenge 2020: WFDB headers with
    diagnoses as SNOMED CT codes, beside signals in ``.mat`` files.

    Parameters
    ----------
    path : path-like, default=None
        Folder for the files; by default ``cpsc2018``, placed as in `fetch_mitdb`.
    verbose : int, default=1
        0 shows neither a progress bar nor licence and citation.

    Returns
    -------
    Path
        The folder, for `load_cpsc2018`.

    Raises
    ------
    ConnectionError, ImportError
        As for `fetch_mitdb`.

    Examples
    --------
    >>> from sklearn_ecg.datasets import fetch_cpsc2018
    >>> folder = fetch_cpsc2018()  # doctest: +SKIP
    """
    return _fetch(_CPSC2018, "cpsc2018", re.compile(r".*\.(hea|mat)"), path, verbose)


def fetch_ludb(path=None, verbose=1) -> Path:
    """Download the Lobachevsky University Database (35 MB) from PhysioNet.

    Parameters
    ----------
    path : path-like, default=None
        Folder for the files; by default ``ludb``, placed as in `fetch_mitdb`.
    verbose : int, default=1
        0 shows neither a progress bar nor licence and citation.

    Returns
    -------
    Path
        The folder, for `load_ludb`.

    Raises
    ------
    ConnectionError, ImportError
        As for `fetch_mitdb`.

    Examples
    --------
    >>> from sklearn_ecg.datasets import fetch_ludb
    >>> folder = fetch_ludb()  # doctest: +SKIP
    """
    wanted = re.compile(r"data/.*|ludb\.csv|LICENSE\.txt")
    return _fetch(_LUDB, "ludb", wanted, path, verbose)


def _fetch(data_set, default_name, wanted, path, verbose):
    folder = _default_folder(default_name) if path is None else Path(path)
    folder = folder.expanduser().resolve()
    if folder.is_file():
        raise NotADirectoryError(f"path must be a folder for the files; {str(folder)!r} is a file.")
    page = f"{_PHYSIONET}/content/{data_set.page}/"

    def select(name):
        inside = name.removeprefix(data_set.folder)
        is_wanted = name.startswith(data_set.folder) and wanted.fullmatch(inside)
        return inside if is_wanted else None

    def show_licence():
        if verbose:
            tqdm.write(
                f"Downloading {data_set.name} from {page} to {folder}\n"
                f"Licence: {data_set.licence}\nPlease cite: {data_set.citation}"
            )

    fetch_files(
        f"{_PHYSIONET}/files/{data_set.page}",
        folder,
        select,
        description=data_set.name,
        before=show_licence,
        advice=(
            f"Check the network and call again, or put the files of {page} into {folder} by hand. "
            "Without real records, sklearn_ecg.datasets.make_ecg_records() simulates some offline."
        ),
        verbose=verbose,
    )
    return folder


def _default_folder(name):
    place = os.environ.get("SKLEARN_ECG_DATA")
    return Path(place if place else import_pooch().os_cache("sklearn_ecg")) / name
