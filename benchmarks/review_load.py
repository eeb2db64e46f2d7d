"""Whether the review desk loses an answer while many readers answer at once.

Readers are simulated: each signs in to a real ``sklearn-ecg review`` on this machine, asks for
questions ahead as the page does, loads their signals, thinks for a moment and answers; at times it
takes its answer back, or sends it again as a page does that has missed the reply. What the server
has said to be stored is compared with the queue afterwards. With --kills the server is killed as
often meanwhile, and started again.
"""

import argparse
import http.client
import json
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import numpy as np
import pandas as pd

from sklearn_ecg import AFPLabelCleaner, ECGRecords
from sklearn_ecg.review import ReviewQueue

_LIKELY = {"present": 0.5, "absent": 0.4, "unsure": 0.05, "skip": 0.04, "bad signal": 0.01}
_N_AHEAD = 3
_LABELS = ["AF", "LBBB", "RBBB"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--quick", action="store_true", help="five readers for three seconds")
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--readers", type=int, default=50)
    parser.add_argument("--think", type=float, default=1.0, help="seconds before each answer")
    parser.add_argument("--records", type=int, default=4000)
    parser.add_argument("--servers", type=int, default=1, help="of the same queue")
    parser.add_argument("--kills", type=int, default=0, help="of the first server")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.readers, arguments.seconds, arguments.think, arguments.records = 5, 3, 0.1, 150
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "queue.sqlite"
        make_queue(path, arguments.records)
        found = run_load(
            path,
            n_readers=arguments.readers,
            seconds=arguments.seconds,
            think_s=arguments.think,
            n_servers=arguments.servers,
            n_kills=arguments.kills,
        )
    for name, value in found.items():
        print(f"{name}: {value}")
    wrong = ("lost", "stored twice", "never acknowledged", "errors")
    sys.exit(any(found[name] for name in wrong))


def make_queue(path, n_records, random_state=0):
    """Make a queue of noise: who simulates readers need not see anything."""
    rng = np.random.default_rng(random_state)
    truth = rng.integers(0, 2, size=(n_records, len(_LABELS)))
    trusted = np.arange(n_records) < n_records // 3
    weak = np.where((rng.random(truth.shape) < 0.2) & ~trusted[:, np.newaxis], 1 - truth, truth)
    features = rng.normal(np.repeat(truth, 2, axis=1), 1)
    cleaner = AFPLabelCleaner(max_iter=1, random_state=0)
    cleaner.fit(pd.DataFrame(features), pd.DataFrame(weak, columns=_LABELS), trusted=trusted)
    signals = rng.normal(0, 0.1, size=(n_records, 2, 500))
    records = ECGRecords(signals, 250, lead_names=["I", "II"])
    ReviewQueue.from_cleaner(
        cleaner, records, path, n_questions=None, double_share=0.2, random_state=0
    ).close()


def run_load(path, *, n_readers, seconds, think_s, n_servers=1, n_kills=0):
    """Let readers answer the questions of a queue, and return what became of their answers.

    Returns
    -------
    dict
        ``answers`` that were said to be stored; how many are ``lost``, ``stored twice`` or
        ``never acknowledged``; ``requests``, how many of them were refused by status, and their
        milliseconds; ``errors`` that no reader should see; ``exit codes`` of the servers.
    """
    with ThreadPoolExecutor() as pool:
        servers = list(pool.map(Server, [path] * n_servers))
    readers = [
        SimulatedReader(
            servers[number % n_servers].site, f"reader {number}", seconds, think_s, seed=number
        )
        for number in range(n_readers)
    ]
    for reader in readers:
        reader.start()
    for _ in range(n_kills):
        time.sleep(seconds / (n_kills + 1))
        servers[0].kill()
        servers[0].start()
    for reader in readers:
        reader.join()
    # As by Ctrl-C, and as a scheduler ends it.
    ends = [server.end(number) for number, server in enumerate(servers)]
    queue = ReviewQueue(path)
    trail = queue.trail()
    queue.close()
    errors = [reader.error for reader in readers if reader.error is not None]
    return compare(readers, trail) | speed(readers) | {"errors": errors, "exit codes": ends}


def compare(readers, trail):
    """Return what of the answers is lost, or there without having been given."""
    in_queue = Counter(trail["note"][trail["answer"] != "undo"])
    stored = [key for reader in readers for key in reader.stored]
    undone = set(trail["note"][trail["undone"]])
    taken_back = {key for reader in readers for key in reader.taken_back}
    return {
        "answers": len(stored),
        "lost": sum(not in_queue[key] for key in stored) + len(taken_back - undone),
        "stored twice": sum(count > 1 for count in in_queue.values()),
        "never acknowledged": len(set(in_queue) - set(stored)) + len(undone - taken_back),
    }


def speed(readers):
    """Return how many requests there were, and how long they took."""
    requests = [one for reader in readers for one in reader.requests]
    by_kind = {
        kind: np.array([ms for path, status, ms in requests if path == kind and status == 200])
        for kind in sorted({path for path, *_ in requests})
    }
    return {
        "requests": len(requests),
        "refused": dict(Counter(status for *_, status, _ in requests if status >= 400)),
        "milliseconds": {
            kind: {f"{share} %": round(float(np.percentile(ms, share)), 1) for share in (50, 99)}
            for kind, ms in by_kind.items()
            if len(ms)
        },
    }


class Server:
    """A real ``sklearn-ecg review`` on a port of this machine."""

    def __init__(self, path):
        self.path = path
        self.port = 0
        self.start()

    def start(self):
        """Start it, on the same port as before, and wait until it says where it listens."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sklearn_ecg", "review", str(self.path), "--no-browser",
             "--port", str(self.port), "--refit-every", "0"],
            stdout=subprocess.PIPE,
            text=True,
        )  # fmt: skip
        said = self.process.stdout.readline()
        self.site = re.search(r"http://\S+?:\d+", said)[0]
        self.port = urlsplit(self.site).port

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def end(self, number=0):
        """End it as Ctrl-C or a scheduler does, in turn, and return its exit code."""
        self.process.send_signal((signal.SIGINT, signal.SIGTERM)[number % 2])
        self.process.communicate(timeout=60)
        return self.process.returncode


class SimulatedReader(threading.Thread):
    """Answers until its time is over.

    Attributes
    ----------
    stored : list of str
        The notes of answers that the server has said to be stored; each is an answer's own key.
    taken_back : list of str
        Of these, what was taken back.
    requests : list of tuple
        The path of each request, its status and its milliseconds.
    error : str or None
        Why it gave up.
    """

    def __init__(self, site, name, seconds, think_s, seed):
        super().__init__(daemon=True)
        self.address = urlsplit(site).netloc
        self.reader = name
        self.until = time.monotonic() + seconds
        self.think_s = think_s
        self.rng = random.Random(seed)
        self.connection = None
        self.cookies, self.token = {}, ""
        self.stored, self.taken_back, self.requests = [], [], []
        self.error = None

    def run(self):
        try:
            self.read()
        except Exception as error:
            self.error = f"{self.reader}: {type(error).__name__}: {error}"

    def read(self):
        """Sign in, and answer until the time is over."""
        self.page("GET", "/enter")
        self.page("POST", "/enter", urlencode({"csrf": self.token, "reader": self.reader}))
        self.page("GET", "/desk")
        ahead = []
        while time.monotonic() < self.until:
            if len(ahead) < _N_AHEAD:
                held = ",".join(str(question["question"]) for question in ahead)
                path = f"/api/questions?n={_N_AHEAD - len(ahead)}&holding={held}"
                new = json.loads(self.send("GET", path))["questions"]
                for question in new:
                    self.send("GET", f"/api/signals/{question['record']['record']}")
                ahead += new
            time.sleep(self.rng.uniform(0.5, 1.5) * self.think_s)
            if not ahead:
                continue
            self.answer(ahead.pop(0)["question"])
            if self.rng.random() < 0.03:
                self.take_back()

    def answer(self, question):
        key = str(uuid.UUID(int=self.rng.getrandbits(128)))
        (answer,) = self.rng.choices(list(_LIKELY), _LIKELY.values())
        sent = {"key": key, "question": question, "answer": answer, "note": key, "seconds": 1.0}
        for _ in range(1 + (self.rng.random() < 0.05)):
            self.send("POST", "/api/answers", sent)
        self.stored.append(key)

    def take_back(self):
        question = json.loads(
            self.send("POST", "/api/undo", {"key": str(uuid.UUID(int=self.rng.getrandbits(128)))})
        )["question"]
        if question is not None:
            left = [key for key in self.stored if key not in self.taken_back]
            self.taken_back.append(left[-1])

    def send(self, method, path, body=None):
        """Send until the server has taken it, as the page does, and return the reply."""
        headers = {"X-CSRF-Token": self.token, "Content-Type": "application/json"}
        while True:
            status, reply = self.request(
                method, path, None if body is None else json.dumps(body), headers
            )
            if status in (200, 409):
                return reply
            if status not in (0, 429, 503):
                raise RuntimeError(f"{method} {path}: {status} {reply[:200]!r}")
            time.sleep(0.2)

    def page(self, method, path, body=None):
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        status, reply = self.request(method, path, body, headers)
        while status == 0:
            time.sleep(0.2)
            status, reply = self.request(method, path, body, headers)
        if status not in (200, 303):
            raise RuntimeError(f"{method} {path}: {status}")
        found = re.search(rb'name="csrf-token" content="([^"]+)"', reply)
        self.token = found[1].decode() if found else self.token

    def request(self, method, path, body, headers):
        """Return status and body, status 0 where the server is not there."""
        cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        started = time.perf_counter()
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection(self.address, timeout=30)
            self.connection.request(method, path, body, headers | {"Cookie": cookies})
            reply = self.connection.getresponse()
            content, status = reply.read(), reply.status
        except (OSError, http.client.HTTPException):
            self.connection = None
            return 0, b""
        for cookie in reply.headers.get_all("Set-Cookie", []):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        milliseconds = 1000 * (time.perf_counter() - started)
        self.requests.append((re.sub(r"[?/\d][\d].*|\?.*", "", path), status, milliseconds))
        return status, content


if __name__ == "__main__":
    main()
