"""The provenance of a result: its manifest, and the check of a file against a manifest."""

import hashlib
import os
import platform
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from vaml.files import UnreadableFile, sha256
from vaml.runtime.manifest import Manifest, Stable, Volatile, read_manifest
from vaml.runtime.versions import versions_of

PACKAGES = (
    "gymnasium",
    "matplotlib",
    "mujoco",
    "numpy",
    "pandas",
    "pydantic",
    "safetensors",
    "scipy",
    "seaborn",
    "torch",
)
# Variables that change a library's threads or kernels, and so the last bits of a result.
ENVIRONMENT = (
    "ATEN_CPU_CAPABILITY",
    "CUBLAS_WORKSPACE_CONFIG",
    "MKL_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
)


def job_key(config: str, code: str, source: str = "") -> str:
    """Identity of a job's result, 16 hex digits.

    Its inputs are the canonical config, the code digest, and the key of the source job.
    """
    return hashlib.sha256(f"{config}\n{code}\n{source}".encode()).hexdigest()[:16]


def manifest(
    *,
    step: str,
    config: str,
    code: str,
    modules: Mapping[str, str],
    source: str,
    seed: int,
    inputs: Mapping[str, Path],
    outputs: Mapping[str, Path],
    started: float,
    spent: tuple[float, float],
    device: str,
    resumed_from: Sequence[int] = (),
) -> Manifest:
    """Manifest of a job's outputs.

    config: the canonical JSON text. code, modules: the digest of the code, and that of each
    module in it. source: the key of the job whose files this one starts from, empty without one.
    inputs, outputs: a complete file for each flag; this call takes their digests.
    started: time.time() at the start. spent: wall and CPU seconds, with those of the processes
    whose saved states it went on from. device: the device of its networks. resumed_from: the steps
    at which it went on from a saved state.
    """
    now = time.time()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    commit, dirty = revision(Path(__file__).parents[1])
    return Manifest(
        stable=Stable(
            step=step,
            key=job_key(config, code, source),
            source=source or None,
            config=hashlib.sha256(config.encode()).hexdigest(),
            code=code,
            modules=dict(modules),
            seed=seed,
            versions=versions(),
            inputs={flag: sha256(path) for flag, path in inputs.items()},
            outputs={flag: sha256(path) for flag, path in outputs.items()},
        ),
        volatile=Volatile(
            commit=commit,
            dirty=dirty,
            host=socket.gethostname(),
            processor=_processor(),
            device=device,
            environment={name: os.environ.get(name) for name in ENVIRONMENT},
            slurm_job_id=os.environ.get("SLURM_JOB_ID"),
            started=_utc(started),
            ended=_utc(now),
            wall_seconds=round(spent[0], 3),
            cpu_seconds=round(spent[1], 3),
            max_rss_mb=round(usage.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)),
            resumed_from=list(resumed_from),
        ),
    )


def verify(path: Path, manifest_path: Path, name: str) -> None:
    """Check that a file is, byte for byte, the output, or the input, `name` of a manifest.

    UnreadableFile: it is not; the message names both files.
    """
    made = read_manifest(manifest_path).stable
    files = made.inputs | made.outputs
    if name not in files:
        raise UnreadableFile(f"{manifest_path}: records no file {name!r} for {path}")
    expected = files[name]
    found = sha256(path)
    if found != expected:
        raise UnreadableFile(
            f"{path}: its SHA-256 is {found}, but {manifest_path} records {expected} for {name!r}"
        )


def versions() -> dict[str, str | None]:
    """Versions of Python and of the packages; None for those not installed."""
    return {"python": platform.python_version(), **versions_of(PACKAGES)}


def revision(folder: Path) -> tuple[str | None, bool | None]:
    """Commit of the running source, and True if the source differs from it."""
    # Untracked source, as in a package installed below some other repository, has no commit.
    if _git(folder, "ls-files", "--error-unmatch", "__init__.py") is None:
        return None, None
    commit, changes = _git(folder, "rev-parse", "HEAD"), _git(folder, "status", "--porcelain", ".")
    return commit, None if commit is None or changes is None else changes != ""


def _git(folder: Path, *arguments: str) -> str | None:
    # Inside a git hook these point at another repository.
    hidden = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    try:
        done = subprocess.run(
            # Git would not read another user's clone, but its code is running here anyway.
            ["git", "--no-optional-locks", "-c", "safe.directory=*", *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _utc(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
