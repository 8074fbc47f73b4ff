"""Puts the archives and jars on HDFS, once each, so that a start of a job uploads nothing.

By Hadoop's own shell (FsShell), which Spark's jars contain. It writes a file under a temporary name and renames it, so
a file that exists is complete.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Sequence
from datetime import datetime, timezone
from functools import partial
from pathlib import Path

from castro_spark import __version__
from castro_spark.deploy.artefact import Artefacts, Say
from castro_spark.errors import CastroError
from castro_spark.kerberos_words import kerberos_trouble

_SHELL = "org.apache.hadoop.fs.FsShell"
_RECORD = "staged.json"
_MANIFEST = "manifest.json"


def stage(artefacts: Artefacts, uri: str, folder: Path, say: Say, login: Sequence[str] = ()) -> None:
    """Uploads what `uri` does not have yet, and writes manifest.json there; `folder` keeps a record for the starts.

    `login`: options of spark-submit (kerberos/login).
    """
    uri = uri.rstrip("/")
    hadoop = partial(_hadoop, login)
    hadoop("-mkdir", "-p", uri)
    there = {line.rpartition("/")[2] for line in hadoop("-ls", "-C", uri).splitlines()}
    missing = [path for path in artefacts.files if path.name not in there]
    for path in missing:
        say(f"uploading {path.name}: {path.stat().st_size / 1e6:.1f} MB")
    if missing:
        hadoop("-put", *map(str, missing), uri)
    say(f"{uri}: {len(missing)} of {len(artefacts.files)} files uploaded, the others were there")
    record = {"stage": uri, "files": {path.name: f"{uri}/{path.name}" for path in artefacts.files}}
    manifest = {
        "version": __version__,
        "staged_at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "dependencies": artefacts.dependencies.name,
        "code": artefacts.code.name,
        "jars": [path.name for path in artefacts.jars],
        "spark_jars": artefacts.spark_jars.name if artefacts.spark_jars else None,
        "bytes": {path.name: path.stat().st_size for path in artefacts.files},
    }
    path = folder / _MANIFEST
    path.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    hadoop("-put", "-f", str(path), f"{uri}/{_MANIFEST}")
    # Readable by all: YARN then keeps one copy a node, for all users and applications.
    hadoop("-chmod", "-R", "a+rX", uri)
    (folder / _RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def staged(folder: Path) -> dict[str, str]:
    """File names and their URIs, as recorded by the last `stage` from this folder."""
    try:
        return dict(json.loads((folder / _RECORD).read_text(encoding="utf-8"))["files"])
    except FileNotFoundError:
        return {}


def _hadoop(login: Sequence[str], *arguments: str) -> str:
    """Runs a command of Hadoop's file system shell, with the configuration in HADOOP_CONF_DIR; returns its output."""
    programs = Path(os.environ["SPARK_HOME"], "bin")
    with tempfile.TemporaryDirectory(prefix="castro-stage-") as folder:
        command = [str(programs / "spark-class"), _SHELL]
        if login:  # which only spark-submit does
            # The shell misses no file of what Hadoop may load; spark-submit loads this one too, which may not exist.
            Path(folder, "mapred-site.xml").write_text("<configuration/>", encoding="utf-8")
            options = ["--master", "local", "--driver-class-path", folder, *login]
            command = [str(programs / "spark-submit"), *options, "--class", _SHELL, "spark-internal"]
        command += arguments
        done = subprocess.run(command, check=False, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        words = [
            line for line in done.stderr.splitlines() if line.strip() and " WARN " not in line and line[0] != "\t"
        ][-5:]
        trouble = kerberos_trouble(done.stderr)
        raise CastroError(
            f"HDFS: {' '.join(arguments[:2])}: {trouble.problem if trouble else ''}\n"
            + "\n".join(words),
            trouble.remedy
            if trouble
            else "is HADOOP_CONF_DIR set, the name node reachable, and the folder yours to write?",
        )
    return done.stdout
