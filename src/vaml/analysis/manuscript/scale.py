"""The size of a study, compared with that of the published one.

The published sizes are constants of this module, because a user may change the config.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from vaml.config.environments import unversioned
from vaml.config.schema import Config

Level = Literal["demo", "reduced", "paper", "extended"]

# Below this share of a published length, training has hardly begun.
_DEMO_SHARE = 0.1


@dataclass(frozen=True)
class Size:
    """One quantity. published: None if the paper does not state it.

    length: True for a duration or an amount of data, False for a number of repetitions.
    """

    experiment: str
    quantity: str
    study: int
    published: int | None
    source: str
    length: bool = False


def sizes(study: Config) -> list[Size]:
    """Sizes of the experiments that the study has, in their order."""
    return [
        *(_synthetic(study) if study.synthetic.settings else ()),
        *(_snapshots(study) if study.sac.environments else ()),
        *_mbac(study),
    ]


def level(study: Config) -> Level:
    """The scale of a study beside the published one.

    demo: something is trained for less than a tenth of its published length; reduced: something is
    smaller than published; extended: nothing is smaller, and something is larger.
    """
    known = [(size, size.published) for size in sizes(study) if size.published is not None]
    if any(size.length and size.study < _DEMO_SHARE * published for size, published in known):
        return "demo"
    if any(size.study < published for size, published in known):
        return "reduced"
    return "extended" if any(size.study > published for size, published in known) else "paper"


def _synthetic(study: Config) -> Iterator[Size]:
    part = study.synthetic
    code = "authors' code"
    transitions = part.dynamics.train_transitions
    yield Size("A", "transitions for training and validation", transitions, 50_000, "5.1", True)
    yield Size("A", "transitions for testing", part.dynamics.test_transitions, 1000, "5.1")
    yield Size("A", "epochs of a fit, at most", part.fit.max_epochs, 1000, code, True)
    yield Size("A", "hidden sizes", len(part.hidden_sizes), 6, "figure 1")
    yield Size("A", "seeds", len(part.seeds), 5, "5.1")


def _snapshots(study: Config) -> Iterator[Size]:
    code = "authors' code"
    yield Size(
        "B", "environment steps of SAC", study.sac.training.total_steps, 200_000, "5.2", True
    )
    yield Size("B", "epochs of a fit, at most", study.snapshots.fit.max_epochs, 1000, code, True)
    yield Size("B", "snapshots per SAC run", len(study.snapshots.steps), 19, "figure 2")
    yield Size("B", "SAC runs per environment", len(study.sac.seeds), 1, "authors' data")


_PUBLISHED_STEPS = {"InvertedPendulum": 30_000, "Pusher": 60_000}


def _mbac(study: Config) -> Iterator[Size]:
    for environment in study.mbac.environments:
        run = study.mbac.runs[environment]
        steps = _PUBLISHED_STEPS.get(unversioned(environment))
        known = steps is not None
        source = "figure 3" if known else "not in the paper"
        yield Size("C", f"steps in {environment}", run.total_steps, steps, source, True)
        runs = f"runs per agent in {environment}"
        yield Size("C", runs, len(run.seeds), 4 if known else None, "5.3" if known else source)
