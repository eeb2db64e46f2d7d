"""A folder of exports as a recorder and an archive write them, and a model for the nights."""

import base64
import shutil

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from sklearn_ecg.command import main
from sklearn_ecg.datasets import corrupt_labels, make_ecg_records, write_ecg_files

N_RECORDS, N_DICOM = 40, 24


def muse_xml(signal, sampling_rate, lead_names, patient, machine, reader):
    """Return a record as GE MUSE exports it: int16 in base64, 5 uV each, lead by lead.

    If somebody has confirmed it, Diagnosis is what that person left, else it is the machine's.
    """
    written = {"OriginalDiagnosis": machine, "Diagnosis": reader or machine}
    statements = "".join(
        f"<{name}><DiagnosisStatement><StmtText>{text}</StmtText></DiagnosisStatement></{name}>"
        for name, text in written.items()
    )
    leads = "".join(
        f"<LeadData><LeadID>{name}</LeadID><LeadSampleCountTotal>{len(samples)}"
        "</LeadSampleCountTotal><LeadAmplitudeUnitsPerBit>5</LeadAmplitudeUnitsPerBit>"
        "<LeadAmplitudeUnits>MICROVOLTS</LeadAmplitudeUnits><LeadSampleSize>2</LeadSampleSize>"
        f"<WaveFormData>{base64.b64encode(samples.tobytes()).decode()}</WaveFormData></LeadData>"
        for name, samples in zip(lead_names, np.round(signal / 0.005).astype("<i2"), strict=True)
    )
    return (
        '<?xml version="1.0" encoding="ISO-8859-1"?><RestingECG><MuseInfo>'
        "<MuseVersion>8.0</MuseVersion></MuseInfo><PatientDemographics>"
        f"<PatientID>{patient}</PatientID><PatientAge>61</PatientAge><AgeUnits>YEARS</AgeUnits>"
        "<Gender>FEMALE</Gender></PatientDemographics><TestDemographics><Status>"
        f"{'CONFIRMED' if reader else 'UNCONFIRMED'}</Status></TestDemographics>{statements}"
        f"<Waveform><WaveformType>Rhythm</WaveformType><SampleBase>{sampling_rate:g}</SampleBase>"
        f"<SampleExponent>0</SampleExponent>{leads}</Waveform></RestingECG>"
    )


@pytest.fixture(scope="session")
def exports(tmp_path_factory):
    """A folder: ``exports`` with DICOM and MUSE XML, ``labels.csv`` and ``truth.csv``."""
    folder = tmp_path_factory.mktemp("hospital")
    records = make_ecg_records(
        N_RECORDS, labels=("Normal", "AF"), leads=("I", "II", "V1"), sampling_rate=100,
        random_state=0,
    )  # fmt: skip
    write_ecg_files(records[:N_DICOM], folder / "exports", "dicom")
    (folder / "exports" / "labels.csv").unlink()
    trusted = np.arange(N_RECORDS) % 2 == 0
    weak = corrupt_labels(records.labels, 0.2, random_state=0)
    statements = ["Normal sinus rhythm", "Atrial fibrillation"]
    for row in range(N_DICOM, N_RECORDS):
        text = muse_xml(
            records.signals[row],
            100,
            records.lead_names,
            records.groups[row],
            statements[weak[row, 1]],
            statements[records.labels[row, 1]] if trusted[row] else None,
        )
        (folder / "exports" / f"{records.ids[row]}.xml").write_text(text, encoding="latin-1")
    weak[trusted] = records.labels[trusted]
    ids = pd.Index(records.ids, name="ecg")
    table = pd.DataFrame(weak, ids, records.label_names)
    table.assign(trusted=np.where(trusted, "yes", "no")).to_csv(folder / "labels.csv")
    pd.DataFrame(records.labels, ids, records.label_names).to_csv(folder / "truth.csv")
    return folder


def run(*arguments, expected=0):
    """Run the command, and return its result, which must have an exit code."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == expected, result.output
    return result


@pytest.fixture(scope="session", name="run")
def run_fixture():
    """The command, as a function."""
    return run


@pytest.fixture(scope="session")
def cleaned(exports):
    """The folder that ``sklearn-ecg clean`` writes of the exports."""
    run("clean", exports / "exports", exports / "labels.csv", "-o", exports / "cleaned")
    return exports / "cleaned"


@pytest.fixture(scope="session")
def model(exports, cleaned):
    """The folder that ``sklearn-ecg train`` writes of cleaned labels."""
    out = exports / "model"
    run("train", exports / "exports", cleaned, "-o", out, "--epochs", 1, "--no-features",
        "-p", "thresholds=0.5")  # fmt: skip
    return out


@pytest.fixture
def night(exports, tmp_path):
    """A folder of two records of each format."""
    (tmp_path / "night").mkdir()
    for pattern in ("*.dcm", "*.xml"):
        for file in sorted((exports / "exports").glob(pattern))[:2]:
            shutil.copy(file, tmp_path / "night")
    return tmp_path / "night"
