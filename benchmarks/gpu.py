"""How fast are the fits' gradient steps on a GPU: captured, launched, and on one core beside it?

    python benchmarks/gpu.py                # prints a table in Markdown

The three ways take turns in one process with one thread, so that they share whatever the machine
does. A round is half a second of each; times are of the wall, the device's work waited for.
"""

import argparse
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence

import torch

from vaml.algorithms.model_fitting import ModelFitting
from vaml.config.objectives import Objective
from vaml.data.transitions import Transitions
from vaml.networks.actor_critic import Actor, Critic, TwinCritics
from vaml.networks.dynamics import GaussianDynamics
from vaml.networks.value import RandomValue, SoftValue, Value
from vaml.runtime.allocator import keep_freed_memory
from vaml.seeding import Streams

BATCH, ROUND_SECONDS = 128, 0.5
HOPPER, SYNTHETIC = (12, 3), (11, 3)  # sizes of observations and actions
OBJECTIVES = {
    "VAML": Objective(loss="vaml", mle_coefficient=0.0, model_samples=10),
    "MLE": Objective(loss="vaml", mle_coefficient=1.0, model_samples=10),
    "reg. VAML": Objective(loss="vaml", mle_coefficient=0.001, model_samples=10),
}
# By path: the sizes, the model's hidden layers, the objective.
PATHS: dict[str, tuple[tuple[int, int], list[int], str]] = {
    "VAML, snapshot": (HOPPER, [32, 32], "VAML"),
    "reg. VAML, snapshot": (HOPPER, [32, 32], "reg. VAML"),
    "MLE, snapshot": (HOPPER, [32, 32], "MLE"),
    "VAML, synthetic 32": (SYNTHETIC, [32, 32], "VAML"),
    "VAML, synthetic 128": (SYNTHETIC, [128, 128], "VAML"),
    "VAML, synthetic 1024": (SYNTHETIC, [1024, 1024], "VAML"),
}


def value(sizes: tuple[int, int], device: torch.device) -> Value:
    generator = torch.Generator().manual_seed(0)
    observations, actions = sizes
    if sizes == SYNTHETIC:
        return RandomValue(observations, 64, generator).requires_grad_(False).to(device)
    box = torch.ones(actions)
    actor = Actor(observations, -box, box, [256, 256], generator)
    critics = TwinCritics(*(Critic(observations, actions, [256, 256], generator) for _ in range(2)))
    for module in (actor, critics):
        module.requires_grad_(False).to(device)
    return SoftValue(actor, critics, torch.zeros((), device=device))


def step(path: str, device: torch.device, captured: bool) -> Callable[[], object]:
    """A gradient step on one batch that stays."""
    sizes, hidden, objective = PATHS[path]
    observations, actions = sizes
    generator = torch.Generator().manual_seed(0)
    model = GaussianDynamics(observations, actions, hidden, "default", generator).to(device)
    goal, streams = OBJECTIVES[objective], Streams(0, "benchmark")
    fitting = ModelFitting(
        model, value(sizes, device), goal, 1e-3, 0.0, BATCH, streams, captured=captured
    )
    draws = torch.randn(BATCH, 2 * observations + actions, generator=generator)
    states, taken, change = draws.split([observations, actions, observations], 1)
    batch = Transitions(states, taken.tanh(), states + 0.1 * change).to(device)
    fitting.start(batch, batch, goal.mle_coefficient, 1, 1)
    return lambda: fitting._step(batch)


def seconds(one: Callable[[], object], steps: int, device: torch.device) -> float:
    """Per step."""
    start = time.perf_counter()
    for _ in range(steps):
        one()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return (time.perf_counter() - start) / steps


def measure(path: str, rounds: int) -> str:
    """A row of the table."""
    gpu, cpu = torch.device("cuda"), torch.device("cpu")
    ways = {"captured": (gpu, True), "launched": (gpu, False), "core": (cpu, False)}
    steps = {name: (step(path, *way), way[0]) for name, way in ways.items()}
    counts = {}
    for name, (one, device) in steps.items():
        seconds(one, 5, device)
        counts[name] = max(1, round(ROUND_SECONDS / seconds(one, 20, device)))
    found = {name: [0.0] * rounds for name in ways}  # seconds per step
    for i in range(rounds):
        for name, (one, device) in steps.items():
            found[name][i] = seconds(one, counts[name], device)
    cells = [path, *(f"{1 / statistics.median(times):,.0f}" for times in found.values())]
    for name in ("launched", "core"):
        ratios = sorted(a / b for a, b in zip(found[name], found["captured"], strict=True))
        cells.append(f"{statistics.median(ratios):.1f} [{ratios[0]:.1f}, {ratios[-1]:.1f}]")
    return f"| {' | '.join(cells)} |"


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Speed of captured gradient steps")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args(argv)
    if not torch.cuda.is_available():
        sys.exit(f"gpu.py: torch {torch.__version__} finds no CUDA device")
    torch.set_num_threads(1)
    keep_freed_memory()  # as a job does
    print(f"{torch.cuda.get_device_name()}, {platform.processor() or platform.machine()}, ", end="")
    print(f"torch {torch.__version__}, {arguments.rounds} rounds\n")
    print("| Steps/s | captured | launched | one core | captured/launched | captured/core |")
    print("|---|---|---|---|---|---|")
    for path in PATHS:
        print(measure(path, arguments.rounds), flush=True)


if __name__ == "__main__":
    main()
