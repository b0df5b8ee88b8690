"""The part of the config that a stage's jobs use together, from which their tables are gathered."""

import json
from typing import Any

from pydantic import TypeAdapter

from vaml.config.fields import canonical
from vaml.config.mbac import MODEL_FREE
from vaml.config.schema import Config


def branch(stage: str, study: Config) -> str:
    """Canonical JSON of the part of the config that the jobs of a stage use, all together."""
    used: dict[str, Any]
    match stage:
        case "fit_synthetic" | "measure_synthetic":
            used = {"synthetic": True, "objectives": set(study.synthetic.objectives)}
        case "train_sac":
            used = {"sac": True, "environments": set(study.sac.environments)}
        case "fit_snapshot" | "measure_snapshot":
            used = {
                "sac": True,
                "environments": set(study.sac.environments),
                "snapshots": True,
                "objectives": set(study.snapshots.objectives),
            }
        case "train_mbac":
            agents = {name for name in study.mbac.agents if name != MODEL_FREE}
            environments = set(study.mbac.environments)
            used = {
                "mbac": {
                    **dict.fromkeys(type(study.mbac).model_fields, True),
                    "runs": environments,
                },
                "environments": environments,
                "agents": agents,
                "objectives": {study.agents[name].objective for name in agents},
            }
        case _:
            raise KeyError(stage)
    return canonical(study.model_dump(mode="json", include=used))


def read_branch(text: str) -> Config:
    """The config that `branch` gave: its other sections are absent."""
    sections: dict[str, Any] = {}
    for name, section in json.loads(text).items():
        annotation: Any = Config.model_fields[name].annotation
        sections[name] = TypeAdapter(annotation).validate_python(section)
    return Config.model_construct(**sections)
