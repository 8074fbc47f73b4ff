"""Status: commands that wait or are being executed, and those of the last day that failed or that nobody served."""

from __future__ import annotations

from collections.abc import Iterator

from castro_spark.observe.status.block import Asked, Block, Part, error_lines
from castro_spark.sinks.postgres.operations import commands

_HOURS = 24.0
_STATES = ("waiting", "taken", "failed", "expired")


def _answer(asked: Asked, _: Part) -> Part:
    commands.expire(asked.connection)
    rows = commands.listed(asked.connection, _HOURS)
    return {state: [row for row in rows if row["state"] == state] for state in _STATES}


def _lines(part: Part) -> Iterator[str]:
    if "error" in part:
        yield "commands:"
        yield from error_lines(part["error"], "  ")
        return
    for rows in part.values():
        yield from map(command_line, rows)


def command_line(row: Part) -> str:
    """One line about a command."""
    arguments = ", ".join(f"{name} {value}" for name, value in row["arguments"].items())
    what = " ".join(filter(None, (row["action"], row["stream"], arguments)))
    line = f"command {row['id']}: {what}: {row['state']}, requested by {row['requested_by']}"
    line += f" at {row['requested_at']:%Y-%m-%d %H:%M:%S} UTC"
    if row["state"] == "waiting":
        line += f", until {row['expires_at']:%Y-%m-%d %H:%M:%S} UTC: running streams serve it, or `commands run`"
    return line + (f": {row['result'].partition(chr(10))[0]}" if row["result"] else "")


COMMANDS = Block("commands", _answer, _lines)
