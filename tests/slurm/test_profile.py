"""The profile for SLURM, where there is none."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from study_folder import ROOT, TINY

from vaml.config.schema import load
from vaml.config.yaml_file import merged
from vaml.pipeline import jobs
from vaml.pipeline.figures import figures
from vaml.pipeline.summaries import summaries

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PROFILE = ROOT / "workflow" / "profiles" / "slurm"


def read_profile() -> dict[str, Any]:
    return yaml.safe_load((PROFILE / "config.yaml").read_text(encoding="utf-8"))


def dry_run(folder: Path, *flags: str) -> str:
    """Output of a dry run of the tiny study in an empty folder, with no SLURM command on PATH."""
    environment = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
    (folder / "config").symlink_to(ROOT / "config")
    # The one command that the plugin calls without looking for it first.
    (folder / "bin").mkdir()
    (folder / "bin" / "which").symlink_to(shutil.which("which") or "which")
    commands = [str(Path(sys.executable).parent), str(folder / "bin")]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "snakemake",
            "--dry-run",
            f"--snakefile={ROOT / 'workflow' / 'Snakefile'}",
            *flags,
            "--configfile",
            str(TINY),
        ],
        cwd=folder,
        env=environment | {"PATH": os.pathsep.join(commands)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def job_resources(text: str) -> dict[str, dict[str, str]]:
    """By rule, what the first of its jobs asks for."""
    found: dict[str, dict[str, str]] = {}
    for block in re.split(r"^ *(?:local)?rule ", text, flags=re.MULTILINE)[1:]:
        rule, line = block[: block.index(":")], re.search(r"^ +resources: (.*)$", block, re.M)
        pairs = [pair.split("=", 1) for pair in line[1].split(", ")] if line else []
        found.setdefault(rule, dict(pairs))
    return found


@pytest.mark.parametrize("flag", ["--profile", "--workflow-profile"])
def test_dry_run_without_slurm(tmp_path: Path, flag: str) -> None:
    found = job_resources(dry_run(tmp_path, flag, str(PROFILE)))
    assert found.pop("all") is not None
    wanted = read_profile()["set-resources"]
    # Every rule has its line in the profile, and every line of the profile a rule.
    assert found.keys() == wanted.keys()
    for rule, resources in wanted.items():
        first_attempt = resources["mem_mb"].split(" * ")[0]
        assert (found[rule]["mem_mb"], found[rule]["runtime"]) == (
            first_attempt,
            str(resources["runtime"]),
        )


def test_the_analysis_is_one_slurm_job(tmp_path: Path) -> None:
    text = dry_run(tmp_path, "--profile", str(PROFILE))
    assert text.count("Group job analysis") == 1
    # Two synthetic environments.
    assert text.count("Group job synthetic") == 1


def test_long_jobs_are_alone_and_short_ones_are_not() -> None:
    profile = read_profile()
    short = {rule for rule, each in profile["set-resources"].items() if each["runtime"] <= 5}
    assert set(profile["groups"]) == short
    assert set(profile["group-components"]) <= set(profile["groups"].values())


def test_retries_stand_in_the_profile_alone() -> None:
    """In a rule they would multiply, inside one and the same allocation."""
    assert read_profile()["retries"] >= 1
    for path in (ROOT / "workflow").rglob("*.smk"):
        assert not re.search(r"^\s*retries:", path.read_text(encoding="utf-8"), re.MULTILINE)


def test_the_site_chooses_account_and_partition() -> None:
    assert "default-resources" not in read_profile()
    assert not any("slurm_" in name for e in read_profile()["set-resources"].values() for name in e)


def slurm_table() -> dict[str, list[str]]:
    """The rows of docs/slurm.md's table, by rule."""
    text = (ROOT / "docs" / "slurm.md").read_text(encoding="utf-8")
    table = text[text.index("| rule | jobs of") :].split("\n\n")[0].splitlines()[2:]
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in table]
    return {row[0]: row[1:] for row in cells}


def test_the_documented_jobs_and_limits_are_those_of_the_profile() -> None:
    """And the group of everything behind the training fits into a partition of one hour."""
    profile, study = read_profile(), load(merged([ROOT / "config" / "config.yaml"]))
    wanted = profile["set-resources"]
    behind = {
        "tabulate": len(jobs.tables(study)),
        "plot": len(figures(study)),
        "summarise": len(summaries(jobs.tables(study))),
        **dict.fromkeys(("summarise_costs", "judge_claims", "compile_paper", "write_overview"), 1),
    }
    analysis = sum(count * wanted[rule]["runtime"] for rule, count in behind.items())
    assert analysis < 60
    counts = {stage: len(list(jobs.labels(stage, study))) for stage in jobs.FOLDERS}
    together = profile["group-components"]["synthetic"]
    fits = counts["fit_synthetic"] // counts["simulate_dynamics"]
    synthetic = together * (
        wanted["simulate_dynamics"]["runtime"]
        + fits * (wanted["fit_synthetic"]["runtime"] + wanted["measure_synthetic"]["runtime"])
    )
    table = slurm_table()
    for stage in ("train_sac", "fit_snapshot", "train_mbac"):
        count, limit = str(counts[stage]), f"{wanted[stage]['runtime']} min"
        assert [*table[stage][:2], table[stage][2].split(", ")[1]] == [count, count, limit]
    groups = counts["simulate_dynamics"] // together
    for stage in ("simulate_dynamics", "measure_synthetic"):
        assert table[stage] == [str(counts[stage]), "with fit_synthetic", ""]
    at_a_time = profile["group-components"]["measuring"]
    measuring = counts["measure_snapshot"] // at_a_time
    assert table["measure_snapshot"] == [
        str(counts["measure_snapshot"]),
        str(measuring),
        f"1000 MB, {at_a_time * wanted['measure_snapshot']['runtime']} min",
    ]
    assert table["fit_synthetic"] == [
        str(counts["fit_synthetic"]),
        str(groups),
        f"1000 MB, {synthetic} min",
    ]
    assert table["tables, figures, verdicts, manuscript"] == [
        str(sum(behind.values())),
        "1",
        f"1000 MB, {analysis} min",
    ]
    text = (ROOT / "docs" / "slurm.md").read_text(encoding="utf-8")
    why = load(merged([ROOT / "config" / name for name in ("config.yaml", "why.yaml")]))
    more = len(why.synthetic.settings) * len(why.synthetic.objectives)
    alone = wanted["simulate_dynamics"]["runtime"], wanted["measure_synthetic"]["runtime"]
    long = together * (alone[0] + more * (wanted["fit_synthetic"]["runtime"] + alone[1]))
    short = alone[0] + more * (2 + alone[1])
    assert f"make a group of {long} min" in text
    assert f"synthetic=1 --set-resources fit_synthetic:runtime=2`, which makes it {short}" in text
    assert short < 60
    everything = sum(counts.values()) + sum(behind.values())
    alone = sum(counts[stage] for stage in ("train_sac", "fit_snapshot", "train_mbac"))
    assert table["all"][:2] == [str(everything), str(alone + groups + measuring + 1)]
    cost = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    assert f"| with tables, figures, paper | {everything} |" in cost
    example = (ROOT / "docs" / "reruns.md").read_text(encoding="utf-8")
    assert f"tabulate: 2 of {behind['tabulate']} jobs" in example
