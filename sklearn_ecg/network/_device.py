"""Where a net runs, on how many cores, in which precision, and the randomness it runs with."""

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import joblib
import torch

# Batches that are predicted at the same time: each needs memory of its own.
_MOST_BATCHES = 8


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
    try:
        torch.empty(0, device=device)
    except (RuntimeError, NotImplementedError, AssertionError) as error:
        raise ValueError(
            f"The 'device' parameter is {device!r}, which torch cannot use here ({error}); use "
            "device='auto' or 'cpu'."
        ) from error
    return device


def has_bfloat16(device):
    """Whether a device calculates in bfloat16 by itself, and so is faster in it.

    Every CPU can emulate it, which is slower than float32: AVX512-BF16 or AMX makes the
    difference.
    """
    kind = torch.device(device).type
    if kind == "cuda":
        return torch.cuda.is_available() and torch.cuda.get_device_capability(device) >= (8, 0)
    # torch has no public way to ask; where it has not even these, float32 is right in any case.
    asked = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return kind == "cpu" and any(getattr(torch.cpu, name, bool)() for name in asked)


def autocast(precision, device, *, training):
    """Return the context in which a net calculates.

    Parameters
    ----------
    precision : {"auto", "float32", "bfloat16"}
        With "auto" training is in bfloat16 on a device that has it, and prediction in float32, so
        that a model says the same on every machine.
    device : str
    training : bool
    """
    rounded = precision == "bfloat16"
    if precision == "auto" and training:
        rounded = has_bfloat16(device)
    return torch.autocast(torch.device(device).type, dtype=torch.bfloat16, enabled=rounded)


def is_cuda(device):
    """Whether a device is a GPU to which batches are sent ahead, or whole data sets."""
    return torch.device(device).type == "cuda"


def has_room(device, n_bytes):
    """Whether so much fits into half of a GPU's free memory."""
    free, _ = torch.cuda.mem_get_info(device)
    return n_bytes <= free / 2


@contextmanager
def seeded(seed, device):
    """Seed torch within the block and leave its global state as it was; yield two generators.

    The first draws batches and crops, on the CPU; the second draws what is as large as signals,
    on a GPU where the device is one. On a CPU they are the same.
    """
    with torch.random.fork_rng(devices=[device] if is_cuda(device) else []):
        torch.manual_seed(seed)
        generator = torch.Generator().manual_seed(seed)
        of_changes = torch.Generator(device).manual_seed(seed) if is_cuda(device) else generator
        yield generator, of_changes


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


def map_batches(function, batches, device):
    """Apply a function to batches, on a CPU several at a time, and return its results in order.

    Each thread calculates alone, so that none waits for another within a batch, and results do not
    depend on how many there are. Without OMP_NUM_THREADS all cores are used.

    Parameters
    ----------
    function : callable
    batches : iterable
        Of which no more are held than there are threads.
    device : str
    """
    if torch.device(device).type != "cpu":
        return [function(batch) for batch in batches]
    before = torch.get_num_threads()
    n_cores = before if "OMP_NUM_THREADS" in os.environ else joblib.cpu_count()
    results, pending = [], deque()
    try:
        pool = ThreadPoolExecutor(min(n_cores, _MOST_BATCHES), initializer=_calculate_alone)
        with pool:
            for batch in batches:
                pending.append(pool.submit(function, batch))
                if len(pending) > n_cores:
                    results.append(pending.popleft().result())
            results += [result.result() for result in pending]
    finally:
        # Libraries that torch calls know but one number for all threads.
        torch.set_num_threads(before)
    return results


def _calculate_alone():
    torch.set_num_threads(1)
