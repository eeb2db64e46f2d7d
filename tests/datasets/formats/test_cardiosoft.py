import numpy as np
import pytest

from sklearn_ecg.datasets.formats import _cardiosoft
from sklearn_ecg.records._report import RecordError
from tests.datasets.formats.written_xml import (
    TWELVE_LEADS,
    cardiosoft_waveform,
    cardiosoft_xml,
    counts_of,
)

COUNTS = counts_of(12, 500)
BEAT = counts_of(12, 120, seed=1)
FILE = cardiosoft_xml(cardiosoft_waveform(COUNTS), cardiosoft_waveform(BEAT))


def opened(text, waveform="rhythm"):
    return _cardiosoft.open_recording(text.encode("latin-1"), "c.xml", waveform)


def test_rhythm_and_median_are_counts_times_the_resolution():
    for waveform, counts in (("rhythm", COUNTS), ("median", BEAT)):
        recording = opened(FILE, waveform)
        assert recording.lead_names == TWELVE_LEADS
        assert (recording.sampling_rate, recording.n_times) == (500.0, counts.shape[1])
        assert recording.remarks == []
        np.testing.assert_allclose(recording.read(), counts * 0.005, rtol=1e-6)
        assert recording.read().dtype == np.float32


def test_what_surrounds_the_samples():
    fields = opened(FILE).fields
    assert fields == {
        "patient_id": "00123",
        "age_years": 1.5,
        "sex": "female",
        "recorded_at": np.datetime64("2012-03-31T07:08:09"),
        "device": "CardioSoft",
        "site": "Spital S\u00fcd, Ward 3",
        "high_pass_hz": 0.01,
        "low_pass_hz": 100.0,
        "notch_hz": 50.0,
        "heart_rate_bpm": 60.0,
        "P_duration_ms": 98.0,
        "PR_interval_ms": 140.0,
        "QRS_duration_ms": 94.0,
        "QT_interval_ms": 400.0,
        "P_axis_deg": 75.0,
        "QRS_axis_deg": -83.0,
        "machine_statements": ("Normal sinus rhythm", "Normal ECG"),
        "reader_statements": ("Normal sinus rhythm", "Long QT"),
    }
    assert "secret" not in str(fields).casefold()


def test_a_report_that_repeats_the_program_is_no_readers():
    lines = ("Normal sinus rhythm", "Normal ECG", "QRS 15")
    text = cardiosoft_xml(cardiosoft_waveform(COUNTS), "", conclusion=lines)
    assert "reader_statements" not in opened(text).fields
    with pytest.raises(RecordError, match=r"^c.xml holds no median waveform, or no lead of it"):
        opened(text, "median")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('"uVperLsb">5<', '"uVperLsb">0<', "gives '0 uVperLsb' as its resolution"),
        (' units="uVperLsb">5<', ">5<", "gives '5' as its resolution"),
        ('"uVperLsb">5<', '"mmHgperLsb">5<', "gives '5 mmHgperLsb' as its resolution"),
        ('"Hz">500<', '"Hz">0<', "gives 0 as samples per second"),
        (">500</Channel", ">5000</Channel", "holds 500 samples of lead I instead of 5000"),
        ('lead="V6">', 'lead="V6">1,', "holds 501 samples of lead V6 instead of 500"),
        ('lead="aVF"', "", "holds a lead without a name"),
        ('lead="V6">\n\t', 'lead="V6">\n\tx', "has samples of lead V6 that are no numbers"),
    ],
)
def test_bad_values_are_named(old, new, problem):
    text = cardiosoft_xml(cardiosoft_waveform(COUNTS), "")
    assert old in text
    with pytest.raises(RecordError, match=rf"^c.xml .*{problem}"):
        opened(text.replace(old, new)).read()


def test_an_exercise_test_is_named():
    text = cardiosoft_xml("<Strip><WaveformData lead='I'>1,2</WaveformData></Strip>", "")
    with pytest.raises(RecordError, match="holds no rhythm waveform, but an exercise test"):
        opened(text)
