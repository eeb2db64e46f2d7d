"""Limits of requests per time."""

import math
import time
from collections import OrderedDict

# Requests from many addresses must not fill the memory: the oldest key is forgotten.
_MOST_KEYS = 10_000


class RateLimit:
    """A limit for each key: requests a second on average, and at once.

    Parameters
    ----------
    per_second : float
    at_once : int
    clock : callable, default=time.monotonic
        Returns the time in s.

    Examples
    --------
    >>> from sklearn_ecg.review.desk._rates import RateLimit
    >>> limit = RateLimit(per_second=0.5, at_once=2, clock=lambda: 0.0)
    >>> [limit.take("127.0.0.1") for _ in range(3)]
    [0, 0, 2]
    """

    def __init__(self, per_second, at_once, clock=time.monotonic):
        self.per_second = per_second
        self.at_once = at_once
        self.clock = clock
        self._left = OrderedDict()  # key -> (requests left, time of that number)

    def take(self, key):
        """Return 0 if one more request is allowed, else the whole seconds to wait."""
        now = self.clock()
        left, before = self._left.pop(key, (self.at_once, now))
        left = min(self.at_once, left + (now - before) * self.per_second)
        is_allowed = left >= 1
        self._left[key] = (left - 1 if is_allowed else left, now)
        if len(self._left) > _MOST_KEYS:
            self._left.popitem(last=False)
        return 0 if is_allowed else math.ceil((1 - left) / self.per_second)
