"""A job in a fork of a process that has loaded PyTorch: the same program, three seconds sooner."""

import multiprocessing
import os
import runpy
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

_LIBRARIES = ["torch", "gymnasium", "mujoco", "pydantic", "safetensors.numpy", "psutil"]
_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(_LIBRARIES)


class ForkedJob:
    """A running `python -m <module>`, as `subprocess.Popen` shows it; its errors go to a file."""

    def __init__(
        self, module: str, flags: Sequence[str], environment: Mapping[str, str], faults: Path
    ) -> None:
        self._errors = tempfile.NamedTemporaryFile("r", encoding="utf-8")  # noqa: SIM115
        given = (module, list(flags), dict(environment), faults, self._errors.name)
        self._process = _context.Process(target=_run, args=given)
        self._process.start()
        assert self._process.pid
        self.pid = self._process.pid
        self.returncode: int | None = None

    def __enter__(self) -> "ForkedJob":
        return self

    def __exit__(self, *_: object) -> None:
        self.communicate()
        self._errors.close()

    def poll(self) -> int | None:
        """Its exit status; None while it runs."""
        self.returncode = self._process.exitcode
        return self.returncode

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float | None = None) -> tuple[None, str]:
        """Wait for its end; what it said on the standard error stream."""
        self._process.join(timeout)
        assert self.poll() is not None, "the job did not end"
        self._errors.seek(0)
        return None, self._errors.read()


def _run(
    module: str, flags: Sequence[str], environment: Mapping[str, str], faults: Path, errors: str
) -> None:
    file = os.open(errors, os.O_WRONLY | os.O_APPEND)
    os.dup2(file, 2)
    os.environ.update(environment)
    sys.argv[1:] = flags
    runpy.run_path(str(faults))
    runpy.run_module(module, run_name="__main__", alter_sys=True)
