"""Output of the commands for any terminal and any pipe, and their numbers of cores."""

import argparse
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

    ArgumentTypeError: it is neither that nor a whole number of at least 1.
    """
    return usable_cores() if text == "all" else at_least_one(text, or_else="all, or ")


def at_least_one(text: str, or_else: str = "") -> int:
    """Read a flag's number of jobs. ArgumentTypeError: it is not a whole number of at least 1.

    or_else: what else the flag allows, for the message.
    """
    if text.isascii() and text.isdigit() and int(text) > 0:
        return int(text)
    raise argparse.ArgumentTypeError(f"got {text}; allowed: {or_else}a whole number of at least 1")


def usable_cores() -> int:
    """Count the cores that this process may run on, which may be fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
