"""Two processes that share a training, as accelerate's launcher starts them."""

import multiprocessing
import os
import socket

import torch


def exit_codes_of_two(function, folder, timeout_s=300):
    """Call ``function(rank, folder)`` in two processes side by side, and return how they ended."""
    context = multiprocessing.get_context("forkserver")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = [(function, rank, port, folder) for rank in range(2)]
    running = [context.Process(target=_as_one_of_two, args=of) for of in arguments]
    for process in running:
        process.start()
    for process in running:
        process.join(timeout=timeout_s)
    codes = [process.exitcode for process in running]
    for process in running:
        process.kill()
    return codes


def _as_one_of_two(function, rank, port, folder):
    os.environ |= {
        "ACCELERATE_USE_CPU": "true",
        "OMP_NUM_THREADS": "1",
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    torch.set_num_threads(1)
    function(rank, folder)
