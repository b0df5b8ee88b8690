"""What saving the state of an unfinished job costs, at the paper's scale.

    python benchmarks/state_saving.py [FOLDER]

Fills a SAC run on Hopper-v4 with the 200 000 transitions and all snapshots that it has at its end,
when its state is largest, and times arrays() and save() in FOLDER, by default a temporary one on
the disk of the working directory.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

from vaml.determinism import one_thread
from vaml.runtime.allocator import keep_freed_memory

SAVES = 7
INTERVAL = 300.0  # seconds from one save to the next


def main() -> None:
    one_thread()
    keep_freed_memory()
    import paths

    from vaml.runtime.checkpoint import Checkpoint

    run = paths.whole_sac_run()
    # The optimisers have no moments before their first step.
    run.learn()
    parent = Path(sys.argv[1]) if len(sys.argv) > 1 else Path.cwd()
    with tempfile.TemporaryDirectory(dir=parent) as folder:
        checkpoint = Checkpoint(Path(folder), "benchmark")
        seconds = []
        with checkpoint.lock():
            for _ in range(SAVES):
                start = time.perf_counter()
                checkpoint.save(run.arrays(), {})
                seconds.append(time.perf_counter() - start)
            size = max(path.stat().st_size for path in checkpoint.path.glob("state-*"))
            start = time.perf_counter()
            checkpoint.load()
            loading = time.perf_counter() - start
            checkpoint.remove()
    median, worst = statistics.median(seconds), max(seconds)
    print(
        f"state {size / 1e6:.1f} MB; save: median {median:.3f} s, worst of {SAVES} {worst:.3f} s; "
        f"load {loading:.3f} s"
    )
    print(
        f"at most {100 * median / INTERVAL:.2f} % of a run that saves every {INTERVAL:.0f} s "
        f"(worst {100 * worst / INTERVAL:.2f} %)"
    )


if __name__ == "__main__":
    main()
