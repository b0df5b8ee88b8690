"""A change runs again exactly the jobs that depend on it (docs/reruns.md).

Each case compares the set of jobs that Snakemake plans, and that `vaml plan` lists, with the
expected one.
"""

import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from finished_study import (
    TINY,
    Job,
    Project,
    job,
    jobs_of,
    parse_dry_run,
    parse_plan,
    tables_of,
    with_downstream,
)
from study_folder import copy_project

from vaml.pipeline.figures import FIGURES
from vaml.pipeline.jobs import FOLDERS
from vaml.runtime.versions import installed, words

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

Expected = Callable[[Project], set[Job]]


def nothing(_: Project) -> set[Job]:
    return set()


def figures(project: Project) -> set[Job]:
    """All figures, and what shows them."""
    drawn = {job("plot", {"figure": figure}) for figure in FIGURES}
    return with_downstream(drawn, project.study(), project.dag)


def only_figure(name: str) -> Expected:
    """One figure, and what shows it."""
    drawn = {job("plot", {"figure": name})}
    return lambda project: with_downstream(drawn, project.study(), project.dag)


def statistics(project: Project) -> set[Job]:
    """The verdicts and the summaries, and what shows them."""
    judged = {each.job for each in project.dag if each.job[0] in ("judge_claims", "summarise")}
    return with_downstream(judged, project.study(), project.dag)


def verdicts(project: Project) -> set[Job]:
    return with_downstream({job("judge_claims", {})}, project.study(), project.dag)


def paper(project: Project) -> set[Job]:
    return with_downstream({job("compile_paper", {})}, project.study(), project.dag)


def only(*chosen: tuple[str, Mapping[str, object]]) -> Expected:
    """These jobs of these stages, and all that depends on them."""

    def expected(project: Project) -> set[Job]:
        study = project.study()
        parts = [jobs_of(study, stage, **labels) for stage, labels in chosen]
        assert all(parts)
        return with_downstream(set().union(*parts), study, project.dag)

    return expected


def aggregates(*stages: str) -> Expected:
    """The files made from the results of these stages."""
    made = {*tables_of(*stages), job("summarise_costs", {})}
    return lambda project: with_downstream(made, project.study(), project.dag)


def tables(project: Project) -> set[Job]:
    return with_downstream(tables_of(*FOLDERS), project.study(), project.dag)


CONFIG_CHANGES: dict[str, tuple[str, Expected]] = {
    "nothing": ("figures: {dpi: 50}", nothing),
    "a fit's learning rate": (
        "synthetic: {fit: {learning_rate: 0.01}}",
        only(("fit_synthetic", {})),
    ),
    "two scalars of a fit swapped": (
        "snapshots: {fit: {max_epochs: 10, patience: 2}}",
        only(("fit_snapshot", {})),
    ),
    "two scalars of SAC swapped": (
        "sac: {training: {actor_critic: {learning_rate: 0.005, polyak: 0.0003}}}",
        only(("train_sac", {})),
    ),
    "the horizon of the synthetic dynamics": (
        "synthetic: {dynamics: {horizon: 25}}",
        only(("simulate_dynamics", {})),
    ),
    "one objective's MLE coefficient": (
        "objectives: {reg_vaml: {mle_coefficient: 0.01}}",
        only(
            ("fit_synthetic", {"objective": "reg_vaml"}),
            ("fit_snapshot", {"objective": "reg_vaml"}),
            ("train_mbac", {"agent": "reg_vaml"}),
        ),
    ),
    "the final coefficient of one agent": (
        "agents: {reg_vaml: {final_mle_coefficient: 0.1}}",
        only(("train_mbac", {"agent": "reg_vaml"})),
    ),
    "a synthetic seed added": (
        "synthetic: {seeds: [0, 1, 2]}",
        only(("simulate_dynamics", {"seed": 2})),
    ),
    "a synthetic seed removed": (
        "synthetic: {seeds: [1]}",
        aggregates("fit_synthetic", "measure_synthetic"),
    ),
    "a width added": (
        "synthetic: {hidden_sizes: [8, 12]}",
        only(("simulate_dynamics", {"hidden_size": 12})),
    ),
    "a setting added": (
        "synthetic: {settings: [realizable, unrealizable]}",
        only(("fit_synthetic", {"setting": "unrealizable"})),
    ),
    "a SAC seed added": ("sac: {seeds: [0, 3]}", only(("train_sac", {"seed": 3}))),
    "a SAC environment removed": (
        "sac: {environments: [Hopper-v4]}",
        aggregates("train_sac", "fit_snapshot", "measure_snapshot"),
    ),
    "an MBAC seed added in one environment": (
        "mbac: {runs: {Pusher-v4: {seeds: [0, 1]}}}",
        only(("train_mbac", {"environment": "Pusher-v4", "seed": 1})),
    ),
    "one environment's steps in MBAC": (
        "mbac: {runs: {Pusher-v4: {total_steps: 70}}}",
        only(("train_mbac", {"environment": "Pusher-v4"})),
    ),
    "one environment's time limit": (
        "environments: {Hopper-v4: {time_limit: 40}}",
        only(("train_sac", {"environment": "Hopper-v4"})),
    ),
    "a setting of model learning in MBAC": (
        "mbac: {training: {model: {patience: 4}}}",
        only(("train_mbac", {})),
    ),
    "a SAC hyperparameter": (
        "sac: {training: {actor_critic: {discount: 0.98}}}",
        only(("train_sac", {})),
    ),
    "more snapshot steps to fit": (
        "snapshots: {steps: [50, 70]}",
        only(("fit_snapshot", {"step": 70})),
    ),
    "the resolution of the figures": ("figures: {dpi: 60}", figures),
    "the confidence of the intervals": (
        "statistics: {confidence: 0.9}",
        lambda project: statistics(project) | figures(project),
    ),
    "the resamples of the verdicts": (
        "statistics: {permutation_resamples: 1500}",
        verdicts,
    ),
    "definitions that nothing selects": (
        "objectives: {other: {loss: vaml, mle_coefficient: 0.5, model_samples: 3}}\n"
        "agents: {other: {objective: other, final_mle_coefficient: 0.5, critic_actions: replay,\n"
        "  critic_next_states: samples, critic_terminations: model, average_rewards: false,\n"
        "  frozen_split: false}}\n"
        "environments: {Hopper-v5: {time_limit: 9, keep_position: true}}\n"
        "mbac: {runs: {Hopper-v5:"
        " {total_steps: 60, warmup_steps: 30, decay_end_step: 60, seeds: [0]}}}\n",
        # It states the whole config.
        paper,
    ),
    "an objective defined and selected": (
        "objectives: {other: {loss: vaml, mle_coefficient: 0.5, model_samples: 3}}\n"
        "snapshots: {objectives: [mle, reg_vaml, other]}\n",
        # All figures share the objectives' colours.
        lambda project: only(("fit_snapshot", {"objective": "other"}))(project) | figures(project),
    ),
    "the spelling of numbers, and the order of keys": (
        "# A comment.\n"
        "synthetic: {seeds: [0, 1], fit: {weight_decay: 0, learning_rate: '1e-3'}}\n"
        "sac: {training: {actor_critic: {polyak: 5.0e-3, learning_rate: 3.0e-4, discount: .990}}}\n"
        "objectives: {reg_vaml: {model_samples: 10, mle_coefficient: 1.0e-3}, mle: {loss: vaml}}\n"
        "mbac: {training: {model: {weight_decay: 1e-05}}}\n"
        "figures: {width: 7}\n",
        nothing,
    ),
}


@pytest.mark.parametrize("change", CONFIG_CHANGES)
def test_a_changed_config_runs_its_branch(changed: Callable[[str], Project], change: str) -> None:
    text, expected = CONFIG_CHANGES[change]
    project = changed(text)
    assert project.planned() == expected(project)


# File, what stands there, what it becomes.
Edit = tuple[str, str, str]

MODEL_TRAINING = only(("fit_synthetic", {}), ("fit_snapshot", {}), ("train_mbac", {}))
CODE_CHANGES: dict[str, tuple[Edit, Expected]] = {
    "a constant of the VAML loss": (
        (
            "src/vaml/losses/value_aware.py",
            "return 0.5 * (targets - values",
            "return 0.6 * (targets - values",
        ),
        MODEL_TRAINING,
    ),
    "a constant of the update that SAC and MBAC share": (
        (
            "src/vaml/algorithms/actor_critic.py",
            "], self.polyak)",
            "], 2 * self.polyak)",
        ),
        only(("train_sac", {}), ("train_mbac", {})),
    ),
    "a line of SAC alone": (
        (
            "src/vaml/algorithms/sac.py",
            "self.steps >= self.settings.w",
            "self.steps > self.settings.w",
        ),
        only(("train_sac", {})),
    ),
    "a constant of the figures": (
        ("src/vaml/analysis/figures/style.py", "_NOTE_SIZE = 7.0", "_NOTE_SIZE = 6.5"),
        figures,
    ),
    "a constant of one figure": (
        ("src/vaml/analysis/figures/paper.py", "alpha=0.22", "alpha=0.3"),
        only_figure("figure_3"),
    ),
    "a constant of the tables": (
        ("src/vaml/analysis/tables/gather.py", '"cpu" else None', '"cpu" else 0'),
        tables,
    ),
    "a constant of the planning": (
        ("src/vaml/pipeline/cost.py", "SYNTHETIC_EPOCHS = 8", "SYNTHETIC_EPOCHS = 9"),
        nothing,
    ),
    "a constant that nothing reads": (
        ("src/vaml/algorithms/sac.py", "\n\n\nclass ", "\n\nOTHER = 1\n\n\nclass "),
        nothing,
    ),
    "a log message of the saved states": (
        ("src/vaml/runtime/checkpoint.py", "it is ignored", "it is passed over"),
        nothing,
    ),
    "the memory of a rule": (
        ("workflow/rules/sac.smk", "1500 * attempt", "9000 * attempt"),
        nothing,
    ),
    "the threads of a rule": (("workflow/rules/mbac.smk", "threads: 1", "threads: 2"), nothing),
    "a comment in the workflow": (
        ("workflow/rules/snapshots.smk", "rule fit_snapshot:", "# Why.\nrule fit_snapshot:"),
        nothing,
    ),
    "the base config: a comment, and the order of the objectives": (
        (
            "config/config.yaml",
            "  reg_vaml:\n    loss: vaml\n",
            "  # Why.\n  reg_vaml:\n    loss: vaml\n",
        ),
        nothing,
    ),
}


@pytest.mark.parametrize("change", CODE_CHANGES)
def test_changed_code_runs_what_uses_it(editable: Project, change: str) -> None:
    edit, expected = CODE_CHANGES[change]
    editable.edit(*edit)
    assert editable.planned() == expected(editable)


def with_versions(folder: Path, package: str, version: str) -> None:
    """Manifests of all training jobs as another version of a library would have left them.

    The records that Snakemake keeps of them say so too.
    """
    now = words(installed("train_sac")), words(installed("fit_snapshot"))
    then = [re.sub(rf"{package} [\d.]+", f"{package} {version}", text) for text in now]
    for path in folder.glob("results/tiny/*_*/**/manifest.json"):
        manifest = json.loads(path.read_text(encoding="utf-8"))
        manifest["stable"]["versions"][package] = version
        date = path.stat()
        path.write_text(json.dumps(manifest), encoding="utf-8")
        os.utime(path, ns=(date.st_atime_ns, date.st_mtime_ns))
    for path in (folder / ".snakemake/metadata").iterdir():
        text = path.read_text(encoding="utf-8")
        for before, after in zip(now, then, strict=True):
            text = text.replace(f"'{before}'", f"'{after}'").replace(f'"{before}"', f'"{after}"')
        path.write_text(text, encoding="utf-8")


def test_another_version_of_what_computes_runs_its_jobs_unless_kept(editable: Project) -> None:
    with_versions(editable.folder, "mujoco", "3.9.0")
    simulated = only(("train_sac", {}), ("train_mbac", {}))(editable)
    assert editable.planned() == simulated
    line = f"made with mujoco 3.9.0, installed is {installed('train_sac')['mujoco']}"
    assert line in editable.vaml("plan")
    kept = {"VAML_VERSIONS": "keep"}
    assert editable.planned(variables=kept) == set()
    assert f"kept: 2 of train_sac {line}" in editable.vaml("plan", variables=kept)
    refused = editable.snakemake("--dry-run", check=False, variables={"VAML_VERSIONS": "both"})
    assert "VAML_VERSIONS: got 'both'; allowed: match, keep" in refused.stdout + refused.stderr


def test_a_job_that_runs_beside_kept_results_runs_once(editable: Project) -> None:
    with_versions(editable.folder, "torch", "2.9.0")
    kept = {"VAML_VERSIONS": "keep"}
    editable.edit(TINY, "max_epochs: 2\n  settings", "max_epochs: 3\n  settings")
    fits = jobs_of(editable.study(), "fit_synthetic")
    before = editable.planned(variables=kept)
    assert {each for each in before if each[0] in FOLDERS} == fits | jobs_of(
        editable.study(), "measure_synthetic"
    )
    first = {"setting": "realizable", "hidden_size": 8, "seed": 0, "objective": "mle"}
    fit = "results/tiny/fit_synthetic/realizable/h8_s0/mle/outcome.json"
    editable.snakemake(fit, "--cores", "1", variables=kept)
    assert editable.planned(variables=kept) == before - {job("fit_synthetic", first)}


def test_comments_docstrings_and_dates_run_nothing(editable: Project) -> None:
    for path in (editable.folder / "src/vaml").rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        start, docstring, rest = source.partition('"""')
        path.write_text(
            f"{start}{docstring}Another text. {rest}\n\n# A comment.\n"
            if docstring and not start
            else f"# A comment.\n{source}\n",
            encoding="utf-8",
        )
    for folder in ("src", "workflow", "config", "paper", "tests"):
        for path in (editable.folder / folder).rglob("*"):
            os.utime(path)
    os.utime(editable.folder / "environment.yml")
    assert editable.planned() == set()


def test_an_order_of_definitions_runs_nothing(editable: Project) -> None:
    """Maps of definitions have no order; lists of selections have one."""
    config = editable.folder / "config/config.yaml"
    text = config.read_text(encoding="utf-8")
    first = text[text.index("  mle:\n    loss") : text.index("  vaml:\n    loss")]
    last = text.index("\nenvironments:")
    config.write_text(text[:last].replace(first, "") + first + text[last:], encoding="utf-8")
    assert list(editable.study().objectives) == ["vaml", "reg_vaml", "mle"]
    assert editable.planned() == set()


def test_a_profile_and_other_resources_run_nothing(editable: Project) -> None:
    profile = editable.folder / "cluster"
    profile.mkdir()
    (profile / "config.yaml").write_text(
        "default-resources: {mem_mb: 300, runtime: 5}\nset-threads: {train_sac: 4}\njobs: 3\n",
        encoding="utf-8",
    )
    flags = ["--set-resources", "train_mbac:mem_mb=9999", "--retries", "2", "--cores", "7"]
    assert editable.planned("--profile", str(profile), *flags) == set()
    shutil.rmtree(editable.folder / "workflow/profiles")
    assert editable.planned() == set()


def test_a_lost_result_runs_its_job(editable: Project) -> None:
    lost = ("fit_snapshot", {"environment": "Hopper-v4", "objective": "mle"})
    (editable.results / "fit_snapshot/Hopper-v4/s0/t50/mle/outcome.json").unlink()
    # Large files that only finished fits have read may be removed to save space.
    (editable.results / "train_sac/Walker2d-v4/s0/history.npz").unlink()
    assert editable.planned() == only(lost)(editable)
    (editable.results / "train_sac/Hopper-v4/s0/history.npz").unlink()
    assert editable.planned() == only(("train_sac", {"environment": "Hopper-v4"}))(editable)


def test_every_file_of_a_lost_table_verdict_or_paper_is_asked_for(editable: Project) -> None:
    lost = {
        "paper.json": job("compile_paper", {}),
        "overview.html": job("write_overview", {}),
        "claims_values.csv": job("judge_claims", {}),
        "tables/costs.md": job("summarise_costs", {}),
        "tables/summary_mbac.tex": job("summarise", {"summary": "mbac"}),
        "figures/figure_1.csv": job("plot", {"figure": "figure_1"}),
    }
    for file in lost:
        (editable.results / file).unlink()
    assert editable.planned() >= set(lost.values())


@pytest.mark.parametrize("keep_dates", [True, False])
def test_copied_results_do_not_start_the_study_over(
    finished: Project, tmp_path: Path, keep_dates: bool
) -> None:
    """The command of docs/reruns.md, in a fresh clone; the same where dates are lost."""
    clone = Project(tmp_path / "clone", finished.dag)
    copy_project(finished.folder, clone.folder)
    (clone.folder / ".snakemake").mkdir()
    copy = shutil.copy2 if keep_dates else shutil.copyfile
    for name in ("results", ".snakemake/metadata"):
        shutil.copytree(finished.folder / name, clone.folder / name, copy_function=copy)
    assert clone.planned() == set()
    clone.edit(TINY, "horizon: 20", "horizon: 25")
    assert clone.planned() == only(("simulate_dynamics", {}))(clone)


def test_a_fresh_clone_runs_everything(finished: Project, tmp_path: Path) -> None:
    clone = Project(tmp_path / "clone", finished.dag)
    copy_project(finished.folder, clone.folder)
    stages = [(stage, {}) for stage in ("simulate_dynamics", "train_sac", "train_mbac")]
    planned = clone.planned()
    # The commands as a user gives them list what `planned` has from them.
    assert parse_dry_run(clone.snakemake("--dry-run").stdout) == planned
    assert parse_plan(clone.vaml("plan", "--jobs")) == planned
    assert planned == only(*stages)(clone)
    assert {job("plot", {"figure": figure}) for figure in FIGURES} <= planned
    assert tables_of(*FOLDERS) <= planned
