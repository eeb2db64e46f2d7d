"""DICOM: 12-lead or general ECG waveforms of 16 bits in microvolts; labels are annotations."""

import pandas as pd

from sklearn_ecg.utils import whole_file

SUFFIX = ".dcm"
_PADDING = -(2**15)
# Characters of a channel's label.
_LABEL = 16
# Codes of leads in the nomenclature of ISO/IEEE 11073-10101, as PS3.16 CID 3001 lists them.
_CODES = {
    "I": "2:1",
    "II": "2:2",
    "III": "2:61",
    "aVR": "2:62",
    "aVL": "2:63",
    "aVF": "2:64",
    **{f"V{i}": f"2:{i + 2}" for i in range(1, 10)},
}
_SEXES = {"female": "F", "male": "M", "other": "O"}


def write(record, path):
    """Write a record."""
    from pydicom.uid import (
        ExplicitVRLittleEndian,
        GeneralECGWaveformStorage,
        TwelveLeadECGWaveformStorage,
        generate_uid,
    )

    n_leads, n_times = record.signal.shape
    # The limits of the standard for a 12-lead ECG (PS3.3 A.34.3).
    is_usual = n_leads <= 13 and n_times <= 16384 and 200 <= record.sampling_rate <= 1000
    kind = TwelveLeadECGWaveformStorage if is_usual else GeneralECGWaveformStorage

    dataset = _dataset(
        SOPClassUID=kind,
        SOPInstanceUID=generate_uid(),
        StudyInstanceUID=generate_uid(),
        SeriesInstanceUID=generate_uid(),
        SpecificCharacterSet="ISO_IR 192",
        Modality="ECG",
        StudyID="",
        SeriesNumber=1,
        InstanceNumber=1,
        AccessionNumber="",
        PatientName="",
        PatientID=record.patient[:64],
        PatientBirthDate="",
        PatientSex=_SEXES.get(record.text("sex"), ""),
        Manufacturer=record.text("device")[:64],
        InstitutionName=record.text("site")[:64],
    )
    age = record.fields.get("age_years")
    if not pd.isna(age) and 0 <= age < 1000:
        dataset.PatientAge = f"{int(age):03d}Y"
    time = record.time
    if time is None:
        dataset.StudyDate = dataset.StudyTime = dataset.AcquisitionDateTime = ""
    else:
        dataset.StudyDate = dataset.ContentDate = f"{time.year:04d}{time:%m%d}"
        dataset.StudyTime = dataset.ContentTime = f"{time:%H%M%S}"
        dataset.AcquisitionDateTime = dataset.StudyDate + dataset.StudyTime
    dataset.WaveformSequence = [_group(record)]
    dataset.WaveformAnnotationSequence = [
        _dataset(
            UnformattedTextValue=label,
            AnnotationGroupNumber=1,
            ReferencedWaveformChannels=[1, 0],
        )
        for label in record.present
    ]
    dataset.ensure_file_meta()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    with whole_file(path) as file:
        dataset.save_as(file, enforce_file_format=True)


def _group(record):
    samples, steps = record.digital(_PADDING)
    leads = zip(record.lead_names, steps, strict=True)
    return _dataset(
        WaveformOriginality="ORIGINAL",
        NumberOfWaveformChannels=len(samples),
        NumberOfWaveformSamples=samples.shape[1],
        SamplingFrequency=f"{record.sampling_rate:.14g}",
        MultiplexGroupLabel="RHYTHM",
        ChannelDefinitionSequence=[_channel(name, step) for name, step in leads],
        WaveformBitsAllocated=16,
        WaveformSampleInterpretation="SS",
        WaveformPaddingValue=_PADDING.to_bytes(2, "little", signed=True),
        WaveformData=samples.T.astype("<i2").tobytes(),
    )


def _channel(name, step):
    if len(name) > _LABEL:
        raise ValueError(f"the lead {name!r} has more than {_LABEL} characters")
    known = name in _CODES
    source = _dataset(
        CodeValue=_CODES[name] if known else name,
        CodingSchemeDesignator="MDC" if known else "99SKLEARNECG",
        CodeMeaning=f"Lead {name}"[:64],
    )
    microvolts = _dataset(
        CodeValue="uV",
        CodingSchemeDesignator="UCUM",
        CodingSchemeVersion="1.4",
        CodeMeaning="microvolt",
    )
    return _dataset(
        ChannelLabel=name,
        ChannelSourceSequence=[source],
        ChannelSensitivity=f"{step:.10g}",
        ChannelSensitivityUnitsSequence=[microvolts],
        ChannelSensitivityCorrectionFactor="1",
        ChannelBaseline="0",
        ChannelSampleSkew="0",
        WaveformBitsStored=16,
    )


def _dataset(**elements):
    from pydicom.dataset import Dataset

    dataset = Dataset()
    for keyword, value in elements.items():
        setattr(dataset, keyword, value)
    return dataset
