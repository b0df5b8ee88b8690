import os
import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest

from vaml.runtime.digest import code_digest, module_digests
from vaml.runtime.source import import_closure, unexpected_modules

Write = Callable[[dict[str, str]], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Lay out a package `vaml` from {module path: source}; returns its root."""

    def lay_out(sources: dict[str, str]) -> Path:
        for name, source in sources.items():
            path = tmp_path / "vaml" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source, encoding="utf-8")
        return tmp_path

    return lay_out


PACKAGE = {
    "__init__.py": "",
    "step.py": "import vaml.losses.model\n\ndef main():\n    from vaml.algorithms import sac\n",
    "losses/__init__.py": "",
    "losses/model.py": "from . import shared\nfrom ..study.config import Config as C, VALUE\n",
    "losses/shared.py": "import torch, json as j\n",
    "losses/unused.py": "RATE = 1\n",
    "algorithms/__init__.py": "from .registry import names\n",
    "algorithms/registry.py": "import vaml.study\nnames = []\n",
    "algorithms/sac.py": "try:\n    from vaml.losses.shared import x\nfinally:\n    pass\n",
    "study/__init__.py": "",
    "study/config.py": (
        "import typing\nfrom typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from vaml.study import hints\n"
        "if typing.TYPE_CHECKING:\n    import vaml.nowhere\n"
        "else:\n    import vaml.study.runtime\n"
    ),
    "study/hints.py": "",
    "study/runtime.py": "import vaml.step\n",
    "figures.py": "import vaml.study.config\n",
}
CLOSURE = (
    "vaml",
    "vaml.algorithms",
    "vaml.algorithms.registry",
    "vaml.algorithms.sac",
    "vaml.losses",
    "vaml.losses.model",
    "vaml.losses.shared",
    "vaml.step",
    "vaml.study",
    "vaml.study.config",
    "vaml.study.runtime",
)


def test_the_closure_is_what_can_be_loaded(write: Write) -> None:
    root = write(PACKAGE)
    assert import_closure("vaml.step", root=root) == CLOSURE
    assert import_closure("vaml.figures", "vaml.step", root=root) == tuple(
        sorted({*CLOSURE, "vaml.figures"})
    )
    assert import_closure("vaml.losses.unused", root=root) == (
        "vaml",
        "vaml.losses",
        "vaml.losses.unused",
    )


@pytest.mark.parametrize("name", PACKAGE)
def test_what_runs_at_import_counts_in_exactly_the_modules_that_are_loaded(
    write: Write, name: str
) -> None:
    root = write(PACKAGE)
    before = code_digest("vaml.step", root=root)
    write({name: PACKAGE[name] + "print(1)\n"})
    module = ("vaml/" + name).removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    assert (code_digest("vaml.step", root=root) != before) == (module in CLOSURE)


# Through re-exports, a module as a value, attributes of modules, imports within functions.
REACHING = {
    "__init__.py": "",
    "step.py": (
        "import vaml.a\nfrom vaml import b\nfrom vaml.a import again as renamed\n"
        "def main():\n    from vaml.c import inner\n"
        "    return vaml.a.first, b.second, renamed, inner\n"
    ),
    "a.py": "from vaml.d import again\ndef first(): return 1\ndef unused(): return 1\n",
    "b.py": "def second(): return third()\ndef third(): return 1\n",
    "c.py": "from vaml import e\ndef inner(): return vars(e)\n",
    "d.py": "class again:\n    size = 1\n    def f(self): return fourth\nfourth = 1\n",
    "e.py": "fifth = 1\n",
    "runtime/__init__.py": "",
    "runtime/job.py": "WAIT = 1\n",
}


@pytest.mark.parametrize(
    ("module", "counts"),
    [("a", True), ("b", True), ("d", True), ("e", True), ("runtime/job", False)],
)
def test_a_digest_covers_what_main_reaches(write: Write, module: str, counts: bool) -> None:
    root = write(REACHING)
    before = code_digest("vaml.step", root=root)
    source = REACHING[f"{module}.py"]
    end = "return 1" if "return 1" in source else "= 1"
    write({f"{module}.py": source.replace(end, f"{end}0", 1)})
    assert (code_digest("vaml.step", root=root) != before) == counts


def test_a_definition_that_is_not_reached_does_not_count(write: Write) -> None:
    root = write(REACHING)
    before = code_digest("vaml.step", root=root)
    write({"a.py": REACHING["a.py"].replace("def unused(): return 1", "def unused(): return 2")})
    assert code_digest("vaml.step", root=root) == before


def test_the_digests_by_module_say_where_the_edit_is(write: Write) -> None:
    root = write(REACHING)
    before = module_digests("vaml.step", root=root)
    assert set(before) == {f"vaml.{name}" for name in ("step", "a", "b", "c", "d", "e")}
    write({"b.py": REACHING["b.py"].replace("return 1", "return 2")})
    after = module_digests("vaml.step", root=root)
    assert [name for name in before if before[name] != after[name]] == ["vaml.b"]


def test_a_touch_changes_nothing(write: Write) -> None:
    root = write(PACKAGE)
    before = code_digest("vaml.step", root=root)
    for path in root.rglob("*.py"):
        os.utime(path, (1, 1))
    assert code_digest("vaml.step", root=root) == before


def test_the_folder_does_not_matter(write: Write, tmp_path: Path) -> None:
    before = code_digest("vaml.step", root=write(PACKAGE))
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    (tmp_path / "vaml").rename(moved / "vaml")
    assert code_digest("vaml.step", root=moved) == before


def test_source_that_moves_to_another_module_keeps_the_digest(write: Write) -> None:
    main = "def main(): return X + a.f()\n"
    root = write(
        {
            "a.py": "X = 1\ndef f(): return X\n",
            "s.py": f"from vaml.a import X\nfrom vaml import a\n{main}",
        }
    )
    before = code_digest("vaml.s", root=root)
    write({"a.py": "from vaml.b import X\ndef f(): return X\n", "b.py": "X = 1\n"})
    write({"s.py": f"from vaml import a, b\n{main}".replace("X +", "b.X +")})
    assert code_digest("vaml.s", root=root) == before
    write({"b.py": "X = 2\n"})
    assert code_digest("vaml.s", root=root) != before


def test_a_package_without_init_is_no_obstacle(write: Write) -> None:
    root = write({"envs/known.py": "", "step.py": "from vaml.envs import known\n"})
    assert import_closure("vaml.step", root=root) == ("vaml.envs.known", "vaml.step")


@pytest.mark.parametrize(
    ("modules", "message"),
    [
        (["vaml.stpe"], "the caller imports vaml.stpe, which has no source file"),
        (["vaml.broken"], "vaml.broken imports vaml.losses.nowhere, which has no source file"),
    ],
)
def test_a_missing_module_is_named(write: Write, modules: list[str], message: str) -> None:
    root = write({**PACKAGE, "broken.py": "from vaml.losses.nowhere import x\n"})
    with pytest.raises(ModuleNotFoundError) as caught:
        code_digest(*modules, root=root)
    assert str(caught.value) == message


def test_the_running_code_has_a_closure() -> None:
    assert import_closure("vaml.runtime.versions") == (
        *("vaml", "vaml.files", "vaml.runtime", "vaml.runtime.versions"),
    )


def test_loaded_modules_outside_the_closure_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = [name for name in sys.modules if name.split(".")[0] == "vaml"]
    monkeypatch.setitem(sys.modules, "vaml.smuggled", types.ModuleType("vaml.smuggled"))
    monkeypatch.setitem(sys.modules, "vamlike", types.ModuleType("vamlike"))
    assert unexpected_modules(loaded) == ["vaml.smuggled"]
    assert unexpected_modules([*loaded, "vaml.smuggled", "vaml.never_loaded"]) == []
