"""Limb leads that are missing: computed from any two others, in records of any form."""

import itertools
import pickle

import joblib
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_ecg import ECGFeatureExtractor, ECGRecords
from sklearn_ecg.datasets import load_ptbxl, make_ecg_records
from sklearn_ecg.preprocessing import LeadScaler
from sklearn_ecg.records import LazySignals, concatenate
from sklearn_ecg.records._lead_order import order_leads
from sklearn_ecg.records._limb_leads import limb_lead_recipe

LIMBS = ("I", "II", "III", "aVR", "aVL", "aVF")
LEADS_12 = (*LIMBS, *(f"V{i}" for i in range(1, 7)))
INDEPENDENT = ("I", "II", *LEADS_12[6:])


def by_definition(rng, n_records=3, n_times=40):
    """Twelve leads from the potentials of the electrodes, and not from each other."""
    right, left, foot = rng.normal(size=(3, n_records, n_times))
    chest = rng.normal(size=(6, n_records, n_times))
    leads = [
        left - right,
        foot - right,
        foot - left,
        right - (left + foot) / 2,
        left - (right + foot) / 2,
        foot - (right + left) / 2,
        *(electrode - (right + left + foot) / 3 for electrode in chest),
    ]
    return np.stack(leads, axis=1)


@pytest.fixture
def full(rng):
    return ECGRecords(by_definition(rng), 100, lead_names=LEADS_12, ids=["a", "b", "c"])


def forms(signals, folder):
    """The same signals in all forms in which records may hold them."""
    signals = np.ascontiguousarray(signals)
    np.save(folder / "signals.npy", signals)
    return {
        "array": signals,
        "list": list(signals),
        "memmap": np.load(folder / "signals.npy", mmap_mode="r"),
        "lazy": LazySignals(signals.__getitem__, signals.shape),
        "lazy of unknown length": LazySignals(signals.__getitem__, signals.shape[:2]),
    }


FORMS = ("array", "list", "memmap", "lazy", "lazy of unknown length")


def arrays_of(records):
    return np.stack([np.asarray(signal) for signal in records.signals])


@pytest.mark.parametrize("pair", list(itertools.combinations(LIMBS, 2)))
def test_any_two_limb_leads_give_the_others(full, pair):
    few = full.select_leads([*pair, "V1"])
    computed = few.select_leads(LIMBS)
    assert computed.lead_names == LIMBS
    assert_allclose(computed.signals, full.signals[:, :6], atol=1e-12)
    # What is there is not touched.
    for lead in pair:
        place = LIMBS.index(lead)
        assert_array_equal(computed.signals[:, place], full.signals[:, place])


def test_the_published_definitions():
    signals = np.array([[[0.5, 1.0, -0.25], [1.25, 0.5, 0.75]]])
    records = ECGRecords(signals, 100, lead_names=["DI", "Lead II"])
    names = ["III", "AVR", "avl", "aV F", "-aVR"]
    expected = {
        "III": [0.75, -0.5, 1.0],
        "aVR": [-0.875, -0.75, -0.25],
        "aVL": [-0.125, 0.75, -0.625],
        "aVF": [1.0, 0.0, 0.875],
        "-aVR": [0.875, 0.75, 0.25],
    }
    computed = records.select_leads(names)
    assert computed.lead_names == tuple(expected)
    assert_array_equal(computed.signals[0], list(expected.values()))
    from_both = records.select_leads(["I", "-aVR"]).select_leads(["aVR", "II"])
    assert_array_equal(from_both.signals[0], [expected["aVR"], signals[0, 1]])


@pytest.mark.parametrize("form", FORMS)
def test_records_of_any_form_are_completed(full, tmp_path, form):
    few = full.select_leads(INDEPENDENT[::-1])
    records = ECGRecords(
        forms(few.signals, tmp_path)[form], 100, lead_names=few.lead_names, ids=full.ids
    )
    completed = order_leads(records, LEADS_12, 12, "it")
    assert completed.lead_names == LEADS_12
    assert_allclose(arrays_of(completed), full.signals, atol=1e-12)
    assert_allclose(arrays_of(completed[[2, 0]]), full.signals[[2, 0]], atol=1e-12)
    assert_array_equal(completed.ids, full.ids)
    again = pickle.loads(pickle.dumps(completed))
    assert_array_equal(arrays_of(again), arrays_of(completed))
    assert joblib.hash(again) == joblib.hash(completed)


@pytest.mark.parametrize("form", FORMS)
def test_a_lead_is_computed_in_the_records_in_which_it_is_missing(full, tmp_path, form):
    signals = full.signals.copy()
    signals[0, [0, 3, 4, 5]] = np.nan  # II and III are left
    signals[1, [1, 2]] = np.nan
    signals[1, 2, 7] = np.inf  # no finite sample either
    signals[2, 0, :5] = np.nan  # a gap
    records = ECGRecords(forms(signals, tmp_path)[form], 100, lead_names=LEADS_12)
    expected = full.signals.copy()
    expected[2, 0, :5] = np.nan
    for completed in (
        order_leads(records, LEADS_12, 12, "it"),
        order_leads(records, LEADS_12[::-1], 12, "it").select_leads(LEADS_12),
        records.select_leads(LEADS_12),
    ):
        assert completed.lead_names == LEADS_12
        assert_allclose(arrays_of(completed), expected, atol=1e-12)
    assert np.isnan(np.asarray(records.signals[0])[0]).all()  # the records given stay as they are


def test_a_lead_that_all_records_lack_comes_from_what_each_of_them_has(full):
    names = ("I", "II", "aVF", "V1")
    signals = full.select_leads(names).signals
    signals[0, 0] = np.nan
    signals[1, 1] = np.nan
    signals[2, :2] = np.nan
    completed = ECGRecords(signals, 100, lead_names=names).select_leads(["III", "aVF", "I"])
    places = [LEADS_12.index(name) for name in completed.lead_names]
    assert_allclose(completed.signals[:2], full.signals[:2][:, places], atol=1e-12)
    # Of one lead nothing follows.
    assert np.isnan(completed.signals[2, [0, 2]]).all()
    assert_array_equal(completed.signals[2, 1], full.signals[2, 5])


def test_gaps_of_the_sources_are_gaps(full):
    signals = full.select_leads(["I", "II"]).signals
    signals[1, 0, 3:9] = np.nan
    signals[1, 1, 20] = np.nan
    third = ECGRecords(signals, lead_names=["I", "II"]).select_leads(["III"]).signals
    gaps = np.isnan(third[1, 0])
    assert np.flatnonzero(gaps).tolist() == [3, 4, 5, 6, 7, 8, 20]
    assert not np.isnan(third[[0, 2]]).any()


def test_records_of_different_lengths(rng):
    whole = [by_definition(rng, 1, n)[0] for n in (30, 50, 20)]
    few = [signal[[0, 1, *range(6, 12)]] for signal in whole]
    few[1] = np.vstack([few[1][:1] * np.nan, few[1][1:]])
    records = ECGRecords(few, 100, lead_names=INDEPENDENT)
    completed = order_leads(records, LEADS_12, 12, "it").signals
    for i in (0, 2):
        assert_allclose(completed[i], whole[i], atol=1e-12)
    assert np.isnan(completed[1][[0, 2, 3, 4, 5]]).all()


def test_nothing_is_read_before_it_is_asked_for(full):
    touched = []
    few = full.select_leads(INDEPENDENT).signals

    class Reader:
        def __call__(self, i):
            touched.append(i)
            return few[i]

        def window(self, i, start, stop):
            touched.append((i, start, stop))
            return few[i][:, start:stop]

    records = ECGRecords(LazySignals(Reader(), few.shape), 100, lead_names=INDEPENDENT)
    completed = order_leads(records, LEADS_12, 12, "it")
    assert completed.shape == full.shape
    assert touched == []
    assert_allclose(completed[1:2].signals[0], full.signals[1])
    assert_allclose(completed.signals.window(2, 5, 9), full.signals[2][:, 5:9])
    assert touched == [1, (2, 5, 9)]


def test_a_gap_that_fills_a_window_is_no_missing_lead(full):
    signals = full.signals.copy()
    signals[0, 2, 10:20] = np.nan
    signals[1, 2] = np.nan
    lazy = LazySignals(signals.__getitem__, signals.shape)
    ordered = order_leads(ECGRecords(lazy, lead_names=LEADS_12), LEADS_12, 12, "it").signals
    assert np.isnan(ordered.window(0, 12, 18)[2]).all()
    assert_array_equal(ordered.window(0, 12, 18), ordered[0][:, 12:18])
    assert_allclose(ordered.window(1, 12, 18), full.signals[1][:, 12:18])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4"])
def test_samples_keep_their_type(full, dtype):
    few = ECGRecords(full.signals.astype(dtype), lead_names=LEADS_12).select_leads(INDEPENDENT)
    completed = few.select_leads(LEADS_12).signals
    assert completed.dtype == few.signals.dtype == np.dtype(dtype)
    eps = np.finfo(dtype).eps
    assert_allclose(completed, full.signals, atol=20 * eps)
    # The difference of two numbers of single precision, rounded once.
    first, second = few.signals[:, 0], few.signals[:, 1]
    assert_array_equal(completed[:, 2], second - first)


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.uint8])
def test_whole_numbers_have_halves(dtype):
    signals = np.array([[[1, 2, 3], [6, 3, 3]]], dtype=dtype)
    completed = ECGRecords(signals, lead_names=["I", "II"]).select_leads(["I", "aVR", "III"])
    assert completed.signals.dtype.kind == "f"
    assert_array_equal(completed.signals[0], [[1, 2, 3], [-3.5, -2.5, -3], [5, 1, 0]])


@pytest.mark.parametrize("missing", LIMBS)
def test_rounded_leads_come_back_within_their_rounding(rng, missing):
    step = 0.005  # 5 microvolts
    exact = by_definition(rng)
    stored = np.round(exact / step) * step
    # Recorders measure I and II, and compute the others of them.
    first, second = stored[:, 0], stored[:, 1]
    stored[:, 2] = second - first
    for place, lead in enumerate((-(first + second) / 2, first - second / 2, second - first / 2)):
        stored[:, 3 + place] = np.round(lead / step) * step
    others = [name for name in LEADS_12 if name != missing]
    records = ECGRecords(stored, lead_names=LEADS_12).select_leads(others)
    place = LEADS_12.index(missing)
    error = np.abs(records.select_leads([missing]).signals[:, 0] - stored[:, place]).max()
    # Those between limbs exactly, the others but for what the recorder has rounded off.
    assert error < (1e-9 if place < 3 else 0.51 * step)


def test_recipes_weigh_rounding():
    assert limb_lead_recipe("I", LEADS_12) == (("II", 1.0), ("III", -1.0))
    assert limb_lead_recipe("aVF", LEADS_12) == (("II", 0.5), ("III", 0.5))
    # -2 aVR - I would double aVR's error.
    assert limb_lead_recipe("II", ("I", "aVR", "aVF")) == (("I", 0.5), ("aVF", 1.0))
    for nothing in (("I",), ("I", "V1", "MLII"), ("aVR", "-aVR"), ()):
        assert limb_lead_recipe("II", nothing) is None
    assert limb_lead_recipe("V1", LEADS_12) is None


def test_what_cannot_be_computed_is_named(full):
    with pytest.raises(
        ValueError, match=r"leads \['V9'\], which the records lack; they have .*'V6'\]. Pass missi"
    ):
        full.select_leads(["I", "V9"])
    one = full.select_leads(["II", "V1", "V2"])
    with pytest.raises(
        ValueError, match=r"leads \['I', 'aVF'\].*A limb lead can be computed only from two other"
    ):
        one.select_leads(["I", "II", "aVF"])
    with pytest.raises(
        ValueError,
        match=r"X lacks the leads \['I', 'III'\], and it was fitted with.*\['II', 'V1', 'V2'\].*"
        r"computed only from two other limb leads.*select_leads\(names, missing=\"nan\"\)",
    ):
        order_leads(one, ("I", "II", "III"), 3, "it")
    with pytest.raises(ValueError, match=r"X lacks the leads \['V5'\]") as error:
        order_leads(one, ("II", "V5"), 2, "it")
    assert "Limb" not in str(error.value)
    with pytest.raises(ValueError, match=r"'missing' parameter.*'raise' and 'nan'"):
        full.select_leads(["I"], missing="zero")


@pytest.mark.parametrize("form", FORMS)
def test_what_cannot_be_computed_may_be_nan(full, tmp_path, form):
    names = ("V2", "II", "V1")
    few = full.select_leads(names)
    records = ECGRecords(forms(few.signals, tmp_path)[form], 100, lead_names=names)
    wanted = ("I", "II", "III", "V1", "V5")
    for filled in (
        order_leads(records, wanted, 5, "it", missing="nan"),
        records.select_leads(wanted, missing="nan"),
    ):
        assert filled.lead_names == wanted
        signals = arrays_of(filled)
        assert np.isnan(signals[:, [0, 2, 4]]).all()
        assert_array_equal(signals[:, [1, 3]], few.signals[:, [1, 2]])
    # Those that can be are, beside those that cannot.
    two = full.select_leads(["I", "aVF"]).select_leads(["III", "V1"], missing="nan")
    assert_allclose(two.signals[:, 0], full.signals[:, 2])
    assert np.isnan(two.signals[:, 1]).all()


def test_leads_without_names_are_those_of_fit(full):
    signals = full.signals.copy()
    signals[1, 4] = np.nan
    unnamed = ECGRecords(signals, 100)
    ordered = order_leads(unnamed, LEADS_12, 12, "it")
    assert_allclose(ordered.signals, full.signals, atol=1e-12)
    assert order_leads(unnamed, None, 12, "it") is unnamed
    with pytest.raises(ValueError, match="X has 12 leads, but it was fitted with 2"):
        order_leads(unnamed, ("I", "II"), 2, "it", missing="nan")


def test_records_that_lack_nothing_are_handed_on(full, tmp_path):
    assert order_leads(full, LEADS_12, 12, "it") is full
    chest = full.select_leads(["V1", "V2"])
    np.save(tmp_path / "chest.npy", chest.signals)
    mapped = ECGRecords(np.load(tmp_path / "chest.npy", mmap_mode="r"), lead_names=["V1", "V2"])
    assert order_leads(mapped, ("V1", "V2"), 2, "it") is mapped


def test_other_leads_stay_missing(full):
    """Neither a modified lead nor one of the chest follows from limb leads."""
    signals = full.signals[:, :4].copy()
    signals[0, 3] = np.nan
    records = ECGRecords(signals, lead_names=["I", "II", "III", "V1"])
    assert np.isnan(records.select_leads(["V1", "II"]).signals[0, 0]).all()
    holter = ECGRecords(full.signals[:, :2], lead_names=["MLII", "I"])
    with pytest.raises(ValueError, match="III"):
        holter.select_leads(["III"])


def test_joining_computes_nothing(full):
    signals = full.signals.copy()
    signals[0, 2] = np.nan
    first = ECGRecords(signals, 100, lead_names=LEADS_12, ids=list("abc"))
    other = ECGRecords(signals[:, ::-1], 100, lead_names=LEADS_12[::-1], ids=list("def"))
    joined = concatenate([first, other])
    assert_array_equal(joined.signals, np.concatenate([signals, signals]))


def test_the_extractor_measures_eight_leads_as_twelve():
    records = make_ecg_records(6, random_state=0)
    assert records.lead_names == LEADS_12
    extractor = ECGFeatureExtractor().fit(records)
    whole = extractor.transform(records)
    eight = records.select_leads(INDEPENDENT)
    assert_allclose(
        extractor.transform(eight), extractor.transform(eight.select_leads(LEADS_12)), rtol=1e-12
    )
    # The simulated leads have noise of their own; but for that, they are one heart's.
    exact = eight.select_leads(LEADS_12)
    assert_allclose(
        extractor.transform(exact.select_leads(INDEPENDENT)), extractor.transform(exact)
    )
    lacking = exact.signals.copy()
    lacking[2, [1, 4]] = np.nan
    assert_allclose(
        extractor.transform(exact.with_signals(lacking)), extractor.transform(exact), rtol=1e-3
    )
    assert whole.shape == extractor.transform(eight).shape


def test_the_scaler_scales_computed_leads(full):
    scaler = LeadScaler().fit(full)
    scaled = scaler.transform(full.select_leads(INDEPENDENT))
    assert_allclose(scaled.signals, scaler.transform(full).signals, atol=1e-12)


def test_leads_of_real_records_follow_from_any_two(shared_data):
    records = load_ptbxl(shared_data / "ptb-xl", sampling_rate=100)[:4]
    stored = arrays_of(records.select_leads(LIMBS))
    for pair in itertools.combinations(LIMBS, 2):
        computed = arrays_of(records.select_leads(pair).select_leads(LIMBS))
        # Each is rounded to 1 microvolt.
        assert np.abs(computed - stored).max() < 0.0051, pair


def test_real_records_of_eight_leads_are_measured_as_those_of_twelve(shared_data):
    records = load_ptbxl(shared_data / "ptb-xl", sampling_rate=100)[:4]
    extractor = ECGFeatureExtractor().fit(records)
    whole = extractor.transform(records)
    eight = extractor.transform(records.select_leads(INDEPENDENT))
    assert_array_equal(np.isnan(eight), np.isnan(whole))
    is_close = np.isclose(eight, whole, rtol=0.02, atol=0.01, equal_nan=True)
    assert is_close.mean() > 0.98
