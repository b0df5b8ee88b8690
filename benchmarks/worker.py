"""One measured process: `python benchmarks/worker.py <way> <path> <core>`, driven by speed.py.

Reads a number of steps per line and answers with the seconds of CPU and of wall time that they
took. Ways: ours, plain, plain+allocator, products, memory, or a peer's module name.
"""

import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

from vaml.determinism import one_thread


def make(way: str, path: str) -> Callable[[int], object]:
    """A function that makes so many steps."""
    from vaml.runtime.allocator import keep_freed_memory

    if way in ("ours", "plain+allocator", "products", "memory"):
        keep_freed_memory()
    if way in ("stable_baselines3", "sbx"):
        import peers

        return peers.step(way, "cpu")
    if way == "products":
        import products

        one = products.of(path)
    else:
        import paths

        from vaml.fast.differentiation import plain_modules

        with plain_modules() if way.startswith("plain") else nullcontext():
            one = paths.PATHS[path](paths.CPU)

    def steps(count: int) -> None:
        for _ in range(count):
            one()

    return steps


def memory() -> float:
    """Peak resident memory, in MB, of a SAC job with its whole history, as it saves its state."""
    import paths

    from vaml.runtime.allocator import keep_freed_memory
    from vaml.runtime.checkpoint import Checkpoint

    keep_freed_memory()
    run = paths.whole_sac_run()
    for _ in range(100):
        run.learn()
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Checkpoint(Path(folder), "benchmark")
        with checkpoint.lock():
            checkpoint.save(run.arrays(), {})
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def main() -> None:
    way, path, core = sys.argv[1:]
    one_thread()
    os.sched_setaffinity(0, {int(core)})
    if way == "memory":
        print(memory(), flush=True)
        return
    try:
        steps = make(way, path)
    except ImportError as error:
        print(f"skipped: {error}", flush=True)
        return
    steps(3)
    print("ready", flush=True)
    for line in sys.stdin:
        cpu, wall = time.process_time(), time.perf_counter()
        steps(int(line))
        print(time.process_time() - cpu, time.perf_counter() - wall, flush=True)


if __name__ == "__main__":
    main()
