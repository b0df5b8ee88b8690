"""Reads and validates the config; gives each job its settings and the digest of its code."""

import os
import re
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

SOURCE = Path(workflow.current_basedir).parent.parent / "src"
sys.path.insert(0, str(SOURCE))

from vaml.config.fields import canonical
from vaml.pipeline import jobs
from vaml.pipeline.figures import AUTHORS, FIGURES, figures, shared_settings
from vaml.config.schema import ConfigError, load
from vaml.runtime.derivation import manifest_of
from vaml.runtime.device import device_choice
from vaml.files import UnreadableFile
from vaml.runtime.isolation import isolate_jobs
from vaml.pipeline.jobs import TABLES
from vaml.config.mbac import MODEL_FREE
from vaml.runtime.requirements import unmet
from vaml.runtime.versions import keeps_others
from vaml.pipeline.summaries import SUMMARIES, overview_tables, paper_tables, summaries
from vaml.config.yaml_file import merged, read

isolate_jobs(SOURCE)
if mistakes := list(unmet(SOURCE.parent / "pyproject.toml")):
    raise WorkflowError("\n".join(mistakes))

try:
    device_choice()
    keeps_others()
except UnreadableFile as error:
    raise WorkflowError(str(error)) from None

CONFIG = "config/config.yaml"
# Snakemake's own reader accepts duplicate keys and names no line.
try:
    for file in filter(os.path.exists, [CONFIG, *workflow.configfiles]):
        read(Path(file))
except ConfigError as error:
    raise WorkflowError(str(error)) from None


configfile: CONFIG


try:
    STUDY = load(config)
except ConfigError as error:
    raise WorkflowError(str(error)) from None

# Tables and figures of the study's experiments.
STUDY_TABLES = jobs.tables(STUDY)
STUDY_FIGURES = figures(STUDY)
STUDY_SUMMARIES = summaries(STUDY_TABLES)
RESULTS = f"results/{STUDY.study.name}"
STATE = f"{RESULTS}/.state"
TEMPLATES = os.path.relpath(SOURCE.parent / "workflow" / "report")


def pattern(values):
    """A wildcard constraint that matches these values and nothing else."""
    return "|".join(re.escape(str(value)) for value in sorted(set(values))) or "none"


wildcard_constraints:
    hidden_size=pattern(STUDY.synthetic.hidden_sizes),
    setting=pattern(STUDY.synthetic.settings),
    objective=pattern(STUDY.objectives),
    agent=pattern([*STUDY.agents, MODEL_FREE]),
    environment=pattern(STUDY.environments),
    step=r"\d+",
    seed=r"\d+",
    table=pattern(TABLES),
    figure=pattern(FIGURES),


def folder(stage):
    """The folder of a stage's jobs, with wildcards."""
    return f"{RESULTS}/{jobs.FOLDERS[stage]}"


def settings(stage):
    """Param function: canonical JSON of what the job uses."""
    return lambda wildcards: jobs.settings(stage, STUDY, wildcards)


def gpu(stage):
    """Resource function: 1 where VAML_DEVICE puts the job on a GPU, else 0."""
    return lambda wildcards: jobs.gpus(stage, STUDY, wildcards)


def code(stage):
    """Param function: digest of the code that the job runs."""
    return lambda wildcards: jobs.code(stage, STUDY, wildcards)


def versions(stage):
    """Param function: the versions of the libraries that the job computes with, or its result has."""
    return lambda wildcards: jobs.versions(stage, STUDY, Path(RESULTS), wildcards)


def program(step, label=None):
    """Param function: digest of the code of a rule that is no stage.

    label: the wildcard whose value is looked up in tables, so that its own rows count alone.
    """
    return lambda wildcards: jobs.program_code(
        step, frozenset([wildcards[label]]) if label else None
    )


def source_key(stage):
    """Param function: the key of the job whose files the job starts from."""
    return lambda wildcards: jobs.source_key(stage, STUDY, wildcards)


def results(stage, names):
    """These files of every job of a stage."""
    return [
        f"{RESULTS}/{jobs.folder(stage, labels)}/{name}"
        for labels in jobs.labels(stage, STUDY)
        for name in names
    ]


def job_results():
    """What every job leaves for tables, and its record; not the large files that only jobs read."""
    return [
        path
        for stage, names in jobs.RESULTS.items()
        for path in results(stage, [*names, "config.json", "manifest.json"])
    ]


def manifests(files):
    """The manifests against which derived files are checked."""
    return sorted({str(manifest_of(Path(file))) for file in files})


def figure_tables(wildcards):
    """The tables that a figure shows."""
    return [f"{RESULTS}/tables/{table}.csv" for table in FIGURES[wildcards.figure].tables]


def summary_sources(wildcards):
    """The files that a summary sums up."""
    return [f"{RESULTS}/{name}" for name in SUMMARIES[wildcards.summary]]


def table_files(wildcards):
    """The files that a table gathers, with the manifests that vouch for them."""
    stage, name = TABLES[wildcards.table]
    return results(stage, [name, "manifest.json"])


def in_report(suffix, file):
    """A figure's file, marked for the report; `file` says what the reader gets."""
    return report(
        f"{RESULTS}/figures/{{figure}}.{suffix}",
        caption="../report/figures.rst",
        category="Figures",
        subcategory=lambda wildcards: FIGURES[wildcards.figure].group,
        labels={"figure": "{figure}", "file": file},
    )
