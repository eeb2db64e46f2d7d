"""Downloads through pooch, which never leaves an incomplete file under the final name."""

import contextlib
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, as_completed, wait
from pathlib import Path, PurePosixPath

from sklearn_ecg.utils import progress, whole_file, writing

_SUMS = "SHA256SUMS.txt"
# Seconds to wait for a connection, and between two parts of a file.
_TIMEOUT_S = (5, 30)
# Further attempts at a file, with pauses of 1, 2, 3, ... s. Each begins again: the files of data
# sets have a few MB at most.
_RETRIES = 5
# A server that sends fewer bytes in this many seconds is given up. A timeout alone would start
# again with each byte.
_PATIENCE_S, _LEAST_BYTES = 20, 2048
# Seconds until a server must begin to send a file; slow headers count too.
_ANSWER_S = 60
# Bytes. No file of these data sets is nearly as large.
_MOST_BYTES = 2**30
# Parallel downloads: few, to leave the public server to others too.
_CONNECTIONS = 4


def import_pooch():
    """Return pooch, or say how to install it."""
    try:
        import pooch
    except ImportError as error:
        raise ImportError(
            "Downloading data sets needs pooch: pip install 'sklearn_ecg[fetch]'. Or download the "
            "files by hand, and pass their folder to the loader."
        ) from error
    return pooch


def fetch_files(url, folder, select, *, description, before, advice, verbose):
    """Download the missing files of a data set.

    Parameters
    ----------
    url : str
        Folder of the data set on the server, with a file ``SHA256SUMS.txt``.
    folder : Path
        Folder for the files.
    select : callable
        Maps a file's path on the server to its path in `folder`, or to None to skip it.
    description : str
        Text before the progress bar.
    before : callable
        Called without arguments before the first download, if there is one.
    advice : str
        What to do without a network; the end of error messages.
    verbose : int
        0 for no progress bar.

    Raises
    ------
    ConnectionError
        If a file cannot be downloaded, or its checksum is wrong; the message names it.
    """
    pooch = import_pooch()
    download = _Downloader()
    sums = _read_sums(download, url, folder, advice)
    targets = {target: name for name in sums if (target := select(name)) is not None}
    missing = _find_missing(pooch, folder, {t: sums[name] for t, name in targets.items()}, verbose)
    if not missing:
        return
    before()
    for parent in {(folder / target).parent for target in missing}:
        # Made here, since pooch's threads would all try to make it.
        with writing(parent):
            parent.mkdir(parents=True, exist_ok=True)
    repository = pooch.create(
        path=folder,
        base_url=f"{url}/",
        registry={target: f"sha256:{sums[targets[target]]}" for target in missing},
        urls={target: f"{url}/{targets[target]}" for target in missing},
        retry_if_failed=_RETRIES,
    )
    with _quiet(pooch), ThreadPoolExecutor(_CONNECTIONS) as pool:
        waiting = {
            pool.submit(repository.fetch, target, downloader=download): target for target in missing
        }
        finished = as_completed(waiting)
        bar = progress(finished, description=description, total=len(waiting), verbose=verbose)
        try:
            for n_fetched, future in enumerate(bar):
                _raise_with_file(
                    future, targets[waiting[future]], url, folder, n_fetched, missing, advice
                )
        finally:
            # After an error or Ctrl-C only the running downloads are finished.
            pool.shutdown(cancel_futures=True)


def _raise_with_file(future, name, url, folder, n_fetched, missing, advice):
    import requests

    error = future.exception()
    if error is None:
        return
    if not isinstance(error, ConnectionError | requests.RequestException | ValueError):
        # A full disk or missing permission is not an error of the network.
        with writing(folder / name):
            raise error
    # pooch raises ValueError for a wrong checksum.
    damaged = isinstance(error, ValueError) and not isinstance(error, requests.RequestException)
    reason = "its checksum was wrong in every attempt" if damaged else error
    raise ConnectionError(
        f"{url}/{name} could not be downloaded: {reason}. {n_fetched} of {len(missing)} files "
        f"are done; call again to go on with the others. {advice}"
    ) from error


def _read_sums(download, url, folder, advice):
    """Return the SHA-256 of each file, from the data set's list, which is fetched once."""
    path = folder / _SUMS
    if path.is_file():
        with contextlib.suppress(ValueError):
            return _parse_sums(path.read_bytes())
    try:
        listing = download.read(f"{url}/{_SUMS}")
        sums = _parse_sums(listing)
    except (OSError, ValueError) as error:
        raise ConnectionError(
            f"{url}/{_SUMS} could not be downloaded: {error}. {advice}"
        ) from error
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as file:
        file.write(listing)
    return sums


def _parse_sums(listing):
    sums = {}
    for number, line in enumerate(listing.decode(errors="replace").splitlines(), start=1):
        if not line.strip():
            continue
        digest, _, name = line.partition(" ")
        name = name.strip().removeprefix("*").removeprefix("./")
        place = PurePosixPath(name)
        is_digest = len(digest) == 64 and set(digest.lower()) <= set("0123456789abcdef")
        if not is_digest or not name or place.is_absolute() or ".." in place.parts:
            raise ValueError(f"line {number} is not a checksum and a file: {line[:80]!r}")
        sums[name] = digest.lower()
    if not sums:
        raise ValueError("it is empty")
    return sums


def _find_missing(pooch, folder, sums, verbose):
    """Return the files that are missing or have a wrong checksum."""

    def is_there(target):
        path = folder / target
        return path.is_file() and pooch.file_hash(str(path)) == sums[target]

    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        checks = pool.map(is_there, sums)
        bar = progress(checks, description="Checking files", total=len(sums), verbose=verbose)
        return [target for target, there in zip(sums, bar, strict=True) if not there]


class _Downloader(threading.local):
    """Downloads one file for pooch.

    Each thread keeps its connection; pooch.HTTPDownloader opens one for each of 40,000 small files.
    """

    def __init__(self):
        import requests

        self.session = requests.Session()

    def __call__(self, url, output_file, _repository):
        Path(output_file).write_bytes(self.read(url))

    def read(self, url):
        import requests
        import urllib3

        with self._answer(url) as response:
            if 400 <= response.status_code < 500 and response.status_code != 429:
                # Not an error of requests, which pooch would retry.
                answer = f"{response.status_code} {response.reason}"
                raise ConnectionError(f"the server answers {answer}")
            response.raise_for_status()
            try:
                return _content(response.raw)
            except urllib3.exceptions.HTTPError as error:
                raise requests.ConnectionError(error) from error

    def _answer(self, url):
        """Send a request in a separate thread, which can be abandoned."""
        session, answer = self.session, Future()

        def ask():
            try:
                answer.set_result(session.get(url, timeout=_TIMEOUT_S, stream=True))
            except BaseException as error:
                answer.set_exception(error)

        threading.Thread(target=ask, daemon=True).start()
        if answer not in wait([answer], _ANSWER_S).done:
            self.session = type(session)()
            raise ConnectionError(f"the server did not answer within {_ANSWER_S} s")
        return answer.result()


def _content(stream):
    """Read a stream to its end; raise if it is too slow or too large."""
    parts, n_bytes = [], 0
    since, n_before = time.monotonic(), 0
    while part := stream.read1(2**18, decode_content=True):
        parts.append(part)
        n_bytes += len(part)
        if n_bytes > _MOST_BYTES:
            raise ConnectionError(f"the server sends more than {_MOST_BYTES} bytes")
        waited = time.monotonic() - since
        if waited > _PATIENCE_S:
            if n_bytes - n_before < _LEAST_BYTES:
                rate = (n_bytes - n_before) / waited
                raise ConnectionError(f"the server sends no more than {rate:.2g} bytes per second")
            since, n_before = time.monotonic(), n_bytes
    return b"".join(parts)


@contextlib.contextmanager
def _quiet(pooch):
    """Suppress pooch's line per file: there are tens of thousands."""
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel("ERROR")
    try:
        yield
    finally:
        logger.setLevel(level)
