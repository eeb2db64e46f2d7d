"""Which lead stands where on the paper."""

import numpy as np
import pytest

from tests.review.paper.papers import (
    LEADS,
    PX_PER_MM,
    flat_with_peak,
    names,
    show,
)

CHEST = LEADS[6:]


@pytest.mark.parametrize(
    ("layout", "rows"),
    [
        ("3x4+1", [[LEADS[i + 3 * j] for j in range(4)] for i in range(3)] + [["II"]]),
        ("6x2", [[LEADS[i], CHEST[i]] for i in range(6)]),
        ("12x1", [[lead] for lead in LEADS]),
        (
            "cabrera",
            [
                ["aVL", "II", "V1", "V4"],
                ["I", "aVF", "V2", "V5"],
                ["-aVR", "III", "V3", "V6"],
                ["II"],
            ],
        ),
        ("V3", [["V3"]]),
        ("auto", [[LEADS[i + 3 * j] for j in range(4)] for i in range(3)] + [["II"]]),
    ],
)
def test_leads_stand_where_readers_look_for_them(page, layout, rows):
    # However the record lists them.
    state = show(page, flat_with_peak(lead=10)[::-1], LEADS[::-1], layout=layout)
    assert names(state) == rows


@pytest.mark.parametrize(
    ("leads", "seconds", "asked"),
    [
        (["I"], 2, "auto"),
        (["MLII", "V5"], 60, "stacked"),
        (["MLII", "V5"], 300, "auto"),
        (["I", "II", "III"], 10, "6x2"),
        (["I", "II", *CHEST], 10, "auto"),
        ([*LEADS, "V7", "V8", "V9"], 10, "auto"),
        (LEADS, 60, "auto"),
        (LEADS, 2, "auto"),
        (["a", "b"], 10, "V1"),
    ],
)
def test_other_records_stand_in_rows(page, leads, seconds, asked):
    signals = flat_with_peak(seconds=seconds, lead=0, n_leads=len(leads), sampling_rate=100)
    state = show(page, signals, leads, 100, layout=asked)
    assert state["layout"] == "stacked"
    assert names(state) == [[lead] for lead in leads]


def test_half_a_minute_of_one_lead_is_in_sight_in_lines_of_ten_seconds(page):
    state = show(page, flat_with_peak(seconds=30, at=23, n_leads=1, lead=0), ["I"], zoom=1)
    assert (state["layout"], names(state)) == ("wrapped", [["I"]] * 3)
    spans = [(row["traces"][0]["startS"], row["traces"][0]["stopS"]) for row in state["rows"]]
    assert spans == [(0, 10), (10, 20), (20, 30)]
    assert state["paperMm"]["width"] == 270
    # The peak stands in the third line, 3 s from the left.
    x, zero = (15 + 3 * 25) * PX_PER_MM, state["rows"][2]["baselineMm"] * PX_PER_MM
    top, _ = page.evaluate("(where) => ink(...where)", [x - 2, x + 3, zero - 50, zero + 5])
    assert abs(top - (zero - 10 * PX_PER_MM)) <= 1.5
    said = page.evaluate("paper.position('I', 23, 1)")
    np.testing.assert_allclose([said["x"], said["y"]], [x, zero - 10 * PX_PER_MM], atol=0.01)
    # At 50 mm/s a line is as long, and holds half as much; calipers stay in it.
    page.evaluate("paper.setCalipers({ times: [1, 9] })")
    page.evaluate("paper.update({ speed: 50 })")
    state = page.evaluate("paper.state")
    assert (len(state["rows"]), state["paperMm"]["width"]) == (6, 275)
    assert state["reading"]["ms"] == 4000


@pytest.mark.parametrize(
    ("leads", "seconds", "layout", "n_rows"),
    [
        (["I"], 16, "wrapped", 2),
        (["I"], 300, "wrapped", 30),
        (["MLII", "V1"], 60, "wrapped", 12),
        (["MLII", "V1"], 300, "stacked", 2),
        (LEADS, 30, "stacked", 12),
    ],
)
def test_long_records_of_few_leads_are_wrapped(page, leads, seconds, layout, n_rows):
    signals = flat_with_peak(seconds=seconds, lead=0, n_leads=len(leads), sampling_rate=100)
    state = show(page, signals, leads, 100)
    assert (state["layout"], len(state["rows"])) == (layout, n_rows)
    # One lead of many is wrapped, too.
    page.evaluate("([lead]) => paper.update({ layout: lead })", leads)
    assert page.evaluate("paper.state.rows.length") == -(-seconds // 10)


def test_a_grid_says_which_leads_it_lacks_and_which_it_leaves_out(page):
    leads = ["I", "II", *CHEST, "V7"]
    state = show(page, flat_with_peak(n_leads=9), leads, layout="3x4+1")
    notes = {trace["name"]: trace["note"] for row in state["rows"] for trace in row["traces"]}
    assert {name for name, note in notes.items() if note == "notInRecord"} == set(LEADS[2:6])
    assert state["notShown"] == ["V7"]


def test_minus_avr_is_avr_upside_down(page):
    state = show(page, flat_with_peak(-1.0, lead=3), layout="cabrera", zoom=1)
    said = page.evaluate("paper.position('aVR', 1, -1)")
    zero = state["rows"][2]["baselineMm"] * PX_PER_MM
    assert said["y"] == pytest.approx(zero - 10 * PX_PER_MM)
    top, _ = page.evaluate("([x, y]) => ink(x - 2, x + 3, y - 60, y)", [said["x"], zero])
    assert abs(top - said["y"]) <= 1.5


def test_an_offset_of_the_electrode_moves_no_lead(page):
    usual = show(page, flat_with_peak())
    shifted = flat_with_peak()
    shifted[1] += 3.0
    assert show(page, shifted)["rows"] == usual["rows"]


def test_rows_give_way_to_high_waves(page):
    signals = flat_with_peak(lead=2, mv=4.0)
    low, high = (show(page, given, layout="12x1") for given in (flat_with_peak(), signals))

    def gap(state):
        return state["rows"][2]["baselineMm"] - state["rows"][1]["baselineMm"]

    assert gap(high) > gap(low)
    assert gap(high) >= 40


def test_a_name_does_not_cover_the_signal(page):
    # A wave of 1 mV where the name of the lead would stand.
    signals = flat_with_peak(at=0.15)
    page.evaluate("""() => {
      window.texts = [];
      const own = CanvasRenderingContext2D.prototype.fillText;
      CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
        texts.push([text, x, x + this.measureText(text).width]);
        own.call(this, text, x, y);
      };
      window.restoreText = () => { CanvasRenderingContext2D.prototype.fillText = own; };
    }""")
    show(page, signals, layout="II", zoom=1)
    texts = page.evaluate("(restoreText(), texts)")
    peak = page.evaluate("paper.position('II', 0.15).x")
    (name,) = {tuple(text) for text in texts if text[0] == "II"}
    assert not name[1] - 2 <= peak <= name[2] + 2
