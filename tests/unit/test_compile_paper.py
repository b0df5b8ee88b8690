"""The manuscript: its numbers come from the results, it says its scale, its bytes are stable."""

import io
import math
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest
import yaml
from derived_files import vouch
from finished_jobs import ROOT, manifest, small_study
from manuscripts import (
    SOURCES,
    flags,
    leave_study,
    pages,
    raw_tables,
    read_data,
    text,
)

from vaml import compile_paper
from vaml.analysis.claims.verdict_tables import claims_of
from vaml.analysis.manuscript.scale import level, sizes
from vaml.analysis.numbers import number_text, span
from vaml.config import schema as config
from vaml.config.schema import Config
from vaml.files import read_json, write_json
from vaml.pipeline import jobs
from vaml.pipeline.figures import FIGURES

ALARM = np.array([0xA4, 0x13, 0x3C]) / 255


def read_config(*overlays: str) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for name in ("config.yaml", *overlays):
        _merge(merged, yaml.safe_load((ROOT / "config" / name).read_text(encoding="utf-8")))
    return merged


def _merge(base: dict[str, Any], overlay: dict[str, Any]) -> None:
    for key, value in overlay.items():
        if isinstance(value, dict) and isinstance(base.get(key), dict):
            _merge(base[key], value)
        else:
            base[key] = value


def compiled(
    folder: Path,
    study: Config,
    change: Callable[[dict[str, Any]], None] | None = None,
    claims: Path | None = None,
) -> Path:
    """The step run on a finished study; `change` alters its raw tables first."""
    tables = raw_tables(study)
    if change:
        change(tables)
    leave_study(folder, study, tables, claims)
    compile_paper.main(flags(folder, study, folder))
    return folder


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compiled(tmp_path_factory.mktemp("study"), small_study())


@pytest.fixture
def finished(template: Path, tmp_path: Path) -> Path:
    """The folder of a small finished study, for one test to change."""
    return Path(shutil.copytree(template, tmp_path / "study"))


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        (0.0372247, "0.0372"),
        (-2.125, "−2.12"),
        (0.99951, "1.00"),
        (1234.0, "1230"),
        (0, "0"),
        (7, "7"),
        (3.1e16, "3.10e16"),
        (-0.00001234, "−1.23e−5"),
        (math.nan, "–"),
        (math.inf, "–"),
        (None, "–"),
    ],
)
def test_numbers_have_three_digits(value: float | None, printed: str) -> None:
    assert number_text(value) == printed


def test_a_span_leaves_out_what_is_not_finite() -> None:
    assert span([2.0, math.nan, 0.5, math.inf]) == "0.500 to 2.00"
    assert span([5, 5]) == "5"
    assert span([math.nan]) == "–"


@pytest.mark.parametrize(
    ("overlays", "expected"),
    [([], "paper"), (["demo.yaml"], "demo"), (["extended.yaml"], "extended")],
)
def test_the_scale_is_that_of_the_config(overlays: list[str], expected: str) -> None:
    assert level(config.load(read_config(*overlays))) == expected


def test_a_name_hides_no_scale() -> None:
    demo = read_config("demo.yaml")
    demo["study"]["name"] = "paper"
    assert level(config.load(demo)) == "demo"
    fewer = read_config()
    fewer["synthetic"]["seeds"] = [0, 1]
    fewer["mbac"]["runs"]["Pusher-v4"]["seeds"] = list(range(20))
    assert level(config.load(fewer)) == "reduced"


def test_the_published_sizes_are_those_of_the_config_file() -> None:
    study = config.load(read_config())
    assert [(size.quantity, size.study) for size in sizes(study)] == [
        (size.quantity, size.published) for size in sizes(study)
    ]


def test_no_number_is_typed_in_the_manuscript() -> None:
    """Digits only in equations, and in names: figure_1, -v5."""
    words = (ROOT / "paper/main.typ").read_text(encoding="utf-8")
    words = re.sub(r"//.*", "", words)
    # What stands in an equation's #(...) is code, and stays.
    words = re.sub(
        r"\$[^$]*\$", lambda found: " ".join(re.findall(r"#[\w.]+\([^$]*", found[0])), words
    )
    typed = re.findall(r".{0,30}(?<![\w])\d.{0,10}", words)
    assert not typed


def test_the_source_asks_for_no_package_and_no_other_file() -> None:
    known = {"style.typ", "references.bib", "data.json", "figures/"}
    for path in SOURCES[:2]:
        source = path.read_text(encoding="utf-8")
        assert "@preview" not in source
        called = re.findall(
            r"(?:import|include|json\(|bibliography\(|image\() ?\"([^\"]+)\"", source
        )
        assert set(called) <= known


def test_the_figures_of_the_manuscript_exist() -> None:
    source = (ROOT / "paper/main.typ").read_text(encoding="utf-8")
    named = re.findall(r'study-figure\(\s*"([^"]+)"', source)
    assert named
    assert set(named) <= set(FIGURES)


def test_every_reference_is_cited_and_has_an_address() -> None:
    source = (ROOT / "paper/main.typ").read_text(encoding="utf-8")
    entries = re.split(r"^@", SOURCES[2].read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    keys = [re.match(r"\w+\{(\w+),", entry) for entry in entries]
    for key, entry in zip(keys, entries, strict=True):
        assert key
        assert re.search(rf"[@<]{key[1]}\b", source), f"{key[1]} is not cited"
        assert re.search(r"^  (doi|url) = ", entry, re.MULTILINE), f"{key[1]}: no DOI, no URL"


def test_the_text_has_the_study_and_its_numbers(finished: Path) -> None:
    study = small_study()
    words = text(finished, finished / "paper.json")
    assert "study “paper”" in words
    count = sum(1 for stage in jobs.FOLDERS for _ in jobs.labels(stage, study))
    assert f"{count} jobs, of which" in words
    assert "commit 0123456789ab (" in words
    assert "uncommitted" not in words
    assert "torch 2.13.0" in words
    assert "A Processor" in words
    assert "Of 16 runs 0 diverged" in words


def test_another_result_gives_another_text(finished: Path, tmp_path: Path) -> None:
    def change(tables: dict[str, Any]) -> None:
        fits = tables["snapshots"]
        hopper = (fits["environment"] == "Hopper-v4") & (fits["objective"] == "mle")
        fits.loc[hopper, "value_aware_error"] = 543.0
        fits.loc[hopper & (fits["step"] == 24000), "status"] = "diverged"
        tables["sac"].loc[0, "status"] = "diverged"

    judged = finished / "claims.json"
    other = compiled(tmp_path / "other", small_study(), change, judged)
    before, after = (text(folder, folder / "paper.json") for folder in (finished, other))
    assert "543" not in before
    assert "543" in after
    assert "Of 2 SAC runs 0 diverged, of 8 model fits 0 diverged" in before
    assert "Of 2 SAC runs 1 diverged, of 8 model fits 1 diverged" in after
    pdfs = [(folder / "paper.pdf").read_bytes() for folder in (finished, other)]
    assert pdfs[0].startswith(b"%PDF")
    assert pdfs[0] != pdfs[1]


def test_sac_may_be_among_the_agents(finished: Path, tmp_path: Path) -> None:
    """It has no entry in `agents`, no model and no fits."""
    study = small_study()
    mbac = study.mbac.model_copy(update={"agents": [*study.mbac.agents, "sac"]})

    def change(tables: dict[str, Any]) -> None:
        fits = tables["mbac_fits"]
        tables["mbac_fits"] = fits.loc[fits["agent"] != "sac"]

    with_sac = study.model_copy(update={"mbac": mbac})
    folder = compiled(tmp_path / "other", with_sac, change, finished / "claims.json")
    rows = read_json(folder / "paper.json")["mbac"]["rows"]
    assert [row["method"] for row in rows] == ["MLE", "reg-VAML", "SAC"] * 2
    assert [row["nll"] for row in rows] == ["20.0", "20.0", "–"] * 2


def test_verdicts_come_from_the_judgement(finished: Path) -> None:
    assert "not tested (C1," in text(finished, finished / "paper.json")
    document = read_json(finished / "claims.json")
    claim = next(claim for claim in document["claims"] if claim["claim"] == "C9b")
    claim["verdicts"]["paper"]["ours"] = "contradicted"
    write_json(finished / "claims.json", document)
    with pytest.raises(SystemExit, match=r"compile_paper: .*claims\.json: was changed after it"):
        compile_paper.main(flags(finished, small_study(), finished))
    vouch(finished / "claims.json")
    compile_paper.main(flags(finished, small_study(), finished))
    words = text(finished, finished / "paper.json")
    # In the abstract, with the verdicts, and in the conclusion.
    assert words.count("contradicted (C9b)") == 3
    assert "had been seen for C9b. It differs for C7 (equivalent, expected supported)" in words


def test_an_effect_is_printed_on_the_scale_of_its_contrast(tmp_path: Path) -> None:
    """MLE's errors are twice those of VAML, so VAML / MLE is about one half."""
    study = small_study(seeds=[0, 1, 2, 3])
    claims = {claim["id"]: claim for claim in read_data(compiled(tmp_path, study))["claims"]}
    first = claims["C1"]["comparisons"][0]
    assert (first["contrast"], first["measured"]) == ("VAML / MLE", "mean of value-aware error")
    assert 0.45 < float(first["ours"]["effect"]) < 0.55
    assert first["criterion"] == "0.800 to 0.980"  # beyond that it would not be slight
    assert first["ours"]["n"] == "4"
    low, high = map(float, first["ours"]["interval"].strip("[]").split(", "))
    assert low < float(first["ours"]["effect"]) < high
    last = claims["C9a"]["comparisons"][0]
    assert (last["contrast"], last["criterion"]) == ("MLE − reg-VAML", "> −100")
    assert last["ours"]["n"] == "4"


def test_a_demo_says_so_in_large_letters_and_on_every_page(template: Path, tmp_path: Path) -> None:
    demo = config.load(read_config("demo.yaml"))
    data = compiled(tmp_path, demo, claims=template / "claims.json") / "paper.json"
    assert read_data(tmp_path)["study"] == {"name": "demo", "level": "demo"}
    assert "demo: (title: [DEMO], " in SOURCES[1].read_text(encoding="utf-8")
    pictures = pages(tmp_path, data)
    assert len(pictures) > 3
    headers = [_alarmed(picture, 0.0, 0.08) for picture in pictures]
    assert min(headers) > 20
    assert _alarmed(pictures[0], 0.08, 0.2) > 10 * headers[0]


def test_the_paper_s_scale_has_no_banner(template: Path, tmp_path: Path) -> None:
    study = config.load(read_config())
    data = compiled(tmp_path, study, claims=template / "claims.json") / "paper.json"
    assert not any(_alarmed(picture, 0.0, 0.2) for picture in pages(tmp_path, data))


def _alarmed(picture: bytes, top: float, bottom: float) -> int:
    """Number of pixels with the banner's colour in a strip across the page."""
    pixels = matplotlib.image.imread(io.BytesIO(picture), format="png")[:, :, :3]
    strip = pixels[int(top * len(pixels)) : int(bottom * len(pixels))]
    return int((np.abs(strip - ALARM).max(axis=2) < 0.25).sum())


def test_all_commits_and_versions_are_named(finished: Path) -> None:
    study = small_study()
    first, second = (
        finished / jobs.folder("train_sac", job) / "manifest.json"
        for job in jobs.labels("train_sac", study)
    )
    old = {"python": "3.11.7", "torch": "2.12.0"}
    write_json(first, manifest("train_sac", commit="f" * 40, dirty=True, versions=old))
    write_json(second, manifest("train_sac"))
    compile_paper.main(flags(finished, study, finished))
    words = text(finished, finished / "paper.json")
    assert "commit ffffffffffff with uncommitted changes (1 job)" in words
    assert "commit unknown (1 job)" in words
    assert "torch 2.12.0 or 2.13.0" in words


def test_the_same_files_give_the_same_bytes_elsewhere(finished: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    environment = {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "PYTHONHASHSEED": "7",
        "HOME": str(elsewhere),
        "TMPDIR": str(elsewhere),
        "TZ": "Asia/Tokyo",
    }
    again = flags(finished, small_study(), elsewhere)
    command = [sys.executable, "-m", "vaml.compile_paper", *again]
    subprocess.run(command, env=environment, cwd=elsewhere, check=True, capture_output=True)
    for name in ("paper.json", "paper.pdf"):
        assert (finished / name).read_bytes() == (elsewhere / name).read_bytes()


def test_the_source_compiles_without_a_warning(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    compile_paper.main(flags(finished, small_study(), finished))
    assert capsys.readouterr().err == ""


def test_what_is_wrong_is_said_in_one_line(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = small_study()
    good = flags(finished, study, finished)
    with pytest.raises(SystemExit):
        compile_paper.main([part for part in good if not part.endswith("summary_mbac.csv")])
    assert "--tables: lacks summary_mbac" in capsys.readouterr().err
    broken = finished / "main.typ"
    broken.write_text("#nowhere\n")
    wrong = [str(broken) if part == str(SOURCES[0]) else part for part in good]
    with pytest.raises(SystemExit, match=r"compile_paper: .*nowhere"):
        compile_paper.main(wrong)
    lost = finished / jobs.folder("train_sac", next(jobs.labels("train_sac", study)))
    (lost / "manifest.json").write_text('{"stable": {}}')
    with pytest.raises(SystemExit, match=r"compile_paper: .*manifest\.json: not a whole"):
        compile_paper.main(good)
    (lost / "manifest.json").unlink()
    with pytest.raises(SystemExit, match=r"compile_paper: .*manifest\.json"):
        compile_paper.main(good)


ALONE = {
    "A": ({"sac": {"environments": []}, "mbac": {"environments": []}}, "C1", "W1", "figure_a"),
    "B": ({"synthetic": {"settings": []}, "mbac": {"environments": []}}, "C4", "W5", "figure_b"),
    "C": ({"synthetic": {"settings": []}, "sac": {"environments": []}}, "C7", "W7", "figure_c"),
}


@pytest.mark.slow
@pytest.mark.parametrize("experiment", ALONE)
def test_a_study_of_one_experiment_has_its_parts_and_no_others(
    experiment: str, tmp_path: Path
) -> None:
    changes, claim, explanation, _ = ALONE[experiment]
    settings = small_study().model_dump(mode="json")
    _merge(settings, changes)
    study = config.load(settings)
    data = read_data(compiled(tmp_path, study))
    mine = {name: data[name] is not None for name in ("synthetic", "snapshots", "mbac")}
    assert mine == {"synthetic": experiment == "A", "snapshots": experiment == "B",
                    "mbac": experiment == "C"}  # fmt: skip
    shown = {each["id"] for each in data["claims"] + data["explanations"]}
    assert {claim, explanation} <= shown
    assert not shown & ({"C1", "C4", "C7", "W1", "W5", "W7"} - {claim, explanation})
    words = text(tmp_path, tmp_path / "paper.json")
    headings = {"A": "A: artificial dynamics", "B": "B: data of soft", "C": "C: model-based actor"}
    assert [name for name, heading in headings.items() if heading in words] == [experiment]
    assert {size["experiment"] for size in data["sizes"]} == {experiment}


PARTS = ("synthetic", "snapshots", "sac", "mbac")
ODD_JOBS: dict[str, tuple[dict[str, Any], bool]] = {
    "all diverged": ({}, True),
    "one objective": (
        {"synthetic": {"objectives": ["mle"]}, "snapshots": {"objectives": ["mle"]}},
        False,
    ),
    "one agent": ({"mbac": {"agents": ["reg_vaml"]}}, False),
    "SAC alone": ({"mbac": {"agents": ["sac"]}}, False),
    "one environment": (
        {"sac": {"environments": ["Hopper-v4"]}, "mbac": {"environments": ["Pusher-v4"]}},
        False,
    ),
}


def test_it_is_said_of_each_claim_what_had_been_seen(finished: Path) -> None:
    words = text(finished, finished / "paper.json")
    asked = claims_of(small_study(), read_json(finished / "claims.json")["claims"])
    for seen, said in (("nothing", "nothing"), ("part", "a part"), ("all", "all")):
        ids = [each["claim"] for each in asked if each["prediction"]["seen"] == seen]
        assert len(ids) > 1
        assert f"{said} had been seen for {', '.join(ids[:-1])} and {ids[-1]}" in words


@pytest.mark.slow
@pytest.mark.parametrize("case", ODD_JOBS)
def test_any_set_of_finished_jobs_has_its_paper(case: str, tmp_path: Path) -> None:
    """Through to the PDF: a study whose runs all diverged, of one method, of one environment."""
    overrides, diverged = ODD_JOBS[case]
    settings = small_study().model_dump(mode="json")
    _merge(settings, overrides)
    study = config.load(settings)

    def change(tables: dict[str, Any]) -> None:
        for name, table in tables.items() if diverged else ():
            numbers = [column for column in table if table[column].dtype.kind == "f"]
            empty = name in ("mbac_returns", "mbac_fits")
            tables[name] = table.assign(**dict.fromkeys(numbers, math.nan), status="diverged")[
                : 0 if empty else None
            ]
        if study.mbac.agents == ["sac"]:
            tables["mbac_fits"] = tables["mbac_fits"].iloc[:0]

    folder = compiled(tmp_path, study, change)
    assert (folder / "paper.pdf").read_bytes().startswith(b"%PDF")
    words = text(folder, folder / "paper.json")
    judged = any(claim["findings"] for claim in read_data(folder)["claims"])
    assert ("No claim of the paper could be judged at this size" in words) == (not judged)
    assert judged == (case in ("one objective", "one environment"))
    total = sum(part["jobs"] for part in map(read_data(folder).get, PARTS) if part)
    assert read_data(folder)["diverged"] == (total if diverged else 0)


def test_a_study_of_no_experiment_is_refused() -> None:
    settings = small_study().model_dump(mode="json")
    for changes, *_ in ALONE.values():
        _merge(settings, changes)
    with pytest.raises(config.ConfigError, match="there is no experiment"):
        config.load(settings)
