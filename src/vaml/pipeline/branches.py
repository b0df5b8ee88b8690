"""The part of the config that a stage's jobs use together, from which their tables are gathered."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, TypeAdapter

from vaml.config.mbac import MODEL_FREE
from vaml.config.schema import Config
from vaml.pipeline.jobs import canonical


def branch(stage: str, study: Config) -> str:
    """Canonical JSON of the part of the config that the jobs of a stage use, all together."""
    sections: dict[str, Any] = {}

    def keep(section: str, definitions: Mapping[str, BaseModel], used: Iterable[str]) -> None:
        sections[section] = {name: definitions[name].model_dump(mode="json") for name in used}

    def whole(section: str) -> None:
        sections[section] = getattr(study, section).model_dump(mode="json")

    match stage:
        case "fit_synthetic" | "measure_synthetic":
            whole("synthetic")
            keep("objectives", study.objectives, study.synthetic.objectives)
        case "train_sac" | "fit_snapshot" | "measure_snapshot":
            whole("sac")
            keep("environments", study.environments, study.sac.environments)
            if stage != "train_sac":
                whole("snapshots")
                keep("objectives", study.objectives, study.snapshots.objectives)
        case "train_mbac":
            whole("mbac")
            agents = [name for name in study.mbac.agents if name != MODEL_FREE]
            runs = sections["mbac"]["runs"]
            sections["mbac"]["runs"] = {name: runs[name] for name in study.mbac.environments}
            keep("environments", study.environments, study.mbac.environments)
            keep("agents", study.agents, agents)
            keep("objectives", study.objectives, {study.agents[a].objective for a in agents})
        case _:
            raise KeyError(stage)
    return canonical(sections)


def read_branch(text: str) -> Config:
    """The config that `branch` gave: its other sections are absent."""
    sections: dict[str, Any] = {}
    for name, section in json.loads(text).items():
        annotation: Any = Config.model_fields[name].annotation
        sections[name] = TypeAdapter(annotation).validate_python(section)
    return Config.model_construct(**sections)
