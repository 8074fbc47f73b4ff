"""Which options start a JVM on the archive of its classes."""

from __future__ import annotations

import os
from pathlib import Path

from castro_spark.jvm.class_archive import environment, submit_options


def _home(folder: Path, *names: str) -> Path:
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return folder


def test_without_jars_there_is_nothing_to_say(tmp_path: Path) -> None:
    assert submit_options(_home(tmp_path, "classes/1.jsa.failed")) == []
    assert environment(tmp_path) == {}


def test_without_an_archive_the_jars_are_sparks(tmp_path: Path) -> None:
    home = _home(tmp_path, "jars/spark/b.jar", "jars/spark/a.jar", "jars/delta/c.jar")
    jars = [f"{home}/jars/{name}.jar" for name in ("spark/a", "spark/b", "delta/c")]
    assert submit_options(home) == ["--jars", ",".join(jars)]
    assert environment(home) == {}


def test_with_an_archive_the_class_path_begins_with_the_jars(tmp_path: Path) -> None:
    home = _home(tmp_path, "jars/spark/a.jar", "jars/delta/c.jar", "classes/1.jsa", "classes/2.jsa")
    os.utime(home / "classes/1.jsa", (1, 1))
    flag, jars, conf, java = submit_options(home)
    assert (flag, jars) == ("--driver-class-path", f"{home}/jars/spark/a.jar:{home}/jars/delta/c.jar")
    assert (conf, java.partition(" ")[0]) == (
        "--conf", f'spark.driver.defaultJavaOptions=-XX:SharedArchiveFile="{home}/classes/2.jsa"'
    )  # fmt: skip
    assert environment(home) == {"CASTRO_CLASS_PATH_FOLDER": f"{home}/classes/empty"}
    assert not list((home / "classes/empty").iterdir())
