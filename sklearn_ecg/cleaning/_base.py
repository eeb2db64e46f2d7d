"""Base class of label cleaners: input, output and reports."""

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from sklearn_ecg.cleaning._answers import answered_labels, find_labels, read_answers
from sklearn_ecg.cleaning._decisions import Decisions
from sklearn_ecg.cleaning._evidence import FittedLabels, find_evidence
from sklearn_ecg.cleaning._inputs import (
    check_input,
    check_label_names,
    feature_table,
    fingerprints,
    is_table,
    order_sources,
    record_ids,
    with_labels_in_order,
)
from sklearn_ecg.cleaning._questions import check_n_questions, rank_questions
from sklearn_ecg.cleaning._reasons import find_reasons
from sklearn_ecg.cleaning._reports import (
    cleaned_records,
    cleaning_report,
    review_list,
)
from sklearn_ecg.cleaning._workbook import REVIEW_SHEET, write_workbook
from sklearn_ecg.features import ECGFeatureExtractor
from sklearn_ecg.records import CleanedRecords
from sklearn_ecg.utils import Saved, check_params, trusted_labels, with_summary

# The attributes that hold the input of `fit`.
_INPUT_ATTRIBUTES = (
    "n_features_in_",
    "feature_names_in_",
    "extractor_",
    "label_names_",
    "source_names_",
    "_table",
    "_sources",
    "_groups",
    "_ids",
    "_weak",
    "_trusted",
)


class BaseLabelCleaner(Saved, TransformerMixin, BaseEstimator):
    """Input, output and reports of a label cleaner.

    This class checks the input. A cleaner implements these methods, which get checked arrays of
    records with at least one feature:

    * ``_check_trusted(labels, trusted)``, if trusted labels must fit its parameters.
    * ``_fit(table, labels, trusted, answered, groups, sources)`` sets ``learned_`` and
      ``_noise_rates`` (columns of a table with a row per label), and returns `Decisions` for the
      records whose labels are not all trusted. `trusted` has the shape of `labels`. `answered`
      marks trusted labels that a person was asked about because they looked wrong; they are a
      biased sample. `sources`, of shape (n_records, n_labels, n_sources), holds the votes behind
      the weak labels, also behind answered ones.
    * ``_clean(table, weak, sources)`` returns `Decisions` for records that `fit` did not see.
    * ``_final_labels(decisions, judged)``, if the value of undecided labels is a parameter.
    """

    # So a Pipeline with metadata routing passes both on by default.
    __metadata_request__fit = {"trusted": True, "groups": True}

    def fit(self, X, y=None, trusted=None, groups=None):
        """Learn from trusted and weak records together, and clean the weak ones.

        Parameters
        ----------
        X : ECGRecords, or array-like of shape (n_records, n_leads, n_times), or array-like or \
                DataFrame of shape (n_records, n_features)
            Signals in mV, or a table of features, NaN for features that were not measured.
        y : array-like or DataFrame of shape (n_records, n_labels), array-like of shape \
                (n_records, n_labels, n_sources), or dict of str to table, default=None
            Weak labels: 1 present, 0 absent, between them a probability; -1 or NaN unknown. By
            default the labels of the records. Several sources, such as readers, are passed as a
            dict of tables, whose columns are matched by name. All sources of a trusted label must
            agree. To pass what sources said beside the true labels, add the true labels to the
            dict as "truth", -1 if unknown.
        trusted : array-like of bool of shape (n_records,), default=None
            The records whose labels are complete and right. By default the mask of the records,
            else the labels that ``y["truth"]`` holds. Without any, all records are trusted; the
            cleaner then only learns, for a later `clean`.
        groups : array-like of shape (n_records,), default=None
            Patients; by default those of the records.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the arguments do not fit each other, trusted sources disagree, or no trusted record
            has features.

        Warns
        -----
        UserWarning
            If no record is marked as trusted, or labels have too few examples to be learned.
        """
        self._check_and_fit(X, y, trusted, groups)
        return self

    def fit_transform(self, X, y=None, trusted=None, groups=None):
        """Learn, clean the labels, and return the records with cleaned labels.

        Parameters
        ----------
        X : as for `fit`
            Signals or features.
        y : as for `fit`, default=None
            Weak labels.
        trusted : as for `fit`, default=None
            Trusted records.
        groups : as for `fit`, default=None
            Patients.

        Returns
        -------
        CleanedRecords
        """
        given = self._check_and_fit(X, y, trusted, groups)
        measured = self._measured_of(X, self._table)
        return cleaned_records(X, given, self.labels_, self._decisions, measured)

    def clean(self, X, y=None, groups=None):
        """Clean the weak labels of new records.

        Parameters
        ----------
        X : as for `fit`
            Signals or features.
        y : as for `fit`, default=None
            Weak labels of the same sources.
        groups : array-like of shape (n_records,), default=None
            Patients, kept in the result.

        Returns
        -------
        CleanedRecords
        """
        check_is_fitted(self)
        table = feature_table(self, X, reset=False)
        weak_only = np.zeros(len(table), dtype=bool)
        given = check_input(X, y, weak_only, groups, n_records=len(table), none_too=True)
        check_label_names(given, self.label_names_)
        sources = order_sources(given, self.source_names_)
        labels, decisions = self._clean_checked(table, given.labels, sources)
        return cleaned_records(X, given, labels, decisions, self._measured_of(X, table))

    def transform(self, X):
        """Return records with cleaned labels; return input without such labels unchanged.

        Prediction needs no labels, so records without labels, or with other labels than those of
        `fit`, go to the next step unchanged.

        Parameters
        ----------
        X : ECGRecords, array-like or DataFrame
            Trusted records keep their labels. Records of `fit` get the labels of `fit`. Other
            records are cleaned, if `fit` had one source. If it had several, their labels are
            undecided, because records hold only one; pass all sources to `clean` instead.

        Returns
        -------
        CleanedRecords, or X
        """
        check_is_fitted(self)
        labelled = with_labels_in_order(X, self.label_names_)
        if labelled is None:
            if is_table(X):
                feature_table(self, X, reset=False)
            return X
        X = labelled
        trusted = np.zeros(len(X), dtype=bool) if X.trusted is None else X.trusted
        given = check_input(X, None, trusted, None, n_records=len(X), none_too=True)
        trusted = trusted_labels(given.trusted, given.labels.shape[1])
        decisions = Decisions.keeping(given.labels, trusted)
        labels = given.labels.copy()
        weak = np.flatnonzero(~trusted.all(axis=1))
        measured = None
        if len(weak):
            table = feature_table(self, X[weak], reset=False)
            cleaned, found = self._recall_or_clean(table, given.labels[weak], given.sources[weak])
            labels[weak] = np.where(trusted[weak], labels[weak], cleaned)
            decisions.put(weak, found, ~trusted[weak])
            if len(weak) == len(X):
                measured = self._measured_of(X, table)
        return cleaned_records(X, given, labels, decisions, measured)

    def set_output(self, *, transform=None):
        """Do nothing: `transform` always returns `CleanedRecords`.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"}, default=None
            Ignored.

        Returns
        -------
        self
        """
        return self

    def report(self):
        """Return a summary of the cleaning.

        Returns
        -------
        DataFrame
            A row per label: weak records with the label before and after, labels added, removed
            and undecided, the estimated noise rates, and whether the label could be learned.
        """
        check_is_fitted(self)
        report = cleaning_report(
            self.labels_,
            self._weak,
            self.provenance_ == "undecided",
            ~self._trusted,
            self.label_names_,
        )
        rates = self.noise_rates_
        if rates.index.nlevels > 1:
            rates = rates[["missing", "wrong"]].unstack("source")
            rates.columns = [f"{rate}: {source}" for rate, source in rates.columns]
        return report.join(rates).assign(learned=self.learned_)

    def changes(self, *, reasons=False):
        """Return the labels of `fit` that cleaning changed or left undecided.

        Parameters
        ----------
        reasons : bool, default=False
            Whether to add the columns of `reasons`.

        Returns
        -------
        DataFrame
            A row per such label: id, label, weak, clean, provenance and confidence.
        """
        check_is_fitted(self)
        changes = CleanedRecords(
            self._table,
            labels=self.labels_,
            weak_labels=self._weak,
            provenance=self.provenance_,
            confidence=self.confidence_,
            ids=self._ids,
            label_names=self.label_names_,
        ).changes()
        return self.reasons(changes) if reasons else changes

    def reasons(self, asked, *, rules=False):
        """Give reasons why labels were changed or left undecided.

        The reasons compare the record with trusted records. They name the measurements that best
        separate trusted records with the label from those without it. The cleaner itself weighs
        all features together with the weak labels.

        Parameters
        ----------
        asked : DataFrame
            Columns id and label, for records of `fit`; for example rows of `undecided_` or
            `changes`.
        rules : bool, default=False
            Whether to search for a rule for or against the label, if the cleaner learns rules. The
            search takes longer than all other reasons. A rule that made the decision is always
            named.

        Returns
        -------
        DataFrame
            The rows of `asked`, with six more columns of text:

            * ``because``: the main reasons in a sentence;
            * ``swapped_with``: the label that was written in place of this one, or the reverse;
            * ``rule``: the rule for or against the label;
            * ``measurements``: up to three values, with the middle 90 % of trusted records with
              and without the label, and the normal range, if there is one;
            * ``similar_with``, ``similar_without``: ids of the most similar trusted records with
              and without the label.

        Examples
        --------
        >>> import numpy as np
        >>> import pandas as pd
        >>> from sklearn_ecg import AFPLabelCleaner
        >>> rng = np.random.default_rng(0)
        >>> has_af = rng.integers(0, 2, size=300)
        >>> X = pd.DataFrame({"P_per_QRS": 1 - has_af, "RR_CV": 0.05 + 0.2 * has_af}) + rng.normal(
        ...     0, 0.02, (300, 2)
        ... )
        >>> truth = pd.DataFrame({"SR": 1 - has_af, "AF": has_af})
        >>> weak, trusted = truth.copy(), np.arange(300) < 100
        >>> weak.iloc[100:120] = 1 - truth.iloc[100:120]
        >>> cleaner = AFPLabelCleaner(random_state=0).fit(X, weak, trusted=trusted)
        >>> changes = cleaner.changes()
        >>> print(cleaner.reasons(changes.head(1))["because"][0])
        AF written in the place of SR; P waves per beat 1 (records with SR 0.967 to 1.04,
        without -0.0267 to 0.021, normal 1)
        """
        found = find_reasons(*self._asked(asked, rules))
        return asked.assign(**{name: found[name].to_numpy() for name in found})

    def questions(self, n_questions=None, *, random_state=None):
        """Return questions about labels for a person, the most useful first.

        All labels are included that are neither trusted nor answered, because decided labels may
        be wrong too. Answer them in batches, and call `with_answers` after each batch: answers
        also inform about other labels.

        Parameters
        ----------
        n_questions : int, default=None
            Largest number of questions; by default all.
        random_state : int, RandomState instance or None, default=None
            Seed of the order of equally useful questions.

        Returns
        -------
        DataFrame
            A row per label, the most useful question first. Columns:

            * ``id``, ``label``, ``weak``: the record, the label and its weak value;
            * ``clean``: the present value, -1 if undecided;
            * ``probability``: probability that the label is present, NaN if it cannot be judged;
            * ``wrong``: probability that the clean label (the weak one, if undecided) is wrong;
            * ``difficulty``: how hard the question is for a reader, from 0 to 1; the entropy in
              bits of the label given the features;
            * ``value``: expected number of the record's errors that the answer removes, in
              addition to earlier questions of the record, and reduced for difficult questions.

        Notes
        -----
        The order uses estimated wrongness and difficulty, as in [1]_. In addition, the labels of a
        record are weighed together: if one was written in place of another, one question may
        settle both. Of the errors that an answer should remove in other labels, half is counted.

        References
        ----------
        .. [1] Bernhardt et al., Active label cleaning for improved dataset quality under resource
           constraints. Nature Communications 13, 1161 (2022).

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_ecg import AFPLabelCleaner
        >>> rng = np.random.default_rng(0)
        >>> truth = rng.integers(0, 2, size=(300, 1))
        >>> X = rng.normal(3 * truth, 2, size=(300, 4))
        >>> trusted = np.arange(300) < 100
        >>> weak = np.where(rng.random((300, 1)) < 0.2, 1 - truth, truth)
        >>> weak[trusted] = truth[trusted]
        >>> cleaner = AFPLabelCleaner(random_state=0).fit(X, weak, trusted=trusted)
        >>> wrong = (cleaner.labels_ != truth)[:, 0]
        >>> asked = cleaner.questions(40, random_state=0)["id"]  # a fifth of the weak labels
        >>> wrong.sum(), wrong[asked].sum()
        (np.int64(11), np.int64(10))
        """
        check_is_fitted(self)
        check_n_questions(n_questions)
        asked = ~self._trusted & (self._answers == -1)
        judged = self._measured[:, np.newaxis] & self.learned_
        record, label, columns = rank_questions(
            self._decisions, self._weak, asked, judged, check_random_state(random_state)
        )
        of_label = {
            "weak": self._weak,
            "clean": self.labels_,
            "probability": np.where(judged, self._decisions.belief, np.nan),
        }
        found = {"id": self._ids[record], "label": self.label_names_[label]}
        found |= {name: values[record, label] for name, values in of_label.items()}
        return pd.DataFrame({**found, **columns}).head(n_questions)

    def evidence(self, asked, *, rules=False):
        """Return the evidence for and against labels of records, as plain values.

        `reasons` says the same in English. Here the evidence for both sides is included, so that a
        program can write it in another language, or draw it.

        Parameters
        ----------
        asked : DataFrame
            As for `reasons`.
        rules : bool, default=False
            As for `reasons`.

        Returns
        -------
        list of list of dict
            For each row of `asked`, dicts that JSON can hold, if it can hold the ids. The value of
            ``"kind"`` defines the other keys:

            =========== ==========================================================================
            kind        other keys
            =========== ==========================================================================
            decision    ``label`` (1, 0, or -1 for none) and ``provenance``, after cleaning
            weak        ``said``: 1, 0 or -1 for unknown; with several sources a dict of their
                        names to labels, fractions if labels are soft. Not for trusted labels.
            belief      ``probability`` of the label, as the cleaner computed it
            swap        ``with``: the label that was written in place of this one, or the
                        reverse; ``speaks``: "for" this label if it may be missing, or "against"
            rule        ``by``: a label that ``rule`` ("includes" or "excludes") this one;
                        ``accuracy``: its lower bound; ``speaks``: "for" or "against"
            measurement ``feature``, its ``lead`` ("" for the record), ``value``, ``unit``;
                        ``usual_with`` and ``usual_without``, the middle 90 % of trusted records
                        with and without the label; ``normal``, a text; ``score``, from -1 (against
                        the label) to 1 (for it). At most three for each side.
            similar     ``with_label``, ``without_label``: ids of the most similar trusted records
            unmeasured  no feature of the record could be measured
            unlearned   the label has too few examples
            uncompared  too few trusted records have the label, or too few lack it
            =========== ==========================================================================

        Examples
        --------
        >>> import numpy as np
        >>> import pandas as pd
        >>> from sklearn_ecg import AFPLabelCleaner
        >>> rng = np.random.default_rng(0)
        >>> has_af = rng.integers(0, 2, size=300)
        >>> X = pd.DataFrame({"RR_CV": 0.05 + 0.2 * has_af}) + rng.normal(0, 0.02, (300, 1))
        >>> truth = pd.DataFrame({"SR": 1 - has_af, "AF": has_af})
        >>> weak, trusted = truth.copy(), np.arange(300) < 100
        >>> weak.iloc[100:120] = 1 - truth.iloc[100:120]
        >>> cleaner = AFPLabelCleaner(random_state=0).fit(X, weak, trusted=trusted)
        >>> decision, said, *_ = cleaner.evidence(cleaner.changes().head(1))[0]
        >>> decision
        {'kind': 'decision', 'provenance': 'added', 'label': 1}
        >>> said
        {'kind': 'weak', 'said': 0}
        """
        return find_evidence(*self._asked(asked, rules))

    def to_excel(self, path):
        """Write a workbook of cleaned labels, changes with reasons, review list and report.

        The sheets are labels, changes, review and report; ids are text. A person writes 1 or 0
        into the column answer of the sheet review; `with_answers` reads the workbook.

        Parameters
        ----------
        path : str or path-like
            The file to write; its name must end in ".xlsx".

        Raises
        ------
        ImportError
            If openpyxl is missing; it comes with the extra ``[excel]``.
        """
        check_is_fitted(self)
        labels = pd.DataFrame(self.labels_, columns=self.label_names_)
        labels.insert(0, "id", self._ids)
        sheets = {
            "labels": labels,
            "changes": self.changes(reasons=True),
            REVIEW_SHEET: self.reasons(self.undecided_.assign(answer=None)),
            "report": self.report().reset_index(),
        }
        write_workbook(path, sheets)

    def with_answers(self, answers):
        """Return a cleaner that is fitted again with a person's answers.

        The answers may be about the review list, `undecided_`, or about any other label. Answered
        labels take the value of the answer, with provenance "answered"; all others are cleaned
        again. Signals are not read again. With ``random_state=None`` the seed changes.

        Parameters
        ----------
        answers : DataFrame, or path of a CSV file or of a workbook of `to_excel`
            Columns id, label and answer: 1 present, 0 absent, empty or NaN for no answer.

        Returns
        -------
        cleaner of the same class
            A new object; this cleaner does not change.

        Raises
        ------
        ValueError
            If answers are neither 1 nor 0, name unknown records or labels, or contradict each
            other, trusted labels or earlier answers.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_ecg import AFPLabelCleaner
        >>> rng = np.random.default_rng(0)
        >>> truth = rng.integers(0, 2, size=(300, 1))
        >>> X = rng.normal(3 * truth, 2, size=(300, 4))
        >>> trusted = np.arange(300) < 100
        >>> weak = np.where(rng.random((300, 1)) < 0.2, 1 - truth, truth)
        >>> weak[trusted] = truth[trusted]
        >>> cleaner = AFPLabelCleaner(min_confidence=0.95, random_state=0).fit(
        ...     X, weak, trusted=trusted
        ... )
        >>> asked = cleaner.undecided_.head(3)
        >>> answers = asked.assign(answer=truth[asked["id"], 0])
        >>> cleaner = cleaner.with_answers(answers)
        >>> cleaner.provenance_[asked["id"], 0]
        array(['answered', 'answered', 'answered'], dtype='<U9')
        """
        check_is_fitted(self)
        known = np.where(self._trusted, self._weak, self._answers)
        found = answered_labels(read_answers(answers), self._ids, self.label_names_, known)
        cleaner = self._of_same_input()
        cleaner._answers = np.where(found == -1, self._answers, found)
        cleaner._fit_kept()
        return cleaner

    def _of_same_input(self):
        """Return an unfitted cleaner with the same input, for `with_answers`."""
        cleaner = clone(self)
        for name in (*_INPUT_ATTRIBUTES, "_answers"):
            if hasattr(self, name):
                setattr(cleaner, name, getattr(self, name))
        return cleaner

    def _asked(self, asked, rules):
        """Return the arguments of `find_reasons` and `find_evidence`."""
        check_is_fitted(self)
        record, label = find_labels(asked, self._ids, self.label_names_, name="asked")
        by_rule = np.isin(self.provenance_[record, label], ("included", "excluded")).any()
        fitted = FittedLabels(
            self._table,
            self._feature_names(),
            self._ids,
            self.label_names_,
            self._weak,
            self.labels_,
            self._decisions.belief,
            self.provenance_,
            self.learned_,
            self._sources,
            self.source_names_,
        )
        patterns = self._rule_evidence() if rules or by_rule else None
        return (record, label), fitted, patterns

    def _feature_names(self):
        if hasattr(self, "feature_names_in_"):
            return self.feature_names_in_
        extractor = getattr(self, "extractor_", None)
        if hasattr(extractor, "get_feature_names_out"):
            return extractor.get_feature_names_out()
        return [f"feature {m}" for m in range(self._table.shape[1])]

    def _rule_evidence(self):
        """Return `PatternEvidence`, or None if the cleaner learns no rules."""
        return None

    def _check_and_fit(self, X, y, trusted, groups):
        """Check the input, fit, and return the checked input."""
        check_params(self)
        table = feature_table(self, X, reset=True)
        given = check_input(X, y, trusted, groups, n_records=len(table))
        self.label_names_, self.source_names_ = given.label_names, given.source_names
        # Stored for `reasons`, and to fit again with answers.
        self._table, self._groups, self._ids = table, given.groups, record_ids(X, len(table))
        self._sources = given.sources
        self._weak = given.labels
        self._trusted = trusted_labels(given.trusted, given.labels.shape[1])
        self._answers = np.full_like(self._weak, -1)
        self._fit_kept()
        return given

    def _fit_kept(self):
        """Fit to the stored input and the answers."""
        answered = self._answers != -1
        labels = np.where(answered, self._answers, self._weak)
        trusted = self._trusted | answered
        self._measured = ~np.isnan(self._table).all(axis=1)
        rows = np.flatnonzero(self._measured)
        patients = None if self._groups is None else self._groups[rows]
        self._check_trusted(labels, trusted)
        # No copy if possible, so that the table is in memory only once.
        table = self._table if len(rows) == len(labels) else self._table[rows]
        asked = answered[rows] & ~self._trusted[rows]
        found = self._fit(table, labels[rows], trusted[rows], asked, patients, self._sources[rows])
        self._decisions = Decisions.keeping(labels, trusted)
        judged = self._measured[:, np.newaxis] & ~trusted & self.learned_
        weak = rows[~trusted[rows].all(axis=1)]
        self._decisions.put(weak, found, judged[weak])
        self._decisions.provenance[answered] = "answered"
        self.labels_ = self._final_labels(self._decisions, judged)
        self.provenance_ = self._decisions.provenance
        self.confidence_ = self._decisions.confidence
        self._review = review_list(
            self._decisions, self._weak, self.label_names_, self._ids, judged
        )
        keys = fingerprints(self._table, self._weak)
        # Records with most weak labels come last, and win: a new record that equals a trusted one
        # is not trusted for that.
        order = np.argsort(-trusted.sum(axis=1), kind="stable")
        self._position = {keys[row]: row for row in order}

    def _check_learned(self):
        """Raise an error if arrays that were read from a file do not fit together."""
        if not hasattr(self, "labels_"):
            return
        (n_records, n_features), n_labels = self._table.shape, len(self.label_names_)
        of_labels = n_records, n_labels
        shapes = {
            "label_names_": (n_labels,),
            "learned_": (n_labels,),
            "_ids": (n_records,),
            "_groups": (n_records,),
            "_sources": (*of_labels, len(self.source_names_)),
        }
        shapes |= dict.fromkeys(["_weak", "_trusted", "_answers", "labels_"], of_labels)
        shapes |= dict.fromkeys(["provenance_", "confidence_"], of_labels)
        extractor = getattr(self, "extractor_", None)
        if extractor is None:
            shapes["feature_names_in_"] = (n_features,)
        elif type(extractor) is ECGFeatureExtractor:
            n_features = extractor.n_features_in_
        else:  # the input features of another transformer are unknown
            n_features = self.n_features_in_
        if self.n_features_in_ != n_features:
            raise ValueError(f"n_features_in_ is {self.n_features_in_}, not {n_features}")
        arrays = [(name, getattr(self, name, None), shape) for name, shape in shapes.items()]
        for name, values in vars(self._decisions).items():
            arrays.append((f"{name} of _decisions", values, of_labels))
        for name, values, shape in arrays:
            if values is not None and np.shape(values) != shape:
                raise ValueError(f"{name} has shape {np.shape(values)}, not {shape}")
        if not set(self._position.values()) <= set(range(n_records)):
            raise ValueError(f"_position names records beyond the {n_records} that were fitted")

    def _check_trusted(self, labels, trusted):
        """Check trusted labels against the parameters; by default accept them."""

    def _clean_checked(self, table, weak, sources):
        """Clean records that `fit` did not see; return their labels and the decisions."""
        decisions = Decisions.keeping(weak, np.zeros(weak.shape, dtype=bool))
        measured = ~np.isnan(table).all(axis=1)
        judged = measured[:, np.newaxis] & self.learned_
        if judged.any():
            rows = np.flatnonzero(measured)
            found = self._clean(table[rows], weak[rows], sources[rows])
            decisions.put(rows, found, judged[rows])
        return self._final_labels(decisions, judged), decisions

    def _final_labels(self, decisions, judged):
        """Return the cleaned labels; `judged` marks the labels that could be judged."""
        return decisions.labels.copy()

    def _measured_of(self, X, table):
        """Return the features and the extractor that later steps can use, or None."""
        # The features of another transformer have no names.
        is_plain = type(getattr(self, "extractor_", None)) is ECGFeatureExtractor
        return (table, self.extractor_) if is_plain and not is_table(X) else None

    def _recall_or_clean(self, table, weak, sources):
        """Return the results of `fit` for its records; clean others if there is one source."""
        positions = [self._position.get(key) for key in fingerprints(table, weak)]
        seen = np.array([position is not None for position in positions])
        labels = weak.copy()
        decisions = Decisions.keeping(weak, np.zeros(weak.shape, dtype=bool))
        if seen.any():
            rows = np.array([position for position in positions if position is not None])
            labels[seen] = self.labels_[rows]
            decisions.put(np.flatnonzero(seen), self._decisions.at(rows))
        if not seen.all() and len(self.source_names_) == 1:
            labels[~seen], cleaned = self._clean_checked(table[~seen], weak[~seen], sources[~seen])
            decisions.put(np.flatnonzero(~seen), cleaned)
        return labels, decisions

    # Tables are made on access, because skops cannot store DataFrames.
    @property
    def undecided_(self):
        check_is_fitted(self)
        return pd.DataFrame(self._review)

    @property
    def noise_rates_(self):
        check_is_fitted(self)
        index = pd.Index(self.label_names_, name="label")
        if len(next(iter(self._noise_rates.values()))) > len(index):
            index = pd.MultiIndex.from_product(
                [self.source_names_, self.label_names_], names=["source", "label"]
            )
        return pd.DataFrame(self._noise_rates, index=index)

    def _get_fitted_attr_html(self, doc_link=""):
        """Add a summary of the cleaning to scikit-learn's table."""
        report = self.report()
        report = report.drop(columns=report.filter(regex="_(low|high)$").columns)
        changed = report["added"] + report["removed"]
        trusted = int(self._trusted.all(axis=1).sum())
        learned = {
            "records": f"{len(self._weak)}, {trusted} of them trusted",
            "labels changed": f"{changed.sum()} of {(~self._trusted).sum()} that are not trusted",
            "undecided": f"{report['undecided'].sum()}, listed in undecided_",
            "by label, most changes first": report.loc[
                changed.sort_values(ascending=False, kind="stable").index
            ],
        }
        return with_summary(super()._get_fitted_attr_html(doc_link), learned)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        tags.input_tags.allow_nan = True
        tags.input_tags.three_d_array = True
        return tags
