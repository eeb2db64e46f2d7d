"""Find missing parts of an array in an HDF5 file or Zarr store.

Both libraries silently read zeros if a chunk was never written or is lost.
"""

import itertools
import math
import os

import numpy as np


def most_records(array, path, axis):
    """Return the largest number of records, along an axis, that the stored bytes can hold."""
    if not hasattr(array, "virtual_sources"):
        # zarr would visit all chunks that the shape claims.
        files = (names for *_, names in os.walk(os.path.join(path, array.path)))
        return sum(map(len, files)) * _chunks(array)[axis]
    n_records = array.shape[axis]
    if array.is_virtual or array.external:
        return n_records
    if array.chunks is not None:
        return array.id.get_num_chunks() * array.chunks[axis]
    return array.id.get_storage_size() // max(array.nbytes // max(n_records, 1), 1)


def gap_finder(array, path):
    """Return a function that describes missing parts of a region, or None.

    Parameters
    ----------
    array : h5py.Dataset or zarr.Array
    path : str
        Path of the file or store.

    Returns
    -------
    callable
        Takes the ranges (first, last) along each axis, and the values read. Returns a phrase or
        None.
    """
    if not hasattr(array, "virtual_sources"):
        return _gap_finder_by_chunks(_chunks(array), lambda place: _zarr_gap(array, path, place))
    if array.is_virtual:
        return _gap_finder_by_records(_broken_sources(array, path))
    missing = _missing_external(array, path)
    if missing is not None:
        return lambda region, found: f"its samples are in {missing}, which is missing or too short"
    if array.chunks is None:
        return lambda region, found: None
    return _gap_finder_by_chunks(array.chunks, lambda place: _hdf5_gap(array, place))


def _missing_external(array, path):
    """Return the first external file that is smaller than a dataset needs, or None."""
    left = array.nbytes
    for name, offset, size in array.external or ():
        # HDF5 looks for it in the process's folder.
        places = name, os.path.join(os.path.dirname(path), name)
        found = max(os.path.getsize(place) if os.path.isfile(place) else -1 for place in places)
        if found < offset + min(size, left):
            return name
        left -= min(size, left)
    return None


def _chunks(array):
    return getattr(array, "shards", None) or array.chunks


def _gap_finder_by_chunks(chunks, gap_at):
    def find_gap(region, found):
        found = found.reshape([last - first for first, last in region])
        places = (
            range(first - first % chunk, last, chunk)
            for (first, last), chunk in zip(region, chunks, strict=True)
        )
        for place in itertools.product(*places):
            axes = zip(place, region, chunks, strict=True)
            inside = [slice(max(at - first, 0), at + n - first) for at, (first, _), n in axes]
            # A missing chunk reads as one constant value; only then is it looked up.
            if _is_constant(found[tuple(inside)]) and (gap := gap_at(place)) is not None:
                return gap
        return None

    return find_gap


def _is_constant(block):
    first = block.flat[0]
    return bool((np.isnan(block) if first != first else block == first).all())


def _zarr_gap(array, path, place):
    numbers = tuple(at // chunk for at, chunk in zip(place, _chunks(array), strict=True))
    key = _chunk_key(array, numbers)
    if os.path.isfile(os.path.join(path, key)):
        return None
    return f"chunk {key} is missing; Zarr writes chunks of zeros only with write_empty_chunks=True"


def _chunk_key(array, numbers):
    """Return the key of a chunk in its store."""
    if hasattr(array, "_chunk_key"):
        return array._chunk_key(numbers)  # of zarr 2, with the path of the array
    return os.path.join(array.path, array.metadata.encode_chunk_key(numbers))


def files_of(array, path, records, axis):
    """Return the files, also missing ones, that hold some records of an array.

    Parameters
    ----------
    array : h5py.Dataset or zarr.Array
    path : str
        Path of the file or store.
    records : ndarray of int
    axis : int
        The axis of records.
    """
    if hasattr(array, "virtual_sources"):
        names = [array.file.filename, *(name for name, _, _ in array.external or ())]
        if array.is_virtual:
            names += [source.file_name for source in array.virtual_sources()]
        return [os.path.join(os.path.dirname(path), name) for name in names if name != "."]
    chunks = _chunks(array)
    numbers = [range(-(-n // chunk)) for n, chunk in zip(array.shape, chunks, strict=True)]
    numbers[axis] = np.unique(records // chunks[axis]).tolist()
    return [os.path.join(path, _chunk_key(array, place)) for place in itertools.product(*numbers)]


def _hdf5_gap(array, place):
    try:
        # Looks the chunk up as reading does; lists of chunks may hold chunks that reading cannot
        # find.
        array.id.read_direct_chunk(place)
    except (OSError, RuntimeError, ValueError):
        return f"the chunk at {place} was never written"
    return None


def _gap_finder_by_records(gaps):
    def find_gap(region, found):
        first, last = region[0]
        return next((gap for begin, end, gap in gaps if begin < last and first < end), None)

    return find_gap


def _broken_sources(array, path):
    """Return (first, last, problem) of records of a virtual dataset that cannot be read."""
    gaps, is_mapped = [], np.zeros(len(array), dtype=bool)
    for source in array.virtual_sources():
        starts, ends = source.vspace.get_select_bounds()
        is_mapped[starts[0] : ends[0] + 1] = True
        file = path
        if source.file_name != ".":
            file = os.path.join(os.path.dirname(path), source.file_name)
        problem = _source_problem(file, source.dset_name)
        if problem is not None:
            gaps.append((starts[0], ends[0] + 1, problem))
    without = np.flatnonzero(~is_mapped).tolist()
    return gaps + [(record, record + 1, "no source is named for it") for record in without]


def _source_problem(file, name):
    import h5py

    try:
        with h5py.File(file, "r") as opened:
            source = opened[name]
            found, expected = source.id.get_storage_size(), 1
            if source.chunks is not None:
                sizes = zip(source.shape, source.chunks, strict=True)
                found = source.id.get_num_chunks()
                expected = math.prod(-(-n // chunk) for n, chunk in sizes)
            problem = None if found >= expected else "a chunk of it was never written"
    except (OSError, KeyError) as error:
        problem = str(error)
    return problem and f"its source {name} in {file} is missing or incomplete: {problem}"
