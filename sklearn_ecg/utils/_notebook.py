"""Show in a notebook what an estimator has learned.

Only this file uses scikit-learn's private table of fitted attributes. scikit-learn shows this table
from version 1.9 on; earlier versions show only parameters.
"""

from html import escape

import numpy as np
import pandas as pd

_NAMED = 12


def with_summary(attributes, learned):
    """Put a summary before scikit-learn's table of fitted attributes.

    Parameters
    ----------
    attributes : AttrsDict
        The value that ``super()._get_fitted_attr_html(doc_link)`` returned.
    learned : dict of str to str, number or DataFrame
        Facts by name. A DataFrame becomes a table, with at most 12 rows.

    Returns
    -------
    AttrsDict
        `attributes`, changed in place.
    """
    for about in attributes.values():
        if isinstance(about["value"], pd.DataFrame):
            # scikit-learn would show the first ten characters of its text.
            about["type_name"] = f"DataFrame{about['value'].shape}"
            about["value"] = np.asarray(about["value"].columns, dtype=str)
    theirs = attributes._html_repr
    attributes._html_repr = lambda: _to_html(learned) + theirs()
    return attributes


def listed(names, most=_NAMED):
    """Return a line of names, cut off if there are many.

    Parameters
    ----------
    names : iterable
    most : int, default=12

    Returns
    -------
    str

    Examples
    --------
    >>> from sklearn_ecg.utils import listed
    >>> listed(["AF", "PVC"])
    'AF, PVC'
    >>> listed(range(14))
    '0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 2 more'
    """
    names = [str(name) for name in names]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _to_html(learned):
    rows = "".join(
        f'<tr class="default"><td class="param">{escape(name)}</td>'
        f"<td>{escape(str(fact))}</td></tr>"
        for name, fact in learned.items()
        if not isinstance(fact, pd.DataFrame)
    )
    tables = "".join(
        _table(name, fact) for name, fact in learned.items() if isinstance(fact, pd.DataFrame)
    )
    return (
        '<div class="estimator-table"><details open><summary>What was learned</summary>'
        f'<table class="parameters-table"><tbody>{rows}</tbody></table>{tables}</details></div>'
    )


def _table(name, frame):
    more = len(frame) - _NAMED
    head = f"{name}, the first {_NAMED} of {len(frame)}" if more > 0 else name
    cells = frame.head(_NAMED).map(_text)
    header = "".join(f"<th>{escape(str(column))}</th>" for column in ["", *cells.columns])
    rows = "".join(
        f'<tr class="default"><td class="param">{escape(str(label))}</td>'
        + "".join(f"<td>{escape(text)}</td>" for text in row)
        + "</tr>"
        for label, row in zip(cells.index, cells.to_numpy(), strict=True)
    )
    # scikit-learn's boxes are light on dark pages too; a caption would take the page's colour.
    return (
        f'<table class="parameters-table"><caption style="color:black">{escape(head)}</caption>'
        f"<tbody><tr>{header}</tr>{rows}</tbody></table>"
    )


def _text(value):
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, float):
        return "-" if np.isnan(value) else f"{value:.3g}"
    return str(value)
