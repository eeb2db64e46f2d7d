"""Take the results of workers one by one."""

from joblib.parallel import get_active_backend
from sklearn.utils.parallel import Parallel


def in_parallel(tasks, *, n_jobs, prefer=None):
    """Return an iterator over the results of tasks, in order, each as soon as it is ready.

    The backends "ray" and "multiprocessing" of ``joblib.parallel_config`` return all results at
    the end.

    Parameters
    ----------
    tasks : iterable of calls made by ``sklearn.utils.parallel.delayed``
    n_jobs : int
    prefer : {"processes", "threads"}, default=None

    Returns
    -------
    iterator
    """
    backend, _ = get_active_backend(prefer=prefer)
    return_as = "generator" if backend.supports_return_generator else "list"
    return iter(Parallel(n_jobs=n_jobs, prefer=prefer, return_as=return_as)(tasks))
