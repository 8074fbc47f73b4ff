"""HDFS, YARN and the metastore, by their own clients: a login, and the right to write each folder.

A file is written, read, renamed and deleted under a name of its own in each folder; folders that were missing are
removed again.
"""

from __future__ import annotations

import json
import secrets
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from py4j.protocol import Py4JError, Py4JJavaError

from castro_spark.counted import counted
from castro_spark.errors import CastroError
from castro_spark.hadoop.conf import HadoopConf
from castro_spark.settings import Settings
from castro_spark.validation import clocks
from castro_spark.validation.check import Check

_CONTENT = b"castro_spark validate"
_GRANT = "give this user the right to write there (hdfs dfs -chown, -setfacl), or name another folder in"
_SHOWN = 6
_REST_SECONDS = 5.0
_OLDEST_HADOOP = 3


def folder_checks(jvm: Any, configuration: Any, settings: Settings) -> Iterator[Check]:
    """The folders of the settings, local ones as well."""
    yield _writing(jvm, configuration, "write checkpoints", settings.checkpoint_dir, "checkpoint_dir")
    if archive := settings.archive.dir:
        yield _writing(jvm, configuration, "write archive", archive, "archive.dir")


def submission_checks(jvm: Any, configuration: Any, default_fs: str, files: dict[str, str]) -> Iterator[Check]:
    """What a submission needs of HDFS; `files` are the staged ones (names and URIs), none if nothing is staged."""
    yield Check(
        "write submissions", default_fs, partial(_submissions, jvm, configuration),
        remedy="YARN's client writes to the user's own folder on HDFS: have it made, with the user as its owner",
    )  # fmt: skip
    stage = next(iter(files.values())).rpartition("/")[0] if files else None
    if stage:
        yield Check("read stage", stage, partial(_staged, jvm, configuration, files))
        yield Check("write stage", stage, partial(_may_stage, jvm, configuration, stage))
    yield Check("clock of name node", default_fs, partial(_clock, jvm, configuration))


def yarn_check(jvm: Any, configuration: Any) -> Check:
    """A login at the resource manager."""
    return Check(
        "resource manager", "yarn-site.xml", partial(_yarn, jvm, configuration), 60,
        "is yarn-site.xml the cluster's, and the resource manager up?",
    )  # fmt: skip


def metastore_check(jvm: Any, place: str) -> Check:
    """A login and a list of databases."""
    return Check(
        "metastore", place, partial(_metastore, jvm), 60,
        "is hive.metastore.uris right, the metastore up, and hive.metastore.sasl.enabled as it has it?",
    )  # fmt: skip


def _writing(jvm: Any, configuration: Any, name: str, folder: str, setting: str) -> Check:
    return Check(name, folder, partial(write, jvm, configuration, folder), remedy=f"{_GRANT} {setting}")


def _submissions(jvm: Any, configuration: Any) -> str:
    """Where YARN's client puts a submission's files."""
    home = str(_system(jvm, configuration, "").getHomeDirectory().toString())
    return f"{home}: {write(jvm, configuration, f'{home}/.sparkStaging')}"


def write(jvm: Any, configuration: Any, folder: str) -> str:
    """Writes, reads, renames and deletes a file in `folder`; returns how long that took in all."""
    began = time.monotonic()
    system, path = _system(jvm, configuration, folder), jvm.org.apache.hadoop.fs.Path(folder)
    created = _created(system, path)
    first, second = (jvm.org.apache.hadoop.fs.Path(path, f".castro-validate-{secrets.token_hex(8)}") for _ in range(2))
    try:
        file = system.create(first, False)
        file.write(bytearray(_CONTENT))
        file.close()
        opened = system.open(first)
        try:
            read = bytes(jvm.org.apache.commons.io.IOUtils.toByteArray(opened))
        finally:
            opened.close()
        if read != _CONTENT:
            raise CastroError(f"{folder}: read something else than was written", "is it a file system for this?")
        if not system.rename(first, second):
            raise CastroError(f"{folder}: a file cannot be renamed", "checkpoints need that: use HDFS or local folders")
    finally:
        for leftover in (first, second):
            with suppress(Py4JError):
                system.delete(leftover, False)
        for made in created:  # the innermost first; one that others use by now is not empty
            with suppress(Py4JError):
                system.delete(made, False)
    there = "would be created" if created else "is there"
    return f"written, read, renamed, deleted in {(time.monotonic() - began) * 1000:.0f} ms; the folder {there}"


def _created(system: Any, path: Any) -> list[Any]:
    """Creates the folder; returns those that were missing, the innermost first."""
    missing, at = [], system.makeQualified(path)
    while at is not None and not system.exists(at):
        missing.append(at)
        at = at.getParent()
    if missing and not system.mkdirs(path):
        raise CastroError(f"{path.toString()} cannot be created", "is there a file in its place?")
    return missing


def _system(jvm: Any, configuration: Any, folder: str) -> Any:
    """A file system of its own for this configuration, not Hadoop's cached one."""
    systems = jvm.org.apache.hadoop.fs.FileSystem
    if not folder:
        return systems.newInstance(configuration)
    uri = jvm.org.apache.hadoop.fs.Path(folder).toUri()
    return systems.newInstance(uri, configuration) if uri.getScheme() else systems.newInstance(configuration)


def _staged(jvm: Any, configuration: Any, files: dict[str, str]) -> str:
    missing = []
    for name, uri in files.items():
        path = jvm.org.apache.hadoop.fs.Path(uri)
        try:
            _system(jvm, configuration, uri).open(path).close()
        except Py4JJavaError:
            missing.append(name)
    if missing:
        raise CastroError(
            f"{len(missing)} of {len(files)} staged files cannot be read: {', '.join(missing[:3])}",
            "stage them again: ./spark-submit.sh package --stage URI",
        )
    return f"{counted(len(files), 'file')} can be read"


def _may_stage(jvm: Any, configuration: Any, stage: str) -> str:
    try:
        return write(jvm, configuration, stage)
    except Py4JJavaError as error:
        if "AccessControlException" not in str(error.java_exception):
            raise
        return "this user may not write; another one stages new versions"  # only `package --stage` writes there


def _clock(jvm: Any, configuration: Any) -> str:
    """By the modification time that the name node gives a folder in the user's own one."""
    system = _system(jvm, configuration, "")
    file = jvm.org.apache.hadoop.fs.Path(system.getHomeDirectory(), f".castro-validate-{secrets.token_hex(8)}")
    before = time.time()
    system.mkdirs(file)
    after = time.time()
    try:
        there = system.getFileStatus(file).getModificationTime() / 1000
    finally:
        system.delete(file, False)
    return clocks.judged(there - (before + after) / 2, (after - before) / 2)


def _yarn(jvm: Any, configuration: Any) -> str:
    client = jvm.org.apache.hadoop.yarn.client.api.YarnClient.createYarnClient()
    client.init(jvm.org.apache.hadoop.yarn.conf.YarnConfiguration(configuration))
    client.start()
    try:
        nodes = int(client.getYarnClusterMetrics().getNumNodeManagers())
        largest = client.createApplication().getNewApplicationResponse().getMaximumResourceCapability()
    finally:
        client.stop()
    if not nodes:
        raise CastroError("YARN has no running node", "are the node managers up?")
    cores = counted(largest.getVirtualCores(), "core")
    return f"login; {counted(nodes, 'node')}; largest container {largest.getMemorySize()} MB, {cores}"


def _metastore(jvm: Any) -> str:
    hive = jvm.org.apache.hadoop.hive
    configuration = hive.conf.HiveConf()
    for name, value in {
        "hive.metastore.connect.retries": "1",
        "hive.metastore.failure.retries": "0",
        "hive.metastore.client.socket.timeout": "20s",
    }.items():
        configuration.set(name, value)
    client = hive.metastore.HiveMetaStoreClient(configuration)
    try:
        names = [str(name) for name in client.getAllDatabases()]
    finally:
        client.close()
    return f"{counted(len(names), 'database')}: {', '.join(names[:_SHOWN])}{', ...' if len(names) > _SHOWN else ''}"


def version_check(jvm: Any, conf: HadoopConf) -> Check:
    """Hadoop's clients here and the cluster, as far as its resource manager tells it without a login."""
    return Check("version of hadoop", "resource manager's REST API", partial(_versions, jvm, conf))


def _versions(jvm: Any, conf: HadoopConf) -> str:
    client = str(jvm.org.apache.hadoop.util.VersionInfo.getVersion())
    for host, port in conf.resource_manager_pages():
        try:
            with urllib.request.urlopen(f"http://{host}:{port}/ws/v1/cluster/info", timeout=_REST_SECONDS) as answer:
                cluster = str(json.load(answer)["clusterInfo"]["hadoopVersion"])
        except (OSError, ValueError, KeyError):
            continue
        if int(cluster.split(".", maxsplit=1)[0]) < _OLDEST_HADOOP:
            raise CastroError(
                f"the cluster is Hadoop {cluster}, Spark's clients are {client}",
                "Spark 4 needs a cluster of Hadoop 3; with another Spark for it: CASTRO_SPARK_HOME",
            )
        return f"clients {client}, cluster {cluster}"
    return f"clients {client}; the cluster does not tell its version to everybody"
