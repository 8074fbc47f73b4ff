"""docs/reference/errors.md: every error with what to do, as the code that raises it says."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from castro_spark import errors
from castro_spark.local.process import LocalServiceError
from castro_spark.parse.reasons import Reason, Skip
from castro_spark.streaming import verdict
from tools.docs import comments, markdown

_INTRODUCTION = """\
A job that fails prints `error: ` with what is wrong and where, then `what to do: `. Its exit status is 1, or 2
for a wrong usage or setting. `status` and the page show the error that ended a stream;
[how-to](../how-to/index.md) has the steps for those that need several. Words in braces are filled in."""
_STREAMS = """\
`status` names the reason why a stream ended or restarts. [Supervision](../design/supervision.md) explains the
classes; with *a few times* a stream restarts at most five times without a commit."""
_RECORDS = """\
A record that cannot be used goes to quarantine with its bytes and one of these codes, and stops nothing;
[data](../data.md#reason-codes) says when each is given. `./spark-submit.sh quarantine list` shows the records.
Then:

- the rule was wrong (a setting of `parse`, or of `streams.NAME`): mend it, then
  `./spark-submit.sh quarantine replay --reason CODE`;
- the record was wrong: `./spark-submit.sh quarantine replay --id N --value-file mended.json`;
- it is of no use: `./spark-submit.sh quarantine discard --id N --note "why"`."""
_MISSING = "-"
Known = Mapping[str, ast.expr]


@dataclass(frozen=True)
class Message:
    """One place that raises an error: its problem and its remedy, with {names} for what is filled in."""

    error: str
    problem: str
    remedy: str


def page(root: Path) -> str:
    """The page; `root`: the repository."""
    found = list(messages(root / "castro_spark"))
    parts = [_INTRODUCTION]
    for kind in kinds():
        rows = sorted({(m.problem, m.remedy) for m in found if m.error == kind.__name__})
        parts += [f"## {kind.__name__}", f"{inspect.getdoc(kind)} Exit status {kind.exit_status}."]
        if rows:
            parts.append(markdown.table(["message", "what to do"], rows))
    parts += ["## Why a stream ends or restarts", _STREAMS, _verdicts()]
    parts += ["## Rejected records", _RECORDS, _codes(Reason, "code")]
    skipped = "Records that are not for the stream are only counted, by kind; `status` shows them."
    parts += ["## Skipped records", skipped, _codes(Skip, "kind")]
    return markdown.page("Errors", *parts)


def kinds() -> list[type[errors.CastroError]]:
    """Every class of errors that has messages or classes below it, in the order of their file."""
    own = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.CastroError)]
    return [*own[1:], LocalServiceError]


def messages(folder: Path) -> Iterator[Message]:
    """Each place in the code that makes an error with its words written there, or in a name assigned once."""
    names = {kind.__name__ for kind in kinds()}
    for file in sorted(folder.rglob("*.py")):
        text = file.read_text("utf-8")
        if not any(f"{name}(" in text for name in names):
            continue
        module = ast.parse(text)
        outside = _assigned(module.body)
        for function in [n for n in ast.walk(module) if isinstance(n, ast.FunctionDef)]:
            known = {**outside, **_assigned(ast.walk(function))}
            for call in ast.walk(function):
                if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.args):
                    continue
                problem, remedy = (_words(text, known) for text in [*call.args[:2], ast.Constant("")][:2])
                if call.func.id in names and _says(problem):
                    yield Message(call.func.id, problem, remedy if _says(remedy) else _MISSING)


def _says(text: str) -> bool:
    """Whether a text has words beside what is filled in."""
    return re.search(r"[a-z]{2}", re.sub(r"\{[^}]*\}", "", text)) is not None


def _assigned(nodes: Iterable[ast.AST]) -> Known:
    """The values of names that are bound once, and by an assignment."""
    found: dict[str, list[ast.expr | None]] = {}
    for node in nodes:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found.setdefault(node.targets[0].id, []).append(node.value)
        elif isinstance(node, ast.For | ast.comprehension):
            for name in [n.id for n in ast.walk(node.target) if isinstance(n, ast.Name)]:
                found.setdefault(name, []).append(None)
        elif isinstance(node, ast.arg):
            found.setdefault(node.arg, []).append(None)
    return {name: value for name, values in found.items() if len(values) == 1 and (value := values[0]) is not None}


def _words(node: ast.expr, known: Known) -> str:
    """A text with what is filled in by name."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_words(part, known) for part in node.values)
    if isinstance(node, ast.BinOp):
        return _words(node.left, known) + _words(node.right, known)
    if isinstance(node, ast.FormattedValue):
        return _words(node.value, known)
    if isinstance(node, ast.Name) and isinstance(known.get(node.id), ast.Constant | ast.JoinedStr):
        return _words(known[node.id], {})
    return f"{{{_name(node)}}}"


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id.strip("_").lower()
    if isinstance(node, ast.Attribute):
        return node.attr.strip("_")
    if isinstance(node, ast.Call) and node.args:
        return _name(node.args[-1])
    if isinstance(node, ast.Subscript):
        return _name(node.value)
    return "..."


def _verdicts() -> str:
    rows = {"topic_missing": (_link("TopicMissing"), "ends at a process's first start, later restarts")}
    for kind, v in verdict.known():
        what = "restarts, a few times" if v.a_few_times else "restarts" if v.restart else "ends"
        rows.setdefault(v.reason, (_link(kind.__name__) if kind else "", what))
    return markdown.table(
        ["reason", "error", "the stream"],
        ([markdown.code(reason), error, what] for reason, (error, what) in sorted(rows.items())),
    )


def _link(name: str) -> str:
    return f"[{name}](#{name.lower()})" if name and hasattr(errors, name) else ""


def _codes(kind: type[Enum], head: str) -> str:
    words = comments.field_comments(kind)
    return markdown.table([head, "meaning"], ([markdown.code(code.value), words.get(code.name, "")] for code in kind))
