"""Where a net runs, and the randomness that it runs with."""

from contextlib import contextmanager

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
