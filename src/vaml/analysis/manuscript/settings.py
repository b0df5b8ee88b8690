"""Every setting of a study's experiments, with its meaning, as rows of a table."""

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel

from vaml.config.mbac import MODEL_FREE
from vaml.config.schema import Config

# Grids and selections, which stand in other tables of the manuscript.
_ELSEWHERE = ("seeds", "steps", "objectives")


def setting_rows(study: Config) -> list[dict[str, str]]:
    """Rows with key (the place in the config), value and meaning (the config's description).

    Only experiments and methods that the study has are included. Objectives, seeds and grids stand
    elsewhere in the manuscript.
    """
    parts: list[tuple[str, Any]] = []
    if study.synthetic.settings:
        parts += [
            ("synthetic.dynamics", study.synthetic.dynamics),
            ("synthetic.fit", study.synthetic.fit),
        ]
    if study.sac.environments:
        parts += [
            ("sac.training", study.sac.training),
            ("snapshots", study.snapshots),
        ]
    if study.mbac.environments:
        parts.append(("mbac.training", study.mbac.training))
        parts += [(f"mbac.runs.{name}", study.mbac.runs[name]) for name in study.mbac.environments]
        agents = [name for name in study.mbac.agents if name != MODEL_FREE]
        parts += [(f"agents.{name}", study.agents[name]) for name in agents]
    environments = dict.fromkeys((*study.sac.environments, *study.mbac.environments))
    parts += [(f"environments.{name}", study.environments[name]) for name in environments]
    return [row for key, section in parts for row in _rows(key, section)]


def _rows(key: str, section: BaseModel) -> Iterator[dict[str, str]]:
    for name, field in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, BaseModel):
            yield from _rows(f"{key}.{name}", value)
        elif name not in _ELSEWHERE:
            yield {
                "key": f"{key}.{name}",
                "value": _text(value),
                "meaning": field.description or "",
            }


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(_text, value))
    return str(value)
