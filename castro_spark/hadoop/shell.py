"""Hadoop's own shell for files (FsShell), which Spark's jars contain: the command `hdfs` may not be installed here."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from castro_spark.errors import CastroError
from castro_spark.errors.kerberos import kerberos_trouble

_SHELL = "org.apache.hadoop.fs.FsShell"


def hadoop(*arguments: str, login: Sequence[str] = ()) -> str:
    """Runs a command of the shell, with the configuration in HADOOP_CONF_DIR; returns its output.

    A JVM for each call: about two seconds. `login`: options of spark-submit (kerberos/login), which logs in by them;
    else the user's ticket is used where one is needed. Raises CastroError with the shell's own words.
    """
    home = os.environ.get("SPARK_HOME")
    if not home:
        raise CastroError("HDFS: SPARK_HOME is not set", "call ./spark-submit.sh, which sets it")
    with tempfile.TemporaryDirectory(prefix="castro-hadoop-") as folder:
        java = ["spark-class", _SHELL]
        if login:  # by spark-submit only, which also loads a file that need not be there
            Path(folder, "mapred-site.xml").write_text("<configuration/>", encoding="utf-8")
            options = ["--master", "local", "--driver-class-path", folder, *login]
            java = ["spark-submit", *options, "--class", _SHELL, "spark-internal"]
        command = [str(Path(home, "bin", java[0])), *java[1:], *arguments]
        done = subprocess.run(command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip() and not line.startswith("\t")]
        words = [line for line in lines if " WARN " not in line][-5:]
        trouble = kerberos_trouble(done.stderr)
        told = [trouble.problem] if trouble else []
        remedy = "is HADOOP_CONF_DIR set, the name node reachable, and the file or folder yours?"
        raise CastroError(
            f"HDFS: {' '.join(arguments[:2])}: " + "\n".join(told + words), trouble.remedy if trouble else remedy
        )
    return done.stdout
