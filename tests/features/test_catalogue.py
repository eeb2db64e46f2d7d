"""The catalogue and what the extractor returns are one."""

import numpy as np
import pandas as pd
import pytest

from sklearn_ecg import ECGFeatureExtractor, ECGRecords
from sklearn_ecg.datasets import make_ecg_records
from sklearn_ecg.features._catalogue import GROUPS, catalogue
from sklearn_ecg.features._measurements import _measure

TWELVE = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")


# The first that fits a name's ending counts.
UNITS = {
    "_mV_ms": "mV ms",
    "_mV_per_s": "mV/s",
    "_mV": "mV",
    "_ms": "ms",
    "_bpm": "bpm",
    "_deg": "deg",
    "_Hz": "Hz",
    "_years": "years",
}


@pytest.fixture(scope="module")
def records():
    return make_ecg_records(20, labels=["Normal", "PVC"], random_state=0)


def test_every_feature_of_the_catalogue_is_measured_and_no_other(records):
    of_record, of_leads = set(), set()
    for signal in records.signals:
        measured = _measure(signal, 500, records.lead_names, None, None)
        of_record.update(measured[0])
        of_leads.update(measured[1])
    of_all = {
        feature.name for feature in catalogue() if feature.of not in ("each lead", "metadata")
    }
    assert of_record == of_all
    assert of_leads == {feature.name for feature in catalogue() if feature.of == "each lead"}


def test_every_feature_of_the_catalogue_has_values(records):
    extractor = ECGFeatureExtractor(groups=GROUPS).set_output(transform="pandas")
    patients = {"age_years": np.arange(20.0), "sex": ["female", "male"] * 10}
    features = extractor.fit_transform(records.with_metadata(pd.DataFrame(patients)))
    assert list(features.columns[features.isna().all()]) == []
    assert (features.nunique() > 1).mean() > 0.9


def test_names_and_definitions():
    names = [(feature.name, feature.of == "each lead") for feature in catalogue()]
    assert len(set(names)) == len(names)
    assert len(names) >= 100
    for feature in catalogue():
        assert feature.group in GROUPS
        ends = [unit for end, unit in UNITS.items() if feature.name.endswith(end)]
        assert feature.unit == (ends[0] if ends else ""), feature.name
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
