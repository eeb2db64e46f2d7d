"""Downloads that survive dropped connections and never leave half a file under its name."""

import contextlib
import os
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path, PurePosixPath

from sklearn_ecg.utils import progress

_SUMS = "SHA256SUMS.txt"
# Seconds to wait for a connection, and between two parts of a file.
_TIMEOUT_S = (5, 30)
# Attempts in a row that may bring nothing new, and the pause before the first, which doubles.
_RETRIES = 3
_PAUSE_S = 0.5
# A server of public data has other visitors.
_CONNECTIONS = 4
# What is read at once, which is lost where the connection drops within it.
_CHUNK = 4096


def import_pooch():
    """Return pooch, or say how to install it."""
    try:
        import pooch
    except ImportError as error:
        raise ImportError(
            "Downloading data sets needs pooch: pip install 'sklearn_ecg[fetch]'. Or download the "
            "files by hand and give their folder to the loader."
        ) from error
    return pooch


def fetch_files(url, folder, select, *, description, before, advice, verbose):
    """Download those files of a data set that are not there yet.

    Parameters
    ----------
    url : str
        The folder of the data set on the server, which holds a file ``SHA256SUMS.txt``.
    folder : Path
        The folder for the files.
    select : callable
        From a file's path on the server to its path in `folder`; None for a file not wanted.
    description : str
        Stands before the progress bar.
    before : callable
        Called without arguments before the first download, where there is one.
    advice : str
        What to do without a network; ends error messages.
    verbose : int
        0 for no progress bar.

    Raises
    ------
    ConnectionError
        If a file cannot be downloaded or is not what its checksum says; it names the file.
    """
    pooch = import_pooch()
    sums = _read_sums(url, folder, advice)
    targets = {target: name for name in sums if (target := select(name)) is not None}
    missing = _find_missing(pooch, folder, {t: sums[name] for t, name in targets.items()}, verbose)
    if not missing:
        return
    before()
    for parent in {(folder / target).parent for target in missing}:
        # Ahead of pooch, whose threads would race for it.
        parent.mkdir(parents=True, exist_ok=True)
    repository = pooch.create(
        path=folder,
        base_url=f"{url}/",
        registry={target: f"sha256:{sums[targets[target]]}" for target in missing},
        urls={target: f"{url}/{targets[target]}" for target in missing},
        retry_if_failed=1,
    )
    local = threading.local()

    def fetch(target):
        if not hasattr(local, "session"):
            local.session = _new_session()
        partial = folder / f"{target}.part"
        repository.fetch(target, downloader=_Downloader(local.session, partial))

    with _quiet(pooch), ThreadPoolExecutor(_CONNECTIONS) as pool:
        waiting = {pool.submit(fetch, target): target for target in missing}
        finished = as_completed(waiting)
        bar = progress(finished, description=description, total=len(waiting), verbose=verbose)
        try:
            for n_fetched, future in enumerate(bar):
                _raise_with_file(future, targets[waiting[future]], url, n_fetched, missing, advice)
        finally:
            # After an error or Ctrl-C only the files under way are brought to their end.
            pool.shutdown(cancel_futures=True)


def _raise_with_file(future, name, url, n_fetched, missing, advice):
    import requests

    error = future.exception()
    if error is None:
        return
    if not isinstance(error, (ConnectionError, requests.RequestException, ValueError)):
        # A full disk, a folder without permission: no matter of the network.
        raise error
    # pooch says ValueError where a checksum does not agree.
    damaged = isinstance(error, ValueError)
    reason = "what arrived does not agree with its checksum, twice" if damaged else error
    raise ConnectionError(
        f"{url}/{name} could not be downloaded: {reason}. {n_fetched} of {len(missing)} files "
        f"came; call again to go on with the others. {advice}"
    ) from error


def _read_sums(url, folder, advice):
    """Return the SHA-256 of each file of the data set, from its list, which is fetched once."""
    path = folder / _SUMS
    if path.is_file():
        with contextlib.suppress(ValueError):
            return _parse_sums(path)
    with tempfile.TemporaryDirectory() as place:
        fresh = Path(place) / _SUMS
        try:
            _download(_new_session(), f"{url}/{_SUMS}", fresh, retries=0)
            sums = _parse_sums(fresh)
        except (OSError, ValueError) as error:
            raise ConnectionError(
                f"{url}/{_SUMS} could not be downloaded: {error}. {advice}"
            ) from error
        folder.mkdir(parents=True, exist_ok=True)
        beside = folder / f"{_SUMS}.part"
        beside.write_bytes(fresh.read_bytes())
        os.replace(beside, path)
    return sums


def _parse_sums(path):
    sums = {}
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), start=1):
        if not line.strip():
            continue
        digest, _, name = line.partition(" ")
        name = name.strip().removeprefix("*").removeprefix("./")
        place = PurePosixPath(name)
        is_digest = len(digest) == 64 and set(digest.lower()) <= set("0123456789abcdef")
        if not is_digest or not name or place.is_absolute() or ".." in place.parts:
            raise ValueError(f"line {number} is no checksum of a file: {line[:80]!r}")
        sums[name] = digest.lower()
    if not sums:
        raise ValueError("it is empty")
    return sums


def _find_missing(pooch, folder, sums, verbose):
    """Return the files that are not there as their checksum says."""

    def is_missing(target):
        path = folder / target
        return not path.is_file() or pooch.file_hash(str(path)) != sums[target]

    there = [target for target in sums if (folder / target).is_file()]
    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        checks = pool.map(is_missing, there)
        bar = progress(checks, description="Checking files", total=len(there), verbose=verbose)
        wrong = {target for target, missing in zip(there, bar, strict=True) if missing}
    return [target for target in sums if target in wrong or not (folder / target).is_file()]


class _Downloader:
    """What pooch calls for a file: keeps what has come in a file of its own and goes on from it."""

    def __init__(self, session, partial):
        self.session = session
        self.partial = partial

    def __call__(self, url, output_file, _repository):
        _download(self.session, url, self.partial, retries=_RETRIES)
        os.replace(self.partial, output_file)


def _new_session():
    import requests

    session = requests.Session()
    # Compressed, the bytes that came would not tell where to go on.
    session.headers["Accept-Encoding"] = "identity"
    return session


def _download(session, url, partial, retries):
    """Bring `partial` to its end, from where it stands, however often the connection drops."""
    import requests

    dropped = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
    failures, longest = 0, _size(partial)
    while True:
        try:
            return _append(session, url, partial)
        except (*dropped, _Interrupted) as error:
            # Attempts count that brought less than there was before.
            failures = 0 if _size(partial) > longest else failures + 1
            longest = max(longest, _size(partial))
            if failures > retries:
                raise ConnectionError(_in_short(error)) from error
        time.sleep(_PAUSE_S * 2 ** max(failures - 1, 0))


def _append(session, url, partial):
    """Ask for what `partial` lacks, and write what comes."""
    start = _size(partial)
    asked = {"Range": f"bytes={start}-"} if start else {}
    with session.get(url, headers=asked, stream=True, timeout=_TIMEOUT_S) as response:
        if response.status_code == 416:
            # More than the file holds: what is there belongs to something else.
            partial.unlink()
            raise _Interrupted("the server has no such range of the file")
        if response.status_code == 429 or response.status_code >= 500:
            raise _Interrupted(f"the server answers {response.status_code} {response.reason}")
        if response.status_code not in (200, 206):
            raise ConnectionError(f"the server answers {response.status_code} {response.reason}")
        # Servers may ignore the range and send the whole.
        goes_on = response.headers.get("Content-Range", "").startswith(f"bytes {start}-")
        goes_on = goes_on and response.status_code == 206
        before = start if goes_on else 0
        with open(partial, "ab" if goes_on else "wb") as file:
            for chunk in response.iter_content(_CHUNK):
                file.write(chunk)
    announced = response.headers.get("Content-Length")
    if announced is not None and _size(partial) != before + int(announced):
        raise _Interrupted(
            f"the connection ended after {_size(partial)} of {before + int(announced)} bytes"
        )


class _Interrupted(Exception):
    """The connection ended before the file did."""


def _size(path):
    return path.stat().st_size if path.is_file() else 0


def _in_short(error):
    """Return the innermost reason; requests wraps it in the names of its objects."""
    inner = error
    while inner.args and isinstance(inner.args[-1], Exception):
        inner = inner.args[-1]
    reason = getattr(inner, "reason", None)
    return str(reason if isinstance(reason, Exception) else inner)


@contextlib.contextmanager
def _quiet(pooch):
    """Keep pooch from a line per file: there are tens of thousands."""
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel("ERROR")
    try:
        yield
    finally:
        logger.setLevel(level)
