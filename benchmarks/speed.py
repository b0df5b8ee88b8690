"""How fast are the gradient steps? Ours beside plain autograd, other libraries, and bare products.

    python benchmarks/speed.py                       # all paths, into docs/performance.md
    python benchmarks/speed.py --paths SAC MLE --rounds 5 --print

Each way of running a path is a process of its own with one thread, kept alive and driven in turn on
one core, so that the ways share whatever the machine does. Times are of the CPU; a ratio is the
median of the ratios within rounds. Libraries that are not installed are left out, with one line.
"""

import argparse
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import report

ROOT = Path(__file__).parents[1]
PATHS = (
    "SAC",
    "VAML",
    "MLE",
    "synthetic 32",
    "synthetic 128",
    "synthetic 1024",
    "MBAC, MLE",
    "MBAC, regularised VAML",
)
WAYS = ("ours", "plain", "plain+allocator", "products")
PEERS = ("stable_baselines3", "sbx")
ROUND_SECONDS = 0.5


class Worker:
    """A process that makes steps of one path in one way."""

    def __init__(self, way: str, path: str, core: int = 0) -> None:
        self.way = way
        self._process = subprocess.Popen(
            [sys.executable, ROOT / "benchmarks" / "worker.py", way, path, str(core)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        )

    def ready(self) -> str:
        """What it says once it is there: `ready`, or why not."""
        assert self._process.stdout
        return self._process.stdout.readline().strip() or "it ended"

    def start(self, steps: int) -> None:
        assert self._process.stdin
        self._process.stdin.write(f"{steps}\n")
        self._process.stdin.flush()

    def finish(self) -> tuple[float, float]:
        """Seconds of CPU and of wall time."""
        assert self._process.stdout
        cpu, wall = self._process.stdout.readline().split()
        return float(cpu), float(wall)

    def seconds(self, steps: int) -> tuple[float, float]:
        self.start(steps)
        return self.finish()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()


@dataclass(frozen=True)
class Measured:
    """Seconds of CPU per step of one path, by way and round."""

    path: str
    rounds: dict[str, list[float]]

    def milliseconds(self, way: str) -> float:
        return 1000 * statistics.median(self.rounds[way])

    def ratio(self, way: str) -> tuple[float, float, float]:
        """How much faster ours is, in steps per second: median, lowest and highest of rounds."""
        pairs = zip(self.rounds[way], self.rounds["ours"], strict=True)
        ratios = sorted(theirs / ours for theirs, ours in pairs)
        return statistics.median(ratios), ratios[0], ratios[-1]


def measure(path: str, rounds: int) -> Measured:
    """All ways of one path, interleaved; a round takes each about ROUND_SECONDS."""
    workers = []
    for way in (*WAYS, *(PEERS if path == "SAC" else ())):
        worker = Worker(way, path)
        answer = worker.ready()
        if answer == "ready":
            workers.append(worker)
        else:
            print(f"{path}: {way} {answer}", file=sys.stderr)
            worker.close()
    steps = {
        w.way: max(1, round(ROUND_SECONDS / max(w.seconds(10)[0] / 10, 1e-5))) for w in workers
    }
    found: dict[str, list[float]] = {worker.way: [] for worker in workers}
    for _ in range(rounds):
        for worker in workers:
            found[worker.way].append(worker.seconds(steps[worker.way])[0] / steps[worker.way])
    for worker in workers:
        worker.close()
    return Measured(path, found)


def two_jobs(rounds: int, steps: int = 60) -> tuple[float, float, float]:
    """Steps per wall second of two SAC jobs on two cores over one job on one of them."""
    workers = [Worker("ours", "SAC", core) for core in sorted(os.sched_getaffinity(0))[:2]]
    if len(workers) < 2:
        raise SystemExit("two jobs: needs two cores")
    for worker in workers:
        worker.ready()
    ratios = []
    for _ in range(rounds):
        alone = statistics.mean(worker.seconds(steps)[1] for worker in workers)
        for worker in workers:
            worker.start(steps)
        together = statistics.mean(worker.finish()[1] for worker in workers)
        ratios.append(2 * alone / together)
    for worker in workers:
        worker.close()
    return statistics.median(ratios), min(ratios), max(ratios)


def peak_memory() -> float:
    worker = Worker("memory", "SAC")
    megabytes = float(worker.ready())
    worker.close()
    return megabytes


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Speed of the gradient steps")
    parser.add_argument("--paths", nargs="+", choices=PATHS, default=PATHS)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--print", action="store_true", help="print, and leave docs/ as it is")
    arguments = parser.parse_args(argv)
    found = []
    for path in arguments.paths:
        found.append(measure(path, arguments.rounds))
        print(report.row(found[-1]), flush=True)
    if tuple(arguments.paths) != PATHS:
        return
    text = report.section(found, two_jobs(arguments.rounds), peak_memory(), report.start_up())
    if arguments.print:
        print(text)
    else:
        report.write(ROOT / "docs" / "performance.md", text)


if __name__ == "__main__":
    main()
