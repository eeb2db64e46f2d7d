"""Steps for shards of records: measuring, predicting, cleaning."""

import copy
import functools
from hashlib import sha256

import numpy as np
import pandas as pd

from sklearn_ecg.cleaning._base import BaseLabelCleaner
from sklearn_ecg.cleaning._inputs import with_labels_in_order
from sklearn_ecg.features import ECGFeatureExtractor
from sklearn_ecg.utils import check_option, check_path


class MeasureFeatures:
    """Measure features of records with an `ECGFeatureExtractor`.

    It stores in the folder the same files as an extractor with that folder as `memory`.

    Parameters
    ----------
    extractor : ECGFeatureExtractor, default=None
        Fitted or not; by default one with default parameters. Its `memory` and `n_jobs` are
        ignored.

    Examples
    --------
    >>> from sklearn_ecg.datasets import make_ecg_records
    >>> from sklearn_ecg.shards import MeasureFeatures
    >>> records = make_ecg_records(2, duration_s=5, random_state=0)
    >>> MeasureFeatures()(records)["problem"].tolist()
    ['', '']
    """

    def __init__(self, extractor=None):
        if not isinstance(extractor, ECGFeatureExtractor | None):
            raise TypeError(f"extractor must be an ECGFeatureExtractor; got {extractor!r}.")
        self.extractor = ECGFeatureExtractor() if extractor is None else extractor

    def __call__(self, records):
        extractor = self._fitted(records)
        _, table, problems = extractor._measure(records, None)
        features = extractor._choose(table, extractor._of_patients(records))
        frame = pd.DataFrame(features, columns=extractor.get_feature_names_out())
        return _with_problems(frame, problems)

    def _shards(self, records, folder, **options):
        """Yield rows and tables of shards, as `ShardFolder.results` does."""
        yield from self._fitted(records)._shards(records, folder, **options)

    def _fitted(self, records):
        extractor = copy.copy(self.extractor).set_params(memory=None, n_jobs=None, verbose=0)
        return extractor if hasattr(extractor, "lead_names_") else extractor.fit(records)


class PredictLabels:
    """Predict labels with a saved `LabelCorrelationECGClassifier`.

    Each worker loads the model once.

    Parameters
    ----------
    model : path of a folder
        Folder that `LabelCorrelationECGClassifier.save` has written.
    method : {"predict_proba", "predict"}, default="predict_proba"
        Results are probabilities, NaN where there is no answer; or 1 present, 0 absent, -1 unknown.
    memory : path-like, default=None
        Folder of features, as for `ECGFeatureExtractor`: measured records are not measured again.
    """

    doing = "Predicting records"

    def __init__(self, model, method="predict_proba", *, memory=None):
        check_option(method, ("predict_proba", "predict"), "method")
        self.model = check_path(model, "model").absolute()
        self.method = method
        self.memory = None if memory is None else check_path(memory, "memory").absolute()
        _ = self.settings  # raise now if the model is missing

    def __setstate__(self, state):
        import torch

        # torch sets its number of threads at its first use. In a worker, unpickling a step comes
        # before joblib's limit of one thread, and would undo it.
        torch.get_num_threads()
        self.__dict__.update(state)

    @property
    def settings(self):
        """Settings that change the result: the method, and the model's present content."""
        return {"model": _digest_of(self.model / "model.json"), "method": self.method}

    @property
    def reads(self):
        """Metadata, if the model's features include age and sex."""
        answers = _load_classifier(self.model, self.settings["model"]).answers_
        return () if answers is None else _read_by(answers.extractor)

    def __call__(self, records):
        classifier = _load_classifier(self.model, self.settings["model"])
        if classifier.answers_ is not None:
            classifier.answers_.extractor.set_params(memory=self.memory)
        logits, reasons, _ = classifier._logits_and_reasons(records)
        answers = classifier.labels_.probabilities(logits)
        if self.method == "predict":
            answers = classifier.labels_.decide(answers, classifier.thresholds_)
        columns = [str(name) for name in classifier.label_names_]
        return _with_problems(pd.DataFrame(answers, columns=columns), reasons)


def _digest_of(path):
    try:
        return sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise FileNotFoundError(
            f"There is no file {path}. Name what save has written: a folder for a classifier, "
            "a file for a cleaner."
        ) from error


class CleanLabels:
    """Clean labels with a saved cleaner, as its `transform` does.

    Trusted records keep their labels. Records that the cleaner was fitted on get the labels of that
    fit. The weak labels of all others are cleaned with what it learned. The rate of wrong weak
    labels is estimated from each shard together with the fit, so that confidences depend a little
    on the shards. Each worker loads the cleaner once.

    Each label has three columns: the label itself, ``_provenance`` and ``_confidence``, as in
    `CleanedRecords`. Labels of a record that cannot be read are -1 and undecided.

    Parameters
    ----------
    cleaner : path of a file
        File that the cleaner's `save` has written.
    memory : path-like, default=None
        Folder of features, as for `ECGFeatureExtractor`: measured records are not measured again.
    trusted : sequence of str, default=()
        Additional classes that the file may hold, as for the cleaner's `load`.
    """

    doing = "Cleaning records"

    def __init__(self, cleaner, *, memory=None, trusted=()):
        self.cleaner = check_path(cleaner, "cleaner").absolute()
        self.memory = None if memory is None else check_path(memory, "memory").absolute()
        self.trusted = tuple(trusted)
        _ = self.settings  # raise now if the cleaner is missing

    @property
    def settings(self):
        """Settings that change the result: the cleaner's present content."""
        return {"cleaner": _digest_of(self.cleaner)}

    @property
    def reads(self):
        """Labels and trust, and metadata if the cleaner's features include age and sex."""
        cleaner = _load_cleaner(self.cleaner, self.settings["cleaner"], self.trusted)
        return ("labels", "trusted", *_read_by(getattr(cleaner, "extractor_", None)))

    def __call__(self, records):
        cleaner = _load_cleaner(self.cleaner, self.settings["cleaner"], self.trusted)
        if with_labels_in_order(records, cleaner.label_names_) is None:
            raise ValueError(
                f"records have the labels {', '.join(map(str, records.label_names))}, but the "
                f"cleaner was fitted on {', '.join(map(str, cleaner.label_names_))}."
            )
        if isinstance(getattr(cleaner, "extractor_", None), ECGFeatureExtractor):
            cleaner.extractor_.set_params(memory=self.memory)
        problems = {}
        for row in range(len(records)):
            try:
                _ = records.signals[row]
            except Exception as error:
                problems[row] = str(error)
        names = [str(name) for name in cleaner.label_names_]
        shape = len(records), len(names)
        undecided = np.full(shape, "undecided", dtype=object)
        found = np.full(shape, -1, dtype=np.int8), undecided, np.zeros(shape)
        readable = np.array([row for row in range(len(records)) if row not in problems], dtype=int)
        if len(readable):
            try:
                cleaned = cleaner.transform(records[readable])
            except Exception as error:
                problems |= dict.fromkeys(readable.tolist(), str(error))
            else:
                own = cleaned.labels, cleaned.provenance, cleaned.confidence
                for of_all, of_readable in zip(found, own, strict=True):
                    of_all[readable] = of_readable
        return _label_columns(names, *found, problems)


def _read_by(extractor):
    return ("metadata",) if "patient" in getattr(extractor, "groups", ()) else ()


def _label_columns(names, labels, provenance, confidence, problems):
    columns = {}
    for place, name in enumerate(names):
        columns[name] = labels[:, place]
        columns[f"{name}_provenance"] = provenance[:, place].astype(object)
        columns[f"{name}_confidence"] = confidence[:, place]
    return _with_problems(pd.DataFrame(columns), problems)


@functools.lru_cache(maxsize=2)
def _load_cleaner(path, digest, trusted):
    return BaseLabelCleaner.load(path, trusted=trusted)


@functools.lru_cache(maxsize=2)
def _load_classifier(path, digest):
    from sklearn_ecg import LabelCorrelationECGClassifier

    # The run over shards shows its own bar.
    return LabelCorrelationECGClassifier.load(path).set_params(verbose=0)


def _with_problems(frame, problems):
    """Return a table with the column ``problem``, from problems by row."""
    if "problem" in frame:
        raise ValueError("A label has the name 'problem', which tables of shards need: rename it.")
    return frame.assign(problem=[problems.get(row, "") for row in range(len(frame))])
