"""Tables in CSV files of any spreadsheet, Excel and Parquet files."""

import csv
import io
import os
import re
import zipfile
from pathlib import Path

import pandas as pd

from sklearn_ecg.datasets._bookkeeping import MOST_COLUMNS, check_width, table_content
from sklearn_ecg.datasets._files import as_path

_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs"}
_MOST_EXCEL_BYTES = 2**30

A_TABLE = """A table of labels is, for example,
    ecg,diagnoses,reviewed
    a,AF;LBBB,yes
    b,NSR,no"""


def read_table(path, text_columns, report) -> pd.DataFrame:
    """Read a ``.csv``, ``.tsv``, ``.txt``, ``.xlsx`` or ``.parquet`` file.

    The encoding of text files (UTF-8 or UTF-16, else GB 2312 or Windows-1252) and the separator of
    columns (commas, semicolons or tabs) are detected. With semicolons, numbers may have decimal
    commas.

    Parameters
    ----------
    path : path-like
    text_columns : set of str
        Columns of names, where "0012" keeps its zeros and "NA" is not a gap.
    report : Report
        Gets detected properties that could be wrong.

    Raises
    ------
    FileNotFoundError, ImportError, ValueError
        If the file is missing, needs a package, or is not a table.
    """
    path = Path(as_path(path))
    if not os.path.isfile(path):
        raise FileNotFoundError(f"There is no file {str(path)!r} with labels.")
    suffix = path.suffix.lower()
    if suffix in (".csv", ".tsv", ".txt"):
        table = _read_text(path, text_columns, report)
    elif suffix in (".xlsx", ".xlsm"):
        table = _read_excel(path, report)
    elif suffix in (".parquet", ".pq"):
        table = _read_parquet(path)
    else:
        raise ValueError(
            f"labels must be a DataFrame or a .csv or .parquet file, or .xlsx of Excel; got "
            f"{str(path)!r}. Save it as one of these, or pass a DataFrame."
        )
    return _without_margins(table)


def _read_text(path, text_columns, report):
    text = _decode(table_content(path), path, report)
    # Excel writes the separator of columns like this.
    noted = re.match(r'"?sep=(.)"?\r?\n', text)
    if noted:
        text = text[noted.end() :]
    delimiter = noted[1] if noted else _find_delimiter(text, path)
    check_width(text.partition("\n")[0].count(delimiter) + 1, path)
    options = {"sep": delimiter, "decimal": "," if delimiter == ";" else "."}
    try:
        if "\0" in text:
            raise ValueError("it holds zero bytes, as if it was not written to its end")
        table = pd.read_csv(io.StringIO(text), **options)
        columns = {column for column in table.columns if column.strip() in text_columns}
        texts = pd.read_csv(
            io.StringIO(text), **options, usecols=columns.__contains__, dtype=str,
            keep_default_na=False,
        )  # fmt: skip
    except Exception as error:
        # pandas raises a dozen kinds of errors for damaged files.
        raise ValueError(
            f"{path} cannot be read as a table: {error}. Save it anew, as CSV in UTF-8. {A_TABLE}"
        ) from error
    if not isinstance(table.index, pd.RangeIndex):
        raise ValueError(
            f"{path} has rows with more values than its header has names. Correct the header, or "
            "remove commas at the ends of rows."
        )
    return table.assign(**texts)


def _decode(content, path, report):
    for mark, encoding in (
        (b"\xef\xbb\xbf", "utf-8-sig"),
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
    ):
        if content.startswith(mark):
            return _decode_as(content, encoding, path)
    # In UTF-16 without a mark, every other byte of a header is zero.
    for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        start = content[first:200:2]
        if start and not any(start) and all(content[1 - first : 200 : 2]):
            return _decode_as(content, encoding, path)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        pass
    # Non-ASCII letters are pairs of bytes in Chinese, and mostly single in Western texts.
    for encoding, name in (("gb2312", "GB 2312"), ("cp1252", "Windows-1252")):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        problem = f"is not in UTF-8, and was read as {name}"
        advice = "Check its names; if they are wrong, save it as CSV in UTF-8."
        report.add("all rows", path, problem, advice, kept=True)
        return text
    raise ValueError(f"{path} is in an unknown encoding. Save it anew, as CSV in UTF-8.")


def _decode_as(content, encoding, path):
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} begins as {encoding.removesuffix('-sig').upper()}, but the rest is not: "
            f"{error}. Save it anew, as CSV in UTF-8."
        ) from error


def _find_delimiter(text, path):
    """Return the separator that header and rows share."""
    lines = text.splitlines()[:100]
    header = re.sub(r'"[^"]*"', "", lines[0]) if lines else ""
    found = [delimiter for delimiter in _DELIMITERS if delimiter in header]
    if len(found) > 1:
        try:
            widths = {
                delimiter: {len(row) for row in csv.reader(lines, delimiter=delimiter) if row}
                for delimiter in found
            }
        except csv.Error:
            widths = {}
        found = [delimiter for delimiter, width in widths.items() if len(width) == 1] or found
    if len(found) == 1:
        return found[0]
    rows = "".join(lines[1:])
    if not found and not any(mark in header + rows for mark in (*_DELIMITERS, "|")):
        return ","  # one column
    seen = " and ".join(_DELIMITERS[delimiter] for delimiter in found) or "neither of them"
    raise ValueError(
        f"{path} cannot be read as a table: its columns must be separated by commas, semicolons or "
        f"tabs, and its header {header[:80]!r} holds {seen}. Save it anew, as CSV. {A_TABLE}"
    )


def _read_excel(path, report):
    try:
        import openpyxl
    except ImportError as error:
        raise ImportError(f"{path} needs openpyxl: pip install 'sklearn_ecg[excel]'") from error
    try:
        with zipfile.ZipFile(path) as archive:
            n_bytes = sum(part.file_size for part in archive.infolist())
        if n_bytes > _MOST_EXCEL_BYTES:
            raise ValueError(f"it would take {n_bytes / 2**30:.0f} GB")
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        first, *others = book.worksheets
        check_width(first.max_column or 0, path)
        rows = [list(row) for row in first.iter_rows(values_only=True)]
        book.close()
    except Exception as error:
        raise ValueError(
            f"{path} cannot be read as an Excel file: {error}. Save it anew, as .xlsx or as CSV in "
            f"UTF-8. {A_TABLE}"
        ) from error
    if others:
        names = ", ".join(repr(sheet.title) for sheet in others)
        problem = f"holds more sheets than {first.title!r}, which were not read: {names}"
        report.add("all rows", path, problem, "Put the table on the first sheet.", kept=True)
    if not rows:
        raise ValueError(f"The first sheet of {path} is empty. {A_TABLE}")
    header = [
        f"Unnamed: {i}" if name is None else str(name).strip() for i, name in enumerate(rows[0])
    ]
    rows = [row + [None] * (len(header) - len(row)) for row in rows[1:]]
    # Whole numbers keep their digits, and text keeps its zeros.
    return pd.DataFrame(rows, columns=header, dtype=object)


def _read_parquet(path):
    try:
        from pyarrow import parquet
    except ImportError as error:
        raise ImportError(f"{path} needs pyarrow: pip install 'sklearn_ecg[parquet]'") from error
    try:
        n_columns = parquet.read_metadata(path).num_columns
        if n_columns <= MOST_COLUMNS:
            # pandas would convert whole numbers beside a gap to floats, which lose digits.
            table = pd.read_parquet(path, dtype_backend="numpy_nullable")
    except Exception as error:
        raise ValueError(
            f"{path} cannot be read as a Parquet file: {error}. Write it anew."
        ) from error
    check_width(n_columns, path)
    return table


def _without_margins(table):
    """Return the table without empty rows and columns that spreadsheets add."""
    table = table.rename(columns=lambda name: name.strip() if isinstance(name, str) else name)
    is_empty = table.isna() | table.eq("")
    nameless = table.columns.astype(str).str.match(r"Unnamed: \d+$")
    table = table.loc[:, ~(nameless & is_empty.all().to_numpy())]
    filled = (~is_empty.all(axis=1)).to_numpy().nonzero()[0]
    return table.iloc[: filled[-1] + 1 if len(filled) else 0]
