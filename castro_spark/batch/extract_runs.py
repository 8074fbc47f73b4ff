"""Runs an extract once; or repeats it in one application, so that the start of the JVM and of Hive is paid once.

Guarantee of the loop: a run is as safe as that of the job `extract`, and so is the end of the process at any point. A
run that failed is reported and repeated at the next beat; only an error that no further run can mend (the JVM has
ended) ends the loop. Each run has a session of its own, so that nothing that a run sets or caches outlives it; the
metastore and the files are looked at anew.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from threading import Event

from pyspark.sql import SparkSession

from castro_spark.batch.beats import Beats
from castro_spark.batch.extract import TableResult, extract, fed_streams
from castro_spark.batch.extract_text import problems
from castro_spark.errors import in_words
from castro_spark.jvm.spark_ended import check_running
from castro_spark.observe.heartbeat import Heartbeat, reported
from castro_spark.process.component import Component, State
from castro_spark.projection.followers import following
from castro_spark.sections.warehouse import TableMapping
from castro_spark.session import HIVE_READING, session_beside
from castro_spark.settings import Settings
from castro_spark.streaming.stop import EXTRACT, EXTRACT_LOOP, StopCommands

Report = Callable[[Sequence[TableResult]], None]

log = logging.getLogger(__name__)


class ExtractLoop:
    """The runs, and what `status` shows of them: how many there were and failed, the beats missed, the last run."""

    stream = EXTRACT  # whom a stop command names
    epoch = None

    def __init__(
        self, spark: SparkSession, settings: Settings, tables: Mapping[str, TableMapping], mode: str, *, every: float,
        stopping: Event,
    ) -> None:  # fmt: skip
        self.component = Component(EXTRACT_LOOP)
        self._spark = spark
        self._settings = settings
        self._tables = tables
        self._mode = mode
        self._every = every
        self._stopping = stopping
        self._runs = self._failed_runs = 0
        self._problem: str | None = None  # of the last run

    @property
    def instance(self) -> str:
        return self.component.instance

    @property
    def state(self) -> State:
        return self.component.state

    def in_words(self) -> str:
        """The state in one line."""
        return f"{self.state.value} after {self._runs} runs"

    def run(self, report: Report) -> list[TableResult]:
        """Runs at once, then at each beat, until `stopping`; the tables under way are finished. Returns the last run's
        results, and passes those of each run to `report`. Raises JvmEnded or SparkStopped if Spark has ended."""
        beats = Beats(self._every)
        while True:
            results = self._once(beats.missed)
            report(results)
            if self._stopping.wait(beats.wait()):
                self.component.enter(State.STOPPED, "tables_failed" if self._problem else None, self._problem)
                return results

    def _once(self, missed: int) -> list[TableResult]:
        began = time.monotonic()
        self.component.progressed(
            mode=self._mode, every_seconds=self._every, missed_beats=missed, tables=len(self._tables),
            last_run_at=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        )  # fmt: skip
        session = session_beside(self._spark, HIVE_READING)
        results = extract(session, self._settings, self._tables, self._mode, stopping=self._stopping)
        seconds = time.monotonic() - began
        problem = problems(results) or None
        if problem:
            check_running(self._spark.sparkContext)
        self._runs += 1
        self._failed_runs += problem is not None
        self.component.progressed(
            runs=self._runs, failed_runs=self._failed_runs, tables_done=sum(r.done for r in results),
            rows_read=sum(r.read for r in results), rows_written=sum(r.inserted + r.updated for r in results),
            seconds=round(seconds, 1), stages={"extracted": seconds},
        )  # fmt: skip
        if problem:
            log.warning("the extract failed for some tables; it is repeated at the next beat")
            self.component.failing("tables_failed", problem)
        else:
            if self._problem:
                log.warning("the extract no longer fails")
            self.component.running()
        self._problem = problem
        return results


def run_once(
    spark: SparkSession, settings: Settings, tables: Mapping[str, TableMapping], mode: str
) -> list[TableResult]:
    """Runs the extract once; returns each table's result. Projects as `run_loop` does."""
    application = str(spark.sparkContext.applicationId)
    with (
        reported(settings.postgres, "extract", application=application) as component,
        following(settings, fed_streams(settings, tables), last_sync=True),
    ):
        component.progressed(mode=mode, tables=len(tables))
        results = extract(spark, settings, tables, mode)
        component.progressed(tables_done=sum(r.done for r in results), rows_read=sum(r.read for r in results))
        if problem := problems(results):
            component.enter(State.FAILED, "tables_failed", problem)
    return results


def run_loop(
    spark: SparkSession,
    settings: Settings,
    tables: Mapping[str, TableMapping],
    mode: str,
    *,
    every: float,
    stopping: Event,
    report: Report,
) -> list[TableResult]:
    """Repeats the extract every `every` seconds until `stopping` or the job `stop`; returns the last run's results.

    Projects the watermarks to Redis, and the streams whose events the tables hold.
    """
    loop = ExtractLoop(spark, settings, tables, mode, every=every, stopping=stopping)
    application = str(spark.sparkContext.applicationId)
    stop = StopCommands({EXTRACT: stopping}, [loop], application)
    followers = following(settings, fed_streams(settings, tables), last_sync=True)
    # The heartbeat is the first to begin and the last to end: it reports how the others end.
    with Heartbeat(settings.postgres, [loop.component, *followers.components], application, [stop.poll]):
        try:
            with followers:
                return loop.run(report)
        except BaseException as error:
            loop.component.enter(State.FAILED, type(error).__name__, in_words(error))
            raise
