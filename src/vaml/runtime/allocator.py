"""Memory settings of a job's process, in place of environment variables set before its start."""

import ctypes
import sys

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3


def keep_freed_memory() -> None:
    """Keep freed blocks in the process, if the C library is glibc.

    By default, glibc returns blocks of a few megabytes to the system at every free, so that each
    gradient step pays page faults for fresh memory. Numbers do not change.
    """
    if not sys.platform.startswith("linux"):
        return
    library = ctypes.CDLL(None)
    if hasattr(library, "gnu_get_libc_version"):
        library.mallopt(_M_MMAP_THRESHOLD, 1 << 30)
        library.mallopt(_M_TRIM_THRESHOLD, 2_000_000_000)
        library.mallopt(_M_TOP_PAD, 100_000_000)
