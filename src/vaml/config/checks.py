"""Checks of the config that need more than one key."""

import itertools
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from vaml.config.environments import ENVIRONMENTS
from vaml.config.mbac import MODEL_FREE
from vaml.config.objectives import NEED_TRUTH, NEED_TWO_SAMPLES

if TYPE_CHECKING:
    from vaml.config.schema import Config


def inconsistencies(study: "Config") -> Iterator[str]:
    """One line per mistake: the key, the given value and the allowed ones."""
    if not (study.synthetic.settings or study.sac.environments or study.mbac.environments):
        yield (
            "config: synthetic.settings, sac.environments, mbac.environments: got no entry in any; "
            "allowed: at least one in one of them, or there is no experiment"
        )
    yield from _references(study)
    yield from _objectives(study)
    yield from _twins(study)
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
    yield from _among("mbac.agents", study.mbac.agents, [*study.agents, MODEL_FREE])
    if MODEL_FREE in study.agents:
        yield f"config: agents: got {MODEL_FREE!r}, which means SAC; allowed: other names"
    for name, agent in study.agents.items():
        yield from _among(f"agents.{name}.objective", [agent.objective], study.objectives)
        if agent.critic_actions == "policy":
            for key, allowed in (
                ("critic_next_states", "samples, mean"),
                ("critic_terminations", "model"),
            ):
                if getattr(agent, key) == "replay":
                    yield (
                        f"config: agents.{name}.{key}: got 'replay'; allowed: {allowed} with "
                        "critic_actions: policy, after which the replay buffer has no next states"
                    )


def _objectives(study: "Config") -> Iterator[str]:
    for name, objective in study.objectives.items():
        if objective.loss in NEED_TWO_SAMPLES and objective.model_samples < 2:
            yield (
                f"config: objectives.{name}.model_samples: got {objective.model_samples}; allowed: "
                f"at least 2 with the loss {objective.loss}"
            )
    selected = [("snapshots.objectives", name) for name in study.snapshots.objectives]
    selected += [(f"agents.{agent}.objective", a.objective) for agent, a in study.agents.items()]
    without_truth = [name for name, each in study.objectives.items() if each.loss not in NEED_TRUTH]
    for key, name in selected:
        if name in study.objectives and name not in without_truth:
            yield (
                f"config: {key}: got {name!r}, whose loss {study.objectives[name].loss} needs the "
                f"true dynamics, known in synthetic alone; allowed: {', '.join(without_truth)}"
            )


def _twins(study: "Config") -> Iterator[str]:
    """Two names for one definition would be one job twice."""
    objectives = {name: [each] for name, each in study.objectives.items()}
    agents = {
        name: [agent.model_copy(update={"objective": ""}), study.objectives.get(agent.objective)]
        for name, agent in study.agents.items()
    }
    for key, chosen, meanings in (
        ("synthetic.objectives", study.synthetic.objectives, objectives),
        ("snapshots.objectives", study.snapshots.objectives, objectives),
        ("mbac.agents", study.mbac.agents, agents),
    ):
        named = [name for name in chosen if name in meanings]
        for first, second in itertools.combinations(named, 2):
            if meanings[first] == meanings[second]:
                yield (
                    f"config: {key}: got {first!r} and {second!r}, which are defined alike; "
                    "allowed: one of them"
                )


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
    model_based = set(study.mbac.agents) - {MODEL_FREE}
    for name in study.mbac.environments if model_based else ():
        facts = ENVIRONMENTS.get(name)
        if facts and facts.known and facts.keeps_position and name in study.environments:
            if not study.environments[name].keep_position:
                yield (
                    f"config: environments.{name}.keep_position: got False; allowed: true for "
                    "mbac.environments, whose known reward is the distance moved"
                )
        elif facts and not facts.known:
            known = sorted(key for key, facts in ENVIRONMENTS.items() if facts.known)
            yield (
                f"config: mbac.environments: got {name!r}, which has no known reward and "
                f"termination functions; allowed: {', '.join(known)}"
            )


def _synthetic(study: "Config") -> Iterator[str]:
    fit, rows = study.synthetic.fit, study.synthetic.dynamics.train_transitions
    (held_out,) = fit.held_out(rows)
    yield from _split("synthetic.fit.validation_fraction", fit.validation_fraction, held_out, rows)
    yield from _batch("synthetic.fit.batch_size", fit.batch_size, rows - held_out)
    sizes = study.synthetic.dynamics
    if sizes.horizon > (drawn := sizes.train_transitions + sizes.test_transitions):
        yield _too_large("synthetic.dynamics.horizon", sizes.horizon, drawn, "transitions drawn")


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
    in_run = sac.warmup_steps <= sac.first_snapshot_step <= sac.total_steps
    if sac.warmup_steps < sac.total_steps and not in_run:
        yield (
            f"config: sac.training.first_snapshot_step: got {sac.first_snapshot_step}; allowed: "
            f"{sac.warmup_steps} (warmup_steps) to {sac.total_steps} (total_steps)"
        )


def _snapshots(study: "Config") -> Iterator[str]:
    schedule = study.sac.training.snapshot_schedule
    missing = [step for step in study.snapshots.steps if step not in schedule]
    if missing and schedule:
        yield (
            f"config: snapshots.steps: got {', '.join(map(str, missing))}; allowed (sac.training): "
            f"{schedule[0]} to {schedule[-1]} in steps of {schedule.step}"
        )
    fit, rows = study.snapshots.fit, min(study.snapshots.steps)
    sizes = fit.held_out(rows)
    training = rows - sum(sizes)
    for key, held_out in zip(("validation_fraction", "test_fraction"), sizes, strict=True):
        yield from _split(f"snapshots.fit.{key}", getattr(fit, key), held_out, rows)
    if training < 1:
        yield (
            f"config: snapshots.fit.test_fraction: got {fit.test_fraction}; allowed: less than "
            f"{1 - fit.validation_fraction:g}, so that a training split is left"
        )
    else:
        yield from _batch("snapshots.fit.batch_size", fit.batch_size, training)


def _mbac(study: "Config") -> Iterator[str]:
    training, model = study.mbac.training, study.mbac.training.model
    for name in dict.fromkeys(study.mbac.environments):
        if name not in study.mbac.runs:
            continue
        run, key = study.mbac.runs[name], f"mbac.runs.{name}"
        yield from _run(key, run.warmup_steps, run.total_steps)
        if run.decay_end_step <= run.warmup_steps < run.total_steps:
            yield (
                f"config: {key}.decay_end_step: got {run.decay_end_step}; allowed: more than "
                f"{run.warmup_steps} (warmup_steps)"
            )
        if training.actor_critic.batch_size > run.warmup_steps:
            yield _too_large(
                "mbac.training.actor_critic.batch_size",
                training.actor_critic.batch_size,
                run.warmup_steps,
                f"warm-up of {key}",
            )
        rows, fraction = run.warmup_steps, model.validation_fraction
        (held_out,) = model.held_out(rows)
        yield from _split("mbac.training.model.validation_fraction", fraction, held_out, rows)
        yield from _batch("mbac.training.model.batch_size", model.batch_size, rows - held_out)
        learning = run.total_steps - run.warmup_steps
        for every, value in (
            ("evaluation_every", training.evaluation_every),
            ("model.refit_every", model.refit_every),
        ):
            if 0 < learning < value:
                what = f"environment steps after the warm-up of {key}"
                yield _too_large(f"mbac.training.{every}", value, learning, what)


def _run(key: str, warmup_steps: int, total_steps: int) -> Iterator[str]:
    if warmup_steps >= total_steps:
        yield (
            f"config: {key}.warmup_steps: got {warmup_steps}; allowed: less than "
            f"{total_steps} (total_steps)"
        )


def _too_large(key: str, given: int, allowed: int, what: str) -> str:
    return f"config: {key}: got {given}; allowed: at most {allowed}, the {what}"


def _split(key: str, fraction: float, held_out: int, rows: int) -> Iterator[str]:
    if held_out < 1:
        yield (
            f"config: {key}: got {fraction}; allowed: enough to hold out at least one of the "
            f"{rows} transitions"
        )


def _batch(key: str, size: int, training: int) -> Iterator[str]:
    if size > training:
        yield _too_large(key, size, training, "training split")
