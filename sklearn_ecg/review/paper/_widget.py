"""An ECG on paper in a notebook."""

from pathlib import Path

import anywidget
import numpy as np
import traitlets

from sklearn_ecg.features import delineate
from sklearn_ecg.plotting._ecg import read_record
from sklearn_ecg.plotting._paper import Paper
from sklearn_ecg.plotting._svg import draw_svg
from sklearn_ecg.review.paper._modules import join_modules
from sklearn_ecg.review.paper._waves import list_waves
from sklearn_ecg.utils import check_option

LAYOUTS = ("auto", "3x4+1", "6x2", "12x1", "cabrera", "stacked", "wrapped")


class ECGWidget(anywidget.AnyWidget):
    """An ECG on calibrated paper in a notebook, with zoom, calipers and waves.

    It draws like the review desk. `ECGDisplay` draws with matplotlib, without a notebook. Needs
    anywidget: ``pip install sklearn_ecg[notebook]``. A saved notebook also holds a drawing without
    controls, for pages without a kernel.

    Parameters
    ----------
    records : ECGRecords
        With a sampling rate.
    record : int or str, default=0
        The record's position, or its id.
    lead_layout : str, default="auto"
        "auto", "3x4+1", "6x2", "12x1", "cabrera", "stacked", "wrapped", or the name of a single
        lead. "3x4+1" is three rows of four leads and a strip of lead II; "cabrera" is the same with
        limb leads in Cabrera's order (aVL, I, -aVR, II, aVF, III); "stacked" has a row for each
        lead in the order of the record; "wrapped" breaks these rows into lines of ten seconds.
        "auto" is "3x4+1" for the twelve standard leads of about ten seconds, "wrapped" for up to
        three leads of up to five minutes in all, else "stacked". Other layouts become "stacked" or
        "wrapped" for a record that lacks most of their leads.
    speed : {25, 50}, default=25
        mm/s.
    gain : {5, 10, 20}, default=10
        mm/mV.
    waves : bool or DataFrame, default=False
        Whether to mark waves. True marks those of `sklearn_ecg.features.delineate`; a DataFrame
        from that function is marked as it is.

    Attributes
    ----------
    lead_layout, speed, gain
        Values of the parameters, or as chosen in the notebook; may be set.
    reading : dict
        Result of the calipers: ms, per_minute, mv and times_s, in s from the left end of the
        traces. Empty while they are hidden.

    See Also
    --------
    sklearn_ecg.plotting.ECGDisplay : The same with matplotlib.

    Examples
    --------
    >>> from sklearn_ecg.datasets import make_ecg_records
    >>> from sklearn_ecg.review import ECGWidget
    >>> records = make_ecg_records(2, random_state=0)
    >>> widget = ECGWidget(records, waves=True)
    >>> widget.speed = 50
    >>> widget.show(1)

    The last line of a notebook's cell, ``widget``, draws the ECG there. A `ReviewQueue` holds the
    records of its questions:

    >>> (question,) = queue.next_questions("anna")  # doctest: +SKIP
    >>> ECGWidget(queue.record(question["record"]["record"]))  # doctest: +SKIP
    """

    _esm = join_modules(Path(__file__).with_name("notebook.js"))

    leads = traitlets.List(traitlets.Unicode()).tag(sync=True)
    sampling_rate = traitlets.Float().tag(sync=True)
    signals = traitlets.Bytes().tag(sync=True)  # float32 of mV, little-endian, lead after lead
    waves: traitlets.List = traitlets.List(allow_none=True).tag(sync=True)
    # Not `layout`: with that name Jupyter places a widget in the page.
    lead_layout = traitlets.Unicode("auto").tag(sync=True)
    speed = traitlets.Enum(Paper.SPEEDS, 25).tag(sync=True)
    gain = traitlets.Enum(Paper.GAINS, 10).tag(sync=True)
    reading = traitlets.Dict().tag(sync=True)

    def __init__(self, records, record=0, *, lead_layout="auto", speed=25, gain=10, waves=False):
        check_option(speed, Paper.SPEEDS, "speed")
        check_option(gain, Paper.GAINS, "gain")
        shown = _read(records, record, waves)
        check_option(lead_layout, (*LAYOUTS, *shown["leads"]), "lead_layout")
        self._records = records
        super().__init__(lead_layout=lead_layout, speed=speed, gain=gain, **shown)

    def __repr__(self):
        duration = self._signal().shape[1] / self.sampling_rate
        return f"ECGWidget: {', '.join(self.leads)}; {duration:.1f} s at {self.sampling_rate:g} Hz"

    def _repr_mimebundle_(self, **kwargs):
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is not None:
            # Shown where no kernel runs, for example on a page that nbconvert has made.
            drawing = draw_svg(self._signal(), self.sampling_rate, self.leads, title=repr(self))
            bundle[0]["image/svg+xml"] = drawing
        return bundle

    def _signal(self):
        return np.frombuffer(self.signals, "<f4").reshape(len(self.leads), -1)

    def show(self, record, *, waves=False) -> None:
        """Show another record.

        Parameters
        ----------
        record : int or str
            Position of the record, or its id.
        waves : bool or DataFrame, default=False
            As for the class.
        """
        shown = _read(self._records, record, waves)
        with self.hold_sync():
            for name, value in shown.items():
                setattr(self, name, value)

    @traitlets.validate("lead_layout")
    def _check_layout(self, proposal):
        options = (*LAYOUTS, *self.leads)
        if proposal["value"] not in options:
            raise traitlets.TraitError(
                f"lead_layout must be one of {options}; got {proposal['value']!r}."
            )
        return proposal["value"]


def _read(records, record, waves):
    """Return the content of the page for a record."""
    _, signal = read_record(records, record)
    leads = records.lead_names or [f"lead {i}" for i in range(len(signal))]
    if waves is True:
        waves = delineate(signal, records.sampling_rate)
    return {
        "leads": [str(lead) for lead in leads],
        "sampling_rate": float(records.sampling_rate),
        "waves": None if waves is False else list_waves(waves, leads),
        "signals": signal.astype("<f4").tobytes(),
    }
