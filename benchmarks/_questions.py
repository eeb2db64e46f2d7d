"""What each page of results answers, how long its command takes, and what differs from a paper.

Minutes are of two cores without other work, from an empty cache. They are rounded, and in part
added up from shorter runs; a page says besides how many minutes its own runs took, where they were
counted.
"""

from typing import NamedTuple

AFP = "Han et al. (2023)"
NET = "Zhang and Sun (2024)"
_PRIVATE = "The paper's records, CHW and CHE, are private."
_SMIT = "SMIT has 7,177 windows of eight labels here, and 7,166 in the paper."
_THIRD = (
    "The paper trusts a third and uses six folds, and does not say how the two go together: here "
    "two of six folds are trusted in turn."
)
_FEATURES = "The paper has 100 features; ours are the extractor's, as many as stand below."
_SIZE = "The paper gives no sizes of its network: its rows here have sizes of our choice."


class Question(NamedTuple):
    """What stands at the head of a page; without a paper the question is our own."""

    asks: str
    takes: str
    paper: str = "none has this experiment"
    differs: tuple[str, ...] = ()


#: By the beginning of a page's name; the longest that fits counts.
QUESTIONS = {
    "afp_thresholds": Question(
        "The accuracy of the cleaning rules, by threshold.",
        "2 hours; a quarter of the windows with five splits, 1 hour",
        f"figures 5 to 10 of {AFP}",
        (_SMIT, _FEATURES),
    ),
    "afp_ablations": Question(
        "What each stage of the paper's method is worth.",
        "30 minutes; a quarter of the windows with three splits, 30 minutes",
        f"figures 11 to 16 of {AFP}",
        (_SMIT, _FEATURES, "Figure 16 is of private records: its losses stand beside ours."),
    ),
    "afp_comparisons_smit": Question(
        "The paper's method beside CV and DDF on SMIT.",
        "2 hours for six rounds at three noise rates",
        f"figures 22 to 24 of {AFP}",
        (_SMIT, _FEATURES, _THIRD),
    ),
    "afp_comparisons": Question(
        "The paper's method beside CV and DDF on 12-lead records.",
        "5 minutes on 300 records, 1 hour on 2,000 for two rounds",
        f"figures 17 to 21 of {AFP}",
        (
            "The paper's records, SCHE with 16 labels, are private. Open records with other labels "
            "stand in their place, so that no figure compares one by one.",
            _THIRD,
        ),
    ),
    "downstream": Question(
        "What cleaning gains a classifier that is trained on the labels.",
        "10 minutes with extra trees, 3 hours with the network",
        f"table 5 of {AFP}",
        (_PRIVATE, "Here the noise is simulated, and patients are held out."),
    ),
    "ptbxl": Question(
        "Scores of classifiers and networks on PTB-XL.",
        "5 hours for ten folds of all networks",
        f"table 2 of {NET}",
        (
            "The paper scores fold 10 of all 21,837 records; here ten folds of the records at "
            "hand take turns.",
            _SIZE,
        ),
    ),
    "cross_validation_cpsc2018": Question(
        "Scores of networks, and of the paper's ablations, on CPSC2018.",
        "2 hours for all networks on 300 records",
        f"tables 3 and 4 of {NET}",
        ("The paper trains on four fifths of 6,877 records, here on 240 of 300.", _SIZE),
    ),
    "cross_validation": Question(
        "Scores of the network on unseen patients, two leads.", "20 minutes"
    ),
    "smit": Question(
        "F1 after cleaning, by noise rate, kind of noise and split, beside cleanlab.",
        "20 minutes for three splits",
    ),
    "twelve_leads": Question(
        "F1 after cleaning 12-lead records, by noise rate, beside cleanlab.",
        "5 minutes on 300 records, 15 on 2,000",
    ),
    "many_labels": Question(
        "Cleaning 31 labels, most of them rare, and how sure the cleaner is.",
        "10 minutes for two splits",
    ),
    "few_trusted": Question(
        "Cleaning where one or a few records in a hundred are trusted.", "10 minutes"
    ),
    "real_noise": Question(
        "Cleaning of real errors: labels of the Challenge 2017 that its organisers revised.",
        "5 minutes",
    ),
    "readers": Question(
        "Labels of several readers combined, beside majority vote and Dawid-Skene.",
        "5 minutes",
    ),
    "review": Question(
        "How much readers' answers improve labels, by number of questions and by their order.",
        "2 hours",
    ),
    "cleaning_stages": Question(
        "What each stage of `AFPLabelCleaner` is worth in points of F1.", "1 hour"
    ),
    "cleaning_thresholds": Question(
        "Errors found against changes that are right, by parameter.", "30 minutes"
    ),
    "cleaning_speed_million": Question(
        "Time and memory of cleaning a million records.", "45 minutes"
    ),
    "cleaning_speed": Question("Time and memory of cleaning, by number of records.", "5 minutes"),
    "mixture": Question("Dirichlet-process mixtures beside scikit-learn's.", "10 minutes"),
    "r_peaks": Question("R peaks on MIT-BIH beside XQRS, sleepecg and NeuroKit.", "10 minutes"),
    "delineation_qtdb": Question(
        "Bounds of P, QRS and T on the QT database, beside peers.",
        "30 minutes",
        "the protocol of Martínez et al. (2004)",
        (
            "Here 53 of the 105 records. Our networks learned from other patients of it; "
            "openecg learned from these records.",
        ),
    ),
    "delineation": Question(
        "Bounds of P, QRS and T on LUDB, on patients that the network has not seen.",
        "30 minutes",
    ),
    "p_waves": Question("P waves by rhythm, in real and in synthetic records.", "1 hour"),
    "intervals": Question(
        "PR, QRS and QT intervals over all leads, against marks and recorders.",
        "10 minutes",
    ),
    "lead_reversal": Question("The share of swapped electrodes that are found.", "5 minutes"),
    "feature_rates": Question("Do features stay the same at other sampling rates?", "2 minutes"),
    "feature_speed": Question("Time to measure a record, beside peers.", "15 minutes"),
    "reading": Question("Time to read a record.", "2 minutes"),
    "hospital_files": Question(
        "Reading nine formats of recorders, beside other readers.", "10 minutes"
    ),
    "network_speed": Question("Speed and memory of the network.", "10 minutes"),
    "archive": Question("100,000 records in bounded memory.", "1 hour"),
    "growth": Question("Time and memory of each stage, by size.", "15 minutes"),
    "million_records": Question("Time and memory that a million records need.", "15 minutes"),
    "distribution": Question("How much faster two workers measure features.", "5 minutes"),
    "stress": Question("Outcomes of bad input, kills and full disks.", "12 minutes"),
}


def head_of(page):
    """Return the lines below a page's title, empty for a page of somebody's own name."""
    known = [name for name in QUESTIONS if page.startswith(name)]
    if not known:
        return ""
    question = QUESTIONS[max(known, key=len)]
    lines = [
        f"* **Question**: {question.asks}",
        f"* **Paper**: {question.paper}.",
        f"* **Takes**: {question.takes}, on two cores.",
    ]
    lines += [f"* **Differs from the paper**: {' '.join(question.differs)}"] * bool(
        question.differs
    )
    return "\n".join(lines) + "\n\n"
