from collections.abc import Callable
from pathlib import Path

import pytest

from vaml.runtime.digest import code_digest

Write = Callable[[dict[str, str]], Path]

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
    """The digest of a package that is one module with the given source."""
    counter = iter(range(1000))

    def of(source: str) -> str:
        root = tmp_path / str(next(counter))
        (root / "vaml").mkdir(parents=True)
        (root / "vaml" / "__init__.py").touch()
        (root / "vaml" / "step.py").write_text(source, encoding="utf-8")
        return code_digest("vaml.step", root=root)

    return of


def test_every_python_version_gives_this_digest(digest: Callable[[str], str]) -> None:
    """Found under 3.11, 3.12, 3.13 and 3.14: a newer Python must not run a study again."""
    expected = "26856f520413e64079b3aa77fbafade6e73dbd869cfb60e58413fda3e4197a27"
    assert digest(TRICKY) == expected


SOURCE = '''\
"""Module."""
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vaml.types import Batch

RATE = 0.001


class Loss:
    """Class."""

    weight: float = 2.0

    def __call__(self, batch: "Batch", scale: float = 1000.0) -> float:
        """Function."""
        total = self.weight * batch.error - (batch.bias + scale) / 3
        names = ["a", "it's", f"step {total:.2f}"]
        return max(total, math.log(len(names)), 0.0)


class Failure(Exception):
    """Only a docstring."""
'''


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"""Module."""', '"""Another text.\n\nOf several lines.\n"""'),
        ('"""Module."""\n', ""),
        ('    """Class."""\n', ""),
        ('        """Function."""\n', "        # why\n"),
        ('    """Only a docstring."""', "    pass"),
        ("weight: float = 2.0", 'weight: float = 2.0\n    """The weight, in metres."""'),
        ("RATE = 0.001", "# a comment\n\n\nRATE = 0.001  # another"),
        ("RATE = 0.001", "RATE = 1e-3"),
        ("RATE = 0.001", "RATE=0.001\n"),
        ("scale: float = 1000.0", "scale: float = 1_000.0"),
        ('["a", "it\'s"', "['a', 'it\\'s'"),
        ('["a",', '[\n            "a",'),
        (':.2f}"]', ':.2f}",\n        ]'),
        ("max(total, math.log(len(names)), 0.0)", "max(\n  total,\n math.log(len(names)), 0.0,\n)"),
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
    ],
)
def test_what_means_the_same_keeps_the_digest(
    digest: Callable[[str], str], old: str, new: str
) -> None:
    assert SOURCE.count(old) == 1
    assert digest(SOURCE.replace(old, new)) == digest(SOURCE)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("RATE = 0.001", "RATE = 0.002"),
        ("RATE = 0.001", "RATE = -0.001"),
        ("RATE = 0.001", "RATE = '0.001'"),
        ("RATE = 0.001", "RATE = (0.001,)"),
        ("RATE = 0.001", "RATES = 0.001"),
        ("scale: float = 1000.0", "scale: float = 1000"),
        ("scale: float = 1000.0", "scale: float | None = 1000.0"),
        ("scale: float = 1000.0", "*, scale: float = 1000.0"),
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
        ("        return", "        batch.done = True\n        return"),
        ("class Failure(Exception)", "class Failure(ValueError)"),
        ("class Failure", "@final\nclass Failure"),
        ("import math", "import cmath as math"),
        ("if TYPE_CHECKING:", "if not TYPE_CHECKING:"),
    ],
)
def test_what_means_something_else_changes_the_digest(
    digest: Callable[[str], str], old: str, new: str
) -> None:
    assert SOURCE.count(old) == 1
    source = SOURCE.replace("vaml.types", "types")
    assert digest(source.replace(old, new)) != digest(source)


def test_moving_a_line_into_or_out_of_a_block_changes_the_digest(
    digest: Callable[[str], str],
) -> None:
    inside = "for i in range(3):\n    a = i\n    b = i\n"
    assert digest(inside) != digest("for i in range(3):\n    a = i\nb = i\n")
    assert digest("if a:\n    b()\n") != digest("if a:\n    pass\nelse:\n    b()\n")
