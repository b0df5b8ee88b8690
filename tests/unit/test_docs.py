"""The documents name nothing that is not there, and leave no key of the config unexplained."""

import ast
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args, get_origin

import pytest
import yaml

from vaml.__main__ import COMMANDS
from vaml.config.fields import Section
from vaml.config.schema import Config
from vaml.pipeline.cost import table_seconds
from vaml.pipeline.figures import FIGURES
from vaml.pipeline.jobs import FOLDERS, RESULTS, TABLES, labels, settings

ROOT = Path(__file__).parents[2]
README, CONFIG_README = ROOT / "README.md", ROOT / "config" / "README.md"
RUNNING = ROOT / "docs" / "running.md"
DOCUMENTS = [
    README,
    CONFIG_README,
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    ROOT / "results" / "README.md",
    ROOT / "benchmarks" / "README.md",
    ROOT / "paper" / "reference" / "README.md",
    *sorted((ROOT / "paper" / "published").glob("*/README.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
]
FOLDERS_OF_SOURCE = ("benchmarks", "config", "docs", "src", "tests", "tools", "workflow")
FILE_SUFFIXES = ("csv", "json", "md", "npz", "pdf", "png", "py", "safetensors", "smk", "yaml")


def read_config(*overlays: str) -> dict[str, Any]:
    """config.yaml with overlays merged into it as Snakemake does."""
    merged: dict[str, Any] = {}
    for name in ("config.yaml", *overlays):
        _merge(merged, yaml.safe_load((ROOT / "config" / name).read_text(encoding="utf-8")))
    return merged


def _merge(base: dict[str, Any], overlay: Mapping[str, Any]) -> None:
    for key, entry in overlay.items():
        if isinstance(entry, Mapping):
            _merge(base.setdefault(key, {}), entry)
        else:
            base[key] = entry


def code(document: Path) -> list[str]:
    """The inline code, and the lines of the code blocks without their comments."""
    text = document.read_text(encoding="utf-8")
    blocks = re.findall(r"^```[a-z]*\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    text = re.sub(r"^```[a-z]*\n.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    lines = [line.partition("#")[0] for block in blocks for line in block.splitlines()]
    return re.findall(r"`([^`\n]+)`", text) + lines


def words(document: Path) -> set[str]:
    """The words of a document's code."""
    return {word.strip(".,;:") for text in code(document) for word in text.split()}


def each_document() -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT))
    )


@each_document()
def test_make_targets_exist(document: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):(?!=)", makefile, re.MULTILINE))
    named = {name for text in code(document) for name in re.findall(r"^make ([a-z][a-z-]*)", text)}
    assert named <= targets


@each_document()
def test_files_exist(document: Path) -> None:
    named = words(document)
    paths = {word for word in named if word.split("/")[0] in FOLDERS_OF_SOURCE and "/" in word}
    paths |= {word for word in named if re.fullmatch(r"[A-Za-z.-]+\.(md|yml|toml|txt|cff)", word)}
    written = {path for path in paths if not re.search(r"[<>{}*…]", path)}
    here = document.parent
    assert not [
        path for path in written if not (ROOT / path).exists() and not (here / path).exists()
    ]


@each_document()
def test_links_lead_to_files(document: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text(encoding="utf-8"))
    local = [link for link in links if "://" not in link]
    assert not [link for link in local if not (document.parent / link).exists()]


def headings(document: Path) -> set[str]:
    """The anchors that a forge gives to the headings."""
    text = document.read_text(encoding="utf-8")
    text = re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}


@each_document()
def test_links_lead_to_headings(document: Path) -> None:
    links = re.findall(r"\]\(([^):]*)#([^)]+)\)", document.read_text(encoding="utf-8"))
    wrong = [
        f"{path}#{anchor}"
        for path, anchor in links
        if anchor not in headings(document.parent / path if path else document)
    ]
    assert not wrong


@each_document()
def test_programs_exist(document: Path) -> None:
    named = {name for text in code(document) for name in re.findall(r"-m vaml\.([a-z_.]+)", text)}
    missing = [
        name for name in named if not (ROOT / f"src/vaml/{name.replace('.', '/')}.py").exists()
    ]
    assert not missing


@each_document()
def test_commands_exist(document: Path) -> None:
    named = [re.match(r" *vaml ([a-z][a-z-]*)", text) for text in code(document)]
    assert {match[1] for match in named if match} <= {*COMMANDS}


@each_document()
def test_keys_of_the_config_exist(document: Path) -> None:
    """Wherever a document names a key in full, as in `sac.training.total_steps`."""
    config = read_config()
    sections = "|".join(config)
    for word in words(document):
        key = re.fullmatch(rf"({sections})(\.[A-Za-z0-9_<>-]+)+", word)
        if key and word.rsplit(".", 1)[1] not in FILE_SUFFIXES:
            assert _exists(config, word.split(".")), word


def _exists(block: Any, path: list[str]) -> bool:
    if not path:
        return True
    if not isinstance(block, Mapping):
        return False
    entries = block.values() if path[0].startswith("<") else [block.get(path[0])]
    return any(entry is not None and _exists(entry, path[1:]) for entry in entries)


def leaves(annotation: Any) -> Iterator[str]:
    """Every key of a section of the typed config, with <> for a name of the user's choice."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        blocks = {name: field.annotation for name, field in annotation.model_fields.items()}
    elif get_origin(annotation) is dict:
        blocks = {"<>": get_args(annotation)[1]}
    else:
        yield ""
        return
    for name, block in blocks.items():
        for rest in leaves(block):
            yield f"{name}.{rest}" if rest else name


def documented() -> dict[str, set[str]]:
    """The keys in the first column of each section's table in config/README.md."""
    found: dict[str, set[str]] = {}
    text = CONFIG_README.read_text(encoding="utf-8")
    for part in re.split(r"^#+ ", text, flags=re.MULTILINE):
        heading, *lines = part.splitlines() or [""]
        if match := re.fullmatch(r"`([a-z]+)`", heading):
            cells = [line.split("|")[1] for line in lines if line.startswith("| `")]
            keys = re.findall(r"`([^`]+)`", " ".join(cells))
            assert len(keys) == len(set(keys)), f"{match[1]}: a key twice"
            found[match[1]] = {re.sub(r"<[a-z]+>", "<>", key) for key in keys}
    return found


def test_every_section_of_the_config_is_documented() -> None:
    assert list(documented()) == list(Config.model_fields)


@pytest.mark.parametrize("section", Config.model_fields)
def test_every_key_of_the_config_is_documented(section: str) -> None:
    keys, named = set(leaves(Config.model_fields[section].annotation)), documented()
    explained = {key for key in named[section] if not key.endswith(".*")}
    assert explained <= keys
    # `fit.*` stands for the keys of a block `fit` that another section explains.
    for block in (key.removesuffix("*") for key in named[section] - explained):
        others = {key for other in named.keys() - {section} for key in named[other]}
        suffix = block.removesuffix(".").rpartition(".")[2]
        explained |= {
            key
            for key in keys
            if key.startswith(block)
            and any(f".{other}".endswith(f".{suffix}.{key[len(block) :]}") for other in others)
        }
    assert explained == keys


def test_overlays_of_the_documents_are_valid_keys() -> None:
    """The YAML blocks of both READMEs, as overlays, change or add only what the config knows."""
    for document in (README, CONFIG_README):
        text = document.read_text(encoding="utf-8")
        overlays = re.findall(r"^```yaml\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        assert overlays
        for overlay in overlays:
            merged = read_config()
            _merge(merged, yaml.safe_load(overlay))
            assert Config.model_validate(merged)


def table_of_jobs() -> dict[str, list[int]]:
    """The rows of job counts: config.yaml, demo.yaml, extended.yaml."""
    rows = re.findall(r"^\| ([a-z_]+) \| (\d+) \| (\d+) \| (\d+) \|$", RUNNING.read_text(), re.M)
    return {rule: [int(count) for count in counts] for rule, *counts in rows}


@pytest.mark.parametrize("column", range(3))
def test_the_jobs_are_counted(column: int) -> None:
    overlay = [[], ["demo.yaml"], ["extended.yaml"]][column]
    study = Config.model_validate(read_config(*overlay))
    counts = {stage: len(list(labels(stage, study))) for stage in FOLDERS}
    assert {rule: row[column] for rule, row in table_of_jobs().items()} == counts


def core_hours(study: Config, **labelled: str) -> dict[str, float]:
    """By stage, what the plan's table says of the jobs with these labels."""
    return {
        stage: sum(
            table_seconds(stage, json.loads(settings(stage, study, job)))
            for job in labels(stage, study)
            if labelled.items() <= job.items()
        )
        / 3600
        for stage in FOLDERS
    }


def test_core_hours_are_those_of_the_plan_s_table() -> None:
    hours = core_hours(Config.model_validate(read_config()))
    total = sum(hours.values())
    assert f"about {total:.0f} core-hours:" in README.read_text(encoding="utf-8")
    first = hours["simulate_dynamics"] + hours["fit_synthetic"] + hours["measure_synthetic"]
    said = (
        f"takes about {total:.0f} core-hours: {hours['fit_snapshot']:.0f} for the fits to "
        f"snapshots, {hours['train_mbac']:.0f} for the model-based agents, "
        f"{hours['train_sac']:.0f} for SAC, {first:.1f} for experiment A"
    )
    assert said in " ".join(RUNNING.read_text(encoding="utf-8").split())
    why = core_hours(Config.model_validate(read_config("why.yaml")))
    first = why["simulate_dynamics"] + why["fit_synthetic"] + why["measure_synthetic"]
    assert f"experiment A is about {first:.1f} core-hours" in CONFIG_README.read_text()


def test_the_plan_that_is_shown_is_one_that_could_be() -> None:
    text = (ROOT / "docs" / "reruns.md").read_text(encoding="utf-8")
    study = Config.model_validate(read_config())
    hours = core_hours(study, objective="reg_vaml")
    for stage in ("fit_synthetic", "measure_synthetic"):
        jobs = list(labels(stage, study))
        few = [job for job in jobs if job["objective"] == "reg_vaml"]
        minutes = f"{60 * hours[stage]:.0f}"
        assert f"{stage}: {len(few)} of {len(jobs)} jobs, about {minutes} min" in text


def test_the_bad_configs_are_counted() -> None:
    count = len(list((ROOT / "tests" / "reliability" / "bad_configs").glob("*.yaml")))
    text = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
    assert f"`tests/reliability/bad_configs/` | {count} of {count} |" in text


def test_first_page_is_short_and_starts_with_pictures() -> None:
    lines = README.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 130
    pictures = re.findall(r"^!\[[^]]+\]\(([^)]+)\)$", "\n".join(lines[:25]), re.MULTILINE)
    assert len(pictures) == 2
    assert all((ROOT / picture).is_file() for picture in pictures)


def test_it_is_said_where_results_land() -> None:
    """Folders, tables, figures, and the declared outputs of every rule."""
    text = RUNNING.read_text(encoding="utf-8")
    names = [f"`{name}`" for name in (*TABLES, *FIGURES)]
    missing = [name for name in names if name not in text]
    for stage, folder in FOLDERS.items():
        row = next((line for line in text.splitlines() if line.startswith(f"| `{folder}/`")), "")
        rules = "".join(path.read_text() for path in (ROOT / "workflow/rules").glob("*.smk"))
        outputs = set(re.findall(rf"folder\('{stage}'\)}}/([a-z_.]+)\"", rules))
        assert outputs >= set(RESULTS.get(stage, ())), stage
        everywhere = {"config.json", "manifest.json"}
        missing += [f"{stage}: {name}" for name in outputs - everywhere if f"`{name}`" not in row]
    assert not missing


def test_docstrings_begin_with_a_noun_phrase_or_a_verb() -> None:
    """CONTRIBUTING.md lists the words that begin none."""
    first = re.compile(r"\s*(What|Of|How|Why|Whether|Both|Which|Where)\b")
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {text.strip().splitlines()[0]}"
        for path in sorted((ROOT / "src" / "vaml").rglob("*.py"))
        for line, text in docstrings(path)
        if first.match(text)
    ]
    assert not wrong, "\n".join(wrong)


def docstrings(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Expr(value=ast.Constant(value=str(text))):
                yield node.lineno, text
            case _:
                pass
