"""Hadoop's own classes in a JVM with Spark's jars: the commands `yarn` and `hadoop` may not be installed here."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

_ARGUMENTS = "PYSPARK_SUBMIT_ARGS"


@contextmanager
def hadoop_jvm(login: Sequence[str] = ()) -> Iterator[Any]:
    """A JVM of its own, silent, with the configuration in HADOOP_CONF_DIR; a job's session has another.

    `login`: options of spark-submit (kerberos/login), which logs in by them.
    """
    from pyspark.java_gateway import launch_gateway  # noqa: PLC0415 - jobs without Spark do without it

    before = os.environ.get(_ARGUMENTS)
    os.environ[_ARGUMENTS] = f"--master local {shlex.join(login)} pyspark-shell"  # no session is made
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    try:
        gateway = launch_gateway(popen_kwargs=silent)  # type: ignore[no-untyped-call]
    finally:
        os.environ.pop(_ARGUMENTS)
        if before is not None:
            os.environ[_ARGUMENTS] = before
    process: Any = gateway
    try:
        yield gateway.jvm
    finally:
        gateway.shutdown()
        process.proc.stdin.close()  # for which it waits
        process.proc.wait(30)
