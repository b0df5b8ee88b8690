"""A finished tiny study in a folder of its own, and what Snakemake would do there next."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from planner import Planner
from study_folder import ROOT

from vaml.config.schema import Config, load
from vaml.config.yaml_file import merged
from vaml.pipeline.jobs import FOLDERS, MEASURED, TABLES, labels

PROJECT = ROOT
TINY = "tests/workflow/tiny.yaml"

# A rule and its wildcards.
Job = tuple[str, frozenset[tuple[str, str]]]


@dataclass(frozen=True)
class DagJob:
    """A job of the whole study: itself, and the files that tie it to others."""

    job: Job
    inputs: frozenset[str]
    outputs: frozenset[str]


@dataclass
class Project:
    """A folder with the project, and the overlays that its config is read with.

    planner: one that runs in this folder, where its source stays as it is.
    """

    folder: Path
    dag: list[DagJob]
    overlays: Sequence[str | Path] = (TINY,)
    planner: Planner | None = None

    @property
    def results(self) -> Path:
        return self.folder / "results" / "tiny"

    def run(
        self, *command: str, check: bool = True, variables: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command here, as a user with the environment active would."""
        environment = user_environment() | dict(variables or {})
        done = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True
        )
        assert not check or done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done

    def snakemake(
        self, *flags: str, check: bool = True, variables: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return self.run("snakemake", *flags, *self._configfile(), check=check, variables=variables)

    def vaml(
        self,
        command: str,
        *flags: str,
        check: bool = True,
        variables: Mapping[str, str] | None = None,
    ) -> str:
        """The standard output of `python -m vaml <command>`."""
        flags = (*flags, *self._configfile())
        return self.run(
            "python", "-m", "vaml", command, *flags, check=check, variables=variables
        ).stdout

    def _configfile(self) -> list[str]:
        return ["--configfile", *map(str, self.overlays)] if self.overlays else []

    def planned(self, *flags: str, variables: Mapping[str, str] | None = None) -> set[Job]:
        """The jobs that `snakemake --dry-run` lists, without the target; `vaml plan` agrees."""
        commands = ("snakemake", "--dry-run", *flags), ("vaml", "plan", "--jobs")
        planner = nullcontext(self.planner) if self.planner else self.new_planner()
        said: list[str] = []
        with planner as running:
            for command in commands:
                status, text, errors = running.run(variables or {}, *command, *self._configfile())
                assert status == 0, f"{command}\n{text}\n{errors}"
                said.append(text)
        jobs = parse_dry_run(said[0])
        assert parse_plan(said[1]) == jobs
        return jobs

    def new_planner(self) -> Planner:
        """With the source as it is now."""
        return Planner(self.folder, user_environment())

    def study(self) -> Config:
        return load(merged([self.folder / each for each in ("config/config.yaml", *self.overlays)]))

    def edit(self, file: str, old: str, new: str) -> None:
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{file} holds {old!r} {text.count(old)} times"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def copy(self, folder: Path) -> "Project":
        shutil.copytree(self.folder, folder, symlinks=True)
        return Project(folder, self.dag, self.overlays)


def user_environment() -> dict[str, str]:
    """That of a user with the project's environment active."""
    hidden = ("PYTHONPATH", "SNAKEMAKE_PROFILE")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    # In place of the editable installation of a clone.
    environment["PYTHONPATH"] = "src"
    return environment


def parse_dag(text: str) -> list[DagJob]:
    """The jobs that `snakemake --dry-run` prints, without the rule that is only a target."""
    found = []
    for block in re.split(r"^(?:local)?rule ", text, flags=re.MULTILINE)[1:]:
        rule = block[: block.index(":")]
        fields = dict(re.findall(r"^    (\w+): (.*)$", block, flags=re.MULTILINE))
        pairs = [pair.split("=", 1) for pair in fields.get("wildcards", "").split(", ") if pair]
        if rule != "all":
            files = (frozenset(fields.get(name, "").split(", ")) for name in ("input", "output"))
            found.append(DagJob((rule, frozenset((n, label) for n, label in pairs)), *files))
    return found


def parse_dry_run(text: str) -> set[Job]:
    found = [each.job for each in parse_dag(text)]
    assert len(found) == len(set(found))
    assert bool(found) == ("Nothing to be done" not in text)
    return set(found)


def parse_plan(text: str) -> set[Job]:
    jobs: set[Job] = set()
    stage = ""
    for line in text.splitlines():
        if heading := re.match(r"(\w+): \d+ (?:of \d+ )?jobs, ", line):
            stage = heading[1]
        elif entry := re.match(r"  ((?:\w+=\S+ ?)*): ", line):
            pairs = [pair.split("=", 1) for pair in entry[1].split()]
            jobs.add((stage, frozenset((name, label) for name, label in pairs)))
    return jobs


def job(rule: str, wildcards: Mapping[str, object]) -> Job:
    return rule, frozenset((name, str(label)) for name, label in wildcards.items())


def jobs_of(study: Config, stage: str, **only: object) -> set[Job]:
    """The jobs of a stage, or those with one of these labels."""
    allowed = {name: label if isinstance(label, list) else [label] for name, label in only.items()}
    return {
        job(stage, each)
        for each in labels(stage, study)
        if all(each[name] in values for name, values in allowed.items())
    }


def tables_of(*stages: str) -> set[Job]:
    return {job("tabulate", {"table": t}) for t, (stage, _) in TABLES.items() if stage in stages}


def with_downstream(jobs: set[Job], study: Config, dag: list[DagJob]) -> set[Job]:
    """These jobs and all that depends on them.

    dag: the whole study, for the files that tie figures, verdicts and the like to tables.
    """
    found = set(jobs)
    for start, stage, shared in (
        ("simulate_dynamics", "fit_synthetic", ("hidden_size", "seed")),
        ("train_sac", "fit_snapshot", ("environment", "seed")),
        *(
            (fit, measuring, ("setting", "hidden_size", "environment", "seed", "step", "objective"))
            for measuring, fit in MEASURED.items()
        ),
    ):
        started = {labels for rule, labels in found if rule == start}
        for each in labels(stage, study):
            mine = {name: each[name] for name in shared if name in each}
            if job(start, mine)[1] in started:
                found.add(job(stage, each))
    found |= tables_of(*{rule for rule, _ in found})
    if any(rule in FOLDERS for rule, _ in found):
        found.add(job("summarise_costs", {}))
    behind = [each for each in dag if each.job[0] not in FOLDERS]
    while True:
        files = {file for each in behind if each.job in found for file in each.outputs}
        more = {each.job for each in behind if each.inputs & files} - found
        if not more:
            return found
        found |= more
