"""Device, number of cores, precision and randomness of a training."""

import os
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager, nullcontext
from functools import cache

import joblib
import torch
from torch.utils._python_dispatch import TorchDispatchMode

# Batches that are predicted at the same time. Each needs its own memory.
_MOST_BATCHES = 8


def resolve_device(device):
    """Return the device that a user chose, or raise if torch cannot use it."""
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
    """Whether a device computes in bfloat16 in hardware, and is therefore faster in it.

    Every CPU can emulate it, more slowly than float32; AVX512-BF16 or AMX is needed.
    """
    kind = torch.device(device).type
    if kind == "cuda":
        return torch.cuda.is_available() and torch.cuda.get_device_capability(device) >= (8, 0)
    # torch has no public way to ask. If the private one is missing, float32 always works.
    asked = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return kind == "cpu" and any(getattr(torch.cpu, name, bool)() for name in asked)


def autocast(precision, device, *, training):
    """Return the context in which a net computes.

    Parameters
    ----------
    precision : {"auto", "float32", "bfloat16"}
        "auto" trains in bfloat16 on a device that has it, and predicts in float32, so that a model
        gives the same answers on every machine.
    device : str
    training : bool
    """
    rounded = precision == "bfloat16"
    if precision == "auto" and training:
        rounded = has_bfloat16(device)
    return torch.autocast(torch.device(device).type, dtype=torch.bfloat16, enabled=rounded)


def is_cuda(device):
    """Whether a device is a GPU, to which batches or whole data sets are sent."""
    return torch.device(device).type == "cuda"


def has_room(device, n_bytes):
    """Whether this many bytes fit into half of a GPU's free memory."""
    free, _ = torch.cuda.mem_get_info(device)
    return n_bytes <= free / 2


# Held while torch's global generators, or its global number of threads, are changed.
_LOCK = threading.RLock()


class DrawFrom(TorchDispatchMode):
    """Within the block this thread's draws come from a generator, not from torch's global one.

    Layers such as dropout, and constructors of modules, take no generator. With this class, fits in
    several threads draw the same numbers as each alone, and the global generator does not change.

    Parameters
    ----------
    generator : torch.Generator
        On the CPU.
    """

    def __init__(self, generator):
        super().__init__()
        self.generator = generator

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if not _draws(func) or kwargs.get("generator") is not None:
            return func(*args, **kwargs)
        if (form := _form_with_generator(func)) is not None:
            return form(*args, **kwargs | {"generator": self.generator})
        with _LOCK:
            found = torch.get_rng_state()
            torch.set_rng_state(self.generator.get_state())
            try:
                return func(*args, **kwargs)
            finally:
                self.generator.set_state(torch.get_rng_state())
                torch.set_rng_state(found)


@cache
def _draws(operation):
    return torch.Tag.nondeterministic_seeded in operation.tags


@cache
def _form_with_generator(operation):
    """Return the overload of an operation that takes a generator, or None."""

    def arguments(form):
        return {(a.name, str(a.type)) for a in form._schema.arguments if a.name != "generator"}

    packet = operation.overloadpacket
    forms = [getattr(packet, name) for name in packet.overloads()]
    return next(
        (
            form
            for form in forms
            if any(a.name == "generator" for a in form._schema.arguments)
            and arguments(form) == arguments(operation)
        ),
        None,
    )


class Randomness:
    """Random generators of one training.

    Parameters
    ----------
    seed : int
    device : str
    draws_globally : bool
        Whether layers draw from torch's global generators, within `seeded`. Layers on a GPU or in a
        compiled module can have no other.

    Attributes
    ----------
    batches : torch.Generator
        Draws batches and crops, on the CPU.
    changes : torch.Generator
        Draws the noise of augmentation, on the device. On a CPU it is `batches`.
    layers : torch.Generator
        Draws first weights and dropout, unless `draws_globally`.
    """

    def __init__(self, seed, device, draws_globally):
        self.seed = seed
        self.device = device
        self.draws_globally = draws_globally
        self.batches = torch.Generator().manual_seed(seed)
        self.changes = (
            torch.Generator(device).manual_seed(seed) if is_cuda(device) else self.batches
        )
        self.layers = torch.Generator().manual_seed(seed)

    @contextmanager
    def seeded(self):
        """Restore torch's global state after the block; one training draws globally at a time."""
        if not self.draws_globally:
            yield
            return
        devices = [self.device] if is_cuda(self.device) else []
        with _LOCK, torch.random.fork_rng(devices=devices):
            torch.manual_seed(self.seed)
            yield

    def of_layers(self):
        """Return the context in which layers draw random numbers."""
        return nullcontext() if self.draws_globally else DrawFrom(self.layers)

    def states(self):
        """Return the states of the generators of layers."""
        if not self.draws_globally:
            return [self.layers.get_state()]
        states = [torch.get_rng_state()]
        return [*states, torch.cuda.get_rng_state(self.device)] if is_cuda(self.device) else states

    def set_states(self, states):
        """Restore the states that `states` returned."""
        if not self.draws_globally:
            self.layers.set_state(states[0])
            return
        torch.set_rng_state(states[0])
        if is_cuda(self.device):
            torch.cuda.set_rng_state(states[1], self.device)


@contextmanager
def single_precision():
    """Create tensors within the block in float32, also if torch's default is another type."""
    with _LOCK:
        found = torch.get_default_dtype()
        torch.set_default_dtype(torch.float32)
        try:
            yield
        finally:
            torch.set_default_dtype(found)


class _Threads(threading.local):
    """Torch's number of threads before it was changed.

    A new thread sees only the number that was set last in any thread. Therefore the first number is
    kept while any thread is in the block.
    """

    n_at_work, is_at_work = 0, False

    @contextmanager
    def found(self):
        """Yield the number from before the first thread entered, and restore it."""
        with _LOCK:
            if not _Threads.n_at_work:
                _Threads.before = torch.get_num_threads()
            _Threads.n_at_work += 1
        was_at_work, self.is_at_work = self.is_at_work, True
        mine = torch.get_num_threads() if was_at_work else self.before
        try:
            yield mine
        finally:
            self.is_at_work = was_at_work
            with _LOCK:
                _Threads.n_at_work -= 1
                torch.set_num_threads(mine)


_THREADS = _Threads()


@contextmanager
def half_the_cores(device):
    """Let torch use at most half of the cores within the block.

    torch's threads wait for each other by spinning. If there are as many threads as cores, any
    other busy process makes each of a batch's hundreds of waits last a time slice of the scheduler;
    training then takes tens of times longer than with one thread. With OMP_WAIT_POLICY=passive
    threads sleep instead, and all cores are used.
    """
    if torch.device(device).type != "cpu":
        yield
        return
    with _THREADS.found() as most:
        if os.environ.get("OMP_WAIT_POLICY", "").lower() != "passive":
            most = min(most, max(1, joblib.cpu_count() // 2))
        torch.set_num_threads(most)
        yield


def map_batches(function, batches, device):
    """Apply a function to batches, on a CPU several at a time, and return its results in order.

    Each thread computes alone: it waits for no other within a batch, and results do not depend on
    the number of threads. Without OMP_NUM_THREADS all cores are used.

    Parameters
    ----------
    function : callable
    batches : iterable
        No more are held in memory than there are threads.
    device : str
    """
    if torch.device(device).type != "cpu":
        return [function(batch) for batch in batches]
    results, pending = [], deque()
    with _THREADS.found() as before:
        n_cores = before if "OMP_NUM_THREADS" in os.environ else joblib.cpu_count()
        pool = _pool(min(n_cores, _MOST_BATCHES))
        try:
            for batch in batches:
                pending.append(pool.submit(_apply_alone, function, batch))
                if len(pending) > n_cores:
                    results.append(pending.popleft().result())
            results += [result.result() for result in pending]
        finally:
            for result in pending:
                result.cancel()
            wait(pending)
    return results


@cache
def _pool(n_threads):
    """Return threads that are kept: a process that is forked while one ends may hang.

    A thread that ends holds a lock of MKL. In the forked copy nothing releases it.
    """
    return ThreadPoolExecutor(n_threads)


def _apply_alone(function, batch):
    torch.set_num_threads(1)
    return function(batch)


def _begin_in_child():
    """Let a forked process compute alone, with new locks.

    The threads of OpenMP are not copied with a process that has used them. The copy would wait for
    them forever.
    """
    global _LOCK
    _LOCK, _Threads.n_at_work, _THREADS.is_at_work = threading.RLock(), 0, False
    _pool.cache_clear()
    torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):  # not on Windows, where nothing is forked
    os.register_at_fork(after_in_child=_begin_in_child)
