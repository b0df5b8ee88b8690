"""Reads and validates the config; gives each job its settings and the digest of its code."""

import os
import re
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError

SOURCE = Path(workflow.current_basedir).parent.parent / "src"
sys.path.insert(0, str(SOURCE))
# Jobs use this source and this Python, whatever else is on the machine: no other folder of
# PYTHONPATH, no user's site-packages, and by `python -P` nothing of the folder they run in.
if ignored := [
    entry
    for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if entry and Path(entry).resolve() != SOURCE.resolve()
]:
    print(f"vaml: jobs ignore PYTHONPATH's {', '.join(ignored)}", file=sys.stderr)
os.environ["PYTHONPATH"] = str(SOURCE)
os.environ["PYTHONNOUSERSITE"] = "1"
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])

from vaml.study import jobs
from vaml.study.config import ConfigError, load
from vaml.study.jobs import FIGURES, TABLES
from vaml.study.mbac import MODEL_FREE
from vaml.study.summaries import SUMMARIES, summaries
from vaml.study.yaml_file import read

CONFIG = "config/config.yaml"
# Snakemake's own reader lets duplicate keys pass and names no line.
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

# Those of the experiments that this study has.
STUDY_TABLES = jobs.tables(STUDY)
STUDY_FIGURES = jobs.figures(STUDY)
STUDY_SUMMARIES = summaries(STUDY_TABLES)
RESULTS = f"results/{STUDY.study.name}"
STATE = f"{RESULTS}/.state"


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


def code(step):
    """Param function: digest of the source that the job runs."""
    return lambda wildcards: jobs.code(step)


def results(stage, names):
    """These files of every job of a stage."""
    return [
        f"{RESULTS}/{jobs.folder(stage, labels)}/{name}"
        for labels in jobs.labels(stage, STUDY)
        for name in names
    ]
