"""Downloads through pooch, which leaves no half a file under its name."""

import contextlib
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor, as_completed, wait
from pathlib import Path, PurePosixPath

from sklearn_ecg.utils import progress, whole_file, writing

_SUMS = "SHA256SUMS.txt"
# Seconds to wait for a connection, and between two parts of a file.
_TIMEOUT_S = (5, 30)
# Further attempts at a file, with pauses of 1, 2, 3, ... s. Each starts it anew: data sets are many
# files of at most a few MB.
_RETRIES = 5
# A server that sends less than so many bytes in so many seconds is given up; any single byte would
# put the timeout off.
_PATIENCE_S, _LEAST_BYTES = 20, 2048
# Seconds until a server must have begun to send a file; its headers may drip as well.
_ANSWER_S = 60
# No file of these data sets is nearly as large.
_MOST_BYTES = 2**30
# A server of public data has other visitors.
_CONNECTIONS = 4


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
    download = _Downloader()
    sums = _read_sums(download, url, folder, advice)
    targets = {target: name for name in sums if (target := select(name)) is not None}
    missing = _find_missing(pooch, folder, {t: sums[name] for t, name in targets.items()}, verbose)
    if not missing:
        return
    before()
    for parent in {(folder / target).parent for target in missing}:
        # Ahead of pooch, whose threads would race for it.
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
            # After an error or Ctrl-C only the files under way are brought to their end.
            pool.shutdown(cancel_futures=True)


def _raise_with_file(future, name, url, folder, n_fetched, missing, advice):
    import requests

    error = future.exception()
    if error is None:
        return
    if not isinstance(error, ConnectionError | requests.RequestException | ValueError):
        # A full disk, a folder without permission: no matter of the network.
        with writing(folder / name):
            raise error
    # pooch says ValueError where a checksum does not agree.
    damaged = isinstance(error, ValueError) and not isinstance(error, requests.RequestException)
    reason = "what arrived never agreed with its checksum" if damaged else error
    raise ConnectionError(
        f"{url}/{name} could not be downloaded: {reason}. {n_fetched} of {len(missing)} files "
        f"came; call again to go on with the others. {advice}"
    ) from error


def _read_sums(download, url, folder, advice):
    """Return the SHA-256 of each file of the data set, from its list, which is fetched once."""
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
            raise ValueError(f"line {number} is no checksum of a file: {line[:80]!r}")
        sums[name] = digest.lower()
    if not sums:
        raise ValueError("it is empty")
    return sums


def _find_missing(pooch, folder, sums, verbose):
    """Return the files that are not there as their checksum says."""

    def is_there(target):
        path = folder / target
        return path.is_file() and pooch.file_hash(str(path)) == sums[target]

    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        checks = pool.map(is_there, sums)
        bar = progress(checks, description="Checking files", total=len(sums), verbose=verbose)
        return [target for target, there in zip(sums, bar, strict=True) if not there]


class _Downloader(threading.local):
    """What pooch calls for a file.

    A thread keeps its connection; pooch.HTTPDownloader opens one for each of 40,000 small files.
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
                # No error of requests, which pooch would try again.
                answer = f"{response.status_code} {response.reason}"
                raise ConnectionError(f"the server answers {answer}")
            response.raise_for_status()
            try:
                return _content(response.raw)
            except urllib3.exceptions.HTTPError as error:
                raise requests.ConnectionError(error) from error

    def _answer(self, url):
        """Ask for a file, in a thread of its own that can be left to itself."""
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
    """Read a stream to its end, unless it is too slow or too large ever to come there."""
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
    """Keep pooch from a line per file: there are tens of thousands."""
    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel("ERROR")
    try:
        yield
    finally:
        logger.setLevel(level)
