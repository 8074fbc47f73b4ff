"""Runs a page of docs/tutorials or docs/how-to from its own text, in its order, as a reader would.

    ```bash                  is run by bash in the reader's folder; what it exports lasts for the blocks after it
    ```text                  directly after such a block: what that printed, among other lines. Its lines come in this order,
                             `...` stands for anything, and blanks are blanks however many
    ```LANGUAGE title="X"    is written to the file X in the reader's folder
    <!-- fails: 1 -->        the next block ends with this exit status
    <!-- not run: WHY -->    the next block is only read
    <!-- given: WORDS -->    what has happened before the reader does the next step: a function of the test, by that name
    <!-- then: WORDS -->     what must be true now: likewise

Readers do not see the comments. Every other block with a language that is run or written must be one of these.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

_COMMENT = re.compile(r"<!-- (given|then|fails|not run): (.+?) -->", re.DOTALL)
_TITLE = re.compile(r'(?P<language>\w+) title="(?P<path>[^"]+)"')
_SECONDS = 600


@dataclass(frozen=True)
class Step:
    """Something that the page tells its reader to do, or that a comment tells the test; `line` is its place."""

    kind: str  # bash, text, file, or a comment's first word
    text: str
    line: int
    path: str = ""  # of a file


@dataclass
class Reader:
    """The one who does what a page says: in `folder`, with the variables `env`, which change as the page exports some.

    `serve`: called again and again while a command runs, by the thread that waits for it.
    """

    folder: Path
    env: dict[str, str]
    serve: Callable[[], None] = lambda: time.sleep(0.05)

    def run(self, script: str) -> tuple[int, str]:
        """Runs commands as one block; returns the exit status and what was printed. The first failure ends it."""
        with tempfile.TemporaryDirectory() as name:
            exported, printed = Path(name, "exported"), Path(name, "printed")
            whole = f"trap 'env -0 >{exported}' EXIT\n{script}"
            with printed.open("wb") as output:
                bash = subprocess.Popen(
                    ["bash", "-eo", "pipefail", "-c", whole], cwd=self.folder, env=self.env, stdin=subprocess.DEVNULL,
                    stdout=output, stderr=subprocess.STDOUT,
                )  # fmt: skip
                deadline = time.monotonic() + _SECONDS
                while bash.poll() is None:
                    if time.monotonic() > deadline:
                        bash.kill()
                        raise AssertionError(f"no end after {_SECONDS} s: {script}\n{printed.read_text()}")
                    self.serve()
            if exported.exists():
                pairs = (pair.partition("=") for pair in exported.read_text().split("\0") if pair)
                self.env = {key: value for key, _, value in pairs}
            return bash.returncode, printed.read_text()


def steps(page: Path) -> Iterator[Step]:
    """The page's steps in their order. Raises ValueError for a block that would neither be run nor compared."""
    for token in MarkdownIt("commonmark").parse(page.read_text("utf-8")):
        line = (token.map or [0])[0] + 1
        if token.type == "html_block":
            for comment in _COMMENT.finditer(token.content):
                yield Step(comment[1], " ".join(comment[2].split()), line)
        elif token.type == "fence":
            titled = _TITLE.fullmatch(token.info.strip())
            if titled:
                yield Step("file", token.content, line, titled["path"])
            elif token.info.strip() in ("bash", "text"):
                yield Step(token.info.strip(), token.content, line)
            else:
                raise ValueError(f"{page}:{line}: a block of {token.info!r}: is it run (bash), printed (text) or a file?")


def follow(page: Path, reader: Reader, functions: Mapping[str, Callable[[], None]]) -> None:
    """Does what the page says; AssertionError names the line at which the page is wrong."""
    expected_status, skipped, printed = 0, False, ""
    for step in steps(page):
        where = f"{page.name}:{step.line}"
        if step.kind in ("given", "then"):
            name = re.sub(r"\W+", "_", step.text)
            assert name in functions, f"{where}: no function {name}; there are {sorted(functions)}"
            functions[name]()
        elif step.kind == "fails":
            expected_status = int(step.text)
        elif step.kind == "not run":
            skipped = True
        elif skipped:
            skipped = step.kind == "text"  # one block
        elif step.kind == "file":
            path = reader.folder / step.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(step.text, "utf-8")
        elif step.kind == "text":
            assert agrees(printed, step.text), f"{where}: not what was printed:\n{step.text}\nThat was:\n{printed}"
        else:
            status, printed = reader.run(step.text)
            assert status == expected_status, f"{where}: status {status}:\n{step.text}\n{printed}"
            expected_status = 0
    assert expected_status == 0
    assert not skipped


def agrees(printed: str, expected: str) -> bool:
    """Whether the expected lines are among the printed ones, in this order.

    >>> agrees("a  1\\nlog\\nb 22 c\\n", "a 1\\nb ... c")
    True
    >>> agrees("b\\na\\n", "a\\nb")
    False
    """
    lines = [r"\s+".join(map(_pattern, line.split())) for line in expected.splitlines() if line.strip()]
    return re.search(r".*?".join(lines), printed, re.DOTALL) is not None


def _pattern(word: str) -> str:
    return r".*?".join(map(re.escape, word.split("...")))


def plain_environment(*without: str) -> dict[str, str]:
    """This process's environment, without castro's variables and those named."""
    return {k: v for k, v in os.environ.items() if not k.startswith("CASTRO_") and k not in without}
