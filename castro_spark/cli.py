"""The common part of the jobs' command lines: settings options, error messages, exit statuses, signals.

Exit status: 0 done; 1 failed; 2 wrong usage or settings. A reader that closes the pipe early (`| head`) affects neither
the work nor the exit status; output lost for another reason (disk full) changes exit status 0 to 1.
"""

from __future__ import annotations

import json
import logging
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event
from typing import Any, TypeVar

import click

from castro_spark.errors import CastroError, first_line, in_words
from castro_spark.jvm import ended_jvm
from castro_spark.kerberos_words import kerberos_trouble
from castro_spark.output import droppable_output, separate_log
from castro_spark.settings import Settings, load_settings
from castro_spark.streams import StreamDeclaration, all_streams

Command = TypeVar("Command", bound=Callable[..., Any])


def settings_options(command: Command) -> Command:
    """Adds the options --env and --conf-file to a command, as parameters `env` and `conf_file`."""
    env = click.option(
        "--env", default="local", show_default=True, help="Settings: conf/ENV.yaml over conf/base.yaml."
    )
    conf_file = click.option(
        "--conf-file", type=click.Path(path_type=Path), help="A settings file instead of conf/ENV.yaml."
    )
    return env(conf_file(command))


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
    _log(logging.INFO)
    return load_settings(env, conf_file)


def quiet_log() -> None:
    """Logs warnings and errors only, for a job that prints its own progress."""
    _log(logging.WARNING)


def _log(level: int) -> None:
    logging.basicConfig(
        level=level, format="%(asctime)s %(levelname)-7s %(message)s", datefmt="%H:%M:%S", stream=sys.stderr
    )
    logging.getLogger("py4j").setLevel(logging.ERROR)


def until_signalled() -> Event:
    """An event that SIGTERM and SIGINT set: the current batch ends, then the job."""
    stopping = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    return stopping


def print_json(data: object) -> None:
    """Prints a job's result as JSON on stdout."""
    click.echo(json.dumps(data, indent=2, default=str, ensure_ascii=False))


def run(command: click.Command) -> None:
    """Runs a job's command as a program; exits with the command's exit status."""
    separate_log()
    with droppable_output() as output:
        status = exit_status(command)
    sys.exit(status or int(output.truncated))


def exit_status(command: click.Command, arguments: Sequence[str] | None = None) -> int:
    """Runs a job's command in this process and returns its exit status; prints errors as messages on stderr.

    `arguments`: None for those of the command line.
    """
    try:
        # In non-standalone mode, click returns the exit status of the command.
        status = command.main(
            None if arguments is None else list(arguments), prog_name=_as_called(command), standalone_mode=False
        )
    except click.ClickException as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        return 1
    except Exception as error:
        known = error if isinstance(error, CastroError) else ended_jvm(error)
        if known is not None:
            click.echo(f"error: {known}", err=True)
            return known.exit_status
        logging.getLogger("castro_spark").debug("trace", exc_info=True)
        told = in_words(error) if kerberos_trouble(str(error)) else f"{type(error).__name__}: {first_line(error)}"
        click.echo(f"error: {told}", err=True)
        return 1
    return status if isinstance(status, int) else 0


def _as_called(command: click.Command) -> str:
    """The job's command as users type it, for usage and help."""
    code = getattr(command.callback, "__code__", None)
    file = code.co_filename if code else sys.argv[0]
    return f"./spark-submit.sh {Path(file).stem.replace('_', '-')}"
