"""What benchmarks of speed share: a process for each measurement, its memory, exponents."""

import resource
import time
import warnings

import numpy as np
from joblib.externals.loky import ProcessPoolExecutor


def in_own_process(function, *arguments):
    """Call a function in a new process, whose peak of memory is that of this call."""
    with ProcessPoolExecutor(max_workers=1) as pool:
        return pool.submit(function, *arguments).result()


def peak_gigabytes():
    """Return the peak of this process's memory so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def cost_of(function, *arguments, clock=time.process_time):
    """Return the seconds of a call, and the GB by which it raises the peak of memory."""
    before, started = peak_gigabytes(), clock()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        function(*arguments)
    return {"seconds": clock() - started, "GB": peak_gigabytes() - before}


def exponent(sizes, costs):
    """Return the power of size that cost grows with: the slope of a line through logarithms."""
    return float(np.polyfit(np.log(sizes), np.log(costs), 1)[0])
