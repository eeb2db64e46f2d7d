"""
Find groups of ECGs without labels
==================================

You have ECGs and no labels. Which kinds are there? k-means needs to be told how many.
``DirichletProcessGaussianMixture`` finds the number by itself.
"""

# %%
# Measure
# -------
# Three measurements that a cardiologist would look at first: how irregular the rhythm is, how wide
# the QRS complex, and whether V1 points up or down.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.patheffects import withStroke
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.preprocessing import StandardScaler

from sklearn_ecg import ECGFeatureExtractor
from sklearn_ecg.datasets import make_ecg_records
from sklearn_ecg.mixture import DirichletProcessGaussianMixture

labels = ("Normal", "AF", "LBBB", "RBBB")
records = make_ecg_records(
    300, labels=labels, leads=["II", "V1", "V6"], sampling_rate=250, random_state=0
)
extractor = ECGFeatureExtractor().set_output(transform="pandas")
measured = extractor.fit_transform(records)
chosen = ["RR_irregularity", "QRS_duration_ms", "V1_R_share"]
X = StandardScaler().fit_transform(measured[chosen].fillna(measured[chosen].median()))

# %%
# Cluster
# -------
# k-means is told a number that we guess, eight. The mixture starts from eight clusters
# too, and keeps those that the records ask for.
mixture = DirichletProcessGaussianMixture(n_components=8, random_state=0).fit(X)
k_means = KMeans(8, n_init=10, random_state=0).fit(X)
findings = [" + ".join(np.array(labels)[row == 1]) for row in records.labels]
print(f"The mixture keeps {mixture.n_components_} clusters.")
for name, found in (("mixture", mixture.labels_), ("k-means", k_means.labels_)):
    print(f"Agreement with the findings, {name}: {adjusted_rand_score(findings, found):.2f}")

# %%
# What the clusters are
# ---------------------
# Colours are clusters. Nobody has told either of them a label; the names come from the records
# that we have simulated.
white_outline = withStroke(linewidth=3, foreground="white")
x, y = measured["V1_R_share"], measured["RR_irregularity"]
centers = pd.DataFrame({"x": x, "y": y, "finding": findings}).groupby("finding").median()
figure, axes = plt.subplots(1, 2, figsize=(8, 4.8), layout="constrained", sharey=True)
titles = (f"Dirichlet process: found {mixture.n_components_}", "k-means: told 8")
for ax, found, title in zip(axes, (mixture.labels_, k_means.labels_), titles, strict=True):
    ax.scatter(x, y, c=found, cmap="tab10", s=18, alpha=0.7)
    for center in centers.itertuples():
        ax.annotate(
            center.Index, center[1:], ha="center", fontweight="bold", path_effects=[white_outline]
        )
    ax.margins(0.12)
    ax.set(title=title, xlabel="share of R in the QRS complex of V1")
    ax.spines[["top", "right"]].set_visible(False)
_ = axes[0].set_ylabel("irregularity of RR")

# %%
# Each cluster's findings:
pd.crosstab(pd.Series(findings, name="finding"), pd.Series(mixture.labels_, name="cluster"))

# %%
# **Take away:** begin with a Dirichlet process where you do not know how many kinds there are, on
# few features that mean something. ``AFPLabelCleaner`` uses the same mixture to
# describe what records with a label look like; :doc:`/features` lists what can be measured.
