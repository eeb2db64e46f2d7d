"""A fitted classifier as files."""

from sklearn.utils.validation import check_is_fitted

from sklearn_ecg.network._device import resolve_device
from sklearn_ecg.network._onnx import export_onnx
from sklearn_ecg.network._saving import load_model, save_model


class ModelFiles:
    """The classifier's ``save``, ``load`` and ``to_onnx``."""

    def save(self, path):
        """Write the fitted classifier into a folder: ``model.json`` and ``weights.safetensors``.

        Labels, leads, sampling rate, scaling, calibration, thresholds and parameters travel with
        the weights. Parameters that belong to one training do not: ``callbacks``, ``checkpoint``
        and ``random_state``.

        Parameters
        ----------
        path : path
        """
        check_is_fitted(self)
        save_model(self, path)

    @classmethod
    def load(cls, path, device="auto"):
        """Return a classifier that `save` has written.

        Nothing in the files is run, unlike in a pickle.

        Parameters
        ----------
        path : path of a folder
        device : str, default="auto"

        Returns
        -------
        LabelCorrelationECGClassifier
        """
        classifier = load_model(cls, path)
        classifier.device = device
        classifier.device_ = resolve_device(device)
        classifier.module_.to(classifier.device_)
        return classifier

    def to_onnx(self, path):
        """Write the fitted classifier as an ONNX file, from signals in mV to probabilities.

        The file has the input ``signals`` of shape (n_records, n_leads, n_times), with the leads
        of `lead_names_in_` at `sampling_rate_`, and the output ``probabilities`` of shape
        (n_records, n_labels). What ``model.json`` holds stands in its metadata under the key
        "sklearn_ecg". Resampling, the `highpass` filter, and windows over longer records are left
        to the caller: the classifier takes the mean of log-odds over the fewest windows of
        `n_times_` samples that cover the record, at equal distances. With `features` there is a
        second input, ``features`` of shape (n_records, n_features), as `features_` returns them,
        NaN for what is missing.

        Parameters
        ----------
        path : path of a file
        """
        check_is_fitted(self)
        export_onnx(self, path)
