"""Stores what each reconciliation planned and repaired, or why not, in castro.reconciliation."""

from __future__ import annotations

import json
import logging
from contextlib import closing

import psycopg2

from castro_spark.errors import CastroError, first_line
from castro_spark.reconcile.report import StreamResult
from castro_spark.sections.servers import PostgresSettings
from castro_spark.sinks.postgres.connection import connect, statement

log = logging.getLogger(__name__)
_EXAMPLES = 20  # of a kind


def record(settings: PostgresSettings, result: StreamResult) -> None:
    """Stores a result, with the first differences of each kind. The result is in the job's output too: that it cannot
    be stored is only logged."""
    whole = result.as_dict()
    kept = {**whole, "examples": {kind: found[:_EXAMPLES] for kind, found in result.examples.items()}}
    row = {
        "run": result.run, "stream": result.stream, "day": result.day, "applied": result.applied,
        "problem": result.problem, "result": json.dumps({**kept, "examples_at_most": _EXAMPLES}, default=str),
    }  # fmt: skip
    values = {name: value.replace("\\u0000", "") if isinstance(value, str) else value for name, value in row.items()}
    try:
        with closing(connect(settings, "castro_spark reconcile")) as connection, connection, connection.cursor() as c:
            c.execute(statement("reconcile/record.sql"), values)
    except (psycopg2.Error, CastroError) as error:
        log.warning("the result of %s is not stored: %s", result.stream, first_line(error))
