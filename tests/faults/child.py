"""Work in a process of its own, whose time and memory are bounded, and which may be killed."""

import contextlib
import os
import pickle
import resource
import select
import signal
import time
from pathlib import Path

# What a child may take of memory beyond what it begins with.
_MEMORY = 3 << 30


def in_child(work, *, seconds=30.0):
    """Return what a function returns in a forked process, and how that process ended.

    Parameters
    ----------
    work : callable
    seconds : float
        It is killed after so many.

    Returns
    -------
    value : object
        None where the process did not come to its end.
    end : {"done", "hang"} or str
        Else the signal that ended it, or its exit code.
    """
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        _work(work, writes)
    os.close(writes)
    with contextlib.suppress(OSError):  # it may have done so itself, and be over
        os.setpgid(child, child)
    content, end, deadline = [], None, time.monotonic() + seconds
    while end is None:
        left = max(0, deadline - time.monotonic())
        if not select.select([reads], [], [], left)[0]:
            end = "hang"
            os.killpg(child, signal.SIGKILL)
        elif block := os.read(reads, 1 << 20):
            content.append(block)
        else:
            break
    os.close(reads)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if end or code:
        return None, end or (signal.Signals(-code).name if code < 0 else f"exit code {code}")
    return pickle.loads(b"".join(content)), "done"


def _work(work, writes):
    try:
        os.setpgid(0, 0)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * os.sysconf("SC_PAGE_SIZE") + _MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        with open(writes, "wb") as pipe:
            pickle.dump(work(), pipe)
        os._exit(0)
    finally:
        os._exit(1)
