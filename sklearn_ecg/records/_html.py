"""Show records in a notebook: facts, counts by label, and the first records with thumbnails."""

from html import escape

import numpy as np

_ROWS = 5
_LABELS_SHOWN = 8
_LABEL_ROWS = 20
_THUMBNAIL_S = 10.0
_WIDTH, _HEIGHT = 240, 36
# A flat line must look flat: the height shows at least this range.
_LEAST_RANGE_MV = 0.5

_CELL = "padding:2px 8px;text-align:left;vertical-align:middle"
_WHOLE = f"{_CELL};white-space:nowrap"  # the words of a header, and an id, stay on one line


def to_html(records):
    """Return a summary of a collection, its labels and its first records as HTML.

    It has no scripts, style sheets or links, and takes the colours of the page, light or dark.

    Parameters
    ----------
    records : ECGRecords

    Returns
    -------
    str
    """
    name, _, facts = repr(records).partition(": ")
    parts = [
        '<div style="font-family:sans-serif;font-size:90%;overflow-x:auto">',
        f'<div style="font-weight:bold">{escape(name)}</div>',
        "".join(f"<div>{escape(line)}</div>" for line in [facts, *_more_facts(records)]),
    ]
    if records.n_labels:
        parts.append(_table(*_label_table(records)))
    parts += [_table(*_record_table(records[:_ROWS])), "</div>"]
    more = len(records) - _ROWS
    if more > 0:
        parts.insert(-1, f"<div>... and {more} more {'record' if more == 1 else 'records'}</div>")
    return "".join(parts)


def _table(header, rows):
    """Return a table of cells in HTML."""
    lines = ["".join(f'<th style="{_WHOLE}">{escape(name)}</th>' for name in header)]
    for first, *others in rows:
        cells = "".join(f'<td style="{_CELL}">{cell}</td>' for cell in others)
        lines.append(f'<td style="{_WHOLE}">{first}</td>{cells}')
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f'<table style="border-collapse:collapse;margin:6px 0">{body}</table>'


def _more_facts(records):
    """Return facts that repr does not show: patients, and the number of records left out."""
    facts = []
    if records.groups is not None:
        facts.append(f"{len(np.unique(records.groups))} patients")
    left_out = len(records.report) - int(records.report["kept"].astype(bool).sum())
    if left_out:
        facts.append(f"{left_out} left out when they were loaded: see records.report")
    return facts


def _label_table(records):
    """Return the header and the rows of counts by label, with the changes of cleaning."""
    counts = records.label_counts()
    table = {"records with it": counts["present"], "without": counts["absent"]}
    weak = getattr(records, "weak_labels", None)
    if weak is not None:
        table |= {
            "added": ((records.labels == 1) & (weak != 1)).sum(axis=0),
            "removed": ((records.labels == 0) & (weak == 1)).sum(axis=0),
            "undecided": (records.provenance == "undecided").sum(axis=0),
        }
    elif counts["unknown"].any():
        table["unknown"] = counts["unknown"]
    if "present_trusted" in counts:
        table["trusted with it"] = counts["present_trusted"]
    columns = [list(values)[:_LABEL_ROWS] for values in table.values()]
    names = [escape(str(name)) for name in records.label_names[:_LABEL_ROWS]]
    rows = list(zip(names, *columns, strict=True))
    if records.n_labels > _LABEL_ROWS:
        rows.append((f"... and {records.n_labels - _LABEL_ROWS} more labels",))
    return ["label", *table], rows


def _record_table(shown):
    """Return the header and the rows of the first records."""
    lead, columns = _thumbnail_lead(shown), _columns(shown)
    header, rows = list(columns), []
    if lead is not None:
        header.append(f"lead {_lead_name(shown, lead)}")
    for i in range(len(shown)):
        cells = [escape(str(values[i])) for values in columns.values()]
        rows.append(cells if lead is None else [*cells, _thumbnail(shown, i, lead)])
    return header, rows


def _columns(records):
    """Return the texts of each column that is known."""
    # Groups are left out: they may be the patient numbers of a hospital.
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
    """Return the lead to draw: II as on a monitor, else the first lead, or None without signals."""
    if getattr(records, "is_table", False) or not len(records):
        return None
    names = records.lead_names or ()
    return names.index("II") if "II" in names else 0


def _lead_name(records, lead):
    return lead if records.lead_names is None else records.lead_names[lead]


def _thumbnail(records, record, lead):
    """Return the first seconds of a lead as an SVG path, or the reason why there is none."""
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
    """Return the lowest and highest value for each pixel, so that every R wave is visible."""
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
