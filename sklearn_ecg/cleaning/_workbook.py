"""Write tables into a workbook for a spreadsheet program."""

import os

import pandas as pd

from sklearn_ecg.utils import whole_file

# Widest column in characters; longer texts are cut off.
_WIDEST = 60
_FORMAT = "0.000"

#: The sheet for a person's answers.
REVIEW_SHEET = "review"


def import_openpyxl(purpose):
    """Import openpyxl, or say how to install it."""
    try:
        import openpyxl
    except ImportError as error:
        raise ImportError(f"{purpose} needs openpyxl: pip install 'sklearn_ecg[excel]'.") from error
    return openpyxl


def write_workbook(path, sheets):
    """Write tables into the sheets of one workbook.

    Parameters
    ----------
    path : str or path-like
    sheets : dict of str to DataFrame
        The name of each sheet and its table. The column id is written as text, and text that
        looks like a formula stays text.
    """
    import_openpyxl("to_excel")
    if not os.fspath(path).lower().endswith(".xlsx"):
        raise ValueError(f"path must end in .xlsx; got {os.fspath(path)!r}.")
    # The old workbook, with a person's answers, stays until the new one is complete.
    with whole_file(path) as file, pd.ExcelWriter(file, engine="openpyxl") as writer:
        for name, table in sheets.items():
            if "id" in table:
                table = table.assign(id=table["id"].astype(str))
            table.to_excel(writer, sheet_name=name, index=False, freeze_panes=(1, 0))
            sheet = writer.sheets[name]
            sheet.auto_filter.ref = sheet.dimensions
            for column in sheet.iter_cols():
                for cell in column:
                    if cell.data_type == "f":
                        cell.data_type = "s"
                    if isinstance(cell.value, float):
                        cell.number_format = _FORMAT
                longest = max(len(_as_shown(cell.value)) for cell in column)
                letter = column[0].column_letter
                sheet.column_dimensions[letter].width = min(longest + 2, _WIDEST)


def _as_shown(value):
    return f"{value:.3f}" if isinstance(value, float) else str(value)
