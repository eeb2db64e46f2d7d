"""ECGWidget: what it hands to the page, and what the page hands back."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest
import traitlets
from ipywidgets import DOMWidget

from sklearn_ecg import ECGRecords
from sklearn_ecg.datasets import make_ecg_records
from sklearn_ecg.features import delineate
from sklearn_ecg.review import ECGWidget


@pytest.fixture(scope="module")
def records():
    return make_ecg_records(2, random_state=0)


def test_the_page_gets_one_module_that_imports_nothing(records):
    module = ECGWidget(records)._esm
    assert "class ECGPaper" in module
    assert "export default { render }" in module
    assert not re.search(r"^import ", module, re.MULTILINE)


def sent_signals(widget):
    """The signals as the page reads them."""
    return np.frombuffer(widget.signals, "<f4").reshape(len(widget.leads), -1)


def test_the_page_gets_the_record_in_millivolts(records):
    widget = ECGWidget(records, 1)
    assert widget.leads == list(records.lead_names)
    assert widget.sampling_rate == records.sampling_rate
    np.testing.assert_array_equal(sent_signals(widget), records.signals[1].astype(np.float32))


def test_a_record_is_found_by_its_id_and_keeps_its_gaps():
    signals = np.zeros((2, 1, 500))
    signals[1, 0, 100:200] = np.nan
    records = ECGRecords(signals, sampling_rate=100, lead_names=["I"], ids=["a", "b"])
    sent = sent_signals(ECGWidget(records, "b"))
    assert np.isnan(sent).sum() == 100


def test_another_record_is_shown_without_the_waves_of_the_one_before(records):
    widget = ECGWidget(records, waves=True)
    assert widget.waves
    widget.show(1)
    assert widget.waves is None
    np.testing.assert_array_equal(sent_signals(widget), records.signals[1].astype(np.float32))


def test_waves_are_those_of_the_delineation(records):
    table = delineate(records.signals[0], records.sampling_rate)
    widget = ECGWidget(records, waves=table)
    for wave, onset in (("P", "p_onset"), ("QRS", "qrs_onset"), ("T", "t_onset")):
        sent = [one["onset"] for one in widget.waves if one["wave"] == wave]
        np.testing.assert_array_equal(sent, table[onset].dropna())


def test_what_is_absent_in_a_lead_is_no_wave():
    absent = dict.fromkeys(["p_onset", "p_peak", "p_offset", "qrs_onset", "qrs_offset"], np.nan)
    absent |= dict.fromkeys(["t_onset", "t_offset"], np.nan)
    table = pd.DataFrame([{"lead": "I", "r_peak": 100.0, "t_peak": 160.0, **absent}])
    records = ECGRecords(np.zeros((1, 1, 500)), sampling_rate=100, lead_names=["I"])
    expected = {"lead": "I", "wave": "T", "onset": None, "peak": 160.0, "offset": None}
    assert ECGWidget(records, waves=table).waves == [expected]


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"speed": 30}, ValueError, "speed"),
        ({"gain": 1}, ValueError, "gain"),
        ({"lead_layout": "V9"}, ValueError, "lead_layout"),
        ({"record": 2}, ValueError, "record=2 is out of range for 2 records"),
        ({"waves": "yes"}, TypeError, "waves must be a DataFrame"),
        ({"waves": pd.DataFrame({"lead": [0]})}, ValueError, "waves lacks the columns"),
    ],
)
def test_a_wrong_parameter_is_named(records, options, error, message):
    with pytest.raises(error, match=message):
        ECGWidget(records, **options)


def test_records_need_a_sampling_rate():
    with pytest.raises(ValueError, match="no sampling_rate"):
        ECGWidget(ECGRecords(np.zeros((1, 1, 500))))


def test_a_look_that_there_is_not_is_refused_later_too(records):
    widget = ECGWidget(records)
    widget.lead_layout = "aVR"
    with pytest.raises(traitlets.TraitError, match="lead_layout must be one of"):
        widget.lead_layout = "3x5"
    with pytest.raises(traitlets.TraitError, match="speed"):
        widget.speed = 100
    assert (widget.lead_layout, widget.speed) == ("aVR", 25)


def test_traits_leave_those_of_jupyter_alone(records):
    widget = ECGWidget(records)
    # A page takes these from every widget; `layout` is how it places it.
    assert type(widget.layout).__name__ == "Layout"
    assert not set(ECGWidget.class_own_traits()) & set(DOMWidget.class_traits())


def test_a_page_without_a_kernel_shows_a_drawing(records):
    data, _ = ECGWidget(records, 1)._repr_mimebundle_()
    assert data["text/plain"].startswith("ECGWidget: I, II, III, aVR")
    drawing = ET.fromstring(data["image/svg+xml"])
    texts = [one.text for one in drawing.iter("{http://www.w3.org/2000/svg}text")]
    assert texts[:4] == ["I", "aVR", "V1", "V4"]
    assert texts[-1] == "25 mm/s   10 mm/mV   2.5 s of each lead, columns in sequence"


def test_without_the_extra_the_import_says_what_to_install():
    code = (
        "import sys; sys.modules['anywidget'] = None; import sklearn_ecg.review as review\n"
        "try: review.ECGWidget\n"
        "except ImportError as error: print(error)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "ECGWidget needs anywidget: pip install sklearn_ecg[notebook]."
