"""The common part of the jobs' command lines: settings options, error messages, exit statuses, signals.

Exit status: 0 done; 1 failed; 2 wrong usage or settings. A reader that closes the pipe early (`| head`) affects neither
the work nor the exit status; output lost for another reason (disk full) changes exit status 0 to 1.
"""

from __future__ import annotations

import json
import logging
import math
import re
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Any, TypeVar

import click
import psycopg2

from castro_spark.errors import CastroError, UsageError, in_words, with_class
from castro_spark.errors.kerberos import kerberos_trouble
from castro_spark.jvm.spark_ended import ended_spark
from castro_spark.process import logs
from castro_spark.process.output import droppable_output, job_log
from castro_spark.settings import Settings, load_settings
from castro_spark.sinks.postgres.connection import connect, unreachable
from castro_spark.sinks.postgres.schema.migrate import check_schema
from castro_spark.streams import StreamDeclaration, all_streams

log = logging.getLogger(__name__)
Command = TypeVar("Command", bound=Callable[..., Any])
_DAY_SECONDS = 86_400
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": _DAY_SECONDS}  # seconds
NUMBER = click.IntRange(1, 2**63 - 1)  # a row's number, or how many rows: PostgreSQL's bigint
_DOOR = "./spark-submit.sh"


class Amount(click.FloatRange):
    """A number within bounds; NaN, which compares with nothing, is none."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number = float(super().convert(value, param, ctx))
        if math.isnan(number):
            self.fail(f"{value!r} is not a number", param, ctx)
        return number


def settings_options(command: Command) -> Command:
    """Adds the options --env and --conf-file to a command, as parameters `env` and `conf_file`."""
    env = click.option(
        "--env", default="local", show_default=True, help="Settings: conf/ENV.yaml over conf/base.yaml."
    )
    conf_file = click.option(
        "--conf-file", type=click.Path(path_type=Path), help="A settings file instead of conf/ENV.yaml."
    )
    return env(conf_file(command))


def in_seconds(text: str) -> float | None:
    """A duration such as 30s, 5m, 1.5h or 2d, as seconds; None if it is none."""
    found = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)([smhd])", text.strip())
    return None if found is None else float(found[1]) * _UNITS[found[2]]


def duration(least: float) -> Callable[[click.Context, click.Parameter, str | None], float | None]:
    """An option's callback: a duration such as 30s, 5m or 1h, from `least` seconds to a day, as seconds."""

    def seconds(_: click.Context, __: click.Parameter, value: str | None) -> float | None:
        if value is None:
            return None
        given = in_seconds(value)
        if given is None:
            raise click.BadParameter(f"{value!r} is no duration: write a number and its unit, such as 30s, 5m or 1h")
        if not least <= given <= _DAY_SECONDS:
            raise click.BadParameter(f"{value!r} is out of range: {least:g}s to 24h")
        return given

    return seconds


def words(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """The callback of an option that is kept for later readers: blanks are no answer."""
    if value is not None and not value.strip():
        raise click.BadParameter("is blank: say it in words")
    return value.strip() if value else value


def stream_option(command: Command) -> Command:
    """Adds the repeatable option --stream to a command, as parameter `names`."""
    choice = click.Choice(sorted(all_streams()))
    return click.option(
        "--stream", "names", multiple=True, type=choice, help="This stream only; may be repeated. [default: all]"
    )(command)


def chosen(names: tuple[str, ...]) -> list[StreamDeclaration]:
    """The declarations of the named streams; of all streams if none is named."""
    streams = all_streams()
    return [streams[name] for name in names or streams]


def load(env: str, conf_file: Path | None) -> Settings:
    """Loads the settings that the options name, and configures logging."""
    logs.log_as_text(logging.INFO)
    settings = load_settings(env, conf_file)
    logging.getLogger("castro_spark").setLevel(settings.logging.level.upper())
    if settings.logging.format == "json":
        context = click.get_current_context(silent=True)
        logs.log_as_json(context.command_path.partition(" ")[2] if context else "")
    return settings


def load_migrated(env: str, conf_file: Path | None) -> Settings:
    """As `load`, for a job that works on the database. Raises NotMigrated unless its schema is this version's."""
    settings = load(env, conf_file)
    try:
        connection = connect(settings.postgres, "castro_spark schema", reading=True)
    except psycopg2.OperationalError:
        return settings  # the job itself says so, or waits for the server
    with closing(connection):
        check_schema(connection)
    return settings


def quiet_log() -> None:
    """Logs warnings and errors only, for a job that prints its own progress."""
    logs.log_as_text(logging.WARNING)


def until_signalled() -> Event:
    """An event that SIGTERM and SIGINT set: the current batch ends, then the job."""
    stopping = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    return stopping


def print_json(data: object) -> None:
    """Prints a job's result as JSON on stdout."""
    click.echo(json.dumps(data, indent=2, default=str, ensure_ascii=False))


def run(command: click.Command, door: str = _DOOR) -> None:
    """Runs a job's command as a program; exits with the command's exit status. `door`: what starts jobs, for usage."""
    job_log()  # from now on, not only where settings are loaded
    with droppable_output() as output:
        status = exit_status(command, door=door)
    sys.exit(status or int(output.truncated))


def exit_status(command: click.Command, arguments: Sequence[str] | None = None, door: str = _DOOR) -> int:
    """Runs a job's command in this process and returns its exit status; prints errors as messages on stderr.

    `arguments`: None for those of the command line.
    """
    try:
        _check_encoding(sys.argv[1:] if arguments is None else arguments)
        # In non-standalone mode, click returns the exit status of the command.
        status = command.main(
            None if arguments is None else list(arguments), prog_name=_as_called(command, door), standalone_mode=False
        )
    except click.ClickException as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        return 1
    except Exception as error:
        known = error if isinstance(error, CastroError) else unreachable(error) or ended_spark(error)
        if known is not None:
            _tell(known, known.problem, known.remedy)
            return known.exit_status
        logging.getLogger("castro_spark").debug("trace", exc_info=True)
        problem = in_words(error) if kerberos_trouble(str(error)) else with_class(error)
        _tell(problem, problem)
        return 1
    return status if isinstance(status, int) else 0


def _check_encoding(arguments: Sequence[str]) -> None:
    """Raises UsageError for an argument whose bytes are no UTF-8: no text of the database has them."""
    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError:
            shown = argument.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
            remedy = "write it in UTF-8: set the terminal or the script to it"
            raise UsageError(f"the argument {shown} is not UTF-8", remedy) from None


def _tell(error: object, problem: str, remedy: str = "") -> None:
    """Prints the error that ends a job; where the log is JSON, as a line of it."""
    if logs.is_json():
        log.error(problem, extra={"remedy": remedy} if remedy else None)
    else:
        click.echo(f"error: {error}", err=True)


def _as_called(command: click.Command, door: str) -> str:
    """The job's command as users type it, for usage and help."""
    code = getattr(command.callback, "__code__", None)
    file = code.co_filename if code else sys.argv[0]
    return f"{door} {Path(file).stem.replace('_', '-')}"
