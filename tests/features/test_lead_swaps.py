"""Electrodes that are swapped are named, on simulated and on real records, and no others."""

import itertools

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_ecg import ECGFeatureExtractor, ECGRecords
from sklearn_ecg.datasets import load_ptbxl, make_ecg_records
from sklearn_ecg.preprocessing import Resampler
from sklearn_ecg.utils import LEADS_12

# What becomes of the limb leads, as (lead, sign): from the electrodes' potentials, by hand.
LIMB = {
    "LA and RA": "-I III II aVL aVR aVF",
    "LA and LL": "II I -III aVR aVF aVL",
    "RA and LL": "-III -II -I aVF aVL aVR",
}
CHEST = [f"V{a} and V{b}" for a, b in itertools.combinations(range(1, 7), 2)]
SWAPS = [*LIMB, *CHEST]


def swapped(signals, swap):
    """Return signals (n_records, 12, n_times) as they are recorded with two electrodes swapped."""
    sources = list(LEADS_12)
    if swap in LIMB:
        sources[:6] = LIMB[swap].split()
    else:
        first, second = (LEADS_12.index(lead) for lead in swap.split(" and "))
        sources[first], sources[second] = sources[second], sources[first]
    signs = np.array([-1 if source[0] == "-" else 1 for source in sources])
    return signals[:, [LEADS_12.index(s.removeprefix("-")) for s in sources]] * signs[:, None]


def findings(records):
    """Return what is said of swapped electrodes, (id, pair) for each finding."""
    report = ECGFeatureExtractor().fit(records).quality_report(records)
    report = report[report["problem"].str.contains("swapped")]
    assert (report["lead"] == "").all()
    pairs = report["problem"].str.removesuffix(" look swapped")
    return list(zip(report["id"], pairs, strict=True))


@pytest.fixture(scope="module")
def simulated():
    return make_ecg_records(8, labels=["Normal"], random_state=1, duration_s=5)


@pytest.fixture(scope="module")
def real(shared_data):
    """PTB-XL at 100 Hz, of patients that were not learned from."""
    records = load_ptbxl(shared_data / "ptb-xl", sampling_rate=100, task="all")
    others = np.unique(records.groups)[1::2]
    return records[np.isin(records.groups, others)]


@pytest.mark.parametrize("swap", SWAPS)
def test_every_swap_of_simulated_hearts(simulated, swap):
    found = findings(simulated.with_signals(swapped(np.asarray(simulated.signals), swap)))
    assert {pair for _, pair in found} <= {swap}
    if swap != "LA and LL":
        assert len(found) >= 5


def test_nothing_is_found_where_nothing_is_swapped(simulated):
    assert findings(simulated) == []


@pytest.mark.parametrize("rate", [100, 250, 360, 1000])
def test_swaps_are_found_at_every_rate_and_size(simulated, rate):
    signals = np.asarray(simulated.signals) * np.linspace(0.3, 3, 8)[:, None, None] + 0.2
    for swap in ("LA and RA", "V1 and V3"):
        records = Resampler(rate).fit_transform(simulated.with_signals(swapped(signals, swap)))
        assert [pair for _, pair in findings(records)] == [swap] * 8


@pytest.mark.parametrize(
    ("swap", "least"),
    [("LA and RA", 0.85), ("RA and LL", 0.85), ("LA and LL", 0.2)]
    + [(pair, 0.5 if int(pair[-1]) - int(pair[1]) == 1 else 0.8) for pair in CHEST],
)
def test_swaps_of_real_records_are_found(real, swap, least):
    some = real[::50]
    found = findings(some.with_signals(swapped(np.asarray(some.signals), swap)))
    assert sum(pair == swap for _, pair in found) >= least * len(some)


def test_real_records_are_seldom_accused(real):
    some = real[::8]
    assert len({id for id, _ in findings(some)}) <= 0.025 * len(some)


def test_what_to_do_undoes_it(simulated):
    """Each swap undoes itself, so that what the report says is what was done."""
    signals = np.asarray(simulated.signals)
    for swap in SWAPS:
        assert_allclose(swapped(swapped(signals, swap), swap), signals)
    report = {}
    for swap in LIMB:
        records = simulated.with_signals(swapped(signals, swap))
        rows = ECGFeatureExtractor().fit(records).quality_report(records)
        rows = rows[rows["problem"] == f"{swap} look swapped"]
        report[swap] = rows["what_to_do"].iloc[0]
    assert "invert I, exchange II with III and aVR with aVL" in report["LA and RA"]
    assert "invert III, exchange I with II and aVL with aVF" in report["LA and LL"]
    assert "invert II, exchange I with -III and aVR with aVF" in report["RA and LL"]


@pytest.mark.parametrize(
    ("pair", "on_leg", "on_arm"),
    [("RA and RL", "RA", ""), ("LA and RL", "LA", ""), ("arms and legs", "RA LA", "LL")],
)
def test_the_right_legs_electrode_on_an_arm(simulated, rng, pair, on_leg, on_arm):
    """Both legs have the same potential, so a lead between them is flat."""
    one, two = np.asarray(simulated.signals)[:, :2].swapaxes(0, 1)
    potentials = {"RA": np.zeros_like(one), "LA": one, "LL": two}
    for electrode in on_leg.split():
        potentials[electrode] = two + rng.normal(scale=0.002, size=two.shape)
    for electrode in on_arm.split():
        potentials[electrode] = one
    one, two = potentials["LA"] - potentials["RA"], potentials["LL"] - potentials["RA"]
    limb = [one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2]
    signals = np.concatenate([np.stack(limb, axis=1), np.asarray(simulated.signals)[:, 6:]], axis=1)
    found = findings(simulated.with_signals(signals))
    assert [p for _, p in found if "arms" in p or "RL" in p] == [pair] * 8


def test_leads_that_are_not_enough(simulated):
    signals = swapped(np.asarray(simulated.signals), "LA and RA")
    records = simulated.with_signals(signals)
    assert findings(records.select_leads(LEADS_12[:6])) == []
    assert findings(records.select_leads(LEADS_12[6:])) == []
    missing = signals.copy()
    missing[:, 8] = np.nan
    assert findings(simulated.with_signals(missing)) == []


def test_eight_leads_are_enough_in_any_order_and_spelling(simulated):
    names = [*LEADS_12[:2], *LEADS_12[6:]]
    signals = swapped(np.asarray(simulated.signals), "LA and RA")
    eight = simulated.with_signals(signals).select_leads(names[::-1])
    given = [f"Lead {name}" for name in eight.lead_names]
    records = ECGRecords(eight.signals, eight.sampling_rate, lead_names=given)
    assert [pair for _, pair in findings(records)] == ["LA and RA"] * 8


def test_columns_that_were_mixed_up_are_no_swapped_electrodes(simulated):
    signals = np.asarray(simulated.signals).copy()
    signals[:, 0] *= -1
    records = simulated.with_signals(signals)
    report = ECGFeatureExtractor().fit(records).quality_report(records)
    assert "limb leads contradict each other" in set(report["problem"])
    assert findings(records) == []
