"""Lets a test say how a process is to fail: Python imports this module at its start.

VAML_TEST_DIE_AT: `<audit event> <regular expression> <n>`. Just before the n-th such event on a
path that matches, the process kills itself by SIGKILL.
VAML_TEST_LARGEST_FILE: no file that the process writes may grow beyond this many bytes.
"""

import os
import re
import resource
import signal
import sys
from typing import Any

# Which of an event's arguments is the path: os.rename gets the old and the new one.
_PATH = {"open": 0, "os.remove": 0, "os.rename": 1}


def _die_at(event: str, pattern: str, count: int) -> None:
    seen = 0

    def hook(name: str, arguments: tuple[Any, ...]) -> None:
        nonlocal seen
        if name == event and re.search(pattern, str(arguments[_PATH[event]])):
            seen += 1
            if seen == count:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


if "VAML_TEST_DIE_AT" in os.environ:
    _event, _pattern, _count = os.environ["VAML_TEST_DIE_AT"].split()
    _die_at(_event, _pattern, int(_count))
if "VAML_TEST_LARGEST_FILE" in os.environ:
    _bytes = int(os.environ["VAML_TEST_LARGEST_FILE"])
    resource.setrlimit(resource.RLIMIT_FSIZE, (_bytes, resource.RLIM_INFINITY))
