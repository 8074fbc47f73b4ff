"""Every command of the documentation is one that its program takes, and is run by a test or named here with the reason."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

import click
import pytest

from tests.docs.commands import Command, commands, trouble
from tests.docs.markdown_files import pages
from tests.system import ROOT
from tools.docs.command_line import jobs

# What no test runs: the command, or one of its options, and why.
_LOCAL = "Stack.up, .env, .status and .down do the work, and every test's servers are made by them (tests/conftest.py)"
NOT_RUN = {
    "local up": _LOCAL,
    "local up --warehouse": "castro_spark.local.warehouse makes the tests' warehouse too (tests/databases/warehouse.py)",
    "local env": _LOCAL,
    "local status": _LOCAL,
    "local down": _LOCAL,
    "dashboard --port": "tests set page.port, which it overrides (test_page_settings.py)",
    "demo --open-page": "lasts until Ctrl-C: the demo is run without, and the page that it serves by test_local_page.py",
    "backfill --restart": "test_history.py gives it to the function that does it",
    "commands request --reason": "test_actions.py gives it to the action that is requested",
    "retraining status --limit": "only bounds what is listed",
}


def test_every_command_is_possible() -> None:
    assert [why for page in pages() for command in commands(page) if (why := trouble(command))] == []


@pytest.mark.parametrize(
    "wrong",
    ["strem", "stream --streams sales", "stream --stream wine", "extract --mode all", "quarantine repeat", "quarantine list x",
     "backfill --stream sales --from 2026-01-31", "reconcile --date 31.01.2026", "outbox retry one", "status --limit N"],
)  # fmt: skip
def test_what_is_impossible_is_found(tmp_path: Path, wrong: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# Page\n\n    ./spark-submit.sh {wrong}   # a comment\n", "utf-8")
    assert [trouble(command) is not None for command in commands(page)] == [True]


def test_what_is_possible_is_not_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        '# Page\n\nSay `./spark-submit.sh quarantine replay`, or `outbox retry|discard`.\n\n```bash\neval "$(./spark-submit.sh local'
        ' env)" && ./spark-submit.sh status [--json] | head\n./spark-submit.sh quarantine discard --id N \\\n    --note "a # b"; :\n'
        "/opt/castro_spark/spark-submit.sh reconcile --date $DAY\n```\n",
        "utf-8",
    )
    found = list(commands(page))
    assert [trouble(command) for command in found] == [None] * 7
    assert [" ".join(command.words) for command in found] == [
        "quarantine replay", "outbox retry", "outbox discard", "local env", "status --json", "quarantine discard --id N --note a # b",
        "reconcile --date $DAY",
    ]  # fmt: skip


def test_every_command_is_run_or_named_as_not_run() -> None:
    by_tests = _run_by_tests()
    shown = {part for page in pages() for command in commands(page) for part in _parts(command)}
    assert sorted(shown - by_tests - _run_from_pages() - NOT_RUN.keys()) == []
    assert sorted(NOT_RUN.keys() - (shown - by_tests)) == [], "a test runs it, or no page shows it"


def _parts(command: Command) -> Iterator[str]:
    """The command, and the command with each of its options: `quarantine list`, `quarantine list --reason`."""
    if command.program not in {"", "spark-submit.sh"} or not command.words or command.words[0] not in jobs():
        return
    job = jobs()[command.words[0]]
    depth = 2 if isinstance(job, click.Group) else 1
    name = " ".join(command.words[:depth])
    if isinstance(job, click.Group) and (len(command.words) < depth or command.words[1] not in job.commands):
        return
    yield name
    for word in command.words[depth:]:
        if word.startswith("--") and word not in {"--help", "--env", "--conf-file"}:
            yield f"{name} {word.partition('=')[0]}"


def _run_by_tests() -> set[str]:
    """The commands that tests call, and these with the options that occur in the same file."""
    found = set()
    for file in (ROOT / "tests").rglob("*.py"):
        if file.parent == Path(__file__).parent:
            continue
        called, options = _called(file)
        found |= called | {f"{command} {option}" for command in called for option in options}
    return found


def _run_from_pages() -> set[str]:
    """The commands in the blocks of the pages that are followed."""
    found = set()
    for page in pages():
        skipped = " ".join(re.findall(r"<!-- not run:.*?-->\s*```\w+\n(.*?)```", page.read_text("utf-8"), re.DOTALL))
        run = [c for c in commands(page) if c.is_followed and " ".join(c.words) not in skipped]
        found |= {part for command in run for part in _parts(command)}
    return found


def _called(file: Path) -> tuple[set[str], set[str]]:
    """The commands (`status`, `quarantine list`) that a test's calls, lists and imports name, and its options."""
    called, options = set(), set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        texts: list[object] = []
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if node.value.startswith("--"):
                options.add(node.value.partition("=")[0])
            if node.value.endswith(".py"):
                texts = [node.value.removesuffix(".py")]
        elif isinstance(node, ast.ImportFrom) and node.module == "jobs":
            texts = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("castro_spark.jobs."):
            texts = [str(node.module).rpartition(".")[2]]
        elif isinstance(node, ast.Call | ast.List | ast.Tuple):
            parts = node.args if isinstance(node, ast.Call) else node.elts
            texts = [part.value if isinstance(part, ast.Constant) else None for part in parts]
        for text, following in zip_longest(texts, texts[1:]):
            job = jobs().get(text) if isinstance(text, str) else None
            if isinstance(job, click.Group):
                called |= {f"{text} {following}"} if following in job.commands else set()
            elif job is not None:
                called.add(str(text))
    return called, options
