"""The number of threads: like code and versions, it decides the last bits of a result."""

import os

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def one_thread() -> None:
    """Use one thread, whatever the environment says. Call it before torch is imported."""
    for variable in _THREAD_VARIABLES:
        os.environ[variable] = "1"
