"""Output of the commands for any terminal and any pipe, and their numbers of cores."""

import io
import os
import signal
import sys


def print_anywhere() -> None:
    """Print codes for letters that the locale lacks, and end if the reader has gone (`| head`)."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)


def core_count(text: str) -> int:
    """Read a flag's number of cores: `all` are those that this process may run on.

    ValueError: it is not a whole number of at least 1.
    """
    return usable_cores() if text == "all" else at_least_one(text)


def at_least_one(text: str) -> int:
    """Read a flag's number of jobs. ValueError: it is not a whole number of at least 1."""
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def usable_cores() -> int:
    """Count the cores that this process may run on, which may be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
