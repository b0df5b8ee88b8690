"""Runs commands in the working folder, each in a fork of one process that has loaded what they use.

`Planner` is the side of the tests; the file as a program is the process. Snakemake and the digests
of the folder's source are loaded once, in place of once per command.
"""

import json
import os
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

Said = tuple[int, str, str]


class Planner:
    """The commands `snakemake` and `vaml` in a folder whose source stays as it is."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", __file__],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> "Planner":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def run(self, variables: Mapping[str, str], *command: str) -> Said:
        """Exit status, standard output and standard error stream of a command.

        variables: more of the environment.
        """
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps([dict(variables), command]) + "\n")
        self._process.stdin.flush()
        status, output, errors = json.loads(self._process.stdout.readline())
        return status, output, errors


def _forked(main: Callable[[Sequence[str]], Any], flags: Sequence[str], variables: Any) -> Said:
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        if (child := os.fork()) == 0:
            os.environ.update(variables)
            os.dup2(output.fileno(), 1)
            os.dup2(errors.fileno(), 2)
            os._exit(_status(main, flags))
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        texts: list[str] = []
        for file in (output, errors):
            file.seek(0)
            texts.append(file.read().decode())
    return status, texts[0], texts[1]


def _status(main: Callable[[Sequence[str]], Any], flags: Sequence[str]) -> int:
    """What `sys.exit(main(flags))` would end with."""
    try:
        sys.exit(main(flags))
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return status


def _serve() -> None:
    """Answer each line of the standard input with one of the standard output."""
    import snakemake.cli

    import vaml.__main__
    import vaml.commands.plan  # loaded once, for every fork  # pyright: ignore[reportUnusedImport]
    from vaml.pipeline.jobs import FOLDERS
    from vaml.runtime.digest import code_digest

    snakemake.cli.get_argument_parser()  # loads the plugins
    for step in (*FOLDERS, "plot", "tabulate", "summarise", "judge_claims"):
        code_digest(f"vaml.{step}")
    mains = {"snakemake": snakemake.cli.main, "vaml": vaml.__main__.run}
    for line in sys.stdin:
        variables, (name, *flags) = json.loads(line)
        print(json.dumps(_forked(mains[name], flags, variables)), flush=True)


if __name__ == "__main__":
    _serve()
