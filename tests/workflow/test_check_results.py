"""`vaml check-results` names every damaged result, and what it removes is made again."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from finished_study import Project, job, with_downstream

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

FIT = "fit_snapshot/Hopper-v4/s0/t50/mle"
LABELS = {"environment": "Hopper-v4", "seed": "0", "step": "50", "objective": "mle"}
RUN = "train_mbac/Pusher-v4/reg_vaml/s0"
RUN_LABELS = {"environment": "Pusher-v4", "agent": "reg_vaml", "seed": "0"}


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def flip(path: Path) -> None:
    """A digit is another, the file as long and as old as before."""
    times = path.stat()
    block = bytearray(path.read_bytes())
    place = max(i for i, byte in enumerate(block) if chr(byte) in "12345678")
    block[place] += 1
    path.write_bytes(block)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


# Damage, the file, and the job that makes it.
DAMAGES: dict[str, tuple[Callable[[Path], None], str, tuple[str, dict[str, str]]]] = {
    "a model is cut": (cut, f"{FIT}/model.safetensors", ("fit_snapshot", LABELS)),
    "an outcome is edited": (flip, f"{FIT}/outcome.json", ("fit_snapshot", LABELS)),
    "settings are edited": (flip, f"{RUN}/config.json", ("train_mbac", RUN_LABELS)),
    "a manifest is cut": (cut, f"{RUN}/manifest.json", ("train_mbac", RUN_LABELS)),
    "a curve is gone": (os.remove, f"{RUN}/fits.csv", ("train_mbac", RUN_LABELS)),
    "a table is edited": (flip, "tables/mbac.csv", ("tabulate", {"table": "mbac"})),
    "a figure is cut": (cut, "figures/figure_1.pdf", ("plot", {"figure": "figure_1"})),
    "verdicts are edited": (flip, "claims.json", ("judge_claims", {})),
    "values are gone": (os.remove, "claims_values.csv", ("judge_claims", {})),
    "a summary is cut": (cut, "tables/summary_mbac.tex", ("summarise", {"summary": "mbac"})),
    "costs are gone": (os.remove, "tables/costs.md", ("summarise_costs", {})),
    "the paper is cut": (cut, "paper.pdf", ("compile_paper", {})),
}


def check(project: Project, *flags: str) -> tuple[int, list[str]]:
    configs = ("--configfile", *map(str, project.overlays))
    command = ("python", "-m", "vaml", "check-results", *flags, *configs)
    done = project.run(*command, check=False)
    assert not done.stderr
    return done.returncode, done.stdout.splitlines()


def test_what_is_whole_is_said_to_be(finished: Project) -> None:
    code, lines = check(finished)
    assert code == 0
    assert len(lines) == 1
    assert lines[0].endswith("manifests; all is whole")


def test_the_plan_tells_damage_that_snakemake_takes_as_done(editable: Project) -> None:
    assert "damaged" not in editable.vaml("plan")
    names = ("a model is cut", "an outcome is edited", "a table is edited")
    for name in names:
        damage, file, _ = DAMAGES[name]
        damage(editable.results / file)
    text = editable.vaml("plan")
    assert "nothing to be done" in text
    for name in names:
        assert f"damaged: results/tiny/{DAMAGES[name][1]} is not the file that was made" in text
    assert "results/tiny: 3 damaged or missing files; " in text


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_named_and_just_that_is_made_again(name: str, editable: Project) -> None:
    damage, file, (rule, labels) = DAMAGES[name]
    damage(editable.results / file)
    code, lines = check(editable)
    place = f"{editable.results.relative_to(editable.folder)}/{file}"
    assert code == 1
    assert any(line.startswith((f"{place}: ", f"{Path(place).parent}/manifest")) for line in lines)
    assert place in "\n".join(lines)
    assert check(editable, "--apply")[0] == 0
    planned = editable.planned()
    first = job(rule, labels)
    assert first in planned
    assert planned <= with_downstream({first}, editable.study(), editable.dag)
