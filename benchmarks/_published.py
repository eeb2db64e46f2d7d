"""What Zhang and Sun (2024) publish of their network and of others, beside which ours stand."""

import pandas as pd

#: Table 2: PTB-XL, its recommended folds.
PTBXL = {
    "subdiagnostic": {
        "Smigiel et al. (Entropy 2021)": (0.698, 0.355, 0.339, 0.332),
        "Smigiel et al. (Sensors 2021)": (0.685, None, None, 0.345),
        "Palczynski et al. (2022)": (0.671, None, None, 0.324),
        "Jyotishi et al. (2023)": (0.541, None, None, 0.460),
        "Zhang, Sun (2024)": (0.727, 0.479, 0.580, 0.482),
    },
    "superdiagnostic": {
        "Smigiel et al. (Entropy 2021)": (0.765, 0.714, 0.662, 0.680),
        "Smigiel et al. (Sensors 2021)": (0.763, None, None, 0.683),
        "Palczynski et al. (2022)": (0.790, None, None, 0.717),
        "Jyotishi et al. (2023)": (0.627, None, None, 0.736),
        "Zhang, Sun (2024)": (0.902, 0.783, 0.732, 0.754),
    },
}
MACRO_SCORES = ["accuracy", "precision", "recall", "F1"]

_CPSC2018_COLUMNS = ["Normal", "AF", "I-AVB", "LBBB", "RBBB", "PAC", "PVC", "STD", "STE", "mean"]
#: Tables 3 and 4: F1 by label of CPSC2018's 6,877 records, a fifth of them for
#: scores; means as printed.
CPSC2018 = {
    "TI-CNN": (0.750, 0.900, 0.920, 0.760, 0.640, 0.830, 0.870, 0.810, 0.460, 0.772),
    "He et al.": (0.755, 0.846, 0.780, 0.790, 0.748, 0.829, 0.869, 0.870, 0.655, 0.806),
    "ATI-CNN": (0.789, 0.920, 0.933, 0.789, 0.736, 0.861, 0.872, 0.850, 0.556, 0.812),
    "Zhang et al.": (0.805, 0.919, 0.864, 0.866, 0.926, 0.735, 0.851, 0.814, 0.535, 0.813),
    "Jyotishi et al.": (0.790, 0.923, 0.867, 0.892, 0.937, 0.757, 0.837, 0.798, 0.558, 0.818),
    "Geng et al.": (0.824, 0.925, 0.882, 0.937, 0.939, 0.734, 0.767, 0.835, 0.600, 0.827),
    "MLC-CNN": (0.792, 0.936, 0.889, 0.779, 0.744, 0.866, 0.876, 0.876, 0.683, 0.827),
    "Ge et al.": (0.790, 0.920, 0.870, 0.870, 0.930, 0.780, 0.860, 0.810, 0.590, 0.828),
    "Chen et al.": (None,) * 9 + (0.837,),
    "Zhang, Sun, model 1": (0.532, 0.754, 0.614, 0.832, 0.823, 0.315, 0.645, 0.564, 0.373, 0.606),
    "Zhang, Sun, model 2": (0.754, 0.856, 0.886, 0.895, 0.923, 0.694, 0.845, 0.756, 0.564, 0.797),
    "Zhang, Sun, model 3": (0.714, 0.843, 0.854, 0.875, 0.903, 0.634, 0.776, 0.746, 0.576, 0.769),
    "Zhang, Sun, model 4": (0.798, 0.913, 0.867, 0.826, 0.916, 0.850, 0.849, 0.846, 0.596, 0.829),
}

#: Strodthoff et al. (2021): macro AUC on fold 10 of the full PTB-XL.
PTBXL_AUC = {
    "superdiagnostic": {"xresnet1d101": 0.928, "resnet1d_wang": 0.930},
    "subdiagnostic": {"xresnet1d101": 0.929, "resnet1d_wang": 0.928},
}


def published_ptbxl(task):
    """Return table 2 for a task, a row per method."""
    return pd.DataFrame.from_dict(PTBXL.get(task, {}), orient="index", columns=MACRO_SCORES)


def published_cpsc2018():
    """Return tables 3 and 4, a row per network, a column per label and their mean."""
    return pd.DataFrame.from_dict(CPSC2018, orient="index", columns=_CPSC2018_COLUMNS)
