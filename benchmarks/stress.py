"""Bad inputs of all kinds, kills at any moment, full disks and folders without permission.

Each bad input is tried in a process of its own with bounded time and memory, and must end in an
error that says what is wrong, in a row of the report, in NaN for the bad record alone with one
warning that names it, or in the answer of an independent computation. Killed work is started again
by the same call. Files that were there before may not be lost, and half-written ones may not be
used. The result must be that of undisturbed work, bit for bit, and no more work may be repeated
than was promised. Half of the kills come after a random share of the work's time, half at a random
one of its steps on the disk. Work that meets a full disk or a folder without permission must say
so, name the file, and come to the same result once it can write. Cases and targets stand in
`tests/faults`.
"""

import argparse
import sys

import numpy as np
import pandas as pd

from benchmarks._report import ROOT, explanation, to_markdown, write_results

sys.path.insert(0, str(ROOT / "tests"))

# Bytes beyond which a file cannot be written.
DISKS = (0, 1000, 20_000)
COLUMNS = {
    "error": "clear errors",
    "skip": "recorded skips",
    "nan": "NaN with a warning",
    "right": "right answers",
}


def main():
    arguments = parse_arguments()
    rows = [*try_inputs(arguments), *interrupt(arguments)]
    failures = [row for row in rows if row["failed"]]
    print(f"{len(rows)} tried, {len(failures)} failed")
    if arguments.only is None:
        page = "stress_quick" if arguments.quick else "stress"
        options = {"command": "stress", "packages": ("torch", "wfdb", "h5py", "zarr", "joblib")}
        write_results(page, "Bad input, kills and full disks", describe(rows), rows, **options)
    sys.exit(bool(failures))


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--quick", action="store_true", help="one bad input for each function")
    parser.add_argument("--only", help="what has this text in its name; no page is written")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def try_inputs(arguments):
    """Yield a row for each bad input."""
    from faults import campaign
    from faults.cases import verdict

    for case in campaign.quick_cases() if arguments.quick else campaign.all_cases():
        if arguments.only is None or arguments.only in str(case):
            found, text = verdict(case)
            failed = found not in case.expected
            row = {"area": case.area, "what": str(case), "found": found, "failed": failed}
            yield told(row, text)


def interrupt(arguments):
    """Yield a row for each kill, full disk and folder without permission."""
    from faults import interruptions

    wanted = [
        t for t in interruptions.TARGETS if arguments.only is None or arguments.only in t.name
    ]
    interruptions.prepare(wanted)
    rng = np.random.default_rng(arguments.seed)
    n_kills = 0
    while wanted and n_kills < arguments.kills:
        target, moment, by_step = wanted[n_kills % len(wanted)], rng.random(), rng.random() < 0.5
        was_killed, problem = interruptions.kill(target, moment, by_step)
        # One that came when all was done tells nothing, unless it went wrong.
        if was_killed or problem:
            n_kills += 1
            row = {"area": "kills", "what": target.name, "at": round(moment, 3)}
            yield told(
                row | {"by": "step" if by_step else "time", "failed": bool(problem)}, problem
            )
    for target in wanted:
        for n_bytes in DISKS:
            problem = interruptions.fill_disk(target, n_bytes)
            row = {"area": "full disks", "what": target.name, "at": n_bytes}
            yield told(row | {"failed": bool(problem)}, problem)
        problem = interruptions.deny(target)
        row = {"area": "no permission", "what": target.name, "failed": bool(problem)}
        yield told(row, problem)


def told(row, text):
    """Return a row, with what went wrong in it, and say so at once."""
    if row["failed"]:
        print(f"FAILED {row['what']}: {text.strip()[-400:]}", flush=True)
        return row | {"text": text.strip()[-400:]}
    return row


def describe(rows):
    frame = pd.DataFrame(rows)
    inputs = frame[frame["found"].notna()]
    table = {
        area: {"functions": own["what"].str.split(":").str[0].nunique(), "kinds tried": len(own)}
        | {
            title: int((own["found"][~own["failed"]] == name).sum())
            for name, title in COLUMNS.items()
        }
        | {"failed": int(own["failed"].sum())}
        for area, own in inputs.groupby("area", sort=False)
    }
    table = pd.DataFrame(table).T
    table.loc["all"] = table.sum()
    interrupted = frame[frame["found"].isna()]
    counts = interrupted.groupby(["what", "area"], sort=False)["failed"].agg(["size", "sum"])
    survived = (counts["size"] - counts["sum"]).astype(int)
    counts = survived.astype(str) + " of " + counts["size"].astype(str)
    counts = counts.unstack()[["kills", "full disks", "no permission"]]
    failures = [f"* {row['what']}: {row['text']}" for row in rows if row["failed"]]
    return "\n\n".join(
        [
            explanation(__doc__),
            "## Bad input",
            to_markdown(table.rename_axis("area")),
            "## Interruptions",
            "How many were survived:",
            to_markdown(counts.rename_axis("work")),
            "## Failures",
            "\n".join(failures) or "None.",
        ]
    )


if __name__ == "__main__":
    main()
