"""Recognises in Spark's errors that PostgreSQL refused a task's session: a task's error reaches the driver as text."""

from __future__ import annotations

import re

from castro_spark.errors import ExecutorRefused

_REFUSED = re.compile(r"castro_spark\.errors\.(?:SessionRefused|SettingsError): ([^\n]+)(?:\n\s+what to do: ([^\n]+))?")
_NODES = "this is about the executors' nodes: their addresses in pg_hba.conf, their postgres.executor_password_file"


def raise_refusal(error: BaseException) -> None:
    """Raises ExecutorRefused if a task was refused a session; else returns."""
    found = _REFUSED.search(str(error))
    if found:
        remedy = f"{found[2].rstrip()}; {_NODES}" if found[2] else _NODES
        raise ExecutorRefused(f"an executor's session is refused: {found[1].rstrip()}", remedy) from None
