"""What a command prints reaches any terminal, and any pipe."""

import io
import os
import signal
import sys


def print_anywhere() -> None:
    """Where the locale lacks a letter, its code; where the reader has gone (`| head`), an end."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if hasattr(signal, "SIGPIPE"):
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)


def core_count(text: str) -> int:
    """A flag's number of cores: `all` are those that this process may run on.

    ValueError: it is no whole number from 1 on.
    """
    cores = usable_cores() if text == "all" else int(text)
    if cores < 1:
        raise ValueError
    return cores


def usable_cores() -> int:
    """The cores that this process may run on, which may be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
