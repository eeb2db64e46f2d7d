"""The Huffman codes of SCP-ECG's samples (section 2, and Annex C of EN 1064).

Section 2, after its header, is a number of tables (2 bytes; 19999: the standard's own table, and
nothing follows), and for each the number of its codes (2 bytes) and these, of 9 bytes each:

====  ===============================================================================
byte  content
====  ===============================================================================
0     bits of the prefix
1     bits of the prefix and of what follows it
2     1: a value; 0: what follows is written in the table that the base value numbers
3-4   base value, signed
5-8   prefix, its first bit lowest
====  ===============================================================================

A value is the base value and, where bits follow the prefix, the signed number in these. Bits are
read from the highest of each byte. Each lead begins with the first table.
"""

import dataclasses
import functools
import struct

import numpy as np

from sklearn_ecg.datasets.formats._binary import DamagedError

_STANDARD = 19999
# A lead is decoded with all tables at once, at each of its bits.
_MAX_TABLES = 8
# Prefixes up to this length are looked up in an array, longer ones among the sorted codes.
_ARRAY_BITS = 16
_LONGEST = 32 + 16
# So much is decoded at once: more would take more memory, less more time.
_BLOCK_BYTES = 1024


@dataclasses.dataclass
class _Table:
    """Codes in the order of their prefixes."""

    first: np.ndarray  # numbers of 32 bits that begin with the prefix
    last: np.ndarray
    prefix_bits: np.ndarray
    value_bits: np.ndarray
    is_value: np.ndarray
    base: np.ndarray

    @functools.cached_property
    def length(self):
        return self.prefix_bits + np.where(self.is_value, self.value_bits, 0)

    @functools.cached_property
    def width(self):
        return int(self.prefix_bits.max())

    @functools.cached_property
    def codes_of_windows(self):
        """Return the code at the start of each number of `width` bits, -1 if there is none."""
        return self.find(np.arange(1 << self.width, dtype=np.int64) << (32 - self.width))

    def find(self, prefixes):
        """Return the code at the start of each number of 32 bits, -1 if there is none."""
        codes = np.searchsorted(self.first, prefixes, side="right").astype(np.int32) - 1
        codes[(codes >= 0) & (prefixes > self.last[codes])] = -1
        return codes


def read_tables(body):
    """Return the tables of section 2; an empty list if samples are not compressed."""
    if len(body) < 2:
        raise DamagedError("has no Huffman tables in section 2")
    n_tables = struct.unpack_from("<H", body)[0]
    if n_tables == _STANDARD:
        return [_standard_table()]
    if n_tables > _MAX_TABLES:
        raise DamagedError(f"has {n_tables} Huffman tables, and at most {_MAX_TABLES} can be read")
    tables, at = [], 2
    for number in range(1, n_tables + 1):
        n_codes = struct.unpack_from("<H", body, at)[0] if at + 2 <= len(body) else 0
        codes = body[at + 2 : at + 2 + 9 * n_codes]
        if n_codes == 0 or len(codes) < 9 * n_codes:
            raise DamagedError(f"has an incomplete Huffman table {number}")
        tables.append(_table(list(struct.iter_unpack("<BBBhI", codes)), number, n_tables))
        at += 2 + 9 * n_codes
    return tables


@functools.cache
def _standard_table():
    """Return the table of Annex C: n ones, a zero and a sign for n up to 8, then 8 or 16 bits."""
    codes = [(1, 1, 1, 0, 0b0)]
    for value in range(1, 9):
        ones = (1 << value) - 1
        codes.append((value + 2, value + 2, 1, value, ones))
        codes.append((value + 2, value + 2, 1, -value, ones | 1 << (value + 1)))
    codes += [(10, 18, 1, 0, 0b0111111111), (10, 26, 1, 0, 0b1111111111)]
    return _table(codes, 1, 1)


def _table(codes, number, n_tables):
    rows = []
    for prefix_bits, all_bits, mode, base, prefix in codes:
        if not 1 <= prefix_bits <= 32 or not 0 <= all_bits - prefix_bits <= 16:
            raise DamagedError(
                f"has a code of {prefix_bits} and {all_bits} bits in Huffman table {number}"
            )
        if mode == 0 and not 1 <= base <= n_tables:
            raise DamagedError(f"has no Huffman table {base}, to which table {number} leads")
        first = int(f"{prefix & (1 << prefix_bits) - 1:0{prefix_bits}b}"[::-1], 2)
        first <<= 32 - prefix_bits
        last = first + (1 << (32 - prefix_bits)) - 1
        rows.append((first, last, prefix_bits, all_bits - prefix_bits, mode != 0, base))
    columns = [np.array(column) for column in zip(*sorted(rows), strict=True)]
    table = _Table(*columns)
    if (table.first[1:] <= table.last[:-1]).any():
        raise DamagedError(f"has codes that begin alike in Huffman table {number}")
    return table


def decode(data, n_samples, tables):
    """Return the first samples of a lead.

    Parameters
    ----------
    data : bytes
    n_samples : int
    tables : list
        From `read_tables`.

    Returns
    -------
    samples : ndarray of shape (n_samples,), int32
    n_bits : int
        Those that were read.
    """
    samples = np.empty(n_samples, dtype=np.int32)
    n_found = table = bit = 0
    while n_found < n_samples:
        # A code that goes on behind a block begins the next one.
        block = data[bit // 8 : bit // 8 + _BLOCK_BYTES]
        n_wanted = n_samples - n_found
        found, table, n_bits = _decode_block(block, bit % 8, table, n_wanted, tables)
        if n_bits == 0:
            raise DamagedError(f"holds {n_found} of {n_samples} samples")
        samples[n_found : n_found + len(found)] = found
        n_found += len(found)
        bit += n_bits
    return samples, bit


def _decode_block(data, bit, table, n_samples, tables):
    """Return samples, at most so many, the table that follows them, and how many bits they took.

    Every bit is taken for the begin of a code, which tells where the next would begin; only then
    are the codes followed from the first, eight at a time.
    """
    n_bits = 8 * len(data)
    codes = [_codes(table, data) for table in tables]
    # The bit b of table t has the place t * (n_bits + 1) + b, and one place more ends them all.
    end = len(tables) * (n_bits + 1)
    following = np.arange(end + 1, dtype=np.int32)
    for i, code in enumerate(codes):
        target = np.where(tables[i].is_value, i, tables[i].base - 1)
        step = tables[i].length + (target - i) * (n_bits + 1)
        places = following[i * (n_bits + 1) :][: n_bits + 1]
        # The last step has the code -1, which is not a code.
        places[:-1] += np.append(step, end).astype(np.int32)[code]
        last_bits = np.arange(max(n_bits - _LONGEST, 0), n_bits + 1)
        is_over = last_bits + np.append(tables[i].length[code[last_bits[:-1]]], 1) > n_bits
        places[last_bits[is_over]] = end
    np.minimum(following, end, out=following)
    eighth = following
    for _ in range(3):
        eighth = eighth[eighth]
    begin = table * (n_bits + 1) + bit
    place, eighths, jump = begin, [], memoryview(eighth)
    while place != end:
        eighths.append(place)
        place = jump[place]
    path = np.empty((len(eighths), 8), dtype=np.int32)
    path[:, 0] = eighths
    for i in range(1, 8):
        path[:, i] = following[path[:, i - 1]]
    path = path.ravel()
    path = path[following[path] != end]  # whole codes
    tables_of_path, bits = np.divmod(path, n_bits + 1)
    samples = np.zeros(len(path), dtype=np.int32)
    is_value = np.zeros(len(path), dtype=bool)
    for i, code_of_bit in enumerate(codes):
        here = np.flatnonzero(tables_of_path == i)
        code = code_of_bit[bits[here]]
        is_value[here] = tables[i].is_value[code]
        starts = bits[here] + tables[i].prefix_bits[code]
        samples[here] = tables[i].base[code] + _numbers(data, starts, tables[i].value_bits[code])
    if len(path) > 0:
        n_codes = np.searchsorted(np.cumsum(is_value), n_samples) + 1
        path, is_value, samples = path[:n_codes], is_value[:n_codes], samples[:n_codes]
        begin = int(following[path[-1]])
    table, stop = divmod(begin, n_bits + 1)
    return samples[is_value], table, stop - bit


def _codes(table, data):
    """Return the code of a table at each bit, -1 if there is none."""
    n_bytes, kind = (3, np.uint32) if table.width <= _ARRAY_BITS else (5, np.uint64)
    padded = np.frombuffer(data + bytes(n_bytes), dtype=np.uint8)
    words = np.zeros(len(data), dtype=kind)
    for i in range(n_bytes):
        words = words << kind(8) | padded[i : i + len(data)]
    shifts = (8 * n_bytes - table.width - np.arange(8)).astype(kind)
    windows = (words[:, None] >> shifts & kind((1 << table.width) - 1)).ravel()
    if table.width <= _ARRAY_BITS:
        return table.codes_of_windows[windows]
    return table.find(windows.astype(np.int64) << (32 - table.width))


def _numbers(data, starts, widths):
    """Return signed numbers of 0 to 16 bits at some bits."""
    numbers = np.zeros(len(starts), dtype=np.int32)
    some = np.flatnonzero(widths)
    start, width = starts[some], widths[some]
    padded = np.frombuffer(data + bytes(3), dtype=np.uint8).astype(np.int32)
    byte = start // 8
    words = padded[byte] << 16 | padded[byte + 1] << 8 | padded[byte + 2]
    values = words >> (24 - start % 8 - width) & (1 << width) - 1
    numbers[some] = values - (values >> (width - 1) << width)
    return numbers
