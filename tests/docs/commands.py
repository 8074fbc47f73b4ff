"""The commands that pages show: found in their code, and checked against the programs' own parsers without being run."""

from __future__ import annotations

import itertools
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click

from tests.docs.markdown_files import Code, code
from tests.system import ROOT
from tools.docs.command_line import jobs

_PROGRAMS = r"(?:\S*/)?(?:spark-submit|test|run|build|refresh|rebuild)\.sh"
_CALL = re.compile(rf"(?<![\w/.-])({_PROGRAMS})(?=$|[\s)`])([^\n]*)", re.MULTILINE)
_WORD = re.compile(r"""(?:"[^"]*"|'[^']*'|\\.|[^\s"'\\])+""")
_ENDS = re.compile(r"#.*|[;&|]+|\d?[<>].*|\(.*")  # a comment, the next command, a redirection, an aside
FOLLOWED = ("docs/tutorials/", "docs/how-to/")
_PLACEHOLDER = re.compile(r"[A-Z][A-Z_]*|YYYY-MM-DD|\$.*|.*\.\.\.|\{.*\}|<.*>")


@dataclass(frozen=True)
class Command:
    """One command as a page shows it, with what is optional in brackets taken in."""

    page: str
    line: int
    program: str  # relative to the repository; "" for a job that is named without the program
    words: tuple[str, ...]
    is_block: bool

    @property
    def is_followed(self) -> bool:
        """Whether a test runs it, as a block of a page that is followed from its own text."""
        return self.is_block and self.page.startswith(FOLLOWED) and not self.page.endswith("/index.md")

    def __str__(self) -> str:
        return f"{self.page}:{self.line}: {self.program} {' '.join(self.words)}".strip()


def commands(page: Path) -> Iterator[Command]:
    """Every command of a page. A word such as a|b stands for a command with each."""
    name = str(page.relative_to(ROOT)) if page.is_relative_to(ROOT) else str(page)
    for found in code(page):
        for program, words in _calls(found):
            for one in itertools.product(*(_alternatives(word) for word in words)):
                yield Command(name, found.line, program, one, found.is_block)


def _calls(found: Code) -> Iterator[tuple[str, list[str]]]:
    text = found.text.replace("\\\n", " ")
    at = 0
    while call := _CALL.search(text, at):
        at = call.end(1)  # a line may have several
        yield _program(call[1]), _words(call[2])
    if not found.is_block and re.match(r"[a-z]+ ", text):  # `quarantine list`, as within a sentence
        job, first = [*text.split(maxsplit=2), ""][:2]
        command = jobs().get(job)
        is_inner = isinstance(command, click.Group) and first.split("|")[0] in command.commands
        if command is not None and (is_inner or first.startswith(("--", "[--"))):
            yield "", [job, *_words(text.partition(" ")[2])]


def _program(name: str) -> str:
    """A program by its place in the repository, wherever a page has it installed."""
    name = name.removeprefix("./")
    return "spark-submit.sh" if name.endswith("spark-submit.sh") else name


def _words(rest: str) -> list[str]:
    """The arguments up to the command's end. What is optional, as in [--json], is taken; [options] is no argument."""
    rest = re.sub(r"\[(options|OPTIONS)\]", " ", rest)
    rest = re.sub(r"\[([A-Z]+|--[^\]]*)\](\.\.\.)?", r" \1 ", rest)
    words = []
    for found in _WORD.finditer(rest):
        word = found[0]
        if _ENDS.fullmatch(word):
            break
        bare = word.rstrip(";)") if "(" not in word else word
        if bare and bare != "...":
            words.append("".join(shlex.split(bare)))
        if bare != word:
            break
    return words


def _alternatives(word: str) -> list[str]:
    return word.split("|") if re.fullmatch(r"[\w-]+(\|[\w-]+)+", word) else [word]


def trouble(command: Command) -> str | None:
    """Why a command is not possible; None if it is."""
    if command.program in {"spark-submit.sh", ""}:
        why = _of_job(command)
    elif not (ROOT / command.program).exists():
        why = "there is no such program"
    elif command.program == "benchmarks/run.sh":
        why = _of_benchmark(command.words)
    elif command.program == "test.sh":
        wrong = [w for w in command.words[:1] if w not in {"all", "quick"} and not (ROOT / w).exists()]
        why = "neither a part of the tests nor a file" if wrong else None
    else:
        why = None
    return f"{command}: {why}" if why else None


def _of_benchmark(words: tuple[str, ...]) -> str | None:
    name = words[0] if words and not words[0].startswith("-") else "run"
    folder = ROOT / "benchmarks"
    scripts = [folder / f"{name}.py", *sorted((folder / name).glob("*.py"))]
    text = "\n".join(script.read_text("utf-8") for script in scripts if script.exists())
    if not text:
        return "there is no such benchmark"
    options = {word.partition("=")[0] for word in words if word.startswith("--")}
    wrong = [o for o in sorted(options) if not re.search(rf'"(--)?{o.removeprefix("--")}"', text)]
    return f"no option {', '.join(wrong)}" if wrong else None


def _of_job(command: Command) -> str | None:
    if not command.words or command.words[0] in {"JOB", "prepare"}:
        return None
    name, *arguments = command.words
    found = jobs().get(name)
    if isinstance(found, click.Group) and arguments and not _PLACEHOLDER.fullmatch(arguments[0]):
        name, found, arguments = f"{name} {arguments[0]}", found.commands.get(arguments[0]), arguments[1:]
    if found is None:
        return f"there is no job {name}"
    if isinstance(found, click.Group) or "--help" in arguments:
        return None
    try:
        found.make_context(name, list(_with_values(found, arguments)))
    except (click.MissingParameter, click.BadOptionUsage) as error:  # a sentence may name a part of a command
        return error.format_message() if command.is_block else None
    except click.ClickException as error:  # a page that is followed may have made what a value names
        return None if command.is_followed else error.format_message()
    return None


def _with_values(command: click.Command, arguments: list[str]) -> Iterator[str]:
    """The arguments with a value that fits where the page has a placeholder, such as N or NAME."""
    options = {name: p for p in command.params if isinstance(p, click.Option) for name in p.opts}
    positional = iter([p for p in command.params if isinstance(p, click.Argument)])
    last: click.Argument | None = None
    of: click.Option | None = None
    for word in arguments:
        if of is None and word.startswith("-"):
            option, _, value = word.partition("=")
            of = options.get(option)
            if value:
                yield f"{option}={_value(of, value) if of else value}"
                of = None
            else:
                yield word
                of = None if of is None or of.is_flag else of
            continue
        if of is None and (last is None or last.nargs == 1):
            last = next(positional, last)
        yield _value(of or last, word)
        of = None


def _value(parameter: click.Parameter | None, word: str) -> str:
    if parameter is None:
        return word
    if isinstance(parameter.type, click.File) or (isinstance(parameter.type, click.Path) and parameter.type.exists):
        return str(ROOT / "README.md")
    if not _PLACEHOLDER.fullmatch(word):
        return word
    if isinstance(parameter.type, click.Choice):
        return str(parameter.type.choices[0])
    if isinstance(parameter.type, click.DateTime):
        return "2026-01-31"
    return "1" if parameter.type.name.startswith(("integer", "float")) else word
