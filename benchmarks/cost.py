"""What a whole study costs, from `vaml.pipeline.cost` alone: by stage, and on 2, 16 and 64 cores.

    python benchmarks/cost.py [--configfile config/extended.yaml]

The jobs are those that Snakemake lists, and wait for each other as theirs do. With VAML_DEVICE=auto
one GPU helps. Prints Markdown.
"""

import argparse
from collections import defaultdict
from collections.abc import Sequence

from vaml.pipeline.cost import gpu_jobs, in_order, seconds, wall_seconds
from vaml.pipeline.dry_run import dry_run, read_study

CORES = (2, 16, 64)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Cost of a study")
    parser.add_argument("--configfile", nargs="+", default=[])
    overlays = parser.parse_args(argv).configfile
    planned = dry_run("--forceall", *(["--configfile", *overlays] if overlays else []))
    study = read_study(overlays)
    on_gpu = gpu_jobs(planned, study)
    times = seconds(planned, study, {})
    stages: dict[str, list[float]] = defaultdict(list)
    for job, time in zip(planned, times, strict=True):
        stages[job.rule].append(time)
    print("| stage | jobs | minutes per job | core-hours |\n|---|---:|---:|---:|")
    for stage in in_order(stages):
        each = sorted(time / 60 for time in stages[stage])
        print(f"| `{stage}` | {len(each)} | {_range(each)} | {sum(each) / 60:.1f} |")
    print(f"| all | {len(times)} | | {sum(times) / 3600:.1f} |\n")
    walls = [f"{wall_seconds(planned, times, n, on_gpu) / 3600:.1f} h on {n} cores" for n in CORES]
    print(f"Wall time: {', '.join(walls)}.")


def _range(each: Sequence[float]) -> str:
    low, high = f"{each[0]:.2g}", f"{each[-1]:.2g}"
    return low if low == high else f"{low} to {high}"


if __name__ == "__main__":
    main()
