"""Output of a command reaches any terminal and any pipe; a command counts its usable cores."""

import os
import re
import subprocess
import sys
from argparse import ArgumentTypeError
from pathlib import Path

import pytest

from vaml.runtime import terminal
from vaml.runtime.terminal import at_least_one, core_count, usable_cores

PRINT = """
from vaml.runtime.terminal import print_anywhere
print_anywhere()
for _ in range({lines}):
    print("0.001 \u2192 0.01")
"""


def run(lines: int, command: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    shell = f'"$0" -c "$1" {command}; echo "${{PIPESTATUS[0]}}" >&2'
    return subprocess.run(
        ["bash", "-c", shell, sys.executable, PRINT.format(lines=lines)],
        env=os.environ | environment,
        capture_output=True,
        check=True,
        timeout=60,
    )


@pytest.mark.parametrize("encoding", ["latin-1", "ascii"])
def test_a_letter_that_the_locale_lacks_is_printed_as_its_code(encoding: str) -> None:
    done = run(1, "", PYTHONIOENCODING=encoding)
    assert done.stdout == b"0.001 \\u2192 0.01\n"
    assert done.stderr == b"0\n"


def test_a_reader_that_has_gone_ends_it_without_a_traceback() -> None:
    done = run(100_000, "| head -n 1", PYTHONIOENCODING="utf-8")
    assert done.stdout.decode() == "0.001 \u2192 0.01\n"
    assert done.stderr == b"141\n"


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity on this system")
def test_only_the_cores_that_the_process_may_use_count() -> None:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        assert usable_cores() == 1
    finally:
        os.sched_setaffinity(0, before)
    assert usable_cores() == len(before)


def test_only_commands_print_for_a_person() -> None:
    """Programs of the rules write to a log by the standard error stream, which takes every letter.

    tests/unit/test_commands.py holds that every command prints anywhere.
    """
    source = Path(terminal.__file__).parents[1]
    printing = [
        path
        for path in sorted(source.rglob("*.py"))
        if re.search(r"^ +print\((?!.*file=sys.stderr)|Console\(", path.read_text(), re.MULTILINE)
    ]
    assert {path.parent.name for path in printing} == {"commands"}
    assert {"plan.py", "status.py", "export_tensorboard.py"} <= {path.name for path in printing}


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "two", ""])
def test_a_flag_says_which_numbers_it_allows(text: str) -> None:
    allowed = "a whole number of at least 1$"
    with pytest.raises(ArgumentTypeError, match=f"^got {text}; allowed: all, or {allowed}"):
        core_count(text)
    with pytest.raises(ArgumentTypeError, match=f"^got {text}; allowed: {allowed}"):
        at_least_one(text)
    assert (core_count("12"), core_count("all"), at_least_one("1")) == (12, usable_cores(), 1)
