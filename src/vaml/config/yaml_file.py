"""A strict reader of the config's files: YAML's silent traps are errors, with their line.

PyYAML takes the last of two equal keys, reads `no` as false and `010` as 8, and Snakemake runs the
Python of a file that asks for it (`__use_yte__`). Snakemake reads the same files by PyYAML, so this
reader checks PyYAML's nodes. ruamel.yaml does find equal keys, but takes `no` for text and `010`
for 10, so that it would not notice what Snakemake makes of them.
"""

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from vaml.config.schema import ConfigError

_MAX_BYTES = 1_000_000
# An alias repeats all its values, so that a few lines can stand for billions.
_MAX_VALUES = 100_000
_CORE = "tag:yaml.org,2002:"
_KINDS = ("bool", "float", "int", "map", "merge", "null", "seq", "str")
_PLAIN_NUMBER = re.compile(r"[-+]?(0|[1-9][0-9_]{0,19})|[^:]{0,40}[.eE][^:]{0,40}")


def read(path: Path) -> dict[str, Any]:
    """The mapping in one file.

    ConfigError: one line with the file, the line and, where there is one, the key. OSError: the
    file cannot be read.
    """
    text = _text(path)
    try:
        loader = yaml.SafeLoader(text)
        try:
            root = loader.get_single_node()
            if not isinstance(root, yaml.MappingNode):
                raise ConfigError(f"{path}: has no keys at its top; allowed: a map of sections")
            for count, (node, key, mistake) in enumerate(_entries(root, "")):
                if mistake:
                    line = node.start_mark.line + 1
                    raise ConfigError(f"{path}, line {line}: {key}: {mistake}")
                if count == _MAX_VALUES:
                    raise ConfigError(f"{path}: more than {_MAX_VALUES} values; allowed: fewer")
            return loader.construct_document(root)
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = " ".join(str(error.problem).split())
        raise ConfigError(f"{path}{where}: not YAML: {problem}") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError(
            f"{path}, line {line}: not YAML: it has the control character {error.character:#x}"
        ) from None
    except RecursionError:
        raise ConfigError(f"{path}: nested too deeply; allowed: a map of sections") from None


def merged(paths: Sequence[Path]) -> dict[str, Any]:
    """Merge the files as Snakemake does: later maps are merged, all other values replace.

    The overlays are merged with each other before they meet the config, which is the first file.
    """
    config, *overlays = map(read, paths)
    return _merge(config, functools.reduce(_merge, overlays, {}))


def _merge(base: object, override: Mapping[Any, Any]) -> dict[Any, Any]:
    result = dict(base) if isinstance(base, Mapping) else {}
    for key, value in override.items():
        result[key] = _merge(result.get(key), value) if isinstance(value, Mapping) else value
    return result


def _text(path: Path) -> str:
    block = path.read_bytes()
    if len(block) > _MAX_BYTES:
        raise ConfigError(f"{path}: has {len(block)} bytes; allowed: at most {_MAX_BYTES}")
    try:
        return block.decode()
    except UnicodeDecodeError as error:
        line = block.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}, line {line}: not YAML: not UTF-8 text") from None


def _entries(node: yaml.Node, key: str) -> Iterator[tuple[yaml.Node, str, str | None]]:
    """Every key and value, with aliases followed: its node, its dotted key and its mistake."""
    if isinstance(node, yaml.MappingNode):
        lines: dict[str, int] = {}
        for name, value in node.value:
            inner = f"{key}.{_word(name)}" if key else _word(name)
            yield name, inner, _mistaken_key(name, lines)
            yield from _entries(value, inner)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _entries(value, f"{key}.{index}")
    yield node, key, _mistaken_value(node)


def _mistaken_key(node: yaml.Node, lines: dict[str, int]) -> str | None:
    """lines: where each key of the same map stands, so far."""
    if not isinstance(node, yaml.ScalarNode):
        return "a key is a list or a map; allowed: a name"
    if node.value == "__use_yte__":
        return "makes Snakemake run code from this file; allowed: plain YAML"
    kind = node.tag.removeprefix(_CORE)
    if kind not in ("str", "merge"):
        return f"YAML takes this key for {kind}; allowed: a name (quotes make it one)"
    if node.value in lines:
        return f"stands twice, in line {lines[node.value]} too; allowed: once"
    lines[node.value] = node.start_mark.line + 1
    return None


def _mistaken_value(node: yaml.Node) -> str | None:
    kind = node.tag.removeprefix(_CORE)
    if kind not in _KINDS:
        return f"got a value of YAML's type {kind}; allowed: numbers, text, true, false"
    if not isinstance(node, yaml.ScalarNode):
        return None
    if kind == "bool" and node.value.lower() not in ("true", "false"):
        meant = yaml.SafeLoader.bool_values[node.value.lower()]
        return f"got {node.value}, which YAML takes for {str(meant).lower()}; allowed: true, false"
    if kind in ("int", "float") and not _PLAIN_NUMBER.fullmatch(node.value):
        return f"got {node.value[:40]}; allowed: plain digits (YAML takes 010 for 8)"
    return None


def _word(node: yaml.Node) -> str:
    text = node.value if isinstance(node, yaml.ScalarNode) else "..."
    return text if re.fullmatch(r"[\w.-]+", text) else repr(text[:40])
