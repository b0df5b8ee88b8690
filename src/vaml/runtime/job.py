"""The frame of every training step: flags, threads, saved state, manifest, exit code.

A step imports torch inside `running`, which sets the thread count that torch reads at import;
so `--help` needs no torch.
"""

import argparse
import json
import logging
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from vaml.config.fields import JobSettings, canonical, first_mistake, largest_setting, names_in
from vaml.determinism import one_thread
from vaml.files import UnreadableFile, finite_or_null, reading, write_json
from vaml.runtime.allocator import keep_freed_memory
from vaml.runtime.checkpoint import Checkpoint, save_interval
from vaml.runtime.digest import code_digest, module_digests
from vaml.runtime.lock import AlreadyRunning
from vaml.runtime.manifest import read_manifest
from vaml.runtime.provenance import job_key, manifest, verify
from vaml.runtime.source import import_closure, unexpected_modules
from vaml.runtime.versions import installed, words

Settings = TypeVar("Settings", bound=JobSettings)

logger = logging.getLogger(__name__)

# Last line of a log once the results are written: if they are missing, they were removed.
FINISHED = "finished"

# Parts of PyTorch's messages when an allocation fails: on a core, on a GPU, within cuBLAS.
_NO_MEMORY = ("allocate memory", "out of memory", "ALLOC_FAILED")


@dataclass
class Job(Generic[Settings]):
    """One job: its settings, its files, and its key (settings, code and what it starts from).

    device: the device of its networks, for the manifest.
    """

    settings: Settings
    key: str
    outputs: Mapping[str, Path]
    checkpoint: Checkpoint
    _inputs: Mapping[str, Path]
    _source: Path | None
    device: str = "cpu"
    resumed_from: list[int] = field(default_factory=list)

    def read(self, name: str) -> Path:
        """Return the path of an input whose digest equals the one in its manifest."""
        assert self._source is not None
        verify(self._inputs[name], self._source, name)
        return self._inputs[name]

    def write_result(self, name: str, numbers: Mapping[str, Any]) -> None:
        """Write a JSON output: the job's key and these numbers, null where not finite."""
        write_json(self.outputs[name], {**finite_or_null(numbers), "key": self.key})


@contextmanager
def running(
    step: str,
    settings_type: type[Settings],
    argv: Sequence[str] | None,
    *,
    outputs: Sequence[str],
    inputs: Sequence[str] = (),
) -> Iterator[Job[Settings]]:
    """Run a step's work: read the flags before it, write settings and manifest after it.

    Within the block, no other process works on the job; its saved state is removed once all outputs
    exist. Bad settings, damaged inputs, a full disk and a second copy of the job end the process
    with one line and exit code 1.
    """
    arguments = _flags(step, outputs, inputs).parse_args(argv)
    settings = None
    started = time.time()
    one_thread()
    keep_freed_memory()
    # MuJoCo without a renderer, which it would load at import and may not find. Progress and
    # warnings go to the standard error stream, which the rules keep in a file.
    os.environ["MUJOCO_GL"] = "disable"
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(message)s", force=True
    )
    try:
        settings = _settings(settings_type, arguments.config)
        config = canonical(settings)
        closure = import_closure(f"vaml.{step}")
        names = names_in(settings)
        modules = module_digests(f"vaml.{step}", names)
        code = code_digest(f"vaml.{step}", names)
        source = _source(arguments.source, arguments.source_key) if inputs else ""
        key = job_key(config, code, source)
        job = Job(
            settings=settings,
            key=key,
            outputs={name: getattr(arguments, name) for name in outputs},
            checkpoint=Checkpoint(arguments.state, key, save_interval(), words(installed(step))),
            _inputs={name: getattr(arguments, name) for name in inputs},
            _source=arguments.source if inputs else None,
        )
        with ExitStack() as stack:
            # Signals first, so that those during the wait for the lock are noticed too.
            stack.enter_context(job.checkpoint.install_signals())
            stack.enter_context(job.checkpoint.lock())
            yield job
            _require_known(step, closure)
            write_json(arguments.resolved, json.loads(config))
            write_json(
                arguments.manifest,
                manifest(
                    step=step,
                    config=config,
                    code=code,
                    modules=modules,
                    source=source,
                    seed=settings.seed,
                    inputs={name: getattr(arguments, name) for name in inputs},
                    outputs=job.outputs,
                    started=started,
                    spent=job.checkpoint.spent,
                    device=job.device,
                    resumed_from=job.resumed_from,
                ).model_dump(mode="json"),
            )
            job.checkpoint.remove()
            logger.info(FINISHED)
    except (UnreadableFile, AlreadyRunning, OSError) as error:
        sys.exit(f"{step}: {error}")
    except (MemoryError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not any(part in str(error) for part in _NO_MEMORY):
            raise
        reason = " ".join(str(error).split()) or "no memory is left"
        size = f"its largest setting is {largest_setting(settings)}" if settings else "too large"
        sys.exit(f"{step}: it does not fit into the memory; {size}: {reason}")


def _flags(step: str, outputs: Sequence[str], inputs: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m vaml.{step}")
    parser.add_argument("--config", required=True, help="the job's settings: JSON, or its file")
    for name in inputs:
        parser.add_argument(f"--{name}", type=Path, required=True, help="input file")
    if inputs:
        parser.add_argument(
            "--source", type=Path, required=True, help="manifest of the job that made the inputs"
        )
        parser.add_argument("--source-key", required=True, help="the key that this job must have")
    for name in outputs:
        parser.add_argument(f"--{name}", type=Path, required=True, help="output file")
    parser.add_argument("--resolved", type=Path, required=True, help="output: the settings used")
    parser.add_argument(
        "--manifest", type=Path, required=True, help="output: code, versions, digests"
    )
    parser.add_argument("--state", type=Path, required=True, help="folder of saved states")
    return parser


def _settings(settings_type: type[Settings], text: str) -> Settings:
    if not text.lstrip().startswith("{"):
        with reading(Path(text), "JSON"):
            text = Path(text).read_text(encoding="utf-8")
    try:
        return settings_type.model_validate_json(text)
    except ValidationError as error:
        raise UnreadableFile(f"--config: {first_mistake(error)}") from None


def _source(manifest_path: Path, expected: str) -> str:
    """Return the key of the job that made the inputs, after a check that it is the planned one."""
    found = read_manifest(manifest_path).stable.key
    if found != expected:
        raise UnreadableFile(
            f"{manifest_path}: its key is {found}, but the job that this one starts from has "
            f"{expected}: it is another job's, or of another config or code; run snakemake again"
        )
    return found


def _require_known(step: str, closure: Iterable[str]) -> None:
    unexpected = unexpected_modules(closure)
    if unexpected:
        raise RuntimeError(
            f"{step} loaded {', '.join(unexpected)}, which its code digest does not cover: import "
            "it where vaml.runtime.digest can see it"
        )
