"""The drivers that serve metrics, for Prometheus's http_sd_configs: a driver on YARN has no fixed address."""

from __future__ import annotations

from typing import Any

from castro_spark.sinks.postgres.connection import Connection, statement
from castro_spark.sinks.postgres.operations.instances import SILENT_SECONDS


def targets(connection: Connection) -> list[dict[str, Any]]:
    """The groups of targets: one a driver, with labels that a scrape's relabelling may use."""
    with connection, connection.cursor() as cursor:
        cursor.execute(statement("metrics/drivers.sql"), {"silent": SILENT_SECONDS})
        rows = cursor.fetchall()
    return [
        {
            "targets": [address],
            "labels": {
                "__meta_castro_host": host,
                "__meta_castro_pid": str(pid),
                "__meta_castro_run": run or "",
                "__meta_castro_application": application,
                "__meta_castro_streams": ",".join(streams or ()),
            },
        }
        for address, host, pid, run, application, streams in rows
    ]
