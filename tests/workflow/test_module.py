"""The workflow as a module of another: what `snakedeploy deploy-workflow` sets up."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from finished_study import PROJECT, TINY, parse_dry_run

from vaml.study.config import load
from vaml.study.jobs import FOLDERS, labels
from vaml.study.yaml_file import merged

SNAKEFILE = f"""
configfile: "config/config.yaml"


module vaml:
    snakefile:
        "{PROJECT}/workflow/Snakefile"
    config:
        config


use rule * from vaml
"""


@pytest.fixture
def deployed(tmp_path: Path) -> Path:
    """A folder with a config of its own and nothing else of the project."""
    (tmp_path / "workflow").mkdir()
    (tmp_path / "workflow" / "Snakefile").write_text(SNAKEFILE, encoding="utf-8")
    (tmp_path / "config").mkdir()
    tiny = merged([PROJECT / "config" / "config.yaml", PROJECT / TINY])
    (tmp_path / "config" / "config.yaml").write_text(yaml.safe_dump(tiny), encoding="utf-8")
    return tmp_path


def snakemake(folder: Path, *flags: str) -> str:
    hidden = ("PYTHONPATH", "SNAKEMAKE_PROFILE")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    command = [str(Path(sys.executable).parent / "snakemake"), "--cores", "1", *flags]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_module_plans_and_runs_the_study_of_its_own_config(deployed: Path) -> None:
    study = load(merged([deployed / "config" / "config.yaml"]))
    planned = parse_dry_run(snakemake(deployed, "--dry-run"))
    for stage in FOLDERS:
        jobs = [job for job in planned if job[0] == stage]
        assert len(jobs) == len([*labels(stage, study)]), stage
    assert ("compile_paper", frozenset()) in planned
    snakemake(deployed, "results/tiny/fit_synthetic/realizable/h8_s0/mle/manifest.json")
    assert (deployed / "results/tiny/fit_synthetic/realizable/h8_s0/mle/model.safetensors").exists()
