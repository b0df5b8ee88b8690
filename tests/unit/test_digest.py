import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from vaml.runtime.digest import code_digest

SRC = Path(__file__).parents[2] / "src"

# What Python versions are known to parse or print differently, or formatters to rewrite.
TRICKY = '''\
"""Module docstring."""
from __future__ import annotations
import functools

RATES = {"slow": 1e-3, 'fast': 1_000.0, **{}}
TEXT = "it's" 'a "quoted"' f"value {RATES['slow']:>{10}.3f}" f'{TEXT!r:^{len("x" * 2)}}' "tail"
DEBUG = f"{RATES=} {{literal}} {'nested' + f'{1 + 1}'}" if RATES else u"unicode \\N{EM DASH}"
LONG = 1 + \\
    2 if RATES else -0.0
ONE, PAIR = (1,), (1, 2,)
RAW, BYTES = rf"\\d{{2}}{LONG}\\n", b"\\x00" Rb"\\x00"

class Model:
    """Class docstring."""
    size: int = 32
    """Attribute docstring."""

    @functools.cache
    @staticmethod
    def apply(x, /, y: float = 0.5, *rest, z=None, **options) -> tuple[int, ...]:
        """Function docstring."""
        async def inner(*, a=1, b): return [i async for i in b if i > a]
        with open(x) as one, open(y) as two: del one, two
        try:
            yield from (w := z)
        except* (ValueError, TypeError) as group:
            raise RuntimeError from group
        match x:
            case {"kind": str(name), **others} if name: return lambda: others
            case [1, *_] | None | True: pass
            case Model(size=-1 | 2.5e10 | 1 + 2j): assert y, f"bad {y:%Y-%m-%d}"
        return x[1:2, ..., ::-1], not x < y <= z, print(*rest, sep="", end="\\u00e9\\ud800")
'''


@pytest.fixture
def digest(tmp_path: Path) -> Callable[[str], str]:
    """The digest of a step whose module has this source."""
    counter = iter(range(1000))

    def of(source: str) -> str:
        root = tmp_path / str(next(counter))
        (root / "vaml").mkdir(parents=True)
        (root / "vaml" / "__init__.py").touch()
        (root / "vaml" / "step.py").write_text(source, encoding="utf-8")
        return code_digest("vaml.step", root=root)

    return of


def test_every_python_version_gives_this_digest(digest: Callable[[str], str]) -> None:
    """Found under 3.11, 3.12 and 3.13: a newer Python must not run a study again."""
    expected = "c13cc40d60cc64fe09057f03caa1e8e167c09dd3e467ecca8e2cc8ca0416cb68"
    main = "\n\ndef main(): return RATES, TEXT, DEBUG, LONG, ONE, PAIR, RAW, BYTES, Model\n"
    assert digest(TRICKY + main) == expected


def test_every_process_gives_the_same_digest(tmp_path: Path) -> None:
    """Also of names with two origins, whatever the order of Python's sets."""
    names = "abcdefghijkl"
    first, second = (", ".join(f"{x} as {name}" for name in names) for x in ("one", "two"))
    (tmp_path / "vaml").mkdir()
    (tmp_path / "vaml" / "__init__.py").touch()
    (tmp_path / "vaml" / "step.py").write_text(
        f"def main():\n try: import {first}\n except E: import {second}\n return {', '.join(names)}"
    )
    ask = (
        "import sys; from pathlib import Path; from vaml.runtime.digest import code_digest\n"
        "print(code_digest('vaml.step', root=Path(sys.argv[1])))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", ask, tmp_path],
            env={**os.environ, "PYTHONPATH": str(SRC), "PYTHONHASHSEED": str(seed)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in (1, 2)
    }
    assert len(found) == 1


SOURCE = '''\
"""Module."""
import argparse
import json
import logging
import math
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, Field

if TYPE_CHECKING:
    from vaml.types import Batch

logger = logging.getLogger(__name__)
RATE = 0.001
UNUSED = 1
Positive = Annotated[float, Field(gt=0)]
TABLE = by_name({"mine": RATE, "other": 2.0})


class Settings(BaseModel):
    """Class."""

    loss: Literal["vaml", "mse"] = Field(description="which loss")
    rate: Positive


class Loss:
    """Class."""

    weight: float = 2.0

    def __call__(self, batch: "Batch", scale: float = 1000.0) -> float:
        """Function."""
        total = self.weight * batch.error - (batch.bias + scale) / 3
        names = ["a", "it's", f"step {total:.2f}"]
        if scale < 0:
            raise ValueError(f"scale: got {scale}")
        if len(names) > 2:
            logger.info("%d names of %s", len(names), total)
        squares = [x * x for x in batch.rows if x > total]
        return max(total, math.log(len(names)), sum(squares))


class Failure(Exception):
    """Only a docstring."""


def by_name(table):
    return table


def shared(step: int, end=1):
    count = 0

    def advance(by):
        nonlocal count
        count += by
        return count

    try:
        advance(step)
    except Failure as failure:
        json.dump(failure, end)
    return advance


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", help="the rate", type=float)
    arguments = parser.parse_args()
    return Settings, Loss, Failure, shared(RATE, end=2), TABLE["mine"], arguments
'''


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"""Module."""', '"""Another text.\n\nOf several lines.\n"""'),
        ('"""Module."""\n', ""),
        ('        """Function."""\n', "        # why\n"),
        ('    """Only a docstring."""', "    pass"),
        ("weight: float = 2.0", 'weight: float = 2.0\n    """The weight, in metres."""'),
        ("RATE = 0.001", "# a comment\n\n\nRATE = 0.001  # another"),
        ("RATE = 0.001", "RATE = 1e-3"),
        ("RATE = 0.001", "RATE: float = 0.001\n"),
        ("scale: float = 1000.0", "scale: float = 1_000.0"),
        ("scale: float = 1000.0", "scale: float | None = 1000.0"),
        ("step: int", "step"),
        ('["a", "it\'s"', "['a', 'it\\'s'"),
        ('["a",', '[\n            "a",'),
        (':.2f}"]', ':.2f}",\n        ]'),
        (
            "max(total, math.log(len(names)), sum(squares))",
            "max(\n  total,\n math.log(len(names)), sum(squares),\n)",
        ),
        (
            "self.weight * batch.error - (batch.bias + scale) / 3",
            "(\n self.weight * batch.error\n - (batch.bias + scale) / 3\n)",
        ),
        ("batch.error - (", "batch.error \\\n            - ("),
        ('f"step {total:.2f}"', "f'step {total:.2f}'"),
        ('f"step {total:.2f}"', 'f"step {  total :.2f}"'),
        ('f"step {total:.2f}"', '"st" f"ep {total:.2f}"'),
        ("from vaml.types import Batch", "from vaml.types import Batch, Other"),
        ("if TYPE_CHECKING:\n    from vaml.types import Batch\n", ""),
        # Names of variables and functions, places of definitions.
        (
            "x * x for x in batch.rows if x > total",
            "row * row for row in batch.rows if row > total",
        ),
        ("Failure as failure:\n        json.dump(failure", "Failure as it:\n        json.dump(it"),
        ("UNUSED = 1", "UNUSED = 2\nALSO_UNUSED = 3"),
        ("import argparse\nimport json", "import json\nimport argparse"),
        ("import math\n", "import math\nimport cmath\n"),
        ("import json\n", "import json as js\nimport json\n"),
        ("UNUSED = 1", "def unused():\n    return RATE"),
        # What is said, and what is allowed.
        ('"%d names of %s", len(names), total', '"names: %d", len(names)'),
        (
            "        if len(names) > 2:\n            "
            'logger.info("%d names of %s", len(names), total)\n',
            "",
        ),
        ("        return max", '        logger.debug("done")\n        return max'),
        ('f"scale: got {scale}"', 'f"scale: got {scale}; allowed: 0 or more"'),
        ('help="the rate"', 'help="the learning rate"'),
        ('description="which loss"', 'description="the loss"'),
        ("description=__doc__", 'description="A step."'),
        ("Field(gt=0)", "Field(ge=0, le=1)"),
        ('Literal["vaml", "mse"]', 'Literal["vaml", "mse", "vagram"]'),
    ],
)
def test_what_means_the_same_keeps_the_digest(
    digest: Callable[[str], str], old: str, new: str
) -> None:
    assert SOURCE.count(old) == 1
    assert digest(SOURCE.replace(old, new)) == digest(SOURCE)


@pytest.mark.parametrize(
    ("name", "new"), [("count", "total"), ("total", "sum_of_errors"), ("shared", "counter")]
)
def test_a_new_name_keeps_the_digest(digest: Callable[[str], str], name: str, new: str) -> None:
    renamed = re.sub(rf"\b{name}\b", new, SOURCE)
    assert renamed != SOURCE
    assert digest(renamed) == digest(SOURCE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("RATE = 0.001", "RATE = 0.002"),
        ("RATE = 0.001", "RATE = -0.001"),
        ("RATE = 0.001", "RATE = '0.001'"),
        ("RATE = 0.001", "RATE = (0.001,)"),
        ("scale: float = 1000.0", "scale: float = 1000"),
        ("scale: float = 1000.0", "*, scale: float = 1000.0"),
        ("step: int, end=1", "end: int, step=1"),
        ("batch.error - (", "batch.error + ("),
        ("(batch.bias + scale) / 3", "batch.bias + scale / 3"),
        ("(batch.bias + scale) / 3", "(scale + batch.bias) / 3"),
        ("batch.bias", "batch.error"),
        ("{total:.2f}", "{total:.3f}"),
        ("{total:.2f}", "{total!r:.2f}"),
        ("step {", "step  {"),
        ('"a", "it\'s"', '"a" "it\'s"'),
        ("        total =", "        if batch:\n            total ="),
        ("return max", "return min"),
        ("        return max", "        batch.done = True\n        return max"),
        ("class Failure(Exception)", "class Failure(ValueError)"),
        ("class Failure", "@final\nclass Failure"),
        ("import math", "import cmath as math"),
        ("RATE, end=2", "UNUSED, end=2"),
        ("shared(RATE, end=2)", "advance(RATE, end=2)"),
        ("x * x for x", "total * x for x"),
        ("if x > total", "if total > x"),
        ("count += by", "by += count"),
        ("        nonlocal count\n", "        count = 0\n"),
        ("        advance(step)", "        advance(end)"),
        ('TABLE["mine"]', 'TABLE["other"]'),
        ('"mine": RATE', '"mine": UNUSED'),
        ("except Failure", "except ValueError"),
        ("raise ValueError", "raise KeyError"),
        ('"%d names of %s", len(names), total', '"%d names", names.pop()'),
        ("len(names) > 2", "names.pop()"),
        ("rate: Positive", "rate: int"),
        ("rate: Positive", "ratio: Positive"),
        ("type=float", "type=int"),
        ('"--rate"', '"--ratio"'),
    ],
)
def test_what_means_something_else_changes_the_digest(
    digest: Callable[[str], str], old: str, new: str
) -> None:
    assert SOURCE.count(old) == 1
    assert digest(SOURCE.replace(old, new)) != digest(SOURCE)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # Two names of one statement, used the other way round.
        ("A, B = 1, 2\ndef main(): return A", "A, B = 1, 2\ndef main(): return B"),
        # Two exceptions that read the same.
        (
            "class A(Exception): pass\nclass B(Exception): pass\n"
            "def main():\n try: f()\n except A: g()",
            "class A(Exception): pass\nclass B(Exception): pass\n"
            "def main():\n try: f()\n except B: g()",
        ),
        # A parameter, a variable of the function around, a global one.
        ("X = 1\ndef main(x): return x", "X = 1\ndef main(x): return X"),
        (
            "def main():\n a = 1\n b = 2\n return lambda: a",
            "def main():\n a = 1\n b = 2\n return lambda: b",
        ),
        ("x = 1\ndef main():\n x = 2\n return x", "x = 1\ndef main():\n y = 2\n return x"),
        (
            "class A:\n x = 1\n def f(self): return x\nx = 2\ndef main(): return A",
            "class A:\n x = 1\n def f(self): return 1\nx = 2\ndef main(): return A",
        ),
        # The first iterable is of the scope around.
        ("def main(x): return [x for x in x]", "def main(x): return [x for x in [x]]"),
        ("import os\ndef main(): return os.sep", "import os\ndef main(): return os.linesep"),
        ("import os\ndef main(): return os.sep", "import ntpath as os\ndef main(): return os.sep"),
        (
            "def main():\n try: import a as x\n except E: import b as x\n return x",
            "def main():\n try: import c as x\n except E: import b as x\n return x",
        ),
        # What a module does when it is imported.
        ("def main(): pass", "f()\ndef main(): pass"),
        ("TABLE = {}\ndef main(): pass", "TABLE = {}\nTABLE[1] = 2\ndef main(): pass"),
        (
            "try:\n import x\nexcept ImportError:\n x = 1\ndef main(): return x",
            "try:\n import x\nexcept ImportError:\n x = 2\ndef main(): return x",
        ),
        (
            "for i in a:\n b = i\n c = i\ndef main(): return c",
            "for i in a:\n b = i\nc = i\ndef main(): return c",
        ),
        (
            "def main():\n if a: b()",
            "def main():\n if a: pass\n else: b()",
        ),
        (
            "def main(x):\n match x:\n  case [a, b]: return a",
            "def main(x):\n match x:\n  case [a, b]: return b",
        ),
        # Two definitions that read the same, with different ones behind them.
        (
            "def f(): return 1\ndef g(): return 2\ndef a(): return f()\ndef b(): return g()\n"
            "def main(): return a() - b()",
            "def f(): return 1\ndef g(): return 2\ndef a(): return f()\ndef b(): return g()\n"
            "def main(): return b() - a()",
        ),
    ],
)
def test_names_mean_what_python_takes_them_for(
    digest: Callable[[str], str], one: str, other: str
) -> None:
    assert digest(one) != digest(other)


def test_a_table_counts_the_rows_of_the_names_given(tmp_path: Path) -> None:
    def of(table: str, *names: str) -> str:
        (tmp_path / "vaml").mkdir(exist_ok=True)
        source = f"def by_name(t): return t\nONE, TWO = 1, 2\nTABLE = by_name({table})\n"
        main = "def main(name): return TABLE[name]\n"
        (tmp_path / "vaml/step.py").write_text(source + main, encoding="utf-8")
        return code_digest("vaml.step", names or None, root=tmp_path)

    assert of("{'a': ONE, 'b': TWO}", "a") == of("{'a': ONE, 'c': 3}", "a")
    assert of("{'a': ONE, 'b': TWO}", "b") != of("{'a': ONE, 'b': ONE}", "b")
    assert of("{'a': ONE, 'b': TWO}", "a") != of("{'b': TWO}", "a")
    assert of("{'a': ONE, 'b': TWO}") != of("{'a': ONE, 'c': 3}")
    assert of("frozenset({'a', 'b'})", "a") == of("frozenset({'a'})", "a")
    assert of("frozenset({'a', 'b'})", "b") != of("frozenset({'a'})", "b")


def test_of_the_modules_in_a_table_the_functions_of_the_names_given_count(tmp_path: Path) -> None:
    def of(one: str, two: str, *names: str) -> str:
        (tmp_path / "vaml").mkdir(exist_ok=True)
        step = "from vaml import one, two\ndef by_name(t): return t\n"
        step += "TABLE = by_name({**vars(one), **vars(two)})\ndef main(name): return TABLE[name]\n"
        for module, source in {"step": step, "one": one, "two": two}.items():
            (tmp_path / f"vaml/{module}.py").write_text(source, encoding="utf-8")
        return code_digest("vaml.step", names or None, root=tmp_path)

    a, b = "RATE = 1\ndef a(): return RATE\n", "def b(): return 2\n"
    assert of(a, b, "a") == of(a, b.replace("2", "3"), "a") == of(b, a, "a")
    assert of(a, b, "a") != of(a.replace("1", "2"), b, "a")
    assert of(a, b, "b") != of(a, b.replace("2", "3"), "b")
    assert of(a, b) != of(a, b.replace("2", "3"))
    assert of(a, b, "a") != of(a, b, "b")
