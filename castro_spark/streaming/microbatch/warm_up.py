"""Starts the executors' Python workers in the background: a cold worker's first task takes seconds to start."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Iterator
from threading import Thread

import pyarrow as pa
from pyspark.sql import SparkSession

_NEEDED = "castro_spark.sinks.postgres.commit.staging_tasks"  # by a task that stages

log = logging.getLogger(__name__)


class WarmUp:
    """Runs at most once per stream start. A failure is only logged: the first slice on the executors will raise it."""

    def __init__(self, spark: SparkSession) -> None:
        self._spark = spark
        self._thread: Thread | None = None
        self._done = False

    @property
    def done(self) -> bool:
        """Whether the warm-up has ended, successfully or not: executors may be used."""
        return self._done

    def start(self, tasks: int) -> None:
        """Starts the warm-up in a thread, once, with `tasks` tasks (at most the default parallelism)."""
        if self._thread is None:
            tasks = max(1, min(tasks, self._spark.sparkContext.defaultParallelism))
            self._thread = Thread(target=self._run, args=(tasks,), name="castro warm up", daemon=True)
            self._thread.start()

    def _run(self, tasks: int) -> None:
        try:
            self._spark.range(0, tasks, 1, tasks).mapInArrow(_load, "id bigint").collect()
        except Exception as error:  # noqa: BLE001 - of any kind: only a warm-up failed
            log.warning("the executors' Python workers did not start: %s", error)
        self._done = True


def _load(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    importlib.import_module(_NEEDED)
    yield from batches
