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
    import numpy as np

    from vaml.algorithms.sac import SACRun
    from vaml.config.sac import TrainSACJob
    from vaml.config.schema import load
    from vaml.config.yaml_file import merged
    from vaml.pipeline import jobs
    from vaml.runtime.checkpoint import Checkpoint
    from vaml.saving import prefixed
    from vaml.seeding import Streams

    study = load(merged([Path("config/config.yaml")]))
    labels = {"environment": "Hopper-v4", "seed": 0}
    settings = TrainSACJob.model_validate_json(jobs.settings("train_sac", study, labels))
    run = SACRun(settings, Streams(0, "benchmark"))
    history = run.interaction.history
    history.size = settings.training.total_steps
    random = np.random.default_rng(0)
    for name, column in history.arrays().items():
        if column.dtype == np.float32:
            getattr(history, name)[:] = random.standard_normal(column.shape, np.float32)
    for step in settings.training.snapshot_schedule:
        run.snapshots |= prefixed(str(step), run.agent.networks())
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
