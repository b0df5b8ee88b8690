"""The types of the manifest beside a result, through which every reader goes."""

from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from vaml.config.fields import first_mistake
from vaml.files import UnreadableFile, reading

Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Record(BaseModel):
    """A block of a file that a program wrote: types are checked, unknown keys are ignored."""

    model_config = ConfigDict(frozen=True, strict=True)


Kind = TypeVar("Kind", bound=Record)


class Stable(Record):
    """The part that is the same for every run of the same job with the same versions.

    config, code, modules, inputs, outputs: digests, the last three one per module or flag.
    source: the key of the job whose files this one starts from. versions: None if not installed.
    """

    step: str
    key: str
    source: str | None
    config: str
    code: str
    modules: dict[str, str]
    seed: int
    versions: dict[str, str | None]
    inputs: dict[str, str]
    outputs: dict[str, str]


class Volatile(Record):
    """The part about one run of the job.

    commit, dirty: state of the source, None outside a repository. started, ended: UTC.
    resumed_from: the steps at which the run went on from a saved state.
    """

    commit: str | None
    dirty: bool | None
    host: str
    processor: str
    device: str
    environment: dict[str, str | None]
    slurm_job_id: str | None
    started: str
    ended: str
    wall_seconds: Amount
    cpu_seconds: Amount
    max_rss_mb: Annotated[int, Field(ge=0)]
    resumed_from: list[int]


class Manifest(Record):
    """The whole file."""

    stable: Stable
    volatile: Volatile


def read_manifest(path: Path) -> Manifest:
    """Read a job's manifest. UnreadableFile: as `read_record`."""
    return read_record(path, Manifest)


def found_manifest(path: Path) -> Manifest | None:
    """A job's manifest; None if there is none, or it cannot be read."""
    try:
        return read_manifest(path)
    except (UnreadableFile, OSError):
        return None


def read_record(path: Path, kind: type[Kind]) -> Kind:
    """Read a manifest of this kind. UnreadableFile: it is damaged, or of another kind."""
    with reading(path, "manifest"):
        text = path.read_text(encoding="utf-8")
        try:
            return kind.model_validate_json(text)
        except ValidationError as error:
            raise UnreadableFile(
                f"{path}: not a whole manifest file: {first_mistake(error)}"
            ) from None
