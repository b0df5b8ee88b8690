"""A SLURM of one node on the loopback interface, everything of it in one folder."""

import os
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

DAEMONS = ("munged", "slurmctld", "slurmd")
COMMANDS = ("sbatch", "srun", "squeue", "scancel", "scontrol", "sinfo")

TEMPLATE = Path(__file__).parent / "slurm.conf.template"

# The plugin strips SLURM_CONF from the environment of the srun that it nests in a job. Sites have
# their configuration where SLURM looks for it by itself; this one does not.
SRUN = """\
#!/bin/sh
SLURM_CONF={configuration} exec {srun} "$@"
"""


def missing() -> str | None:
    """Reason why no SLURM can be started here; None where it can."""
    absent = [name for name in (*DAEMONS, *COMMANDS) if _program(name) is None]
    if absent:
        return f"no SLURM to start: {', '.join(absent)} not found"
    return "SLURM's daemons must be started as root" if os.geteuid() else None


def _program(name: str) -> str | None:
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))


class Cluster:
    """munged, slurmctld and slurmd, between `start` and `stop`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.host = socket.gethostname().split(".")[0]
        self.configuration = folder / "slurm.conf"

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables with which a process uses this cluster."""
        return {
            "SLURM_CONF": str(self.configuration),
            "PATH": os.pathsep.join([str(self.folder / "bin"), os.environ["PATH"]]),
        }

    def start(self) -> None:
        for name in ("state", "spool", "munge", "bin"):
            (self.folder / name).mkdir(parents=True)
        controller_port, node_port = _free_ports(2)
        self.configuration.write_text(
            TEMPLATE.read_text(encoding="utf-8").format(
                host=self.host,
                folder=self.folder,
                controller_port=controller_port,
                node_port=node_port,
            ),
            encoding="utf-8",
        )
        srun = self.folder / "bin" / "srun"
        srun.write_text(SRUN.format(configuration=self.configuration, srun=_program("srun")))
        srun.chmod(srun.stat().st_mode | stat.S_IXUSR)
        self._start_munge()
        self._daemon("slurmctld", "-f", str(self.configuration))
        self.start_node()

    def _start_munge(self) -> None:
        private = self.folder / "munge"
        key = private / "key"
        key.write_bytes(secrets.token_bytes(1024))
        key.chmod(0o400)
        private.chmod(0o700)
        self._daemon(
            "munged",
            "--force",  # also where folders above are open to all, as /tmp is
            f"--key-file={key}",
            f"--socket={self.folder}/munge.sock",
            f"--pid-file={self.folder}/munged.pid",
            f"--log-file={private}/munged.log",
            f"--seed-file={private}/seed",
        )

    def start_node(self) -> None:
        """Start slurmd, and return when jobs can run."""
        self._daemon("slurmd", "-f", str(self.configuration), "-N", self.host)
        self.wait_for(lambda: self.run("sinfo", "-h", "-o", "%T", "-p", "main") == "idle")

    def _daemon(self, name: str, *flags: str) -> None:
        program = _program(name)
        assert program is not None
        # The daemons outlive this process: they must hold none of its pipes.
        output = self.folder / f"{name}.out"
        with output.open("ab") as file:
            done = subprocess.run(
                [program, *flags],
                env=os.environ | self.environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
                timeout=60,
            )
        log = self.folder / f"{name}.log"
        told = output.read_text() + (log.read_text() if log.exists() else "")
        assert done.returncode == 0, f"{name}, status {done.returncode}: {told[-500:]}"

    def stop(self) -> None:
        """End all jobs, then the daemons, by their pid files; none is left behind."""
        try:
            if (self.folder / "slurmd.pid").exists():
                self.run("scancel", "--user=root", check=False)
                self.wait_for(lambda: not self.jobs(), seconds=30)
        finally:
            for name in reversed(DAEMONS):
                self.stop_daemon(name)

    def stop_daemon(self, name: str, number: int = signal.SIGTERM) -> None:
        try:
            pid = int((self.folder / f"{name}.pid").read_text())
            os.kill(pid, number)
        except (FileNotFoundError, ValueError, ProcessLookupError):
            return
        give_up = time.monotonic() + 20
        while psutil.pid_exists(pid):
            if time.monotonic() > give_up:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)

    def lose_node(self) -> None:
        """End slurmd and all that runs under it at once, as when the power fails."""
        self.stop_daemon("slurmd", signal.SIGKILL)
        mine = {pid: words for pid, words in _environments() if str(self.folder).encode() in words}
        # The supervisors first: they must not report the death of what they supervise.
        supervisors = [pid for pid in mine if _name(pid) == "slurmstepd"]
        jobs = [pid for pid, words in mine.items() if b"\0SLURM_JOB_ID=" in b"\0" + words]
        for pid in (*supervisors, *jobs):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def run(self, *command: str, check: bool = True) -> str:
        """The output of a SLURM command."""
        done = subprocess.run(
            command,
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert not check or done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout.strip()

    def jobs(self, states: str = "") -> dict[str, str]:
        """State of each job, by id: of those that wait or run, or of all in these states."""
        flags = ["--states", states] if states else []
        text = self.run("squeue", "--noheader", "--format=%i|%T", *flags)
        return dict(line.split("|") for line in text.splitlines())

    def job(self, number: str) -> dict[str, str]:
        """All that SLURM says of a job."""
        words = self.run("scontrol", "--oneliner", "show", "job", number).split()
        return dict(word.split("=", 1) for word in words if "=" in word)

    def block(self, seconds: int, partition: str, *flags: str) -> str:
        """A job that takes the whole node for so long; its id."""
        return self.run(
            "sbatch",
            "--parsable",
            f"--partition={partition}",
            "--cpus-per-task=8",
            "--output=/dev/null",
            *flags,
            f"--wrap=sleep {seconds}",
        )

    def wait_for(self, true: Callable[[], bool], seconds: float = 60) -> None:
        give_up = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < give_up, f"waited {seconds} s; jobs: {self.jobs('all')}"
            time.sleep(0.1)


def _free_ports(count: int) -> Sequence[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _environments() -> Iterator[tuple[int, bytes]]:
    """Id and environment of every process here.

    psutil reads up to the first empty word; slurmstepd blanks the start of its own environment.
    """
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):  # it has ended
            yield int(path.parent.name), path.read_bytes()


def _name(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""
