"""Hadoop's own shell for files (FsShell), which Spark's jars contain: the command `hdfs` may not be installed here."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from castro_spark.errors import CastroError

_SHELL = "org.apache.hadoop.fs.FsShell"


def hadoop(*arguments: str) -> str:
    """Runs a command of the shell, with the configuration in HADOOP_CONF_DIR; returns its output.

    A JVM for each call: about two seconds. Raises CastroError with the shell's own words.
    """
    home = os.environ.get("SPARK_HOME")
    if not home:
        raise CastroError("HDFS: SPARK_HOME is not set", "call ./spark-submit.sh, which sets it")
    command = [str(Path(home, "bin", "spark-class")), _SHELL, *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        words = [line for line in done.stderr.splitlines() if line.strip() and " WARN " not in line][-5:]
        raise CastroError(
            f"HDFS: {' '.join(arguments[:2])}: " + "\n".join(words),
            "is HADOOP_CONF_DIR set, the name node reachable, and the file or folder yours?",
        )
    return done.stdout
