"""All checks in their order: those without a JVM, those of its clients, then a Spark application's.

A check that depends on one that failed is reported as skipped; nothing else is left out.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from py4j.protocol import Py4JError
from pyspark.sql import SparkSession

from castro_spark.batch.history import check_history
from castro_spark.counted import counted
from castro_spark.deploy.artefact import default_folder
from castro_spark.deploy.stage import staged
from castro_spark.errors import CastroError, SettingsError
from castro_spark.hadoop.conf import HadoopConf, read_hadoop_conf
from castro_spark.kerberos.check import check as check_login
from castro_spark.rules import configured
from castro_spark.settings import Settings
from castro_spark.sources.hive import read_table
from castro_spark.streams.declaration import StreamDeclaration
from castro_spark.validation import alerts, client_jvm, executors, hadoop, kafka, network, postgres, redis, versions
from castro_spark.validation.check import Check, Result, State, run, run_one, skipped

_APPLICATION_SECONDS = 480.0  # until YARN has started it; a node unpacks the archives before its first one
_JOB_SECONDS = 240.0
_TAGS = "spark.yarn.tags"


@dataclass
class Validation:
    """The checks of a start with these settings. `session` starts Spark; `warehouse`: also Hive's tables."""

    settings: Settings
    streams: Sequence[StreamDeclaration]
    session: Callable[[], SparkSession]
    warehouse: bool = False
    on_yarn: bool = False
    _failed: set[str] = field(default_factory=set)

    def results(self) -> Iterator[Result]:
        """Runs all; yields each result as soon as it is there. Raises SettingsError before anything is asked."""
        for stream in self.streams:
            configured(stream, self.settings)
        for result in self._all():
            if result.state is State.FAILED:
                self._failed.add(result.check)
            yield result

    def _all(self) -> Iterator[Result]:
        yield Result("settings", self.settings.timezone, State.OK, 0.0)
        conf = None
        if self.on_yarn:
            found: list[HadoopConf | None] = []
            yield run_one(Check("HADOOP_CONF_DIR", os.environ.get("HADOOP_CONF_DIR", ""), partial(self._conf, found)))
            conf = found[0] if found else None
        login = self.settings.kerberos
        if self.on_yarn or login.method == "kerberos":
            yield run_one(Check("kerberos", login.principal or login.method, self._login))
        yield from run(list(self._without_jvm(conf)))
        yield from self._with_jvm(conf)

    def _conf(self, found: list[HadoopConf | None]) -> str:
        conf = read_hadoop_conf(os.environ)
        if conf is None:
            raise SettingsError("HADOOP_CONF_DIR is not set", "set it to the folder of core-site.xml, yarn-site.xml")
        if not conf.resource_managers():
            raise SettingsError("yarn-site.xml names no resource manager", "is it the cluster's?")
        found.append(conf)
        return f"{conf.default_fs}, authentication {conf.authentication}"

    def _login(self) -> str:
        login = self.settings.kerberos
        check_login(login, os.environ)
        return "" if login.method == "simple" else f"keytab {login.keytab}" if login.keytab else "by the ticket cache"

    def _without_jvm(self, conf: HadoopConf | None) -> Iterator[Check]:
        services = network.services(self.settings, conf)
        yield from map(network.reaching, services)
        places = {service.name: service.place for service in services}
        settings, streams = self.settings, self.streams
        yield from postgres.checks(settings, streams, places.get("reach postgres", settings.postgres.dsn))
        yield from redis.checks(settings, streams, places.get("reach redis", settings.redis.url))
        yield from alerts.checks(settings)

    def _with_jvm(self, conf: HadoopConf | None) -> Iterator[Result]:
        hdfs_lost = self._failed & {"HADOOP_CONF_DIR", "kerberos", "reach name node"}
        lost = hdfs_lost | (self._failed & {"reach resource manager"})
        started: list[Any] = []

        def start() -> str:
            started.append(client_jvm.start(self.settings, without_cluster=bool(lost)))
            return ""

        yield run_one(Check("java", "here", start, client_jvm.SECONDS))
        if not started:
            yield skipped("kafka, folders, spark", "", "the JVM does not start")
            return
        jvm = started[0]
        configuration = client_jvm.hadoop_configuration(jvm)
        tag = f"castro-validate-{secrets.token_hex(8)}"
        checks = [*versions.checks(jvm, self.settings.zone), *kafka.checks(jvm, self.settings, self.streams)]
        if not hdfs_lost:
            checks += hadoop.folder_checks(jvm, configuration, self.settings)
        if conf is not None and not hdfs_lost:
            checks += hadoop.submission_checks(jvm, configuration, conf.default_fs, staged(default_folder()))
        if conf is not None and "reach resource manager" not in lost:
            checks += [hadoop.yarn_check(jvm, configuration), hadoop.version_check(jvm, conf)]
        if conf is not None and conf.metastores() and "reach metastore" not in self._failed:
            checks.append(hadoop.metastore_check(jvm, network.Service("", conf.metastores(), "").place))
        yield from run(checks)
        if hdfs_lost:
            yield skipped("write folders", "HDFS", f"failed: {', '.join(sorted(hdfs_lost))}")
        if lost := lost | (self._failed & {"resource manager", "write submissions"}):
            yield skipped("spark, executors", "yarn", f"failed: {', '.join(sorted(lost))}")
            return
        yield from self._with_spark(jvm, tag)

    def _with_spark(self, jvm: Any, tag: str) -> Iterator[Result]:
        found: list[SparkSession] = []

        def start() -> str:
            if self.on_yarn:  # so that an application that never starts can be found and ended
                jvm.java.lang.System.setProperty(_TAGS, tag)
            spark = self.session()
            found.append(spark)
            context: Any = spark.sparkContext
            return f"{context.master}, {context.applicationId}, {counted(executors.executors(spark), 'executor')}"

        result = run_one(
            Check("spark", "yarn" if self.on_yarn else "here", start, _APPLICATION_SECONDS,
                  "is there room in YARN's queue (spark.yarn.queue), and do the containers' logs tell more? A node's"
                  " first application also waits for the archives to be unpacked there: then a second try is faster"
                  if self.on_yarn else "is there memory for it (spark.driver.memory)?")
        )  # fmt: skip
        yield result
        if result.state is not State.OK or not found:
            if self.on_yarn:
                _end(jvm, tag)
            yield skipped("executors", "", "Spark does not start")
            return
        spark = found[0]
        yield from self._executors(spark)
        if self.warehouse:
            yield from self._warehouse(spark)

    def _executors(self, spark: SparkSession) -> Iterator[Result]:
        nodes: list[executors.Node] = []

        def ask() -> str:
            brokers = () if "kafka brokers" in self._failed else network.kafka_addresses(
                self.settings.kafka.bootstrap_servers
            )  # fmt: skip
            nodes.extend(executors.ask(spark, self.settings.postgres, brokers))
            return f"Python tasks ran in {counted(len(nodes), 'executor')}"

        yield run_one(Check("executors", str(spark.sparkContext.master), ask, _JOB_SECONDS))
        for node in nodes:
            place = f"{node.host} {node.container}".strip()
            judged = {
                "executor's packages": partial(executors.judge_python, node, warehouse=self.warehouse and self.on_yarn),
                "executor reaches": partial(executors.judge_reach, node),
                "clock of executor": partial(executors.judge_clock, node),
            }
            yield from run([Check(name, place, question) for name, question in judged.items()])

    def _warehouse(self, spark: SparkSession) -> Iterator[Result]:
        for mapping in self.settings.warehouse.mapped.values():
            read = partial(read_table, spark, mapping, None, self.settings.zone)
            yield run_one(Check(f"table {mapping.source}", "warehouse", partial(_quietly, read), _JOB_SECONDS))
        for stream in self.streams:
            history = partial(check_history, spark, self.settings, stream)
            yield run_one(Check(f"history of {stream.name}", "warehouse", partial(_quietly, history), _JOB_SECONDS))


def _quietly(question: Callable[[], object]) -> str:
    question()
    return ""


def _end(jvm: Any, tag: str) -> None:
    """Ends an application that waits in YARN's queue: else it would start after this process has gone."""
    with suppress(Py4JError, CastroError):
        client = jvm.org.apache.hadoop.yarn.client.api.YarnClient.createYarnClient()
        client.init(jvm.org.apache.hadoop.yarn.conf.YarnConfiguration())
        client.start()
        for report in client.getApplications():
            if tag in list(report.getApplicationTags()):
                client.killApplication(report.getApplicationId())
        client.stop()
