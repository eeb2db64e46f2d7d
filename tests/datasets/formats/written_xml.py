"""Files of the XML formats, written to the published layouts for the tests to read."""

import base64
import struct
import zlib

import numpy as np

EIGHT_LEADS = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
TWELVE_LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")


def counts_of(n_leads, n_times, seed=0):
    """Return 16-bit samples that look a little like an ECG."""
    rng = np.random.default_rng(seed)
    steps = rng.integers(-9, 10, (n_leads, n_times)).cumsum(axis=1)
    return (steps - steps.mean(axis=1, keepdims=True)).astype("<i2")


def muse_waveform(counts, leads=EIGHT_LEADS, kind="Rhythm", base=500, exponent=0):
    """Return a ``Waveform`` of MUSE, with all that restecg.dtd demands."""
    data = ""
    for lead, row in zip(leads, counts, strict=True):
        packed = row.astype("<i2").tobytes()
        lines = base64.encodebytes(packed).decode()
        data += f"""
      <LeadData>
        <LeadByteCountTotal>{len(packed)}</LeadByteCountTotal>
        <LeadTimeOffset>0</LeadTimeOffset>
        <LeadSampleCountTotal>{len(row)}</LeadSampleCountTotal>
        <LeadAmplitudeUnitsPerBit>4.88</LeadAmplitudeUnitsPerBit>
        <LeadAmplitudeUnits>MICROVOLTS</LeadAmplitudeUnits>
        <LeadHighLimit>32767</LeadHighLimit>
        <LeadLowLimit>-32768</LeadLowLimit>
        <LeadID>{lead}</LeadID>
        <LeadOffsetFirstSample>0</LeadOffsetFirstSample>
        <FirstSampleBaseline>0</FirstSampleBaseline>
        <LeadSampleSize>2</LeadSampleSize>
        <LeadOff>FALSE</LeadOff>
        <BaselineSway>FALSE</BaselineSway>
        <LeadDataCRC32>{zlib.crc32(packed)}</LeadDataCRC32>
        <WaveFormData>
{lines}        </WaveFormData>
      </LeadData>"""
    return f"""
    <Waveform>
      <WaveformType>{kind}</WaveformType>
      <WaveformStartTime>0</WaveformStartTime>
      <NumberofLeads>{len(leads)}</NumberofLeads>
      <SampleType>CONTINUOUS_SAMPLES</SampleType>
      <SampleBase>{base}</SampleBase>
      <SampleExponent>{exponent}</SampleExponent>
      <HighPassFilter>16</HighPassFilter>
      <LowPassFilter>150</LowPassFilter>
      <ACFilter>60</ACFilter>{data}
    </Waveform>"""


def muse_xml(*waveforms, status="CONFIRMED", more=""):
    """Return the text of a MUSE file."""

    def statements(*lines):
        return "".join(
            f"<DiagnosisStatement><StmtFlag>{flag}</StmtFlag><StmtText>{text}</StmtText>"
            "</DiagnosisStatement>"
            for text, flag in lines
        )

    return f"""<?xml version="1.0" encoding="ISO-8859-1"?>
<!DOCTYPE RestingECG SYSTEM "restecg.dtd">
<RestingECG>
    <MuseInfo><MuseVersion>8.0.2.10132</MuseVersion></MuseInfo>
    <PatientDemographics>
      <PatientID>00123</PatientID><PatientAge>63</PatientAge><AgeUnits>YEARS</AgeUnits>
      <DateofBirth>02-29-1948</DateofBirth><Gender>FEMALE</Gender><Race>UNKNOWN</Race>
      <PatientLastName>Secret</PatientLastName><PatientFirstName>Very</PatientFirstName>
    </PatientDemographics>
    <TestDemographics>
      <DataType>RESTING</DataType><Site>1</Site><SiteName>Spital S\u00fcd</SiteName>
      <AcquisitionDevice>MAC55</AcquisitionDevice><Status>{status}</Status>
      <Location>7</Location><LocationName>Ward 3</LocationName>
      <AcquisitionTime>07:08:09</AcquisitionTime><AcquisitionDate>03-31-2012</AcquisitionDate>
      <OverreaderLastName>Secret</OverreaderLastName>
    </TestDemographics>
    <RestingECGMeasurements>
      <VentricularRate>72</VentricularRate><PRInterval>160</PRInterval>
      <QRSDuration>94</QRSDuration><QTInterval>400</QTInterval><QTCorrected>438</QTCorrected>
      <PAxis>60</PAxis><RAxis>-45</RAxis><TAxis></TAxis><ECGSampleBase>500</ECGSampleBase>
    </RestingECGMeasurements>
    <OriginalRestingECGMeasurements><PRInterval>164</PRInterval></OriginalRestingECGMeasurements>
    <Diagnosis><Modality>RESTING</Modality>
      {statements(("Atrial fibrillation", ""), ("with rapid response", "ENDSLINE"))}
      {statements(("Left bundle branch block", "ENDSLINE"), ("Confirmed by SECRET", "ENDSLINE"))}
    </Diagnosis>
    <OriginalDiagnosis><Modality>RESTING</Modality>
      {statements(("Normal sinus rhythm", "ENDSLINE"))}
    </OriginalDiagnosis>{"".join(waveforms)}{more}
</RestingECG>
"""


def cardiosoft_waveform(counts, leads=TWELVE_LEADS):
    """Return what ``StripData`` and ``MedianSamples`` hold, lines wrapped as CardioSoft does."""
    data = "".join(
        f"""
      <WaveformData lead="{lead}">
\t{",".join(map(str, row[:60]))},
\t{",".join(map(str, row[60:]))}</WaveformData>"""
        for lead, row in zip(leads, counts, strict=True)
    )
    return f"""
      <NumberOfLeads>{len(leads)}</NumberOfLeads>
      <SampleRate units="Hz">500</SampleRate>
      <ChannelSampleCountTotal>{len(counts[0])}</ChannelSampleCountTotal>
      <Resolution units="uVperLsb">5</Resolution>{data}"""


def cardiosoft_xml(rhythm, median, conclusion=("Normal sinus rhythm", "---", "Long QT")):
    """Return the text of a CardioSoft file."""
    conclusion = "".join(f"<ConclusionText>{line}</ConclusionText>" for line in conclusion)
    return f"""<?xml version="1.0" encoding="ISO8859-1" ?>
<CardiologyXML>
    <ObservationType>RestECG</ObservationType>
    <ObservationDateTime><Hour>7</Hour><Minute>8</Minute><Second>9</Second>
      <Day>31</Day><Month>3</Month><Year>2012</Year></ObservationDateTime>
    <ClinicalInfo><Technician><FamilyName>Secret</FamilyName></Technician>
      <DeviceInfo><Desc>CardioSoft</Desc><SoftwareVer>V6.73</SoftwareVer></DeviceInfo>
    </ClinicalInfo>
    <PatientVisit>
      <AssignedPatientLocation><Facility>* 0 *</Facility><LocationName>Ward 3</LocationName>
      </AssignedPatientLocation>
      <ServicingFacility><Name>Spital S\u00fcd</Name></ServicingFacility>
    </PatientVisit>
    <PatientInfo><PID>00123</PID><Name><FamilyName>Secret</FamilyName></Name>
      <Age units="months">18</Age>
      <BirthDateTime><Day>30</Day><Month>9</Month><Year>2010</Year></BirthDateTime>
      <Gender>FEMALE</Gender></PatientInfo>
    <FilterSetting><CubicSpline>No</CubicSpline><Filter50Hz>Yes</Filter50Hz>
      <Filter60Hz>No</Filter60Hz><LowPass units="Hz">100</LowPass>
      <HighPass units="Hz">0.01</HighPass></FilterSetting>
    <Interpretation>
      <Diagnosis><DiagnosisText>Normal sinus rhythm</DiagnosisText>
        <DiagnosisText>Normal ECG</DiagnosisText></Diagnosis>
      <Conclusion>{conclusion}</Conclusion>
    </Interpretation>
    <RestingECGMeasurements>
      <VentricularRate units="BPM">60</VentricularRate><PQInterval units="ms">140</PQInterval>
      <PDuration units="ms">98</PDuration><QRSDuration units="ms">94</QRSDuration>
      <QTInterval units="ms">400</QTInterval><QTCInterval units="ms"></QTCInterval>
      <PAxis units="degrees">75</PAxis><RAxis units="degrees">-83</RAxis>
      <MedianSamples>{median}</MedianSamples>
    </RestingECGMeasurements>
    <StripData>{rhythm}
      <ArrhythmiaResults><Time units="ms">855</Time></ArrhythmiaResults></StripData>
</CardiologyXML>
"""


def aecg_set(counts, leads=TWELVE_LEADS, head="20221130101112.000", step="0.002", unit="s"):
    """Return a ``sequenceSet`` of HL7 aECG: leads on one clock."""
    kind = "TIME_ABSOLUTE" if len(head) > 8 else "TIME_RELATIVE"
    list_of = "GLIST_TS" if len(head) > 8 else "GLIST_PQ"
    sequences = "".join(
        f"""
          <component><sequence>
            <code code="MDC_ECG_LEAD_{lead.upper()}" codeSystem="2.16.840.1.113883.6.24"/>
            <value xsi:type="SLIST_PQ"><origin value="0" unit="uV"/><scale value="2.5" unit="uV"/>
              <digits>{" ".join(map(str, row))}</digits></value>
          </sequence></component>"""
        for lead, row in zip(leads, counts, strict=True)
    )
    return f"""
        <component><sequenceSet>
          <component><sequence>
            <code code="{kind}" codeSystem="2.16.840.1.113883.5.4"/>
            <value xsi:type="{list_of}"><head value="{head}" unit="s"/>
              <increment value="{step}" unit="{unit}"/></value>
          </sequence></component>{sequences}
        </sequenceSet></component>"""


def aecg_annotations(author, *annotations):
    """Return an ``annotationSet`` of (code, value) by a device or a person."""
    person = {
        "device": "<assignedDevice/>",
        "person": "<assignedPerson><name>Secret</name></assignedPerson>",
    }
    return f"""
        <subjectOf><annotationSet><author><assignedEntity><assignedAuthorType>{person[author]}
          </assignedAuthorType></assignedEntity></author>{
        "".join(
            f'<component><annotation><code code="{code}"/>{value}</annotation></component>'
            for code, value in annotations
        )
    }
        </annotationSet></subjectOf>"""


def aecg_xml(*sets, beat="", annotations=""):
    """Return the text of an HL7 aECG file."""
    derived = f"""
        <derivation><derivedSeries><code code="REPRESENTATIVE_BEAT"/>{beat}
        </derivedSeries></derivation>"""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<AnnotatedECG xmlns="urn:hl7-org:v3" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
    <effectiveTime><center value="20221130101112"/></effectiveTime>
    <componentOf><timepointEvent><componentOf><subjectAssignment>
      <subject><trialSubject><id root="1.2.3" extension="SUBJECT-7"/>
        <subjectDemographicPerson><name>Secret</name>
          <administrativeGenderCode code="F"/><birthTime value="19601201"/>
        </subjectDemographicPerson></trialSubject></subject>
      <componentOf><clinicalTrial><location><trialSite><location><name>Site 9</name></location>
      </trialSite></location></clinicalTrial></componentOf>
    </subjectAssignment></componentOf></timepointEvent></componentOf>
    <component><series><code code="RHYTHM"/>
        <effectiveTime><low value="20221130101112.250+0100"/></effectiveTime>
        <author><seriesAuthor>
          <manufacturedSeriesDevice><manufacturerModelName>ELI 380</manufacturerModelName>
          </manufacturedSeriesDevice>
          <manufacturerOrganization><name>Mortara</name></manufacturerOrganization>
        </seriesAuthor></author>
        <controlVariable><controlVariable><code code="MDC_ECG_CTL_VBL_ATTR_FILTER_HIGH_PASS"/>
          <component><controlVariable><code code="MDC_ECG_CTL_VBL_ATTR_FILTER_CUTOFF_FREQ"/>
            <value xsi:type="PQ" value="0.05" unit="Hz"/></controlVariable></component>
        </controlVariable></controlVariable>{"".join(sets)}{derived if beat else ""}{annotations}
    </series></component>
</AnnotatedECG>
"""


def philips_xml(waveforms, status="Await confirm", statements="", coded="", signature=""):
    """Return the text of a Philips XML file of version 1.04."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<restingecgdata xmlns="http://www3.medical.philips.com" status="{status}">
    <documentinfo><documenttype>PhilipsECG</documenttype><documentversion>1.04</documentversion>
    </documentinfo>
    <dataacquisition date="2010-01-19" time="15:19:22">
      <machine machineid="EKG1" detaildescription="Philips Medical:860315:A">PageWriter</machine>
      <acquirer><institutionname>Hospital</institutionname><departmentname>---</departmentname>
      </acquirer>
      <signalcharacteristics><samplingrate>500</samplingrate><resolution>5</resolution>
        <hipass>0.15</hipass><lowpass>100</lowpass><notchfiltered>True</notchfiltered>
        <notchfilterfreqs>60</notchfilterfreqs><acquisitiontype>STD-12</acquisitiontype>
        <numberchannelsallocated>12</numberchannelsallocated>
      </signalcharacteristics>
    </dataacquisition>
    <patient><generalpatientdata><patientid>42</patientid>
      <name><lastname>Secret</lastname></name>
      <age defaultage="50"><dateofbirth>1950-01-20</dateofbirth></age><sex>Female</sex>
    </generalpatientdata></patient>
    <internalmeasurements><crossleadmeasurements><meanventrate>84</meanventrate>
      <meanprint>Failed</meanprint><qrsfrontaxis>-30</qrsfrontaxis></crossleadmeasurements>
    </internalmeasurements>
    <interpretations><interpretation>
      <interpretationdatastructure><statementcomponents>{coded}</statementcomponents>
      </interpretationdatastructure>
      <mdsignatureline>{signature}</mdsignatureline><severity code="AB">- ABNORMAL ECG -</severity>
      {statements}
    </interpretation></interpretations>
    <waveforms>{waveforms}</waveforms>
</restingecgdata>
"""


def philips_rhythm(text, n_times, leads=TWELVE_LEADS, more='dataencoding="Base64"'):
    """Return the ``parsedwaveforms`` of Philips."""
    return (
        f'<parsedwaveforms {more} numberofleads="{len(leads)}" leadlabels="{" ".join(leads)}" '
        f'durationperchannel="{n_times * 2}" samplespersecond="500" resolution="5" '
        f'bitspersample="16">{text}</parsedwaveforms>'
    )


def philips_beats(counts, leads=TWELVE_LEADS):
    """Return the ``repbeats`` of Philips."""
    return (
        '<repbeats dataencoding="Base64" samplespersec="500" resolution="2.5">'
        + "".join(
            f'<repbeat leadname="{lead}"><waveform duration="{2 * len(row)}">'
            f"{base64.b64encode(row.tobytes()).decode()}</waveform></repbeat>"
            for lead, row in zip(leads, counts, strict=True)
        )
        + "</repbeats>"
    )


def xli(counts):
    """Return samples compressed as Philips does, leads III to aVF as what I and II do not tell."""
    rows = [row.astype(np.int64) for row in counts]
    if len(rows) >= 6:
        one, two, three, right, left, foot = rows[:6]
        rows[2:6] = (
            two - one - three,
            -right - (one + two) // 2,
            (one - three) // 2 - left,
            (two + three) // 2 - foot,
        )
    packed = b""
    for row in rows:
        bends = 2 * row[1:-1] - row[:-2] - row[2:]
        numbers = np.concatenate([row[:2], bends[1:] + 64, [0]]).astype(np.int16)
        letters = (numbers >> 8).astype(np.uint8).tobytes() + numbers.astype(np.uint8).tobytes()
        block = _lzw(letters)
        packed += struct.pack("<ihh", len(block), 1, bends[0]) + block
    return base64.b64encode(packed).decode()


def _lzw(letters):
    table = {bytes([letter]): letter for letter in range(256)}
    codes, word = [], b""
    for position in range(len(letters)):
        longer = word + letters[position : position + 1]
        if longer in table:
            word = longer
            continue
        codes.append(table[word])
        if len(table) < 1023:
            table[longer] = len(table)
        word = longer[-1:]
    bits = "".join(f"{code:010b}" for code in [*codes, table[word], 1023])
    return int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")
