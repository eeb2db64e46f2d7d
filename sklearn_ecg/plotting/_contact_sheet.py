"""Draw many small records on the pages of a PDF file."""

import textwrap
from numbers import Integral

import numpy as np
from sklearn.utils import check_random_state

from sklearn_ecg.plotting._ecg import ECGDisplay
from sklearn_ecg.plotting._matplotlib import import_pyplot
from sklearn_ecg.plotting._paper import INK
from sklearn_ecg.records import ECGRecords
from sklearn_ecg.records._report import lost_ecgs
from sklearn_ecg.utils import check_path, progress, whole_file

_A4_INCHES, _ROWS, _COLUMNS = (8.27, 11.69), 6, 2
_DPI, _LONGEST_TITLE = 160, 80


def save_contact_sheet(records, path, *, max_records=100, random_state=0, verbose=0) -> int:
    """Draw many records, twelve on a page, for an overview of a collection.

    Parameters
    ----------
    records : ECGRecords
        Records with a sampling rate. Records that cannot be read, and ECGs that ``records.report``
        names as left out, are shown with their problem.
    path : path-like
        The ``.pdf`` file to write.
    max_records : int, default=100
        Largest number of records; if there are more, a random sample is drawn.
    random_state : int, RandomState instance or None, default=0
        Seed of the random sample.
    verbose : int, default=0
        Shows a progress bar if positive.

    Returns
    -------
    int
        Number of records in the file.

    Raises
    ------
    TypeError
        If `records` are not ECGRecords.
    ValueError
        If there are no records, they have no sampling rate, or `path` does not end in .pdf.

    See Also
    --------
    ECGDisplay : One record at true scale.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from sklearn_ecg.datasets import make_ecg_records
    >>> from sklearn_ecg.plotting import save_contact_sheet
    >>> records = make_ecg_records(2, random_state=0)
    >>> with TemporaryDirectory() as folder:
    ...     save_contact_sheet(records, Path(folder) / "sheet.pdf")
    2
    """
    if not isinstance(records, ECGRecords):
        raise TypeError(f"records must be ECGRecords; got {type(records).__name__}.")
    if records.sampling_rate is None:
        raise ValueError(
            "records have no sampling_rate; make them with one: "
            "ECGRecords(signals, sampling_rate=...)."
        )
    if not isinstance(max_records, Integral) or max_records < 1:
        raise ValueError(f"max_records must be a positive integer; got {max_records!r}.")
    if check_path(path, "path").suffix.lower() != ".pdf":
        raise ValueError(f"path must end in .pdf; got {str(path)!r}.")
    plt = import_pyplot()
    from matplotlib.backends.backend_pdf import PdfPages

    left_out = lost_ecgs(records.report)[["file", "problem"]].drop_duplicates()
    shown = [*range(len(records)), *left_out.itertuples(index=False, name=None)]
    if not shown:
        raise ValueError("records holds no records; pass at least one.")
    if len(shown) > max_records:
        random = check_random_state(random_state)
        chosen = np.sort(random.choice(len(shown), max_records, replace=False))
        shown = [shown[place] for place in chosen]
    n_on_page = _ROWS * _COLUMNS
    bar = progress(description="Drawing records", total=len(shown), verbose=verbose)
    with whole_file(path) as file, PdfPages(file) as pages, bar:
        for start in range(0, len(shown), n_on_page):
            figure, axes = plt.subplots(_ROWS, _COLUMNS, figsize=_A4_INCHES)
            for ax in axes.flat:
                ax.set_axis_off()
            for ax, item in zip(axes.flat, shown[start : start + n_on_page], strict=False):
                _draw(ax, records, item)
                bar.update()
            figure.subplots_adjust(0.04, 0.02, 0.96, 0.96, wspace=0.06, hspace=0.2)
            pages.savefig(figure, dpi=_DPI)
            plt.close(figure)
    return len(shown)


def _draw(ax, records, item):
    """Draw a record, given by its position, or the problem of a file, given by (name, problem)."""
    if not isinstance(item, int):
        _say(ax, *item)
        return
    try:
        signal = np.asarray(records.signals[item])
        if not np.isfinite(signal).any():
            raise ValueError("holds no sample.")
        ECGDisplay.from_records(records, item, ax=ax)
    except Exception as error:  # libraries raise many types on damaged files
        ax.clear()
        ax.set_axis_off()
        _say(ax, str(records.ids[item]), str(error))
        return
    ax.set_axis_on()
    # As vectors, the grid lines would make the file very large.
    ax.set_rasterized(True)
    _entitle(ax, ax.get_title(loc="left"))
    for text in ax.texts:
        # Texts at the bottom are side by side, and would overlap.
        text.set_fontsize(2.8 if text.get_va() == "bottom" else 3.5)
    for line in ax.lines:
        line.set_linewidth(0.4)


def _entitle(ax, title):
    # The end of a path is more useful than its beginning.
    ax.set_title(title[-_LONGEST_TITLE:], fontsize=6, loc="left", x=0.01)


def _say(ax, name, problem):
    _entitle(ax, name)
    text = "\n".join(textwrap.wrap(f"Cannot be read: {problem}", 70, max_lines=6))
    ax.text(0.02, 0.9, text, fontsize=6, color=INK, va="top", transform=ax.transAxes)
