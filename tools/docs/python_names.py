"""docs/reference/python.md: the public names, with their signatures and docstrings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import castro_spark
from tools.docs import markdown

_INTRODUCTION = """\
`castro_spark.__all__`: what a notebook or another program may rely on; other modules change without notice.
Importing castro_spark starts nothing and loads neither Spark nor Arrow. [Features](../features.md) has an
introduction, and executed notebooks. The examples are true: the tests run them."""
_EXAMPLE = re.compile(r"^>>> .*\n?(?:^\S.*\n?|^ .*\n?)*", re.MULTILINE)
_LONGEST = 110


def page() -> str:
    """The page."""
    parts = [_INTRODUCTION]
    for name in castro_spark.__all__:
        thing = getattr(castro_spark, name)
        if inspect.ismodule(thing):
            parts += [f"## {name}", _prose(inspect.getdoc(thing) or "")]
            for inner, function in _functions(thing):
                parts += list(_described(f"{name}.{inner}", function, "###"))
        else:
            parts += list(_described(name, thing, "##"))
    return markdown.page("Python", *parts)


def _functions(module: Any) -> Iterator[tuple[str, Any]]:
    for name, thing in vars(module).items():
        if inspect.isfunction(thing) and thing.__module__ == module.__name__ and not name.startswith("_"):
            yield name, thing


def _described(name: str, thing: Any, heading: str) -> Iterator[str]:
    yield f"{heading} {name}"
    yield f"```python\n{_signature(name, thing)}\n```"
    yield _prose(inspect.getdoc(thing) or "")


def _signature(name: str, function: Any) -> str:
    """One parameter a line where it is long."""
    signature = inspect.signature(function)
    parameters, star = [], False
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not star:
            star = True
            parameters.append("*")
        default = "" if parameter.default is parameter.empty else f" = {parameter.default!r}"
        parameters.append(f"{parameter.name}: {parameter.annotation}{default}")
    short = f"{name}({', '.join(parameters)}) -> {signature.return_annotation}"
    if len(short) <= _LONGEST:
        return short
    lines = "".join(f"    {parameter},\n" for parameter in parameters)
    return f"{name}(\n{lines}) -> {signature.return_annotation}"


def _prose(text: str) -> str:
    """A docstring as Markdown: its examples in blocks of code."""
    text = re.sub(r"(?<!`)\bdocs/([a-z_/]+\.md)", r"[docs/\1](../\1)", text)
    parts, at = [], 0
    for example in _EXAMPLE.finditer(text):
        shown = example[0].replace("<BLANKLINE>\n", "").removesuffix("<BLANKLINE>").strip()
        parts += [text[at : example.start()].strip(), f"```python\n{shown}\n```"]
        at = example.end()
    return "\n\n".join(part for part in [*parts, text[at:].strip()] if part)
