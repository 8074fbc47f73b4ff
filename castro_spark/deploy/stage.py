"""Puts the archives and jars on HDFS, once each, so that a start of a job uploads nothing.

Hadoop's shell writes a file under a temporary name and renames it, so a file that exists is complete.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timezone
from functools import partial
from pathlib import Path

from castro_spark import __version__
from castro_spark.deploy.artefact import Artefacts, Say
from castro_spark.hadoop.shell import hadoop as hadoop_shell

_RECORD = "staged.json"
_MANIFEST = "manifest.json"


def stage(artefacts: Artefacts, uri: str, folder: Path, say: Say, login: Sequence[str] = ()) -> None:
    """Uploads what `uri` does not have yet, and writes manifest.json there; `folder` keeps a record for the starts.

    `login`: options of spark-submit (kerberos/login).
    """
    uri = uri.rstrip("/")
    hadoop = partial(hadoop_shell, login=login)
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
