"""Records in a notebook: a line of facts, and a table of the first records with thumbnails."""

from html import escape

import numpy as np

_ROWS = 5
_LABELS_SHOWN = 8
_THUMBNAIL_S = 10.0
_WIDTH, _HEIGHT = 240, 36
# A flat line shall look flat: at least this much fills the height.
_LEAST_RANGE_MV = 0.5

_CELL = "padding:2px 8px;text-align:left;vertical-align:middle"


def to_html(records):
    """Return an HTML table of a collection; no script, no style sheet, nothing to load.

    Parameters
    ----------
    records : ECGRecords

    Returns
    -------
    str
    """
    shown = records[:_ROWS]
    lead = _thumbnail_lead(records)
    columns = _columns(shown)
    header = [*columns, *([] if lead is None else [f"lead {_lead_name(records, lead)}"])]
    rows = []
    for i in range(len(shown)):
        cells = [escape(str(values[i])) for values in columns.values()]
        if lead is not None:
            cells.append(_thumbnail(shown, i, lead))
        rows.append("".join(f'<td style="{_CELL}">{cell}</td>' for cell in cells))
    more = len(records) - len(shown)
    parts = [
        f'<div style="font-family:sans-serif;font-size:90%"><div>{escape(repr(records))}</div>',
        '<table style="border-collapse:collapse">',
        "<tr>" + "".join(f'<th style="{_CELL}">{escape(name)}</th>' for name in header) + "</tr>",
        *(f"<tr>{row}</tr>" for row in rows),
        "</table>",
        f"<div>... and {more} more records</div>" if more else "",
        "</div>",
    ]
    return "".join(parts)


def _columns(records):
    """Return the texts of each column, leaving out what is not known."""
    # Groups are not among them: they may be what a hospital calls its patients.
    columns = {"id": records.ids}
    if records.split is not None:
        columns["split"] = records.split
    if records.trusted is not None:
        columns["trusted"] = [
            "yes" if np.all(trusted) else "in part" if np.any(trusted) else "no"
            for trusted in records.trusted
        ]
    if records.labels is not None:
        columns["labels"] = [_label_text(row, records.label_names) for row in records.labels]
    return columns


def _label_text(row, label_names):
    present, unknown = np.flatnonzero(row == 1), np.count_nonzero(row == -1)
    names = [str(name) for name in label_names[present[:_LABELS_SHOWN]]]
    if len(present) > _LABELS_SHOWN:
        names.append("...")
    if unknown:
        names.append(f"({unknown} unknown)")
    return ", ".join(names) or "none"


def _thumbnail_lead(records):
    """Return the lead to draw: II, as on a monitor, else the first; None without signals."""
    if getattr(records, "is_table", False) or not len(records):
        return None
    names = records.lead_names or ()
    return names.index("II") if "II" in names else 0


def _lead_name(records, lead):
    return lead if records.lead_names is None else records.lead_names[lead]


def _thumbnail(records, record, lead):
    """Return the first seconds of a lead as an SVG path, or say why there is none."""
    try:
        signal = np.asarray(records.signals[record][lead])
    except (OSError, ValueError) as error:
        return f"<em>cannot be read: {escape(str(error))}</em>"
    if records.sampling_rate is not None:
        signal = signal[: max(round(_THUMBNAIL_S * records.sampling_rate), 2)]
    low, high = _envelope(signal.astype(float))
    if not np.isfinite(low).any():
        return "<em>not recorded</em>"
    middle = (np.nanmax(high) + np.nanmin(low)) / 2
    extent = max(np.nanmax(high) - np.nanmin(low), _LEAST_RANGE_MV)
    path = _path((middle - high) / extent, (middle - low) / extent)
    return (
        f'<svg width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">'
        f'<path d="{path}" fill="none" stroke="currentColor" stroke-width="1"/></svg>'
    )


def _envelope(signal):
    """Return the lowest and highest value for each pixel, so that no R wave is lost."""
    n_pixels = min(_WIDTH, len(signal))
    edges = np.linspace(0, len(signal), n_pixels + 1).astype(int)[:-1]
    return np.fmin.reduceat(signal, edges), np.fmax.reduceat(signal, edges)


def _path(top, bottom):
    """Return the SVG path that joins each pixel's range; NaN breaks the line."""
    x = np.linspace(0, _WIDTH, len(top))
    scale, middle = 0.94 * _HEIGHT, _HEIGHT / 2
    steps, pen_is_down = [], False
    for position, first, second in zip(
        x, middle + scale * top, middle + scale * bottom, strict=True
    ):
        if np.isfinite(first):
            step = "L" if pen_is_down else "M"
            steps.append(f"{step}{position:.1f} {first:.1f}V{second:.1f}")
        pen_is_down = bool(np.isfinite(first))
    return "".join(steps)
