"""A settings file as a tree of keys, before it is validated: read, merged, changed key by key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from castro_spark.errors import SettingsError
from castro_spark.resources import resource

_SAFE_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # where PyYAML has it: ten times as fast


class _Twice(yaml.YAMLError):
    """A key is in a mapping twice."""

    def __init__(self, key: str, line: int) -> None:
        super().__init__(f"line {line}: the key {key} is there twice")


class _Loader(_SAFE_LOADER):  # type: ignore[misc, valid-type]
    """Refuses what YAML's own loader drops in silence: all but the last value of a key."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if (key.tag, key.value) in seen:
                    raise _Twice(key.value, key.start_mark.line + 1)
                seen.add((key.tag, key.value))
        found: dict[Any, Any] = super().construct_mapping(node, deep)
        return found


def read_tree(path: Path) -> dict[str, Any]:
    """The keys of a YAML file. Raises SettingsError, which names the file and the place."""
    try:
        tree = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except FileNotFoundError:
        there = ", ".join(sorted(_environments()))
        remedy = f"correct the path; --env takes one of: {there}"
        raise SettingsError(f"there is no settings file {path}", remedy) from None
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}", "name a readable file of settings") from None
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise SettingsError(f"{path} is not UTF-8 text: line {line}", "save it as UTF-8") from None
    except _Twice as error:
        raise SettingsError(f"{path}: {error}, and only the last one would count", "make one of the two") from None
    except yaml.YAMLError as error:
        # The error's own text quotes the line, which may contain a secret.
        mark = getattr(error, "problem_mark", None)
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "characters that YAML does not allow"
        raise SettingsError(f"{path} is not YAML: {where}", "correct the file: quotes, colons, indentation?") from None
    if tree is None:
        return {}
    if not isinstance(tree, dict):
        raise SettingsError(f"{path} has no keys", "write `key: value` lines as in conf/base.yaml")
    return tree


def _environments() -> list[str]:
    files = [file.name for file in resource("conf").iterdir()]
    return [name.removesuffix(".yaml") for name in files if name.endswith(".yaml") and name != "base.yaml"]


def merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """`below`, with the keys of `above` in place of its own; sections are merged key by key."""
    result = dict(below)
    for key, value in above.items():
        old = result.get(key)
        result[key] = merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return result


def at(tree: Any, key: tuple[str, ...]) -> Any:
    """The value at a key; None if it, or a section above it, is missing."""
    for part in key:
        tree = tree.get(part) if isinstance(tree, dict) else None
    return tree


def put(tree: dict[str, Any], key: tuple[str, ...], value: object) -> None:
    """Sets the value at a key, and makes the sections above it. What is no section stays: validation refuses it."""
    for part in key[:-1]:
        tree = tree.setdefault(part, {})
        if not isinstance(tree, dict):
            return
    tree[key[-1]] = value
