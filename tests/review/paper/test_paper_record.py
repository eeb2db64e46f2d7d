"""What the paper takes as a record, and what it says of leads that are not as they should be."""

import base64

import numpy as np
import pytest

from tests.review.paper.papers import (
    PX_PER_MM,
    flat_with_peak,
    show,
)


def test_int16_is_read_as_millivolts_with_gaps(page):
    header = {"leads": ["I", "II"], "sampling_rate": 250, "n_times": 3, "step_mv": 0.005}
    stored = np.array([[0, 1, -32768], [-200, 32767, -32767]], "<i2")
    text = base64.b64encode(stored.tobytes()).decode()
    decoded = page.evaluate(
        """([header, text]) => {
          const { leads, samplingRate, signals } = decode(header, text);
          return [leads, samplingRate, signals.map((lead) => Array.from(lead, String))];
        }""",
        [header, text],
    )
    assert decoded[:2] == [["I", "II"], 250]
    read = np.array(decoded[2], dtype=float)
    np.testing.assert_allclose(read, [[0, 0.005, np.nan], [-1, 163.835, -163.835]], rtol=1e-6)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "decode({leads: ['I'], sampling_rate: 1, n_times: 3, step_mv: 1}, btoa('four'))",
            "4 bytes; 1 leads of 3 samples have 6",
        ),
        ("paper.update({ speed: 30 })", "speed must be one of 25, 50; got 30"),
        ("paper.update({ gain: 0 })", "gain must be one of 5, 10, 20; got 0"),
        ("paper.update({ samplingRate: 0 })", "samplingRate must be positive"),
        ("paper.update({ leads: ['I'] })", "1 names of leads for 12 signals"),
        ("paper.setWaves([{ lead: 'X', wave: 'P' }])", "no wave P of lead X"),
    ],
)
def test_wrong_input_is_refused_and_the_paper_stays(page, code, message):
    show(page, flat_with_peak())
    said = page.evaluate(f"() => {{ try {{ {code} }} catch (error) {{ return error.message }} }}")
    assert message in said
    assert page.evaluate("paper.state.label") == "12-lead ECG, 10 s, 25 mm/s, 10 mm/mV"


def test_gaps_stay_open_and_a_lonely_sample_is_seen(page):
    signals = flat_with_peak(n_leads=1, lead=0)
    signals[0, 2000:3000] = np.nan
    signals[0, 2500] = 0
    show(page, signals, ["I"], zoom=1)
    at = {t: page.evaluate(f"paper.position('I', {t})") for t in (3.9, 4.5, 5.0, 6.1)}

    def drawn(t):
        x, y = at[t]["x"], at[t]["y"]
        return page.evaluate("([x, y]) => ink(x - 3, x + 4, y - 5, y + 5)", [x, y]) is not None

    assert [drawn(t) for t in at] == [True, False, True, True]


def test_flat_missing_and_cut_off_leads_are_named(page):
    signals = flat_with_peak()
    signals[6] = 0
    signals[7] = np.nan
    signals[8, :2600] = np.nan
    signals[8, 2600:2700] = 30
    signals[9, 4000:] = np.nan
    state = show(page, signals, layout="6x2")
    notes = {trace["name"]: trace["note"] for row in state["rows"] for trace in row["traces"]}
    assert {lead: note for lead, note in notes.items() if note} == {
        "V1": "flat",
        "V2": "notRecorded",
        "V3": "offScale",
    }
    # The same for those who do not see it.
    table = dict(
        line.split("\t")[:2] for line in page.inner_text("table").splitlines() if "\t" in line
    )
    assert table["I"] == "recorded"
    assert table["V1"] == "flat"
    assert table["V2"] == "not recorded"
    assert table["V3"] == "recorded, not recorded for 5.2 s of it, cut off"
    assert table["V4"] == "recorded, not recorded for 2 s of it"


def test_what_is_cut_off_crosses_no_other_lead(page):
    signals = np.zeros((3, 5000))
    signals[:, ::50] = 0.001
    signals[1, 2000:2200] = 30.0
    state = show(page, signals, ["a", "b", "c"], zoom=1)
    x = page.evaluate("paper.position('a', 4.0).x")
    zero = state["rows"][0]["baselineMm"] * PX_PER_MM
    top, _ = page.evaluate("([x]) => ink(x - 3, x + 4)", [x])
    assert abs(top - zero) < 3


def test_leads_of_one_name_are_drawn_each(page):
    signals = flat_with_peak(lead=0, n_leads=2)
    state = show(page, signals, ["I", "I"], zoom=1)
    x = 40 * PX_PER_MM
    for row, height in ((0, 10), (1, 0)):
        zero = state["rows"][row]["baselineMm"] * PX_PER_MM
        top, _ = page.evaluate("(where) => ink(...where)", [x - 2, x + 3, zero - 45, zero + 5])
        assert abs(top - (zero - height * PX_PER_MM)) <= 1.5


@pytest.mark.parametrize("signals", [np.full((2, 500), np.nan), np.zeros((2, 1))])
def test_nothing_to_see_is_drawn_as_such(page, signals):
    state = show(page, signals, ["I", "II"], 100)
    assert {trace["note"] for row in state["rows"] for trace in row["traces"]} <= {
        "notRecorded",
        "flat",
    }
