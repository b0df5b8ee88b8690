"""How fast are the gradient steps on a GPU: captured, launched, and on one core beside it?

    python benchmarks/gpu.py                        # prints a table in Markdown
    python benchmarks/gpu.py --paths SAC --rounds 5
    python benchmarks/gpu.py --study                # a small study, with the GPU and without

The ways take turns in one process with one thread, so that they share whatever the machine does. A
round is half a second of each; times are of the wall, the device's work waited for. SAC and MBAC
make an environment step with each gradient step; SAC has that of the other libraries on the same
card beside it, where these are installed. The small study (benchmarks/gpu_study.yaml) runs twice on
all cores, once with value-aware fits on the GPU, and leaves nothing behind.
"""

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence

import paths
import peers
import torch

from vaml.algorithms.capture import launched
from vaml.runtime.allocator import keep_freed_memory

ROUND_SECONDS = 0.5
PEERS = {"stable_baselines3": "Stable-Baselines3", "sbx": "SBX"}
Steps = Callable[[int], object]


def ways(path: str) -> dict[str, Steps]:
    """For each way, a function that makes so many steps of a path."""

    def repeated(one: Callable[[], object]) -> Steps:
        def steps(count: int) -> None:
            for _ in range(count):
                one()

        return steps

    make, gpu = paths.PATHS[path], torch.device("cuda")
    found = {"captured": repeated(make(gpu))}
    with launched():
        found["launched"] = repeated(make(gpu))
    found["one core"] = repeated(make(paths.CPU))
    if path == "SAC":
        for library, name in PEERS.items():
            try:
                found[name] = peers.step(library, "cuda")
            except ImportError as error:
                print(f"{name}: {error}", file=sys.stderr)
    return found


def seconds(steps: Steps, count: int) -> float:
    """Per step."""
    torch.cuda.synchronize()
    start = time.perf_counter()
    steps(count)
    torch.cuda.synchronize()
    return (time.perf_counter() - start) / count


def measure(path: str, rounds: int) -> str:
    """A row of the table."""
    steps = ways(path)
    counts = {}
    for name, each in steps.items():
        seconds(each, 5)
        counts[name] = max(1, round(ROUND_SECONDS / seconds(each, 20)))
    found = {name: [0.0] * rounds for name in steps}  # seconds per step
    for i in range(rounds):
        for name, each in steps.items():
            found[name][i] = seconds(each, counts[name])
    cells = [path, f"{1 / statistics.median(found['captured']):,.0f}"]
    for name in ("launched", "one core", *PEERS.values()):
        if name not in found:
            cells.append("–")
            continue
        ratios = sorted(a / b for a, b in zip(found[name], found["captured"], strict=True))
        cells.append(f"{statistics.median(ratios):.1f} [{ratios[0]:.1f}, {ratios[-1]:.1f}]")
    return f"| {' | '.join(cells)} |"


def study_seconds(device: str, cores: int) -> float:
    """Wall time of the small study with VAML_DEVICE set so, in a copy of this folder."""
    with tempfile.TemporaryDirectory() as folder:
        left_out = shutil.ignore_patterns(".*", "results")
        shutil.copytree(paths.ROOT, folder, ignore=left_out, dirs_exist_ok=True)
        options = "--quiet rules reason host --show-failed-logs --resources gpu=2"
        command = [sys.executable, "-m", "snakemake", *options.split(), "--cores", str(cores)]
        command += ["--configfile", "benchmarks/gpu_study.yaml"]
        targets = [f"results/gpu_study/tables/{name}.csv" for name in ("snapshots", "synthetic")]
        found = {**os.environ, "VAML_DEVICE": device, "PYTHONPATH": f"{folder}/src"}
        start = time.perf_counter()
        subprocess.run([*command, "--", *targets], cwd=folder, env=found, check=True)
        return time.perf_counter() - start


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Speed of captured gradient steps")
    parser.add_argument("--paths", nargs="+", choices=[*paths.PATHS], default=[*paths.PATHS])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--study", action="store_true", help="time a small study instead")
    arguments = parser.parse_args(argv)
    if not torch.cuda.is_available():
        sys.exit(f"gpu.py: torch {torch.__version__} finds no CUDA device")
    if arguments.study:
        cores = len(os.sched_getaffinity(0))
        alone, beside = (study_seconds(device, cores) for device in ("cpu", "auto"))
        print(f"{cores} cores alone {alone:.0f} s, with a GPU beside {beside:.0f} s", end="")
        print(f": {alone / beside:.1f} times as fast")
        return
    torch.set_num_threads(1)
    keep_freed_memory()  # as a job does
    print(f"{torch.cuda.get_device_name()}, {platform.processor() or platform.machine()}, ", end="")
    print(f"torch {torch.__version__}, {arguments.rounds} rounds\n")
    heads = ["captured, steps/s", "times launched", "times one core"]
    heads += [f"times {name}" for name in PEERS.values()]
    print(f"| path | {' | '.join(heads)} |")
    print("|---" * (len(heads) + 1) + "|")
    for path in arguments.paths:
        print(measure(path, arguments.rounds), flush=True)


if __name__ == "__main__":
    main()
