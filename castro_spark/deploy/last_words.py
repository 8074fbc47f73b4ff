"""What a driver on the cluster printed, from YARN's aggregated logs; and the end of an application."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from py4j.protocol import Py4JJavaError

from castro_spark.errors import in_words
from castro_spark.hadoop.jvm import hadoop_jvm
from castro_spark.process.output import JOB_LOG

UNREADABLE = "YARN's logs cannot be read"
_NO_MORE = {"DISABLED", "FAILED"}  # states of the aggregation after which nothing comes
_CONNECT_MILLISECONDS = 30_000  # for a resource manager that does not answer; YARN's default is 15 minutes
_BYTES = 1 << 20  # of each log's end
_PART = re.compile(r"^LogType:(\S+).*?\nLogContents:\n(.*?)\n?End of LogType:\1", re.DOTALL | re.MULTILINE)
_DRIVER = re.compile(r"container_.*_(\d+)_000001")  # the first container of an attempt is its master


def output_of(application: str, seconds: float, login: Sequence[str] = ()) -> tuple[str, str]:
    """The end of the driver's output and of its log. Without them: "", and UNREADABLE and why.

    Waits up to `seconds` for the aggregation, which begins when the application has ended. `login`: options of
    spark-submit (kerberos/login).
    """
    with hadoop_jvm(login) as jvm, tempfile.TemporaryDirectory(prefix="castro-logs-") as folder:
        deadline = time.monotonic() + seconds
        told = jvm.java.io.ByteArrayOutputStream()
        jvm.java.lang.System.setErr(jvm.java.io.PrintStream(told, True))  # where YARN's helper tells what it lacks
        logs = jvm.org.apache.hadoop.yarn.logaggregation
        request = logs.ContainerLogsRequest()
        request.setAppId(_id(jvm, application))
        request.setAppOwner(jvm.org.apache.hadoop.security.UserGroupInformation.getCurrentUser().getShortUserName())
        request.setAppFinished(True)
        request.setLogTypes(jvm.java.util.HashSet(jvm.java.util.List.of("stdout", JOB_LOG)))
        request.setBytes(-_BYTES)
        request.setOutputLocalDir(folder)
        helper = logs.LogCLIHelpers()
        helper.setConf(jvm.org.apache.hadoop.yarn.conf.YarnConfiguration())
        with _client(jvm) as client:
            while True:
                told.reset()
                problem = ""
                try:
                    aggregation = str(client.getApplicationReport(request.getAppId()).getLogAggregationStatus())
                    helper.dumpAllContainersLogs(request)
                except Py4JJavaError as error:
                    aggregation, problem = "unknown", in_words(error)
                parts = _of_last_attempt(Path(folder))
                if parts:
                    return parts.get("stdout", ""), parts.get(JOB_LOG, "")
                if aggregation in _NO_MORE or time.monotonic() > deadline:
                    problem = problem or " ".join(str(told.toString()).split())
                    return "", f"{UNREADABLE} (their aggregation: {aggregation}): {problem or 'there are none'}"
                time.sleep(1)


def kill(application: str, login: Sequence[str] = ()) -> None:
    """Ends an application at once. `login`: as above."""
    with hadoop_jvm(login) as jvm, _client(jvm) as client:
        client.killApplication(_id(jvm, application))


@contextmanager
def _client(jvm: Any) -> Iterator[Any]:
    client = jvm.org.apache.hadoop.yarn.client.api.YarnClient.createYarnClient()
    conf = jvm.org.apache.hadoop.yarn.conf.YarnConfiguration()
    conf.setLong("yarn.resourcemanager.connect.max-wait.ms", _CONNECT_MILLISECONDS)
    client.init(conf)
    client.start()
    try:
        yield client
    finally:
        client.stop()


def _of_last_attempt(folder: Path) -> dict[str, str]:
    drivers = {int(match[1]): path for path in folder.rglob("container_*") if (match := _DRIVER.fullmatch(path.name))}
    if not drivers:
        return {}
    text = drivers[max(drivers)].read_text(encoding="utf-8", errors="replace")
    return {match[1]: match[2] for match in _PART.finditer(text)}


def _id(jvm: Any, application: str) -> Any:
    return jvm.org.apache.hadoop.yarn.api.records.ApplicationId.fromString(application)
