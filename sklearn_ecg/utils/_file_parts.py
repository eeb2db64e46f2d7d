"""Parts of files, read without a memory map."""


def read_parts(path, parts):
    """Return the bytes of parts of a file; fewer of a part that the file is too short for.

    A memory map is no faster for whole records, and ends the process if its file is cut.

    Parameters
    ----------
    path : path
    parts : iterable of (int, int)
        Where each part begins, and its size.

    Returns
    -------
    list of bytearray

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn_ecg.utils import read_parts
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "a.dat"
    ...     _ = path.write_bytes(b"0123456789")
    ...     read_parts(path, [(2, 3), (8, 4)])
    [bytearray(b'234'), bytearray(b'89')]
    """
    contents = []
    with open(path, "rb", buffering=0) as file:
        for begin, n_bytes in parts:
            content, n_read = bytearray(n_bytes), 0
            file.seek(begin)
            # One call reads two gigabytes at most.
            while n_new := file.readinto(memoryview(content)[n_read:]):
                n_read += n_new
            contents.append(content if n_read == n_bytes else content[:n_read])
    return contents
