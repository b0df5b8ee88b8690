"""Checks of the config that need more than one key."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from vaml.study.environments import ENVIRONMENTS

if TYPE_CHECKING:
    from vaml.study.config import Config


def inconsistencies(study: "Config") -> Iterator[str]:
    """One line per mistake: the key, what was given and what is allowed."""
    yield from _references(study)
    yield from _environments(study)
    yield from _synthetic(study)
    yield from _sac(study)
    yield from _snapshots(study)
    yield from _mbac(study)


def _references(study: "Config") -> Iterator[str]:
    yield from _among("synthetic.objectives", study.synthetic.objectives, study.objectives)
    yield from _among("snapshots.objectives", study.snapshots.objectives, study.objectives)
    yield from _among("sac.environments", study.sac.environments, study.environments)
    yield from _among("mbac.environments", study.mbac.environments, study.mbac.runs)
    yield from _among("mbac.runs", study.mbac.runs, study.environments)
    yield from _among("mbac.agents", study.mbac.agents, study.agents)
    for name, agent in study.agents.items():
        yield from _among(f"agents.{name}.objective", [agent.objective], study.objectives)


def _among(key: str, given: Iterable[str], allowed: Iterable[str]) -> Iterator[str]:
    for name in given:
        if name not in set(allowed):
            yield f"config: {key}: got {name!r}; allowed: {', '.join(sorted(allowed))}"


def _environments(study: "Config") -> Iterator[str]:
    for name, environment in study.environments.items():
        if name not in ENVIRONMENTS:
            yield f"config: environments: got {name!r}; allowed: {', '.join(sorted(ENVIRONMENTS))}"
        elif environment.keep_position and not ENVIRONMENTS[name].keeps_position:
            yield f"config: environments.{name}.keep_position: got True; allowed: false"
    for name in study.mbac.environments:
        if name in ENVIRONMENTS and not ENVIRONMENTS[name].known:
            known = sorted(key for key, facts in ENVIRONMENTS.items() if facts.known)
            yield (
                f"config: mbac.environments: got {name!r}, which has no known reward and "
                f"termination functions; allowed: {', '.join(known)}"
            )


def _synthetic(study: "Config") -> Iterator[str]:
    fit, data = study.synthetic.fit, study.synthetic.dynamics
    training = data.train_transitions - round(fit.validation_fraction * data.train_transitions)
    if fit.batch_size > training:
        yield _too_large("synthetic.fit.batch_size", fit.batch_size, training, "training split")


def _sac(study: "Config") -> Iterator[str]:
    sac = study.sac.training
    yield from _run("sac.training", sac.warmup_steps, sac.total_steps)
    if sac.actor_critic.batch_size > sac.warmup_steps:
        yield _too_large(
            "sac.training.actor_critic.batch_size",
            sac.actor_critic.batch_size,
            sac.warmup_steps,
            "warm-up's transitions",
        )
    if not sac.warmup_steps <= sac.first_snapshot_step <= sac.total_steps:
        yield (
            f"config: sac.training.first_snapshot_step: got {sac.first_snapshot_step}; allowed: "
            f"{sac.warmup_steps} (warmup_steps) to {sac.total_steps} (total_steps)"
        )


def _snapshots(study: "Config") -> Iterator[str]:
    schedule = study.sac.training.snapshot_schedule
    for step in study.snapshots.steps:
        if step not in schedule:
            allowed = ", ".join(map(str, schedule)) or "none: first_snapshot_step is past the end"
            yield f"config: snapshots.steps: got {step}; allowed (sac.training): {allowed}"
    fit = study.snapshots.fit
    if fit.validation_fraction + fit.test_fraction >= 1:
        yield (
            f"config: snapshots.fit.test_fraction: got {fit.test_fraction}; allowed: less than "
            f"{1 - fit.validation_fraction:g}, so that a training split is left"
        )
        return
    smallest = min(study.snapshots.steps)
    training = round((1 - fit.validation_fraction - fit.test_fraction) * smallest)
    if fit.batch_size > training:
        yield _too_large("snapshots.fit.batch_size", fit.batch_size, training, "training split")


def _mbac(study: "Config") -> Iterator[str]:
    training = study.mbac.training
    for name, run in study.mbac.runs.items():
        key = f"mbac.runs.{name}"
        yield from _run(key, run.warmup_steps, run.total_steps)
        if run.decay_end_step <= run.warmup_steps:
            yield (
                f"config: {key}.decay_end_step: got {run.decay_end_step}; allowed: more than "
                f"{run.warmup_steps} (warmup_steps)"
            )
        for batch_key, size in (
            ("actor_critic", training.actor_critic.batch_size),
            ("model", training.model.batch_size),
        ):
            fraction = training.model.validation_fraction if batch_key == "model" else 0.0
            available = round((1 - fraction) * run.warmup_steps)
            if size > available:
                yield _too_large(
                    f"mbac.training.{batch_key}.batch_size", size, available, f"warm-up of {key}"
                )


def _run(key: str, warmup_steps: int, total_steps: int) -> Iterator[str]:
    if warmup_steps >= total_steps:
        yield (
            f"config: {key}.warmup_steps: got {warmup_steps}; allowed: less than "
            f"{total_steps} (total_steps)"
        )


def _too_large(key: str, given: int, allowed: int, what: str) -> str:
    return f"config: {key}: got {given}; allowed: at most {allowed}, the {what}"
