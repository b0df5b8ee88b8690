"""Damaged and hostile files are refused in one line that names them; nothing of them runs."""

import ast
import logging
import pickle
import re
import shutil
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import tiny_jobs
from conftest import Count
from study_folder import StudyFolder

from vaml import tabulate
from vaml.analysis.tables.aggregates import read_table
from vaml.files import UnreadableFile
from vaml.pipeline import jobs
from vaml.pipeline.branches import branch

ROOT = Path(__file__).parents[2]


class Payload:
    """Creates a file when it is unpickled."""

    def __init__(self, sentinel: Path) -> None:
        self.sentinel = sentinel

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.sentinel,)


def truncate(path: Path, _: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip_a_bit(path: Path, _: Path) -> None:
    block = bytearray(path.read_bytes())
    where = len(block) // 2
    if path.name == "manifest.json":  # in the digest of an input: nothing vouches for the rest
        found = re.search(rb'"(dynamics|history)": "[0-9a-f]{20}', block)
        assert found is not None
        where = found.end()
    block[where] ^= 1
    path.write_bytes(block)


def empty(path: Path, _: Path) -> None:
    path.write_bytes(b"")


def pickled(path: Path, sentinel: Path) -> None:
    path.write_bytes(pickle.dumps(Payload(sentinel)))


def another(path: Path, _: Path) -> None:
    path.write_text('{"stable": []}\n', encoding="utf-8")


DAMAGES: list[Callable[[Path, Path], None]] = [truncate, flip_a_bit, empty, pickled, another]


@pytest.fixture
def root_logger() -> Iterator[None]:
    """The steps set it up anew; other tests need what pytest put there."""
    logger = logging.getLogger()
    handlers, level = logger.handlers[:], logger.level
    yield
    logger.handlers[:] = handlers
    logger.setLevel(level)


@pytest.mark.slow
@pytest.mark.usefixtures("root_logger")
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
@pytest.mark.parametrize(
    ("step", "name"),
    [(step, name) for step, (_, names) in tiny_jobs.INPUTS.items() for name in (*names, "source")],
)
def test_a_step_refuses_a_damaged_input(
    step: str,
    name: str,
    damage: Callable[[Path, Path], None],
    reference: Path,
    tmp_path: Path,
    count: Count,
) -> None:
    before, _ = tiny_jobs.INPUTS[step]
    for each in (before, *tiny_jobs.INPUTS.get(before, ())[:1]):  # and where that one started
        shutil.copytree(reference / each, tmp_path / each)
    file = "manifest.json" if name == "source" else tiny_jobs.OUTPUTS[before][name]
    path, sentinel, folder = tmp_path / before / file, tmp_path / "ran", tmp_path / step
    flags = tiny_jobs.arguments(step, folder, tmp_path)
    damage(path, sentinel)
    main = import_module(f"vaml.{step}").main
    with pytest.raises(SystemExit) as ended:
        main(flags)
    told = str(ended.value.code)
    good = str(path) in told and "\n" not in told and told.startswith(f"{step}: ")
    good = good and not sentinel.exists()
    count("damaged or hostile inputs refused by name", int(good), 1)
    assert good, told
    assert tiny_jobs.results(folder) == {}


OTHERS: dict[str, dict[str, Any]] = {
    "fit_synthetic": {"seed": 4},
    "fit_snapshot": {"environment_id": "Walker2d-v4"},
    "measure_synthetic": {"setting": "realizable"},
}


@pytest.mark.slow
@pytest.mark.usefixtures("root_logger")
@pytest.mark.parametrize("step", OTHERS)
def test_a_job_refuses_the_whole_folder_of_another_job(
    step: str, reference: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: Count
) -> None:
    """Each of its files is as its own manifest says, but it is not the planned job's."""
    flags = tiny_jobs.arguments(step, tmp_path / "fit", reference)
    before, _ = tiny_jobs.INPUTS[step]
    monkeypatch.setitem(tiny_jobs.SETTINGS, before, tiny_jobs.SETTINGS[before] | OTHERS[step])
    other = tmp_path / before
    code, text = tiny_jobs.run(before, tiny_jobs.arguments(before, other, reference))
    assert code == 0, text
    swapped = [flag.replace(str(reference / before), str(other)) for flag in flags]
    with pytest.raises(SystemExit) as ended:
        import_module(f"vaml.{step}").main(swapped)
    told = str(ended.value.code)
    assert told.startswith(f"{step}: {other / 'manifest.json'}: its key is ")
    assert told.endswith("it is another job's, or of another config or code; run snakemake again")
    assert not (tmp_path / "fit").exists() or tiny_jobs.results(tmp_path / "fit") == {}
    count("damaged or hostile inputs refused by name", 1, 1)


@pytest.mark.parametrize("text", ["{", "[]", "null", "{}", '{"seed": 0, "extra": 1}', "\x80\x04."])
def test_settings_that_are_none_are_refused(
    text: str, tmp_path: Path, root_logger: None, count: Count
) -> None:
    flags = tiny_jobs.arguments("train_sac", tmp_path, tmp_path)
    path = tmp_path / "settings.json"
    path.write_bytes(text.encode("latin-1"))
    flags[flags.index("--config") + 1] = str(path)
    with pytest.raises(SystemExit) as ended:
        import_module("vaml.train_sac").main(flags)
    told = str(ended.value.code)
    good = told.startswith("train_sac: ") and "\n" not in told
    count("damaged or hostile inputs refused by name", int(good), 1)
    assert good, told


# --- tables ---------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
@pytest.mark.parametrize(
    ("table", "name"),
    [("synthetic", "metrics.json"), ("mbac_fits", "fits.csv"), ("mbac_fits", "manifest.json")],
)
def test_a_table_takes_no_damaged_result(
    table: str,
    name: str,
    damage: Callable[[Path, Path], None],
    small_study: StudyFolder,
    tmp_path: Path,
    count: Count,
) -> None:
    stage, study = jobs.TABLES[table][0], small_study.config()
    results, sentinel = tmp_path / "results", tmp_path / "ran"
    shutil.copytree(small_study.results / stage, results / stage)
    *_, last = jobs.labels(stage, study)
    path = results / jobs.folder(stage, last) / name
    if name == "manifest.json" and damage is flip_a_bit:
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub('("fits": ")[0-9a-f]{4}', r"\g<1>0000", text), encoding="utf-8")
    else:
        damage(path, sentinel)
    output = tmp_path / "table.csv"
    output.write_text("old\n", encoding="utf-8")
    flags = ["--config", branch(stage, study), "--results", str(results)]
    with pytest.raises(SystemExit) as ended:
        tabulate.main([table, *flags, "--table", str(output)])
    told = str(ended.value.code)
    good = str(path.parent) in told and "\n" not in told and not sentinel.exists()
    good = good and output.read_text(encoding="utf-8") == "old\n"
    count("damaged or hostile inputs refused by name", int(good), 1)
    assert good, told


TABLE = "objective,seed,nll\nmle,0,1.5\nvaml,0,2.25\n"


@pytest.mark.parametrize(
    "block",
    [
        b"",
        TABLE[:5].encode(),  # a part of the header
        TABLE[:-3].encode(),  # a number that is still one
        TABLE.replace("1.5", "1.5,7").encode(),
        TABLE.replace("1.5", "one").encode(),
        TABLE.encode().replace(b"mle", b"\xff"),
        pickle.dumps([1, 2, 3]),
    ],
)
def test_a_figure_takes_no_damaged_table(block: bytes, tmp_path: Path, count: Count) -> None:
    path = tmp_path / "a.csv"
    path.write_text(TABLE, encoding="utf-8")
    assert read_table(path)["nll"].to_list() == [1.5, 2.25]
    path.write_bytes(block)
    with pytest.raises(UnreadableFile) as caught:
        read_table(path)
    good = str(caught.value).startswith(f"{path}: not a table: ") and "\n" not in str(caught.value)
    count("damaged or hostile inputs refused by name", int(good), 1)
    assert good, caught.value


# --- the source itself ----------------------------------------------------------------------------

FORBIDDEN_MODULES = {"cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_ATTRIBUTES = {
    ("torch", "load"),
    ("torch", "save"),
    ("yaml", "load"),
    ("yaml", "full_load"),
    ("yaml", "unsafe_load"),
    ("pd", "read_pickle"),
    ("os", "system"),
}


def offences(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = {alias.name.split(".")[0] for alias in node.names}
            yield from names & FORBIDDEN_MODULES
        elif isinstance(node, ast.ImportFrom):
            yield from {(node.module or "").split(".")[0]} & FORBIDDEN_MODULES
        elif isinstance(node, ast.Call):
            match node.func:
                case ast.Name(id=name) if name in FORBIDDEN_CALLS:
                    yield name
                case ast.Attribute(value=ast.Name(id=owner), attr=name) if (
                    owner,
                    name,
                ) in FORBIDDEN_ATTRIBUTES:
                    yield f"{owner}.{name}"
            values = {
                keyword.arg: keyword.value.value
                for keyword in node.keywords
                if isinstance(keyword.value, ast.Constant)
            }
            if values.get("allow_pickle") is True or values.get("shell") is True:
                yield "allow_pickle or shell"
            if isinstance(node.func, ast.Attribute) and node.func.attr == "load":
                is_numpy = isinstance(node.func.value, ast.Name) and node.func.value.id == "np"
                if is_numpy and values.get("allow_pickle") is not False:
                    yield "np.load without allow_pickle=False"


@pytest.mark.parametrize("folder", ["src", "tools", "benchmarks"])
def test_nothing_reads_a_pickle_or_runs_text(folder: str) -> None:
    paths = sorted((ROOT / folder).rglob("*.py"))
    assert paths
    found = {
        str(path.relative_to(ROOT)): list(offences(ast.parse(path.read_bytes()))) for path in paths
    }
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize(
    "text",
    [
        "import pickle",
        "from joblib import load",
        "eval('1')",
        "torch.load(path)",
        "np.load(path)",
        "np.load(path, allow_pickle=True)",
        "yaml.load(text)",
        "subprocess.run(text, shell=True)",
    ],
)
def test_that_check_finds_what_it_is_for(text: str) -> None:
    assert list(offences(ast.parse(text)))


def test_that_check_lets_the_rest_pass() -> None:
    assert not list(offences(ast.parse("model.eval(); np.load(a, allow_pickle=False)")))


def test_names_reach_the_shell_quoted_only() -> None:
    """Every value of a rule's shell command is written with :q, or is a name that is checked."""
    for path in sorted((ROOT / "workflow" / "rules").glob("*.smk")):
        commands = re.findall(r'"((?:python -m| --)[^"]*)"', path.read_text(encoding="utf-8"))
        fields = re.findall(r"\{([^{}]+)\}", " ".join(commands))
        loose = [f for f in fields if not f.endswith(":q") and not f.startswith("wildcards.")]
        assert loose == [], path.name
