"""Read parts of files without a memory map."""


def read_parts(path, parts):
    """Return the bytes of parts of a file; fewer bytes if the file ends before the part does.

    A memory map would be no faster for whole records, and the process would die if another
    process cut the file.

    Parameters
    ----------
    path : path
    parts : iterable of (int, int)
        Offset and size of each part, in bytes.

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
            # Linux reads at most two gigabytes in one call.
            while n_new := file.readinto(memoryview(content)[n_read:]):
                n_read += n_new
            contents.append(content if n_read == n_bytes else content[:n_read])
    return contents
