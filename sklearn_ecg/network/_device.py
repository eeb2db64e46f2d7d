"""Where a net runs, on how many cores, and the randomness that it runs with."""

import os
from contextlib import contextmanager

import joblib
import torch


def resolve_device(device):
    """Return the device that a user's choice stands for, or say why there is none."""
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        kind = torch.device(device).type
    except RuntimeError as error:
        raise ValueError(
            f"The 'device' parameter must be 'auto' or a torch device such as 'cpu' or 'cuda:0'. "
            f"Got {device!r} instead."
        ) from error
    if kind == "cuda" and not torch.cuda.is_available():
        raise ValueError(
            f"The 'device' parameter is {device!r}, but torch finds no CUDA device; use "
            "device='auto' or 'cpu'."
        )
    return device


@contextmanager
def seeded(seed, device):
    """Seed torch within the block and leave its global state as it was; yield a generator."""
    devices = [device] if torch.device(device).type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield torch.Generator().manual_seed(seed)


@contextmanager
def half_the_cores(device):
    """Let torch use at most half of the cores within the block, unless OMP_NUM_THREADS is set.

    Its threads wait for each other by spinning. With as many threads as cores, any other busy
    process makes each of a batch's hundreds of waits last a time slice of the scheduler, and
    training takes tens of times longer than with one thread.
    """
    before = torch.get_num_threads()
    most = max(1, joblib.cpu_count() // 2)
    if torch.device(device).type != "cpu" or "OMP_NUM_THREADS" in os.environ or before <= most:
        yield
        return
    torch.set_num_threads(most)
    try:
        yield
    finally:
        torch.set_num_threads(before)
