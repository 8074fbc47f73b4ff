"""The comments beside settings: of a YAML file by key, and of a model's fields.

A setting's meaning is written once, where its reader edits it: beside the key in conf/base.yaml, or beside the field of
the model if base.yaml does not show the key.
"""

from __future__ import annotations

import ast
import inspect
import io
import textwrap
import tokenize
from collections.abc import Iterator

import yaml

Path = tuple[str, ...]


def yaml_comments(text: str) -> dict[Path, str]:
    """The comment of each key: the lines straight above it, and what is behind it (continued below, in that column)."""
    lines = text.splitlines()
    ends = _ends_of_code(text)
    found: dict[Path, str] = {}
    continued: set[int] = set()  # lines of comments that began behind a key above
    with_key: set[int] = set()
    for path, line, column in _keys(yaml.compose(text), ()):
        if line in with_key:  # a further key of a flow mapping: the comment is the first one's
            continue
        with_key.add(line)
        words: list[str] = []
        row = line - 1
        while row >= 0 and row not in continued and lines[row].startswith(f"{' ' * column}#"):
            words.insert(0, _words(lines[row]))
            row -= 1
        place = lines[line].find("#", ends[line])
        if place >= 0:
            words.append(_words(lines[line][place:]))
            row = line + 1
            while row < len(lines) and lines[row].startswith(f"{' ' * place}#"):
                words.append(_words(lines[row]))
                continued.add(row)
                row += 1
        if words:
            found[path] = " ".join(words)
    return found


def field_comments(model: type) -> dict[str, str]:
    """The comment behind each field of a class, its base classes' too."""
    found: dict[str, str] = {}
    for kind in reversed(model.__mro__):
        if not kind.__module__.startswith("castro_spark."):
            continue
        source = textwrap.dedent(inspect.getsource(kind))
        behind = {
            token.start[0]: _words(token.string)
            for token in tokenize.generate_tokens(io.StringIO(source).readline)
            if token.type == tokenize.COMMENT and "noqa" not in token.string
        }
        body = ast.parse(source).body[0]
        assert isinstance(body, ast.ClassDef)
        for node in body.body:
            if isinstance(node, ast.AnnAssign | ast.Assign):
                target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
                if isinstance(target, ast.Name) and (words := behind.get(node.end_lineno or 0)):
                    found[target.id] = words
    return found


def _keys(node: yaml.Node | None, path: Path) -> Iterator[tuple[Path, int, int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            below = (*path, key.value)
            yield below, key.start_mark.line, key.start_mark.column
            yield from _keys(value, below)


def _ends_of_code(text: str) -> dict[int, int]:
    """The column at which each line's own text ends, before a comment."""
    ends: dict[int, int] = {}
    for token in yaml.scan(text):
        if token.end_mark.index > token.start_mark.index:
            ends[token.end_mark.line] = max(ends.get(token.end_mark.line, 0), token.end_mark.column)
    return ends


def _words(comment: str) -> str:
    return comment.strip().removeprefix("#").strip()
