# Every target does its own set-up. `make help` lists them.
#
# pip takes torch from its configured index. For the smaller CPU build, put PyTorch's CPU index into
# PIP_EXTRA_INDEX_URL before `make setup`: pip then prefers it.

PYTHON ?= python3
WORKERS ?= 2
CORES ?= all

VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
# Made last, so that an interrupted set-up starts again.
STAMP := $(VENV)/installed
DEV := $(VENV)/developed
# One thread per test process and per job: more processes, not more threads.
IN_VENV := env -u PYTHONPATH PATH="$(BIN):$$PATH" VIRTUAL_ENV="$(CURDIR)/$(VENV)" OMP_NUM_THREADS=1

# Prints the study.name of config/config.yaml with the overlays of CONFIG.
STUDY_NAME = env -u PYTHONPATH "$(BIN)/python" -P -c 'import sys; from pathlib import Path; from vaml.config.schema import load; from vaml.config.yaml_file import merged; print(load(merged([*map(Path, sys.argv[1:])])).study.name)' config/config.yaml $(CONFIG)

# CONFIG: overlays of config/config.yaml, in order. TARGETS: files or rules, in place of the whole study.
OVERLAYS = $(if $(strip $(CONFIG)),--configfile $(CONFIG))
SNAKEMAKE = $(IN_VENV) snakemake --cores $(CORES) $(OVERLAYS)
STATUS = $(IN_VENV) python -P -m vaml status --cores $(CORES) $(OVERLAYS)

# Installs into .venv alone, whatever PIP_USER, PYTHONPATH or a user's site-packages say.
PIP := env -u PYTHONPATH -u PIP_TARGET -u PIP_PREFIX -u PIP_ROOT PIP_USER=0 PYTHONNOUSERSITE=1 $(VENV)/bin/python -P -m pip
INSTALL := $(PIP) install --disable-pip-version-check
LOCKED := $(INSTALL) --require-hashes
QUIETER := | sed '/^Requirement already satisfied/d'

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.PHONY: help setup dev extras demo why study paper report published dry plan status check-results clean-stale pack unpack test check mutate gpu format schema lock clean-venv

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(STAMP) ## make the environment of a study in .venv (PYTHON=python3.12 chooses the Python)

$(VENV)/created:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14) and "vaml needs Python 3.11, 3.12 or 3.13, and $(PYTHON) is %d.%d: choose another by make setup PYTHON=..." % sys.version_info[:2])'
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	touch $@

# torch apart, since its build is the user's choice, and a hash is of one build.
$(STAMP): requirements.txt requirements-torch.txt pyproject.toml $(VENV)/created
	$(LOCKED) --requirement requirements.txt $(QUIETER)
	$(INSTALL) --requirement requirements-torch.txt $(QUIETER)
	$(INSTALL) --no-deps --no-build-isolation --editable .
	touch $@

dev: $(DEV) ## add the packages for tests and checks

$(DEV): requirements-dev.txt $(STAMP)
	$(LOCKED) --requirement requirements.txt --requirement requirements-dev.txt $(QUIETER)
	touch $@

extras: $(STAMP) ## add the packages for exports to Minari and TensorBoard, which no study needs
	$(LOCKED) --requirement requirements.txt --requirement requirements-extras.txt $(QUIETER)

# `make dry` and `make plan` explain each job and why it runs. With these words Snakemake shows neither
# a job nor its error, so that `vaml status` says what failed.
study: $(STAMP) ## run a study, by default the paper's (CONFIG="a.yaml b.yaml", TARGETS="files or rules", CORES=16)
	$(SNAKEMAKE) --quiet rules reason host $(if $(strip $(TARGETS)),-- $(TARGETS)) || { code=$$?; $(STATUS) 2>/dev/null; exit $$code; }
	@name="$$($(STUDY_NAME))"; printf '\nDone. Read results/%s/overview.html first; figures, tables and paper.pdf are beside it.\n' "$$name"

demo: override CONFIG := config/demo.yaml $(CONFIG)
demo: study ## the whole study at demo scale, in minutes

why: override CONFIG := config/demo.yaml config/why.yaml config/demo_why.yaml $(CONFIG)
why: study ## the experiments on why theory did not meet practice, at demo scale (config/README.md has the full ones)

paper: $(STAMP) ## make results/<study>/paper.pdf and all its inputs (CONFIG)
	$(SNAKEMAKE) -- compile_paper

report: $(STAMP) ## make results/<study>/report.html of a finished study (CONFIG)
	name="$$($(STUDY_NAME))"; $(SNAKEMAKE) --report "results/$$name/report.html" $(if $(strip $(TARGETS)),-- $(TARGETS))

published: $(STAMP) ## redraw the pictures, tables and manuscript of paper/published from its CSV files, in a minute
	$(IN_VENV) PYTHONPATH=src python tools/published.py

dry: $(STAMP) ## list the jobs that `make study` would run, and why (CONFIG, TARGETS)
	$(SNAKEMAKE) --dry-run $(if $(strip $(TARGETS)),-- $(TARGETS))

plan: $(STAMP) ## list the jobs that would run, with causes and times (CONFIG, TARGETS)
	$(IN_VENV) python -P -m vaml plan $(TARGETS) --cores $(CORES) $(OVERLAYS)

status: $(STAMP) ## show the progress of a study and its time left (CONFIG, CORES; WATCH=5 repeats it every 5 s)
	$(STATUS) $(if $(WATCH),--watch $(WATCH))

check-results: $(STAMP) ## check every result against its manifest (CONFIG; APPLY=1 removes damaged ones, to be made again)
	$(IN_VENV) python -P -m vaml check-results $(if $(APPLY),--apply) $(OVERLAYS)

clean-stale: $(STAMP) ## list results that no job of the config makes (CONFIG; APPLY=1 removes them)
	$(IN_VENV) python -P -m vaml clean-stale $(if $(APPLY),--apply) $(OVERLAYS)

ARCHIVE ?= results.tar.gz
pack: $(STAMP) ## write the finished jobs of a study to an archive (CONFIG, ARCHIVE=results.tar.gz, STAGES="train_sac fit_snapshot")
	$(IN_VENV) python -P -m vaml pack "$(ARCHIVE)" $(if $(STAGES),--stages $(STAGES)) $(OVERLAYS)

unpack: $(STAMP) ## take finished jobs from an archive or another study (CONFIG, FROM=results.tar.gz or FROM=results/paper)
	$(IN_VENV) python -P -m vaml unpack "$(or $(FROM),$(ARCHIVE))" $(OVERLAYS)

test: $(DEV) ## run all tests (WORKERS=8 uses more processes)
	$(IN_VENV) python -m pytest --numprocesses $(WORKERS) --dist worksteal

check: $(DEV) ## check format, lint and types, and run the fast tests: some four minutes on two cores
	$(IN_VENV) ruff format --check .
	$(IN_VENV) ruff check .
	$(IN_VENV) snakefmt --check workflow
	$(IN_VENV) lint-imports
	$(IN_VENV) snakemake --lint
	$(IN_VENV) pyright --pythonpath $(VENV)/bin/python
	$(IN_VENV) python -m pytest --numprocesses $(WORKERS) --dist worksteal -m "not slow" tests/unit

mutate: $(DEV) ## break one formula at a time and see a test fail (WORKERS=8; docs/mutation.md)
	$(IN_VENV) PYTHONPATH=src python tools/mutate.py --workers $(WORKERS)

gpu: $(DEV) ## on a machine with a CUDA GPU: tests and speeds of captured steps, learning curves, a small study
	$(IN_VENV) python -m pytest -rs tests/unit/test_captured.py
	$(IN_VENV) python benchmarks/gpu.py --rounds 3
	$(IN_VENV) python benchmarks/gpu.py --study
	$(IN_VENV) python benchmarks/learning.py sac --seeds 0 1 2 --device cuda
	$(IN_VENV) python benchmarks/learning.py mbac --seeds 0 1 2 --device cuda

format: $(DEV) ## format the code and fix what ruff can fix
	$(IN_VENV) ruff check --fix .
	$(IN_VENV) ruff format .
	$(IN_VENV) snakefmt workflow

schema: $(DEV) ## rewrite workflow/schemas/config.schema.yaml from the typed config
	$(IN_VENV) PYTHONPATH=src python tools/schema.py > config.schema.new
	mv config.schema.new workflow/schemas/config.schema.yaml

lock: $(DEV) ## rewrite the locks from pyproject.toml (UPGRADE="scipy rich" takes newer ones of these, UPGRADE=all of all)
	$(IN_VENV) python tools/lock.py $(if $(filter all,$(UPGRADE)),--upgrade,$(addprefix --upgrade-package=,$(UPGRADE)))

clean-venv: ## remove .venv
	rm -rf $(VENV)
