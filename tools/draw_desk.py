"""Draw ``docs/images/desk.png``: the review desk with a question about a simulated ECG.

    python tools/draw_desk.py

It needs Playwright and a Chromium (``make browser``).
"""

import io
import tempfile
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import uvicorn
from PIL import Image
from playwright.sync_api import sync_playwright

from sklearn_ecg import AFPLabelCleaner
from sklearn_ecg.datasets import corrupt_labels, make_ecg_records
from sklearn_ecg.review import ReviewQueue, create_app
from sklearn_ecg.review.desk._server import listen

PICTURE = Path(__file__).parents[1] / "docs" / "images" / "desk.png"
CHROMIUM = "/usr/bin/chromium"
WINDOW = {"width": 1360, "height": 880}
READER, LABEL = "Dr. Lee", "PVC"


def main():
    with tempfile.TemporaryDirectory() as folder:
        queue = make_queue(Path(folder) / "queue.sqlite")
        with listen("127.0.0.1", 0) as sock:
            app = create_app(queue, readers=[READER], patient=True, refit_every=0)
            server = uvicorn.Server(uvicorn.Config(app, log_config=None))
            thread = threading.Thread(target=server.run, args=([sock],))
            thread.start()
            picture = take_picture(f"http://127.0.0.1:{sock.getsockname()[1]}/enter#reader=Dr.+Lee")
            server.should_exit = True
            thread.join()
        queue.close()
    Image.open(io.BytesIO(picture)).convert("RGB").quantize(128).save(PICTURE, optimize=True)
    print(f"{PICTURE}: {PICTURE.stat().st_size / 1000:.0f} kB")


def make_queue(path):
    """Return a queue whose next question is about LABEL, which is missing."""
    truth = make_ecg_records(300, random_state=0)
    trusted = np.arange(300) % 3 == 0
    noisy = corrupt_labels(truth.labels, 0.2, random_state=0)
    labels = np.where(trusted[:, None], truth.labels, noisy)
    records = truth.with_labels(labels, trusted=trusted)
    cleaner = AFPLabelCleaner(random_state=0).fit(records)
    queue = ReviewQueue.from_cleaner(cleaner, records, path, n_questions=200, random_state=0)
    right = pd.DataFrame(truth.labels, truth.ids, truth.label_names)
    while not is_shown(question := queue.next_questions(READER)[0]):
        is_present = right.at[question["record"]["id"], question["label"]]
        queue.answer(question["question"], READER, "present" if is_present else "absent")
    queue.errors_left()
    return queue


def is_shown(question):
    """Whether LABEL is probably missing, and measurements speak for it and against it."""
    scores = [piece["score"] for piece in question["evidence"] if piece["kind"] == "measurement"]
    is_missing = question["weak"] == 0 and question["probability"] > 0.9
    return question["label"] == LABEL and is_missing and min(scores) < 0 < max(scores)


def take_picture(address):
    """Enter as READER, and return the picture of the first question."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport=WINDOW, locale="en-GB")
        page.goto(address)
        page.get_by_test_id("enter").click()
        page.locator("#desk:not([hidden]) .ecg:not(.is-loading) canvas").first.wait_for()
        page.wait_for_timeout(3000)  # until similar ECGs are drawn as well
        return page.screenshot()


if __name__ == "__main__":
    main()
