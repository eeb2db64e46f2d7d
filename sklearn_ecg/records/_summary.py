"""What a collection of records looks like: in a line, as tables, and in a notebook."""

import pandas as pd

from sklearn_ecg.records._html import to_html
from sklearn_ecg.utils import trusted_labels, trusted_records


class RecordsSummary:
    """The views of `ECGRecords` that count and show, and change nothing."""

    def to_frame(self):
        """Return a table with a row per record: group, split, trusted, and a column per label.

        Returns
        -------
        DataFrame
            Indexed by `ids`; columns of what is unknown for all records are left out. A record is
            trusted where all of its labels are.
        """
        trusted = None if self._trusted is None else trusted_records(self._trusted)
        columns = {"group": self._groups, "split": self._split, "trusted": trusted}
        known = {name: values for name, values in columns.items() if values is not None}
        frame = pd.DataFrame(known, index=pd.Index(self._ids, name="id"))
        if self._labels is not None:
            labels = pd.DataFrame(self._labels, index=frame.index, columns=self._label_names)
            frame = pd.concat([frame, labels], axis=1)
        return frame

    def label_counts(self):
        """Count the records that have each label.

        Returns
        -------
        DataFrame
            A row per label; columns present, absent and unknown (numbers of records), prevalence
            (share of the records for which the label is known, NaN where it is for none), and,
            where `trusted` is known, present_trusted (records that have the label, and are trusted
            in it).

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_ecg import ECGRecords
        >>> labels = [[1, 0], [1, 1], [0, -1], [0, 0]]
        >>> records = ECGRecords(np.zeros((4, 1, 9)), labels=labels, label_names=["AF", "PVC"])
        >>> records.label_counts()
               present  absent  unknown  prevalence
        label
        AF           2       2        0    0.500000
        PVC          1       2        1    0.333333
        """
        labels = self._known_labels()
        counts = pd.DataFrame(
            {
                "present": (labels == 1).sum(axis=0),
                "absent": (labels == 0).sum(axis=0),
                "unknown": (labels == -1).sum(axis=0),
            },
            index=pd.Index(self._label_names, name="label"),
        )
        counts["prevalence"] = counts["present"] / (counts["present"] + counts["absent"])
        if self._trusted is not None:
            trusted = trusted_labels(self._trusted, self.n_labels)
            counts["present_trusted"] = ((labels == 1) & trusted).sum(axis=0)
        return counts

    def label_cooccurrence(self, *, share=False):
        """Count the records that have two labels together.

        Parameters
        ----------
        share : bool, default=False
            Whether to divide each row by the records that have its label and for which the
            column's label is known: how often the column's label comes with the row's.

        Returns
        -------
        DataFrame of shape (n_labels, n_labels)
            Numbers of records, with those that have the label at all on the diagonal. An unknown
            label counts neither as present nor as absent. Shares are NaN where there is nothing to
            divide by.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_ecg import ECGRecords
        >>> labels = [[1, 0], [1, 1], [1, -1], [0, 1]]
        >>> records = ECGRecords(np.zeros((4, 1, 9)), labels=labels, label_names=["AF", "PVC"])
        >>> records.label_cooccurrence()
             AF  PVC
        AF    3    1
        PVC   1    2
        >>> records.label_cooccurrence(share=True)
              AF  PVC
        AF   1.0  0.5
        PVC  0.5  1.0
        """
        labels = self._known_labels()
        present = (labels == 1).astype(int)
        counts = present.T @ present
        if share:
            known = present.T @ (labels != -1).astype(int)
            counts = counts / pd.DataFrame(known).replace(0, float("nan")).to_numpy()
        return pd.DataFrame(counts, index=self._label_names, columns=self._label_names)

    def _known_labels(self):
        if self._labels is None:
            raise ValueError(
                "The records have no labels to count; give them some with "
                "records.with_labels(labels, label_names)."
            )
        return self._labels

    def __repr__(self):
        parts = [f"{len(self)} records", f"{self.n_leads} leads"]
        if self._lead_names is not None and self.n_leads <= 12:
            parts[-1] += f" ({', '.join(self._lead_names)})"
        parts.append(self._describe_length())
        if self._labels is not None:
            counts = (self._labels == 1).sum(axis=0)
            pairs = zip(self._label_names[:12], counts[:12], strict=True)
            more = ", ..." if self.n_labels > 12 else ""
            parts.append(
                f"{self.n_labels} labels ({', '.join(f'{n} {c}' for n, c in pairs)}{more})"
            )
        if self._trusted is not None:
            of_labels = " labels" if self._trusted.ndim == 2 else ""
            parts.append(f"{self._trusted.sum()}{of_labels} trusted")
        if self._metadata is not None:
            # Their values are about patients, and are shown to nobody who does not ask for them.
            parts.append(f"{self._metadata.shape[1]} columns of metadata")
        return f"{type(self).__name__}: {', '.join(parts)}"

    def _repr_html_(self):
        return to_html(self)

    def _describe_length(self):
        if self.n_times is None:
            return "of different lengths"
        if self._sampling_rate is None:
            return f"{self.n_times} samples"
        return f"{self.n_times / self._sampling_rate:.1f} s at {self._sampling_rate:g} Hz"
