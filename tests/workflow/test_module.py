"""The workflow as a module of another: what `snakedeploy deploy-workflow` sets up."""

from pathlib import Path

import pytest
import yaml
from finished_study import PROJECT, TINY, Project, parse_dry_run

from vaml.config.schema import load
from vaml.config.yaml_file import merged
from vaml.pipeline.jobs import FOLDERS, labels

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


def test_a_module_plans_and_runs_the_study_of_its_own_config(deployed: Path) -> None:
    study = load(merged([deployed / "config" / "config.yaml"]))
    project = Project(deployed, [], overlays=())
    planned = parse_dry_run(project.snakemake("--dry-run").stdout)
    for stage in FOLDERS:
        jobs = [job for job in planned if job[0] == stage]
        assert len(jobs) == len([*labels(stage, study)]), stage
    assert ("compile_paper", frozenset()) in planned
    target = "results/tiny/fit_synthetic/realizable/h8_s0/mle/manifest.json"
    project.snakemake("--cores", "1", target)
    assert (deployed / "results/tiny/fit_synthetic/realizable/h8_s0/mle/model.safetensors").exists()
