"""The page that one reads first: verdicts, effects and what the config changes are all there."""

import re
from pathlib import Path
from typing import Any

import pytest
from finished_jobs import ROOT, small_study
from manuscripts import leave_study, raw_tables, read_data

from vaml import compile_paper
from vaml.analysis.overview import overview_page
from vaml.config.schema import Config, load
from vaml.config.yaml_file import merged
from vaml.files import read_json

TEMPLATE = ROOT / "workflow" / "report" / "overview.html.jinja"
PICTURE = b"\x89PNG\r\n\x1a\nno picture"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Config, Path]:
    from manuscripts import flags

    folder, study = tmp_path_factory.mktemp("study"), small_study()
    leave_study(folder, study, raw_tables(study), None)
    compile_paper.main(flags(folder, study, folder))
    (folder / "figure_1_seeds.png").write_bytes(PICTURE)
    return study, folder


def page(made: tuple[Config, Path], claims: list[dict[str, Any]] | None = None) -> str:
    study, folder = made
    (claims_file,) = folder.rglob("claims.json")
    return overview_page(
        TEMPLATE.read_text(encoding="utf-8"),
        study,
        load(merged([ROOT / "config" / "config.yaml"])),
        claims or read_json(claims_file)["claims"],
        read_data(folder),
        sorted(folder.rglob("summary_*.csv")),
        [folder / "figure_1_seeds.png"],
    )


def claim(**changes: Any) -> dict[str, Any]:
    entry = {
        "variant": "paper",
        "table": "synthetic",
        "part": "realizable",
        "method": "vaml",
        "baseline": "mle",
        "measured": "mean of log error",
        "effect": -0.0710128,
        "low": -0.0813,
        "high": -0.0607,
        "n": 5,
        "reason": None,
    }
    return {
        "claim": "C1",
        "statement": "VAML is better",
        "explains": [],
        "verdicts": {"paper": {"ours": "supported", "authors": "not tested"}},
        "prediction": {"paper": "supported"},
        "comparisons": [entry | changes],
    }


def row(html: str, name: str) -> str:
    (found,) = re.findall(rf'<tr id="{name}">(.*?)</tr>', html, re.DOTALL)
    return found


def test_a_verdict_has_its_colour_effect_interval_and_n(made: tuple[Config, Path]) -> None:
    found = row(page(made, [claim()]), "C1")
    assert '<span class="verdict supported">supported</span>' in found
    assert '<span class="verdict not-tested">not tested</span>' in found
    effect = "realizable, VAML vs MLE: mean of log error −0.0710 [−0.0813, −0.0607], n = 5"
    assert effect in found


def test_an_effect_without_an_interval_and_a_claim_without_any_say_so(
    made: tuple[Config, Path],
) -> None:
    alone = row(page(made, [claim(low=None, high=None, n=1)]), "C1")
    assert "error −0.0710, n = 1" in alone
    none = row(page(made, [claim(effect=None, reason="no run of vaml")]), "C1")
    assert "no run of vaml" in none


def test_text_of_the_study_is_no_markup(made: tuple[Config, Path]) -> None:
    html = page(made, [claim() | {"statement": "<script>alert(1)</script> & more"}])
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in html
    assert "<script" not in html


def test_claims_about_experiments_that_a_study_lacks_are_left_out(
    made: tuple[Config, Path],
) -> None:
    study, folder = made
    synthetic = study.synthetic.model_copy(update={"settings": []})
    without = study.model_copy(update={"synthetic": synthetic}), folder
    about_agents = claim(table="mbac_returns") | {"claim": "C9a"}
    html = page(without, [claim(), about_agents])
    assert 'id="C9a"' in html
    assert 'id="C1"' not in html


def test_every_claim_what_the_config_changes_tables_and_pictures_are_there(
    made: tuple[Config, Path],
) -> None:
    html = page(made)
    (claims_file,) = made[1].rglob("claims.json")
    names = [each["claim"] for each in read_json(claims_file)["claims"]]
    assert re.findall(r'<tr id="(\w+)">', html) == names
    assert "synthetic.hidden_sizes: [32, 64, 128, 256, 512, 1024] → [64, 32]" in html
    assert "study.name" not in html
    assert "data:image/png;base64,iVBORw0KGgpubyBwaWN0dXJl" in html
    assert "<summary>summary synthetic</summary>" in html
    assert not re.search(r'(src|href)="(?!data:)', html)
