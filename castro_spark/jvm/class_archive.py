"""How Python starts a Spark JVM with the jars of CASTRO_HOME, and with the archive of their classes if there is one.

spark-submit.sh makes the archive (load_classes.py), and starts the jobs' JVMs in the same way.
"""

from __future__ import annotations

import os
from pathlib import Path

from castro_spark.resources import resource

_QUIET = "-Xlog:cds=off -Xlog:cds+dynamic=off"  # an archive that does not fit is no news: Java starts without it


def submit_options(home: Path) -> list[str]:
    """spark-submit's options for the jars of `home`: on the class path, with the archive; else without it."""
    jars, archive = own_jars(home), _newest(home)
    if archive is None:
        return ["--jars", ",".join(jars)] if jars else []
    return class_path_options(jars, f'-XX:SharedArchiveFile="{archive}"')


def environment(home: Path) -> dict[str, str]:
    """What the launcher's environment needs for `submit_options`."""
    return {} if _newest(home) is None else without_folders(home)


def class_path_options(jars: list[str], archive_option: str) -> list[str]:
    """spark-submit's options for a JVM that writes or maps an archive: its class path begins with `jars`."""
    log = f'-Dlog4j2.configurationFile="file:{resource("conf/log4j2.properties")}"'
    java = f"spark.driver.defaultJavaOptions={archive_option} {_QUIET} {log}"
    return ["--driver-class-path", os.pathsep.join(jars), "--conf", java]


def own_jars(home: Path) -> list[str]:
    """The jars that Spark does not ship, in the class path's order."""
    return [str(jar) for of in ("spark", "delta") for jar in sorted((home / "jars" / of).glob("*.jar"))]


def without_folders(home: Path) -> dict[str, str]:
    """Environment of a JVM that shares classes: no folder with files may be on its class path (conf/spark-env.sh)."""
    empty = home / "classes" / "empty"
    empty.mkdir(parents=True, exist_ok=True)
    return {"CASTRO_CLASS_PATH_FOLDER": str(empty)}


def _newest(home: Path) -> Path | None:
    """Java itself refuses one of other jars, or of another Java."""
    return max((home / "classes").glob("*.jsa"), key=lambda file: file.stat().st_mtime, default=None)
