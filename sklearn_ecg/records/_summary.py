"""Describe a collection of records in a line, in tables, and in a notebook."""

import pandas as pd

from sklearn_ecg.records._html import to_html
from sklearn_ecg.utils import trusted_labels, trusted_records


class RecordsSummary:
    """The methods of `ECGRecords` that count and show."""

    def to_frame(self):
        """Return a table with a row per record: group, split, trusted, and a column per label.

        Returns
        -------
        DataFrame
            Its index is `ids`. Columns that the records lack are left out. A record is trusted if
            all of its labels are.
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
            A row per label. Columns present, absent and unknown are numbers of records; prevalence
            is present / (present + absent). If the records have `trusted`, present_trusted is the
            number of records whose label is present and trusted.

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
            Whether to return shares: of the records that have the row's label, the share that also
            have the column's label, if it is known.

        Returns
        -------
        DataFrame of shape (n_labels, n_labels)
            Numbers of records; the diagonal holds the records that have the label. An unknown
            label is neither present nor absent. A share of no records is NaN.

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
            # Values of metadata are about patients, so they are not shown.
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
