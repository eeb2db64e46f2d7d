"""A served desk, and what tests do at its page in a browser."""

import json
import re
import threading
from pathlib import Path

import uvicorn

from sklearn_ecg.review.desk._app import create_app
from sklearn_ecg.review.desk._server import listen

AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text(encoding="utf-8")
SECONDS = 1000


class LiveDesk:
    """A desk that is served on one port, and can be stopped and started again."""

    def __init__(self, queue):
        self.queue, self.port = queue, 0

    def start(self):
        sock = listen("127.0.0.1", self.port)
        self.port = sock.getsockname()[1]
        app = create_app(self.queue, patient=True, refit_every=0)
        self._server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="on"))
        self._thread = threading.Thread(target=self._server.run, args=([sock],))
        self._thread.start()
        return self

    def stop(self):
        self._server.should_exit = self._server.force_exit = True
        self._thread.join()

    def at(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def sign_in(self, context, reader="Anna"):
        page = context.new_page()
        page.set_default_timeout(30 * SECONDS)
        page.goto(self.at("/"))
        page.get_by_test_id("reader-name").fill(reader)
        page.get_by_test_id("enter").click()
        wait_for_ecg(page)
        return page

    def given(self):
        """Return who said what, without what was taken back."""
        trail = self.queue.trail()
        stands = trail[~trail["undone"] & (trail["answer"] != "undo")]
        return list(stands[["reader", "answer"]].itertuples(index=False, name=None))


def wait_for_ecg(page):
    """Wait until a question is asked and its ECG is drawn; before, keys are passed over."""
    page.locator("#desk:not([hidden]) .ecg:not(.is-loading) canvas").first.wait_for()


def asked(page):
    """Return which question is shown, as a reader tells it from others."""
    wait_for_ecg(page)
    return page.locator("#ecg-caption").inner_text().split("·")[0], label_of(page)


def label_of(page):
    wait_for_ecg(page)
    return page.get_by_test_id("question-label").inner_text()


def press(page, key):
    wait_for_ecg(page)
    page.keyboard.press(key)


def wait_for_status(page, text):
    page.get_by_test_id("status").get_by_text(text, exact=True).wait_for()


def refuse(page, status, error):
    """Let the server refuse all that is sent."""
    said = json.dumps({"error": error, "what_to_do": "Wait."})
    page.route(
        re.compile("/api/(answers|undo)"),
        lambda route: route.fulfill(status=status, body=said, content_type="application/json"),
    )


def check_accessible(page, where, part="html"):
    """Fail where axe-core finds something, or the page is wider than the window."""
    page.evaluate(AXE)
    found = page.evaluate("part => axe.run(part)", part)["violations"]
    said = [f"{one['id']}: {node['html'][:200]}" for one in found for node in one["nodes"]]
    assert not said, f"{where}: {said}"
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, f"{where} is {wide} px too wide"
