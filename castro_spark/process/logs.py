"""The log of a process: text for people or one JSON object a line (`logging.format`), to stderr.

Each JSON line has `job` and `run` (the process's, as in castro.instance), and the fields of the work that logged it:
`stream`, `part`, `batch_id`, `revision`. No setting, argument or record is logged as a whole, so no secret is.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from pythonjsonlogger.json import JsonFormatter

from castro_spark.process.component import run_id
from castro_spark.process.output import JobLog, job_log

FORMAT_VARIABLE = "CASTRO_LOG_FORMAT"  # conf/log4j2.properties reads it, and the one below
_RUN_VARIABLE = "CASTRO_LOG_RUN"
_TEXT = "%(asctime)s %(levelname)-7s %(message)s"
_JSON = ("levelname", "name", "message")
_NAMES = {"levelname": "level", "name": "logger", "exc_info": "trace"}

_fields: ContextVar[dict[str, object]] = ContextVar("castro_spark log fields")


@contextmanager
def log_fields(**fields: object) -> Iterator[None]:
    """What is logged in this block, in this thread, has these fields, and those of the blocks around it."""
    token = _fields.set({**_fields.get({}), **fields})
    try:
        yield
    finally:
        _fields.reset(token)


def log_as_text(level: int) -> None:
    """Logs to stderr as text; keeps the handlers of a program that imports castro_spark."""
    on_yarn = job_log()  # of jobs that run for months
    dates = "%Y-%m-%d %H:%M:%S" if on_yarn else "%H:%M:%S"
    handler = on_yarn or logging.StreamHandler(sys.stderr)
    logging.basicConfig(level=level, format=_TEXT, datefmt=dates, handlers=[handler])
    logging.getLogger("py4j").setLevel(logging.ERROR)


def log_as_json(job: str) -> None:
    """From now on each line is a JSON object; the JVM that this process starts does the same."""
    formatter = JsonFormatter(
        _JSON, rename_fields=_NAMES, static_fields={"job": job, "run": run_id()}, timestamp="time",
        json_ensure_ascii=False,
    )  # fmt: skip
    for handler in _own_handlers():
        handler.setFormatter(formatter)
        handler.addFilter(_add_fields)
    os.environ[FORMAT_VARIABLE], os.environ[_RUN_VARIABLE] = "json", run_id()


def is_json() -> bool:
    """Whether the log is JSON: then a program reads stderr, and errors are logged too."""
    return any(isinstance(handler.formatter, JsonFormatter) for handler in _own_handlers())


def _own_handlers() -> list[logging.Handler]:
    return [h for h in logging.getLogger().handlers if isinstance(h, JobLog) or type(h) is logging.StreamHandler]


def _add_fields(record: logging.LogRecord) -> bool:
    record.__dict__.update(_fields.get({}))
    return True
