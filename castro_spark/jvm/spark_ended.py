"""Reports that Spark has ended below a job: its JVM (jvm), or its application.

If YARN's application is gone, whatever call of Spark comes next fails with a text of its own.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from castro_spark.errors import CastroError, SparkStopped
from castro_spark.jvm.ended import ended_jvm

if TYPE_CHECKING:  # most jobs run without Spark
    from pyspark import SparkContext

# Texts of Spark's for a call that comes after its end, or was under way then.
_STOPPED = (
    "stopped SparkContext",
    "SparkContext was shut down",
    "SparkContext has been shut down",
    "SparkContext has been shutdown",
)


def ended_spark(error: BaseException) -> CastroError | None:
    """The error to report instead of `error` if Spark has ended; None if it runs or was never started."""
    return ended_jvm(error) or _stopped(error)


def check_running(context: SparkContext) -> None:
    """Raises JvmEnded or SparkStopped if Spark has ended: for a job that goes on after errors of Spark's."""
    if ended := ended_jvm(ConnectionError()):
        raise ended
    if context._jsc.sc().isStopped():
        raise _application_ended()


def _stopped(error: BaseException) -> SparkStopped | None:
    is_sparks = type(error).__module__.startswith(("py4j", "pyspark"))
    if not is_sparks or not any(words in str(error) for words in _STOPPED):
        return None
    return _application_ended()


def _application_ended() -> SparkStopped:
    context: Any = getattr(sys.modules.get("pyspark"), "SparkContext", None)
    application = ""
    with suppress(Exception):  # only a name
        application = f" ({context._active_spark_context._jsc.sc().applicationId()})"
    return SparkStopped(
        f"Spark was stopped: its application{application} has ended",
        "start the job again: committed data is preserved. Who ended it is above, or on YARN's page of the application",
    )
