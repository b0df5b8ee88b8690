"""The measured section of docs/performance.md."""

from __future__ import annotations

import datetime
import os
import platform
import statistics
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from vaml.pipeline.jobs import FOLDERS

if TYPE_CHECKING:
    from speed import Measured

START, END = "<!-- benchmarks/speed.py writes from here -->", "<!-- to here -->"
COLUMNS = {
    "plain": "plain",
    "plain+allocator": "plain, allocator set",
    "stable_baselines3": "Stable-Baselines3",
    "sbx": "SBX",
}
LIGHT_STEPS = ("tabulate", "judge_claims", "plot", "compile_paper")
Spread = tuple[float, float, float]


def spread(numbers: Spread) -> str:
    return "{:.2f} [{:.2f}, {:.2f}]".format(*numbers)


def row(measured: Measured) -> str:
    """One line of the table: ours in ms, ratios to the others, and the share of bare products."""
    cells = [measured.path, f"{measured.milliseconds('ours'):.2f}"]
    cells += [spread(measured.ratio(way)) if way in measured.rounds else "–" for way in COLUMNS]
    cells.append(f"{100 * measured.ratio('products')[0]:.0f} %")
    return f"| {' | '.join(cells)} |"


def start_up(repeats: int = 3) -> dict[str, float]:
    """Seconds until a step has answered `--help`, and until a training step has its modules."""
    found = {}
    for step in (*LIGHT_STEPS, *FOLDERS):
        found[f"`{step} --help`"] = _seconds(["-m", f"vaml.{step}", "--help"], repeats)
    for command in ("plan", "status"):
        found[f"`vaml {command} --help`"] = _seconds(["-m", "vaml", command, "--help"], repeats)
    found["modules of train_sac"] = _seconds(["-c", "import vaml.algorithms.sac"], repeats)
    found["modules of fit_snapshot"] = _seconds(
        ["-c", "import vaml.algorithms.offline_fit, vaml.networks.value"], repeats
    )
    found["modules of train_mbac"] = _seconds(["-c", "import vaml.algorithms.mbac"], repeats)
    found["`import torch` alone"] = _seconds(["-c", "import torch"], repeats)
    return found


def _seconds(arguments: list[str], repeats: int) -> float:
    source = str(Path(__file__).parents[1] / "src")
    environment = {**os.environ, "PYTHONPATH": source, "OMP_NUM_THREADS": "1"}
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, *arguments],
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def section(
    found: list[Measured], two_jobs: Spread, megabytes: float, seconds: dict[str, float]
) -> str:
    """All tables."""
    heads = ["path", "ours, ms", *COLUMNS.values(), "of the products' rate"]
    rounds = len(found[0].rounds["ours"])
    return "\n".join(
        [
            f"Measured on {datetime.date.today():%d %B %Y}, {_processor()}, one thread, "
            f"{rounds} interleaved rounds; {_versions()}.",
            "",
            f"| {' | '.join(heads)} |",
            f"|---|{'---:|' * (len(heads) - 1)}",
            *map(row, found),
            "",
            "Milliseconds of CPU per step, and how many times faster than each other way: median "
            "[lowest, highest] of the rounds' ratios.",
            "",
            f"Two SAC jobs on two cores make {spread(two_jobs)} times the steps of one.",
            "",
            f"A SAC job with its whole history and all snapshots peaks at {megabytes:.0f} MB as it "
            "saves its state.",
            "",
            "| start-up | s |",
            "|---|---:|",
            *(f"| {name} | {value:.2f} |" for name, value in seconds.items()),
        ]
    )


def write(file: Path, text: str) -> None:
    """Replace the part between the markers."""
    before, _, rest = file.read_text(encoding="utf-8").partition(START)
    _, _, after = rest.partition(END)
    file.write_text(f"{before}{START}\n\n{text}\n\n{END}{after}", encoding="utf-8")


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return f"{line.partition(':')[2].strip()}, {os.cpu_count()} virtual cores"
    return platform.processor()


def _versions() -> str:
    names = ("torch", "numpy", "gymnasium", "mujoco", "stable-baselines3", "sbx-rl")
    found = [f"Python {platform.python_version()}"]
    for name in names:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)
