"""Tables of the waves of a heartbeat, as in textbooks.

Every wave is a Gaussian event, as in ECGSYN (McSharry et al. 2003). A row holds its centre, its
width (standard deviation) and its amplitude in mV on the eight independent leads; the other four
limb leads follow by Einthoven's and Goldberger's equations. QRS waves have centre and width in
units of the duration of the QRS complex, from its onset (0) to its offset (1); all others in ms,
from the point that their table names.
"""

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
INDEPENDENT_LEADS = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")

# Columns of numbers stay aligned.
# fmt: off

# From the onset of the P wave, in ms: right atrium, left atrium.
P_WAVES = {
    #  centre  width      I     II     V1     V2     V3     V4     V5     V6
    "sinus": (
        (  36,    15,   .04,   .09,   .07,   .06,   .05,   .05,   .05,   .04),
        (  66,    15,   .07,   .09,  -.04,   .03,   .05,   .05,   .05,   .05),
    ),
    # From low in the atrium, upwards.
    "PAC": (
        (  32,    13,   .03,  -.08,   .06,   .05,   .03,   .00,  -.02,  -.03),
        (  58,    13,   .02,  -.10,   .08,   .06,   .02,  -.01,  -.02,  -.03),
    ),
}
P_DURATION_MS = {"sinus": 104.0, "PAC": 91.0}

QRS_WAVES = {
    #  centre  width      I     II     V1     V2     V3     V4     V5     V6
    # Septum to the right (r in V1, q in V6), left ventricle, its base.
    "narrow": (
        ( .17,  .070,  -.10,  -.03,   .22,   .35,   .20,   .10,  -.08,  -.10),
        ( .46,  .095,   .68,  1.00,  -.85, -1.10,   .55,  1.30,  1.40,  1.00),
        ( .79,  .090,  -.04,  -.16,  -.05,  -.15,  -.80,  -.45,  -.20,  -.05),
    ),
    # From right to left throughout: no septal q, a notched R in I, aVL, V5, V6, a QS in V1.
    "LBBB": (
        ( .31,  .140,   .58,   .40,  -.60,  -.90,  -.80,  -.20,   .70,   .80),
        ( .50,  .110,   .00,   .00,  -.70,  -.80,  -.60,  -.10,   .00,   .00),
        ( .69,  .140,   .62,   .30,  -.60,  -.90,  -.80,   .00,   .85,   .90),
    ),
    # The right ventricle comes late: R' in V1, a wide S in I and V6.
    "RBBB": (
        ( .15,  .060,  -.05,  -.04,   .25,   .35,   .35,   .10,  -.06,  -.08),
        ( .37,  .075,   .65,   .90,  -.50,  -.70,   .30,  1.20,  1.20,   .95),
        ( .73,  .120,  -.30,  -.15,   .75,   .55,  -.10,  -.30,  -.35,  -.38),
    ),
    # Out of the right ventricle's outflow tract: like LBBB, downwards.
    "PVC right": (
        ( .31,  .140,   .15,   .90,  -.70, -1.10,  -.80,   .20,   .60,   .70),
        ( .66,  .150,   .25,  1.10,  -.80, -1.20,  -.70,   .40,   .80,   .80),
    ),
    # Out of the left ventricle's free wall: like RBBB, away from I and V6.
    "PVC left": (
        ( .31,  .140,  -.35,   .40,   .80,  1.10,  1.00,   .60,  -.20,  -.50),
        ( .66,  .150,  -.75,   .50,  1.00,  1.20,   .80,   .20,  -.60,  -.90),
    ),
}

# From the peak of the T wave, in ms at 60 beats per minute: its slow rise and its peak.
T_WAVES = {
    #  centre  width      I     II     V1     V2     V3     V4     V5     V6
    "narrow": (
        ( -50,    38,   .06,   .07,  -.01,   .10,   .11,   .11,   .09,   .07),
        (   0,    36,   .20,   .25,  -.03,   .30,   .36,   .34,   .28,   .22),
    ),
    # Against the main deflection of the QRS complex, with the ST segment before it.
    "LBBB": (
        (-110,    50,  -.05,  -.02,   .14,   .18,   .14,   .00,  -.07,  -.08),
        (   0,    46,  -.20,  -.06,   .38,   .50,   .40,   .10,  -.24,  -.28),
    ),
    # Against the late part of the QRS complex.
    "RBBB": (
        ( -50,    38,   .05,   .06,  -.08,  -.05,   .05,   .09,   .08,   .07),
        (   0,    36,   .17,   .23,  -.24,  -.14,   .18,   .30,   .27,   .22),
    ),
    "PVC right": (
        ( -70,    50,  -.05,  -.25,   .20,   .30,   .20,  -.05,  -.18,  -.20),
        (   0,    48,  -.12,  -.50,   .42,   .58,   .40,  -.12,  -.36,  -.38),
    ),
    "PVC left": (
        ( -70,    50,   .15,  -.10,  -.22,  -.30,  -.24,  -.10,   .08,   .18),
        (   0,    48,   .32,  -.24,  -.48,  -.55,  -.45,  -.20,   .18,   .38),
    ),
}

# The ST segment per mV of its greatest deviation, by ischaemic region. Leads that face away from an
# elevation show its mirror image.
ST_LEVELS = {
    #                         I     II     V1     V2     V3     V4     V5     V6
    ("STE", "anterior"): (  .15,   .00,   .60,  1.00,  1.00,   .70,   .30,   .10),
    ("STE", "inferior"): ( -.20,   .80,   .00,  -.25,  -.15,   .00,   .10,   .20),
    ("STE", "lateral"):  (  .80,   .20,  -.20,  -.10,   .10,   .40,   .90,  1.00),
    ("STD", "lateral"):  ( -.60,  -.65,   .10,  -.10,  -.50,  -.90, -1.00,  -.90),
    ("STD", "inferior"): ( -.20,  -.95,   .05,   .00,  -.15,  -.35,  -.60,  -.65),
}

# The plateau of an ST segment, which continues into the T wave: centre and width in ms from the
# offset of the QRS complex at 60 beats per minute, and height, which makes the plateau reach 1.
ST_EVENTS = ((30, 34, .77), (100, 40, .77), (172, 45, .60))

# The T wave after an ST deviation: tall with elevation, flat with depression.
T_FACTOR = {"STE": 1.3, "STD": 0.4}

#                    I     II     V1     V2     V3     V4     V5     V6
F_WAVE_LEADS = (   .30,   .80,  1.00,   .60,   .40,   .35,   .30,   .30)
# fmt: on
