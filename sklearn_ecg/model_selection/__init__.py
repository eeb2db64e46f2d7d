"""Split weak and trusted records, patients on one side, for unbiased scores."""

from sklearn_ecg.model_selection._patient_split import patient_train_test_split
from sklearn_ecg.model_selection._trusted_kfold import TrustedKFold

__all__ = ["TrustedKFold", "patient_train_test_split"]
