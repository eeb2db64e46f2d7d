"""The catalogue and what the extractor returns are one."""

import numpy as np
import pytest

from sklearn_ecg import ECGFeatureExtractor, ECGRecords
from sklearn_ecg.features._catalogue import GROUPS, catalogue
from sklearn_ecg.features._measurements import _measure

TWELVE = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")


@pytest.fixture(scope="module")
def signal():
    """Twelve leads with ectopic beats, so that every feature has something to measure."""
    rate, rng = 500, np.random.default_rng(0)
    times = np.arange(10 * rate) / rate
    beats = np.arange(0.5, 9.8, 0.8)
    beats[[4, 8]] -= 0.3
    offset = times - beats[:, np.newaxis]

    def wave(heights, centre, width):
        return heights @ np.exp(-(((offset - centre) / width) ** 2))

    normal = np.ones(len(beats))
    normal[[4, 8]] = 0
    base = wave(0.15 * normal, -0.16, 0.025) + wave(normal, 0, 0.012)
    base = base + wave(-0.25 * normal, 0.03, 0.01) + wave(0.3 * normal, 0.28, 0.05)
    odd = wave(-1.2 * (1 - normal), 0.02, 0.05)
    # A projection of the heart's axis and of the ectopic one's onto each limb lead.
    one, two = base * 0.7 + odd, base + 0.3 * odd
    limb = [one, two, two - one, -(one + two) / 2, one - two / 2, two - one / 2]
    chest = [scale * base + odd for scale in (-0.8, -0.4, 0.2, 0.9, 1.2, 1.0)]
    return np.stack(limb + chest) + rng.normal(scale=0.002, size=(12, len(times)))


def test_every_feature_of_the_catalogue_is_measured_and_no_other(signal):
    of_record, of_leads = _measure(signal, 500, TWELVE)
    listed = {"each lead": set(), "record": set()}
    for feature in catalogue():
        listed["each lead" if feature.of == "each lead" else "record"].add(feature.name)
    assert set(of_record) == listed["record"]
    # The features of a lead are made of one more that is no feature itself.
    assert set(of_leads) == listed["each lead"]


def test_every_feature_of_twelve_leads_has_a_value(signal):
    extractor = ECGFeatureExtractor(groups=GROUPS).set_output(transform="pandas")
    features = extractor.fit_transform(ECGRecords(signal[None], 500, lead_names=TWELVE)).iloc[0]
    assert list(features.index[features.isna()]) == []


def test_names_and_definitions():
    names = [(feature.name, feature.of == "each lead") for feature in catalogue()]
    assert len(set(names)) == len(names)
    assert len(names) >= 100
    for feature in catalogue():
        assert feature.group in GROUPS
        assert feature.definition and not feature.definition.endswith(".")


@pytest.mark.parametrize(
    ("leads", "there", "missing"),
    [
        (("II",), (), ("QRS_axis_deg", "Sokolow_Lyon_mV", "limb_lead_misfit")),
        (("I", "II"), ("QRS_axis_deg",), ("Cornell_mV", "limb_lead_misfit")),
        (("i", "AVF"), ("QRS_axis_deg",), ()),
        (("V1", "V6"), ("Sokolow_Lyon_mV",), ("precordial_transition",)),
        (TWELVE, ("QRS_axis_deg", "Cornell_mV", "precordial_transition", "limb_lead_misfit"), ()),
    ],
)
def test_features_of_several_leads_need_them(leads, there, missing):
    records = ECGRecords(np.zeros((1, len(leads), 500)), 100, lead_names=leads)
    names = set(ECGFeatureExtractor(groups=GROUPS).fit(records).get_feature_names_out())
    assert set(there) <= names
    assert not names.intersection(missing)


def test_described_features_are_those_returned():
    records = ECGRecords(np.zeros((1, 2, 500)), 100, lead_names=["I", "II"])
    extractor = ECGFeatureExtractor().fit(records)
    described = extractor.describe_features()
    assert list(described.index) == list(extractor.get_feature_names_out())
    assert list(described["unit"]) == list(extractor.feature_units_)
    assert described.loc["II_R_amplitude_mV", ["lead", "unit"]].tolist() == ["II", "mV"]
    assert described.loc["PR_interval_ms", "normal"] == "120-200"
