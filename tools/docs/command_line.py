"""docs/reference/command-line.md: every job with its commands, arguments and options."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from functools import cache

import click

from castro_spark.resources import resource
from tools.docs import markdown

DOOR = "./spark-submit.sh"
_INTRODUCTION = f"""\
`{DOOR} JOB [options]` starts every job; `JOB --help` tells its options. Where only the wheel is installed,
`castro-spark JOB` does. [Use it](../use.md) has the commands by purpose.

**Exit status**: 0 done; 1 failed; 2 wrong usage or settings. Messages are on stderr, results on stdout;
`--json` where a program may read them.

**Settings**: jobs with `--env` and `--conf-file` read conf/base.yaml and over it conf/ENV.yaml (`--env`, by
default `local`) or the file that `--conf-file` names ([settings](settings.md)). These two options are not
repeated below."""
_SETTINGS = {"env", "conf_file"}
_MOST_CHOICES = 6  # more are in the option's help


def page() -> str:
    """The page."""
    parts = [_INTRODUCTION]
    for name, command in jobs().items():
        parts.append(f"## {name}")
        parts.extend(_described(command, name))
    parts += ["## prepare", f"`{DOOR} prepare` only prepares what is missing on this machine. No options."]
    return markdown.page("Command line", *parts)


@cache
def jobs() -> dict[str, click.Command]:
    """Every job's command, by the name that users type."""
    names = sorted(file.stem for file in resource("jobs").glob("[a-z]*.py"))
    return {name.replace("_", "-"): importlib.import_module(f"jobs.{name}").main for name in names}


def _described(command: click.Command, name: str) -> Iterator[str]:
    yield _text(command)
    if isinstance(command, click.Group):
        for below, inner in command.commands.items():
            yield f"### {name} {below}"
            yield from _described(inner, f"{name} {below}")
        return
    parameters = [p for p in command.params if p.name not in _SETTINGS]
    words = [p.make_metavar(click.Context(command)) for p in parameters if isinstance(p, click.Argument)]
    options = [p for p in parameters if isinstance(p, click.Option)]
    needed = [f"{o.opts[0]} {_value(o)}" for o in options if o.required]
    takes_settings = len(parameters) < len(command.params)
    others = len(options) > len(needed) or takes_settings
    usage = " ".join([DOOR, name, *words, *needed, *(["[options]"] if others else [])])
    yield f"```text\n{usage}\n```"
    if options:
        yield markdown.table(["option", "default", "meaning"], (_row(option) for option in options))
    if not takes_settings:
        yield "It reads no settings."


def _text(command: click.Command) -> str:
    """The help, and what the function's docstring adds to it."""
    paragraphs = [inspect.cleandoc(command.help or "")]
    detail = inspect.cleandoc((command.callback and command.callback.__doc__) or "")
    if detail not in paragraphs and not isinstance(command, click.Group):
        paragraphs.append(detail)
    return "\n\n".join(paragraphs)


def _row(option: click.Option) -> tuple[str, str, str]:
    names = ", ".join(markdown.code(name) for name in [*option.opts, *option.secondary_opts])
    value = _value(option)
    words, _, said = (option.help or "").partition("[default: ")
    return f"{names} {value}".strip(), _default(option) or said.rstrip("]"), words


def _value(option: click.Option) -> str:
    if option.is_flag:
        return ""
    if isinstance(option.type, click.Choice):
        return "|".join(map(str, option.type.choices)) if len(option.type.choices) <= _MOST_CHOICES else "NAME"
    kind = option.type.name.removesuffix(" range")
    return option.metavar or {"integer": "N", "float": "N", "datetime": "YYYY-MM-DD"}.get(kind, kind.upper())


def _default(option: click.Option) -> str:
    if option.required:
        return "needed"
    if isinstance(option.show_default, str):
        return option.show_default
    if option.show_default and option.default is not None:
        return markdown.code(option.default)
    return ""
