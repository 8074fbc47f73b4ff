"""Reports how the JVM behind a job's session ended.

If the JVM is gone, Python itself only sees "Connection refused".
"""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from castro_spark.errors import JvmEnded

_SETTLE_SECONDS = 2.0  # the connections may close before the exit status is available
_OUT_OF_MEMORY = {3: "out of memory", 52: "out of memory", 137: "killed, possibly out of memory"}


def ended_jvm(error: BaseException) -> JvmEnded | None:
    """The error to report instead of `error` if this process's JVM has ended; None if it runs or was never started."""
    context = getattr(sys.modules.get("pyspark"), "SparkContext", None)  # a job without Spark does not import it
    process: subprocess.Popen[bytes] | None = getattr(getattr(context, "_gateway", None), "proc", None)
    if process is None:
        return None
    try:
        status = process.wait(_SETTLE_SECONDS if _is_connection_error(error) else 0)
    except subprocess.TimeoutExpired:
        return None
    report = Path.cwd() / f"hs_err_pid{process.pid}.log"
    output = f"its output is on stderr, above{f', and in {report}' if report.exists() else ''}"
    return JvmEnded(
        f"Spark's JVM (pid {process.pid}) ended with {_how(status)}; {output}",
        "start the job again: committed data is preserved. If it ran out of memory: give it more"
        " (spark.driver.memory in conf/spark-ENV.conf), or lower streaming.max_batch_bytes",
    )


def _how(status: int) -> str:
    if status < 0:
        return f"signal {signal.Signals(-status).name}"
    return f"exit status {status}{f' ({_OUT_OF_MEMORY[status]})' if status in _OUT_OF_MEMORY else ''}"


def _is_connection_error(error: BaseException) -> bool:
    chain = (error, error.__cause__, error.__context__)
    return any(isinstance(e, (OSError, EOFError)) or type(e).__module__.startswith("py4j") for e in chain)
