"""What a driver on the cluster printed, from YARN's aggregated logs."""

from __future__ import annotations

import re
import time

from castro_spark.deploy.stage import hadoop_class
from castro_spark.errors import CastroError
from castro_spark.output import JOB_LOG

_LOGS = "org.apache.hadoop.yarn.client.cli.LogsCLI"
_BYTES = 1 << 20  # of each log's end
_WHICH = ["-am", "-1", "-log_files", f"stdout,{JOB_LOG}", "-size", f"-{_BYTES}"]  # of the last attempt's driver
_PART = re.compile(r"^LogType:(\S+).*?\nLogContents:\n(.*?)\n?End of LogType:\1", re.DOTALL | re.MULTILINE)


def output_of(application: str, seconds: float) -> tuple[str, str]:
    """The end of the driver's output and of its log; empty if YARN has none (yarn.log-aggregation-enable).

    Waits up to `seconds` for the aggregation, which begins when the application has ended.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            text = hadoop_class(_LOGS, ["-applicationId", application, *_WHICH])
        except CastroError:
            text = ""
        parts = {match[1]: match[2] for match in _PART.finditer(text)}
        if parts or time.monotonic() > deadline:
            return parts.get("stdout", ""), parts.get(JOB_LOG, "")
        time.sleep(1)
